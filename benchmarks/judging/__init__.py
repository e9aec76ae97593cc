"""Judges the runs and the history of a night against the baselines, and finds what differs."""
