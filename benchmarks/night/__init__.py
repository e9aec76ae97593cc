"""A night: its trainings, resuming, its exit status, its workers."""
