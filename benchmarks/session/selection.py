"""Selects the experiments of a session: the defaults of a night, and those that the command line names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import pytest

from cifar_models import experiments


def experiment_names(config: pytest.Config) -> list[str]:
    """Return the session's experiments, in the table's order, as the variants that the options select.

    ``-k`` and node ids add the experiments that they name. ``--all-experiments`` adds all.
    """
    every = _variant_names(config, experiments.EXPERIMENTS)
    usual = _variant_names(config, experiments.trained_by_nights(config.getoption("dataset")))
    if config.getoption("all_experiments"):
        return every
    return [name for name in every if name in usual or _is_named(config, name, usual)]


def left_out(config: pytest.Config) -> list[str]:
    """Return the experiments that the session leaves out."""
    selected = experiment_names(config)
    return [name for name in _variant_names(config, experiments.EXPERIMENTS) if name not in selected]


def _variant_names(config: pytest.Config, rows: Iterable[str]) -> list[str]:
    options = {"held_out": experiments.HELD_OUT, "mixed_precision": "mixed_float16", "xla": "xla"}
    variants = [variant for option, variant in options.items() if config.getoption(option)]
    return [experiments.variant_name(row, variants) for row in rows]


def _is_named(config: pytest.Config, name: str, usual: Collection[str]) -> bool:
    node_ids = [argument.partition("::")[2] for argument in config.args]
    return any(name in node_id for node_id in node_ids) or names(config.getoption("keyword"), name, usual)


def names(keyword: str, name: str, usual: Collection[str]) -> bool:
    """Return whether a ``-k`` expression names an experiment.

    It does if one of its words is part of the name, and of no name of a default experiment.

    Args:
        keyword: the ``-k`` expression.
        name: name of the experiment.
        usual: names of the default experiments.
    """
    words = re.findall(r"[\w+]+", keyword.lower())
    return any(word in name and not any(word in other for other in usual) for word in words)
