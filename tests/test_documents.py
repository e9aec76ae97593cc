"""The README says what is true: its numbers, its options, its experiments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.baselines.baselines import read_baselines
from benchmarks.baselines.published_entries import PUBLISHED
from benchmarks.records.night_folder import RECORDS
from benchmarks.report.readme import render, replace_numbers
from cifar_models.experiments import EXPERIMENTS, find_experiment
from cifar_models.results.run import Run

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_numbers_in_the_readme_are_those_of_the_baselines() -> None:
    numbers = render(read_baselines(ROOT / "baselines.json"))
    assert replace_numbers(README, numbers) == README, "run: python -m benchmarks readme"


def test_every_experiment_has_a_synthetic_baseline_and_every_published_one_its_numbers() -> None:
    baselines = read_baselines(ROOT / "baselines.json")
    assert {name for name in baselines if "+" not in name} == EXPERIMENTS.keys()
    for name, datasets in baselines.items():
        assert len(datasets["synthetic"]["measured"].seeds) >= 5, name
    for name in PUBLISHED:
        assert baselines[name]["cifar10"]["published"].metrics["accuracy"].tolerance > 0, name


def test_every_baseline_is_for_the_protocol_of_its_experiment() -> None:
    for name, datasets in read_baselines(ROOT / "baselines.json").items():
        for dataset, sources in datasets.items():
            for source, baseline in sources.items():
                protocol = find_experiment(name).protocol.fingerprint
                assert baseline.fingerprints.protocol == protocol, f"{name}, {dataset}, {source}: measure it anew"


def test_every_measured_baseline_is_what_its_recorded_runs_came_to() -> None:
    records = {file.name for file in (ROOT / RECORDS).iterdir()}
    for name, datasets in read_baselines(ROOT / "baselines.json").items():
        for dataset, sources in datasets.items():
            if "measured" not in sources:
                continue
            baseline = sources["measured"]
            files = [f"{name}.{dataset}.seed{seed}.json" for seed in baseline.seeds]
            assert records.issuperset(files), f"measure {name} on {dataset} anew with --update-baselines"
            runs = [Run.from_json((ROOT / RECORDS / file).read_text(encoding="utf-8")) for file in files]
            assert {run.fingerprints for run in runs} == {baseline.fingerprints}, f"{name}, {dataset}"
            assert all(run.protocol == find_experiment(name).protocol.values for run in runs), f"{name}, {dataset}"
            for metric, recorded in baseline.metrics.items():
                values = [round(getattr(run, metric), 6) for run in runs]
                assert values == recorded.values, f"{name}, {dataset}: measure anew with --update-baselines"
            records.difference_update(files)
    assert not records, "records of runs that no baseline was measured by"


def test_the_readme_lists_every_option_of_the_plugin_and_no_other() -> None:
    plugins = [ROOT / "benchmarks" / "plugin.py", ROOT / "tests" / "golden" / "plugin.py"]
    source = "".join(plugin.read_text(encoding="utf-8") for plugin in plugins)
    declared = set(re.findall(r'addoption\(\s*"(--[a-z-]+)"', source))
    listed = set(re.findall(r"^\| `(--[a-z-]+)", README, flags=re.MULTILINE))
    assert listed == declared


def test_marks_that_are_missing_are_an_error() -> None:
    with pytest.raises(ValueError, match="found no marks"):
        replace_numbers("no marks here", "numbers")
