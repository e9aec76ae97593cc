"""Figures about runs: one drawing a module, one style."""
