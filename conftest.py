"""Loads the suite's pytest plugin."""

pytest_plugins = ["benchmarks.plugin", "pytester"]
