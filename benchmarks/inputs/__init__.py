"""What a night is given: its settings, data, weights, baselines and earlier runs. It does not import pytest."""
