"""Nights on disk: folders, trainings, history, the exact lane."""
