"""A night: trainings, judging, updating, exit status. It does not import pytest."""
