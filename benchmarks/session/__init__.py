"""A night under pytest: options, items, hooks, workers."""
