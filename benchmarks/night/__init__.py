"""A night: options, settings, trainings, judging, resuming, exit status, workers."""
