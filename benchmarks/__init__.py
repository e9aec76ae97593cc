"""The benchmark: baselines, verdicts, reports, and the pytest plugin that runs a night."""
