"""What models are worth: calibrated, measured on the hold-out, by subgroup, against each other, on a card."""
