"""Nights on disk: folders, trainings, verdicts, results, history, differences."""
