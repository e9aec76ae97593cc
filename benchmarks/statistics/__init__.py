"""Verdicts, significance and power: NumPy and SciPy alone."""

FALSE_ALARM_RATE = 0.01
"""Default probability that a night without any change has anything but passes. Here, where importing it is cheap."""
