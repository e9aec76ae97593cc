"""Baselines: baselines.json and the published numbers."""
