"""Compares two commits or two environments: trains both in turn on one machine, and judges one against the other."""
