"""Speeds: a reference workload, baselines of speeds, and ratios to a plain Keras script."""
