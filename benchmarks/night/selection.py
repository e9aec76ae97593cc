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
    names = experiment_names(config)
    return [name for name in _variant_names(config, experiments.EXPERIMENTS) if name not in names]


def _variant_names(config: pytest.Config, names: Iterable[str]) -> list[str]:
    options = {"held_out": experiments.HELD_OUT, "mixed_precision": "mixed_float16", "xla": "xla"}
    variants = [variant for option, variant in options.items() if config.getoption(option)]
    return [experiments.variant_name(name, variants) for name in names]


def _is_named(config: pytest.Config, name: str, usual: Collection[str]) -> bool:
    """Return whether a node id, or a word of -k that is in no usual experiment's name, names an experiment."""
    words = re.findall(r"[\w+]+", config.getoption("keyword").lower())
    node_ids = [argument.partition("::")[2] for argument in config.args]
    return any(name in node_id for node_id in node_ids) or any(
        word in name and not any(word in other for other in usual) for word in words
    )
