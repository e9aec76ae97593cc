"""What one session's trainings share: data, weights, baselines, and what an update leaves in the file."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest

from benchmarks.baselines import baselines as baselines_file
from benchmarks.baselines.baselines import BaselineError, Baselines, read_baselines, updating, write_baselines
from benchmarks.night import night as night_module
from benchmarks.night.night import Night, load_weights, read_or_start_baselines
from benchmarks.report.terminal import Row
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import Experiment, Protocol
from cifar_models.models.pretrained import BackboneWeights, WeightsError
from cifar_models.results.run import Fingerprints
from cifar_models.results.run_files import write_run
from cifar_models.training import train as training
from tests.factories import make_baseline, make_run

pytestmark = pytest.mark.unit

SYNTHETIC = load_synthetic(train_count=20, evaluation_count=10)
CIFAR10 = dataclasses.replace(SYNTHETIC, name="cifar10")
WEIGHTS = BackboneWeights("vgg16", "ImageNet", "sha256:weights", {})


def _never_built() -> Any:
    raise AssertionError("nothing here builds a model")


PLAIN = Experiment("simple_cnn", _never_built, Protocol(), "a stub")
PRETRAINED = Experiment("vgg16_frozen", _never_built, Protocol(backbone="vgg16"), "a stub")
OTHER = Experiment("other_frozen", _never_built, Protocol(backbone="vgg16"), "a stub")
RESNET = Experiment("resnet50_frozen", _never_built, Protocol(backbone="resnet50"), "a stub")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "baselines.json"


def _night(
    path: Path, *rows: Row, baselines: Baselines | None = None, weights: BackboneWeights | WeightsError = WEIGHTS
) -> Night:
    to_judge = frozenset({"simple_cnn", "vgg16_frozen"})
    return Night(CIFAR10, {"vgg16": weights}, baselines or {}, path, to_judge=to_judge, rows=list(rows))


def _rows(name: str, *, accuracies: tuple[float, ...] = (0.7, 0.7, 0.7)) -> list[Row]:
    return [Row(name, seed, "trained", make_run(name, seed, accuracy=each)) for seed, each in enumerate(accuracies)]


def test_an_experiment_without_a_backbone_starts_from_no_weights(path: Path) -> None:
    assert _night(path).weights_for(PLAIN) is None
    assert _night(path).weights_for(PRETRAINED) is WEIGHTS


def test_weights_not_to_be_had_are_raised_where_they_are_wanted(path: Path) -> None:
    night = _night(path, weights=WeightsError("vgg16: found no file"))
    assert night.weights_for(PLAIN) is None
    for wanted in (night.weights_for, night.baseline_for):
        with pytest.raises(WeightsError, match="vgg16: found no file"):
            wanted(PRETRAINED)


def test_a_baseline_is_found_by_the_fingerprints_of_data_weights_and_protocol(path: Path) -> None:
    fingerprints = Fingerprints(CIFAR10.fingerprint, "sha256:weights", PRETRAINED.protocol.fingerprint)
    baseline = make_baseline(fingerprints=fingerprints)
    night = _night(path, baselines={"vgg16_frozen": {"cifar10": {"measured": baseline}}})
    assert night.baseline_for(PRETRAINED) is baseline


@pytest.mark.parametrize("part", ["data", "weights", "protocol"])
def test_a_baseline_of_anything_else_is_not(path: Path, part: str) -> None:
    right = Fingerprints(CIFAR10.fingerprint, "sha256:weights", PRETRAINED.protocol.fingerprint)
    baseline = make_baseline(fingerprints=dataclasses.replace(right, **{part: "sha256:other"}))
    night = _night(path, baselines={"vgg16_frozen": {"cifar10": {"measured": baseline}}})
    with pytest.raises(BaselineError, match=f"the {part} fingerprint differs"):
        night.baseline_for(PRETRAINED)
    with pytest.raises(BaselineError, match="found no baseline"):
        night.baseline_for(PLAIN)


def test_an_update_adds_to_what_the_file_holds_when_it_is_written(path: Path) -> None:
    old = make_baseline(reason="old")
    write_baselines(path, {"simple_cnn": {"synthetic": {"measured": old}}, "kept": {"cifar10": {"measured": old}}})
    night = _night(path, *_rows("simple_cnn"), *_rows("vgg16_frozen"))
    after, left_out = night.update_baselines(seeds=3, reason="new")
    assert left_out == {}
    assert read_baselines(path) == after
    assert after["kept"] == {"cifar10": {"measured": old}}
    assert after["simple_cnn"]["synthetic"] == {"measured": old}
    assert after["simple_cnn"]["cifar10"]["measured"].reason == "new"
    assert after["vgg16_frozen"]["cifar10"]["measured"].seeds == [0, 1, 2]


def test_an_update_keeps_the_records_of_its_runs_and_of_no_other_seed(path: Path) -> None:
    folder = path.parent / "baseline_runs"
    night = _night(path, *_rows("simple_cnn"), Row("vgg16_frozen", 0, "trained", make_run("vgg16_frozen")))
    night.update_baselines(seeds=3, reason="new")
    assert {file.name for file in folder.iterdir()} == {f"simple_cnn.synthetic.seed{seed}.json" for seed in range(3)}


@pytest.mark.parametrize(
    ("row", "seeds"),
    [(Row("simple_cnn", 3, "diverged"), 4), (Row("simple_cnn", 3, "no weights"), 4), (None, 4)],
)
def test_an_experiment_of_which_a_seed_is_missing_is_left_out(path: Path, row: Row | None, seeds: int) -> None:
    # Three runs would do for a baseline, but the night was to have four.
    night = _night(path, *_rows("simple_cnn"), *([row] if row else []), *_rows("other", accuracies=(0.7,) * 4))
    after, left_out = night.update_baselines(seeds=seeds, reason="new")
    assert left_out == {"simple_cnn": "not every seed gave a run"}
    assert list(after) == list(read_baselines(path)) == ["other"]


def test_an_experiment_whose_runs_make_no_baseline_is_left_out_with_the_reason(path: Path) -> None:
    night = _night(path, *_rows("simple_cnn", accuracies=(0.1, 0.75, 0.75)), *_rows("other"))
    after, left_out = night.update_baselines(seeds=3, reason="new")
    assert list(after) == ["other"]
    assert left_out["simple_cnn"].startswith("accuracy: found 0.1000, 0.7500, 0.7500, expected runs close enough")


def test_a_night_that_has_nothing_to_write_writes_nothing(path: Path) -> None:
    assert _night(path, Row("simple_cnn", 0, "no weights")).update_baselines(seeds=3, reason="new")[0] == {}
    assert _night(path).update_baselines(seeds=3, reason="new") == ({}, {})
    assert not path.exists()


def test_a_file_that_was_broken_in_the_meantime_is_not_written_over(path: Path) -> None:
    path.write_text("{", encoding="utf-8")
    with pytest.raises(BaselineError, match="found no JSON"):
        _night(path, *_rows("simple_cnn")).update_baselines(seeds=3, reason="new")
    assert path.read_text(encoding="utf-8") == "{"


def test_two_updates_at_once_lose_neither_s_entries(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    updates = [_night(path, *_rows(name)) for name in ("simple_cnn", "vgg16_frozen")]
    second = threading.Thread(target=updates[1].update_baselines, kwargs={"seeds": 3, "reason": "new"})

    def in_the_middle(path: Path, baselines: Baselines) -> None:
        if not second.ident:
            second.start()
            second.join(timeout=0.3)  # as long as it takes to write, were it not for the lock
        write_baselines(path, baselines)

    monkeypatch.setattr(night_module, "write_baselines", in_the_middle)
    updates[0].update_baselines(seeds=3, reason="new")
    second.join()
    assert sorted(read_baselines(path)) == ["simple_cnn", "vgg16_frozen"]
    assert len(list((path.parent / "baseline_runs").iterdir())) == 6


def test_an_update_that_waits_in_vain_for_another_says_so_and_writes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines_file, "LOCK_SECONDS", 0.01)
    with updating(path), pytest.raises(BaselineError) as caught:
        _night(path, *_rows("simple_cnn")).update_baselines(seeds=3, reason="new")
    assert str(caught.value) == (
        f"{path}: found another update at work on it for 0.01 seconds (it holds {path.parent}/.baselines.json.lock), "
        "expected it to end; see what that process waits for"
    )
    assert not path.exists()
    assert not (path.parent / "baseline_runs").exists()


def test_an_update_removes_what_a_killed_one_has_left(path: Path) -> None:
    folder = path.parent / "baseline_runs"
    folder.mkdir()
    left = [path.parent / ".baselines.json.x1y2.tmp", folder / ".simple_cnn.synthetic.seed0.json.x1y2.tmp"]
    for file in left:
        file.write_text("{", encoding="utf-8")
    _night(path, *_rows("simple_cnn")).update_baselines(seeds=3, reason="new")
    assert not [file for file in left if file.exists()]


def test_each_backbone_s_weights_are_loaded_once_and_none_that_nobody_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    def imagenet(backbone: str, weights_dir: Path | None) -> BackboneWeights:
        asked.append(("imagenet", backbone, weights_dir))
        return WEIGHTS

    def random(backbone: str) -> BackboneWeights:
        asked.append(("random", backbone))
        return WEIGHTS

    monkeypatch.setattr(training, "imagenet_weights", imagenet)
    monkeypatch.setattr(training, "random_weights", random)
    assert load_weights([PLAIN], CIFAR10, tmp_path) == {}
    assert asked == []
    assert load_weights([PLAIN, PRETRAINED, OTHER], CIFAR10, tmp_path) == {"vgg16": WEIGHTS}
    assert load_weights([PRETRAINED], SYNTHETIC, tmp_path) == {"vgg16": WEIGHTS}
    assert asked == [("imagenet", "vgg16", tmp_path), ("random", "vgg16")]


def test_weights_not_to_be_had_keep_no_others_from_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    error = WeightsError("resnet50: found no file")

    def imagenet(backbone: str, _: Path | None) -> BackboneWeights:
        if backbone == "resnet50":
            raise error
        return WEIGHTS

    monkeypatch.setattr(training, "imagenet_weights", imagenet)
    assert load_weights([RESNET, PRETRAINED], CIFAR10, None) == {"resnet50": error, "vgg16": WEIGHTS}


def test_only_a_night_that_writes_may_start_without_a_file(path: Path) -> None:
    assert read_or_start_baselines(path, to_update=True) == {}
    with pytest.raises(BaselineError, match="found no such file"):
        read_or_start_baselines(path, to_update=False)
    with pytest.raises(BaselineError, match=r"found no folder .+, expected one to write the baselines into"):
        read_or_start_baselines(path / "baselines.json", to_update=True)


def test_a_night_that_could_not_write_does_not_start(path: Path) -> None:
    (path.parent / ".baselines.json.lock").mkdir()  # no lock can be made, as in a folder that is read-only
    with pytest.raises(
        BaselineError, match=r"baselines\.json: .+; expected a folder that the baselines can be written"
    ):
        read_or_start_baselines(path, to_update=True)


@pytest.mark.parametrize("to_update", [True, False])
def test_a_file_that_is_there_is_read_and_checked_either_way(path: Path, to_update: bool) -> None:
    baselines: Baselines = {"simple_cnn": {"cifar10": {"measured": make_baseline()}}}
    write_baselines(path, baselines)
    assert read_or_start_baselines(path, to_update=to_update) == baselines
    path.write_text("{", encoding="utf-8")
    with pytest.raises(BaselineError, match="found no JSON"):
        read_or_start_baselines(path, to_update=to_update)


def _judging(path: Path, *rows: Row, **options: Any) -> Night:
    """Return a night that is to judge both stubs, whose baselines are their runs' values without any spread."""
    baselines: Baselines = {}
    for experiment in (PLAIN, PRETRAINED):
        weights = WEIGHTS.fingerprint if experiment.protocol.backbone else None
        fingerprints = Fingerprints(CIFAR10.fingerprint, weights, experiment.protocol.fingerprint)
        entry = make_baseline(accuracy=(0.7,) * 3, gap=(0.1,) * 3, fingerprints=fingerprints)
        baselines[experiment.name] = {"cifar10": {"measured": entry}}
    night = _night(path, *rows, baselines=baselines)
    return dataclasses.replace(night, **({"seeds": 3, "max_seeds": 3} | options))


def _no_more(name: str, seed: int) -> None:
    raise AssertionError(f"{name} {seed}: nothing is left to train")


def test_a_night_judges_what_is_complete_and_says_of_the_rest_why_not(path: Path) -> None:
    night = _judging(path, *_rows("simple_cnn"), *_rows("vgg16_frozen")[:2], Row("vgg16_frozen", 2, "diverged"))
    assert list(night.judge(_no_more)) == ["simple_cnn"]
    assert night.problem("simple_cnn") == ""
    assert night.problem("vgg16_frozen") == "not every training gave a run (seed 2: diverged)"


def test_a_night_without_any_complete_experiment_judges_nothing(path: Path) -> None:
    assert _judging(path, Row("simple_cnn", 0, "no weights")).judge(_no_more) == {}


def test_a_night_is_judged_once(path: Path) -> None:
    night = _judging(path, *_rows("simple_cnn"))
    assert night.judge(_no_more) is night.judge(_no_more)


def test_an_experiment_whose_verdict_was_not_selected_is_not_judged(path: Path) -> None:
    night = _judging(path, *_rows("simple_cnn"), *_rows("vgg16_frozen"), to_judge=frozenset({"simple_cnn"}))
    assert list(night.judge(_no_more)) == ["simple_cnn"]
    assert night.problem("vgg16_frozen") == "its verdict was not selected"


@pytest.mark.parametrize("flaw", ["none", "missing", "damaged", "other fingerprints", "other values"])
def test_the_baseline_s_own_runs_are_at_hand_whole_or_not_at_all(path: Path, flaw: str) -> None:
    night = _judging(path)
    fingerprints = night.baseline_for(PLAIN).fingerprints
    folder = path.parent / "baseline_runs"
    runs = [make_run(seed=seed, dataset="cifar10", fingerprints=fingerprints) for seed in range(3)]
    if flaw == "other fingerprints":
        runs[1] = dataclasses.replace(runs[1], fingerprints=dataclasses.replace(fingerprints, data="sha256:other"))
    if flaw == "other values":
        runs[1] = dataclasses.replace(runs[1], evaluation=dataclasses.replace(runs[1].evaluation, accuracy=0.71))
    files = [write_run(folder, run) for run in runs]
    if flaw == "missing":
        files[2].unlink()
    if flaw == "damaged":
        files[0].write_text("{", encoding="utf-8")
    assert night.recorded_runs(PLAIN) == ([] if flaw != "none" else runs)
