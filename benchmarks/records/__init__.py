"""Nights on disk: folders, trainings, results, history, differences."""
