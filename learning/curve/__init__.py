"""What labels are worth: the learning curve, its forecast, and when it is enough."""
