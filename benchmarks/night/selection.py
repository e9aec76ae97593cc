"""The experiments of a session: those that a night trains by default, and those that the command line asks for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import pytest

from cifar_models import experiments


def experiment_names(config: pytest.Config) -> list[str]:
    """Return the session's experiments in the table's order, by the names of the variants that the options ask for.

    ``-k`` and node ids add the experiments that they name, and ``--all-experiments`` adds all.
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
    """Return whether a word of a ``-k`` expression names an experiment: it is in no usual experiment's name."""
    words = re.findall(r"[\w+]+", keyword.lower())
    return any(word in name and not any(word in other for other in usual) for word in words)
