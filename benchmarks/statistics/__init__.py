"""Verdicts, significance and power, with NumPy and SciPy only."""

FALSE_ALARM_RATE = 0.01
"""Default probability that a night without any change does not pass. Defined here, because importing this is cheap."""
