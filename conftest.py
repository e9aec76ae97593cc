"""Loads the suite's pytest plugins."""

pytest_plugins = ["benchmarks.plugin", "tests.golden.plugin", "pytester"]
