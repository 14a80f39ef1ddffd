"""Interactive segmentation, pure: from pixels and prompts to a mask. Knows neither Django nor a network."""
