"""The record of a run: curves, evaluation, environment, code."""
