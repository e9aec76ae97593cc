"""Model builders, freezing, pretrained and random weights, saved models."""
