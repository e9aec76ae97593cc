"""Nights on disk: folders, findings, history, differences."""
