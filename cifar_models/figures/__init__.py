"""Figures about runs."""
