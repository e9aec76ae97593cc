"""A night: settings, inputs, trainings, judging, resuming, updating, exit status. It does not import pytest."""
