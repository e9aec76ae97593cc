"""Sides: a commit's code in an environment, and the process that trains with it."""
