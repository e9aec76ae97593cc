"""Speeds: the reference workload, their baselines, and ratios against plain Keras."""
