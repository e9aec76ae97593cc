"""Verdicts, significance and power: NumPy and SciPy alone."""
