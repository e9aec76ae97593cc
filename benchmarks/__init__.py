"""How it is judged: baselines, verdicts, tables, and the pytest plugin that runs a night."""
