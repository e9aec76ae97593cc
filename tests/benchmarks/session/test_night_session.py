"""What a session prints and returns for all outcomes of its trainings."""

from __future__ import annotations

import dataclasses
import re
import textwrap

import pytest
import tensorflow as tf

from benchmarks.baselines.baselines_file import write_baselines
from benchmarks.night.exit_status import NOT_JUDGED, REGRESSION
from benchmarks.records.night_folder import read_night
from cifar_models.models.pretrained import BackboneWeights, WeightsError
from cifar_models.training import train as training
from cifar_models.training.watch import TrainingDiverged
from tests.benchmarks.sessions import (
    SYNTHETIC,
    TABLE,
    Bench,
    lines,
    night_folder,
    table,
    trainings,
    words,
)
from tests.factories import make_published

pytestmark = pytest.mark.integration


def test_a_night_says_beforehand_what_it_trains_on_and_afterwards_what_came_of_it(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    baselines = bench.record()
    baselines["simple_cnn"]["cifar10"] = {"published": make_published()}
    write_baselines(bench.baselines_path, baselines)
    result = bench.benchmark()
    assert result.ret == pytest.ExitCode.OK
    # The GPUs are hidden before anything could use them, and each thing is loaded once.
    assert bench.events == [
        "visible GPU []",
        "load synthetic None",
        "weights vgg16",
        "train simple_cnn 0 on none",
        "train vgg16_frozen 0 on random (seed 0)",
        "train improved_cnn 0 on none",
    ]
    result.stdout.fnmatch_lines(
        [
            f"data: synthetic, 20 train and 10 evaluation images, {SYNTHETIC.fingerprint}",
            "device: CPU on *",
            f"packages: tensorflow {tf.__version__}, keras *, numpy *, scikit-learn *, h5py *",
            "weights of vgg16: random (seed 0), sha256:weights",
            "*benchmarks?test_training.py*",
            "*= trainings on synthetic; backbones from random (seed 0) =*",
            "experiment *seed *accuracy *gap *epochs *minutes *training*",
            "*= verdicts, false-alarm rate 0.01 a night =*",
            "experiment *metric *baseline *today *seeds *difference *allowance *by *catches *verdict*",
        ],
    )
    result.stdout.no_fnmatch_line("*published comparison*")  # synthetic images say nothing about published numbers
    assert trainings(result) == {(name, "0"): ["0.7000", "0.1000", "2", "1.5", "trained"] for name in TABLE}
    verdict = ["1", "+0.0000", "0.0400", "tolerance"]
    assert table(result, "verdicts,") == {
        (name, metric): [mean, mean, *verdict, catches, "pass"]
        for name in TABLE
        for metric, mean, catches in (
            ("accuracy", "0.7000", "4.0 points"),
            ("gap", "0.1000", "0.0400"),
            ("classes", "0.0000", "0.0400"),
        )
    }
    # Where there is no terminal, progress is a line an epoch, each on its own.
    assert lines(result, "epoch") == [
        line
        for name in TABLE
        for line in (
            f"{name} seed 0  epoch 1/2  accuracy 0.5000 (train 0.2500)  at most 1:01 left",
            f"{name} seed 0  epoch 2/2  accuracy 0.5000 (train 0.2500)  at most 1:01 left",
        )
    ] + lines(result, "^experiment .*epochs")
    assert "\r" not in capsys.readouterr().out  # pytester's own lines end at a carriage return


def test_a_training_that_diverges_fails_and_is_in_the_trainings(bench: Bench) -> None:
    bench.record()
    bench.failures["simple_cnn", 1] = TrainingDiverged("the loss is nan since epoch 1, step 2: the learning rate")
    result = bench.benchmark("--seeds", "2")
    result.assert_outcomes(passed=7, failed=2)
    assert result.ret == REGRESSION
    result.stdout.fnmatch_lines(["simple_cnn seed 1: the loss is nan since epoch 1, step 2: the learning rate"])
    assert "Traceback" not in result.stdout.str()
    assert trainings(result)["simple_cnn", "1"] == ["diverged"]
    assert trainings(result)["simple_cnn", "0"][-1] == "trained"
    why = "not every training gave a run (seed 1: diverged)"
    assert f"simple_cnn: not judged, {why}" in result.outlines
    assert lines(result, rf"^simple_cnn +not judged: {re.escape(why)}")
    assert words(result)["improved_cnn", "accuracy"] == "pass"


LEFT_OUT = "matched_cnn"


@pytest.fixture
def with_one_left_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Add an experiment to the table that nights leave out, and that has a baseline."""
    monkeypatch.setitem(TABLE, LEFT_OUT, dataclasses.replace(TABLE["simple_cnn"], name=LEFT_OUT, nights=()))
    bench.accuracy[LEFT_OUT], bench.gap[LEFT_OUT] = 0.7, 0.1
    bench.record()
    return bench


def test_an_experiment_that_nights_leave_out_is_named_and_no_pass(with_one_left_out: Bench) -> None:
    result = with_one_left_out.benchmark()
    result.assert_outcomes(passed=6)
    assert f"not part of this night: {LEFT_OUT} (-k NAME trains one, --all-experiments all)" in result.outlines
    assert f"Not part of this night: {LEFT_OUT}." in result.outlines
    assert "All 3 experiments pass." in result.outlines
    assert LEFT_OUT not in {name for name, _ in words(result)}


@pytest.mark.parametrize(
    ("options", "names", "others"),
    [
        (("-k", LEFT_OUT), [LEFT_OUT], "simple_cnn, vgg16_frozen, improved_cnn"),
        (("--all-experiments",), [*TABLE, LEFT_OUT], ""),
        (("-k", f"improved_cnn or {LEFT_OUT}"), ["improved_cnn", LEFT_OUT], "simple_cnn, vgg16_frozen"),
    ],
)
def test_it_is_trained_and_judged_where_it_is_asked_for(
    with_one_left_out: Bench, options: tuple[str, ...], names: list[str], others: str
) -> None:
    result = with_one_left_out.benchmark(*options)
    assert result.ret == pytest.ExitCode.OK
    assert [event.split()[1] for event in with_one_left_out.trained] == names
    assert {name for name, _ in words(result)} == {*names}
    said = lines(result, "^Not part of this night")
    assert said == ([f"Not part of this night: {others}."] if others else [])


def test_weights_not_to_be_had_are_the_error_of_their_experiments_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_weights(backbone: str, **_: str) -> BackboneWeights:
        raise WeightsError(f"{backbone}: found no file, expected Keras's")

    bench.record()
    monkeypatch.setattr(training, "random_weights", no_weights)
    result = bench.benchmark()
    result.assert_outcomes(passed=4, errors=2)
    assert result.ret == NOT_JUDGED
    result.stdout.fnmatch_lines(
        [
            "weights of vgg16: NOT AVAILABLE, its experiments fail (vgg16: found no file, *",
            "*ERROR at setup of *vgg16_frozen-seed0*",
            "vgg16: found no file, expected Keras's",  # and no traceback of how it was found out
            "*= trainings on synthetic =*",
        ]
    )
    assert not lines(result, "Traceback|another exception")
    assert bench.trained == ["train simple_cnn 0 on none", "train improved_cnn 0 on none"]
    assert trainings(result)["vgg16_frozen", "0"] == ["no weights"]
    assert words(result)["improved_cnn", "accuracy"] == "pass"


def test_a_terminal_s_line_is_gone_before_the_outcome_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.record()
    monkeypatch.setattr("_pytest.compat.CallableBool.__bool__", lambda _: True)
    result = bench.benchmark("-k", "simple_cnn")
    assert result.ret == pytest.ExitCode.OK
    assert re.search(r"\rsimple_cnn seed 0  epoch 2/2 .*left\r +\r\.", capsys.readouterr().out)


def test_a_training_out_of_memory_gives_no_run_and_is_no_regression(bench: Bench) -> None:
    bench.record()
    bench.failures["simple_cnn", 1] = MemoryError("Unable to allocate 3 TiB\nfor an array")
    bench.failures["improved_cnn", 0] = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    result = bench.benchmark("--seeds", "2")
    result.assert_outcomes(passed=5, failed=4)
    assert result.ret == NOT_JUDGED
    remedy = "free memory or train fewer at a time, then run with --resume"
    assert f"simple_cnn seed 1: out of memory (Unable to allocate 3 TiB); {remedy}" in result.outlines
    assert f"improved_cnn seed 0: out of memory (OOM when allocating tensor); {remedy}" in result.outlines
    assert trainings(result)["simple_cnn", "1"] == ["out of memory"]
    assert words(result)["vgg16_frozen", "accuracy"] == "pass"
    # What came of it may come out otherwise the next time: the night can be resumed.
    assert read_night(night_folder(bench)).ended is None


@pytest.mark.parametrize("failure", [RuntimeError("a bug"), TrainingDiverged("the loss is nan")])
def test_an_error_of_the_code_is_a_failure_whatever_else_was_not_judged(bench: Bench, failure: Exception) -> None:
    bench.record()
    bench.failures["simple_cnn", 0] = MemoryError()
    bench.failures["improved_cnn", 0] = failure
    assert bench.benchmark().ret == REGRESSION


AT_THE_END = {
    "a warning": """
        def pytest_sessionfinish():
            warnings.warn("no room in the cache", UserWarning)
    """,
    "an error": """
        def pytest_sessionfinish():
            raise OSError("no room in the cache")
    """,
    "an error of a wrapper": """
        @pytest.hookimpl(wrapper=True)
        def pytest_sessionfinish():
            yield
            raise OSError("no room in the cache")
    """,
    "an error of a wrapper, before all others": """
        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_sessionfinish():
            raise OSError("no room in the cache")
            yield
    """,
    "an error in the summary": """
        def pytest_terminal_summary():
            raise OSError("no room in the cache")
    """,
}


@pytest.mark.parametrize("way", AT_THE_END)
@pytest.mark.parametrize(("accuracy", "status"), [(0.7, (0, NOT_JUDGED)), (0.5, (REGRESSION,))])
def test_what_other_plugins_do_at_the_end_hides_no_night(
    bench: Bench, way: str, accuracy: float, status: tuple[int, ...]
) -> None:
    plugin = f"import warnings\nimport pytest\n{textwrap.dedent(AT_THE_END[way])}"
    (bench.pytester.path / "ending.py").write_text(plugin, encoding="utf-8")
    bench.pytester.syspathinsert()
    bench.record()
    bench.accuracy["simple_cnn"] = accuracy
    result = bench.benchmark("-k", "simple_cnn", "-p", "ending")  # with warnings as errors, as pyproject.toml says
    assert result.ret in status
    word = "pass" if accuracy == 0.7 else "regression"
    assert words(result)["simple_cnn", "accuracy"] == word
    assert lines(result, "no room in the cache")
    assert lines(result, "^=+ .*[12] passed.* =+$"), "pytest's own summary is lost"
    assert lines(result, "^report: .*report.html")
    assert not lines(result, "Traceback|INTERNALERROR")
    assert read_night(night_folder(bench)).ended is not None


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")], ids=["alone", "a worker"])
def test_a_file_that_cannot_be_collected_is_not_green(bench: Bench, workers: tuple[str, ...]) -> None:
    bench.record()
    (bench.pytester.path / "benchmarks" / "test_broken.py").write_text("import no_such_module\n", encoding="utf-8")
    result = bench.benchmark("-k", "simple_cnn or broken", "--continue-on-collection-errors", *workers)
    assert result.ret == REGRESSION
    if not workers:
        assert words(result)["simple_cnn", "accuracy"] == "pass"


def test_a_cache_that_cannot_be_written_changes_nothing(bench: Bench) -> None:
    (bench.pytester.path / ".pytest_cache").write_text("no folder", encoding="utf-8")
    bench.record()
    result = bench.pytester.runpytest_inprocess(
        *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning", "-m", "benchmark"),
        *("--dataset", "synthetic", "--seeds", "1", "-k", "simple_cnn", "--junitxml=junit.xml"),
    )
    assert result.ret == pytest.ExitCode.OK
    assert lines(result, "PytestCacheWarning")
    assert (bench.pytester.path / "junit.xml").exists(), "it ends after the cache does"
    assert words(result)["simple_cnn", "accuracy"] == "pass"
