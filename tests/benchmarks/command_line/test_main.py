"""The commands that there are, their help, and errors in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cifar_models.command_line.conftest import Command

pytestmark = pytest.mark.unit

COMMANDS = ("plan", "compare", "bisect", "judge", "page", "prune", "readme", "published", "ratios", "record-throughput")


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)])
def test_every_help_has_an_example(command: Command, words: tuple[str, ...]) -> None:
    ended = command(*words, "--help")
    assert ended.status == 0
    assert ended.output.startswith(" ".join(["usage: python -m benchmarks", *words]))
    assert "\n  python -m benchmarks" in ended.output.casefold().partition("example")[2]
    assert max(map(len, ended.output.splitlines())) <= 120


def test_the_help_lists_the_commands(command: Command) -> None:
    output = command("--help").output
    assert [line.split()[0] for line in output.splitlines() if line.startswith("    ") and line[4] != " "] == [
        *COMMANDS
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", "required: COMMAND"),
        ("plann", "'plann'"),
        ("plan", "required: --drop"),
        ("plan --drop 0", "--drop: found 0, expected a number above 0 and below 100"),
        ("plan --drop nan", "--drop: found nan, expected a number above 0 and below 100"),
        ("plan --drop some", "argument --drop: invalid float value: 'some'"),
        ("plan --drop 6 --power 1", "--power: found 1, expected a number above 0.5 and below 1"),
        ("plan --drop 6 --false-alarm-rate 0", "--false-alarm-rate: found 0, expected a number above 0 and below 0.5"),
        ("plan --drop 6 --dataset photographs", "--dataset: found no baselines for 'photographs', expected a data set"),
        ("plan --drop 6 --baselines missing.json", "missing.json: found no such file, expected the baselines; "),
        ("compare", "COMMIT: found neither a commit nor an environment, expected one"),
        ("compare a b c", "COMMIT: found 3, expected at most two"),
        ("compare a --seeds 2", "--seeds: found '2', expected a whole number, 3 or more"),
        ("compare a --max-seeds 6", "--max-seeds: found 6 without --seeds, expected both"),
        ("compare a --seeds 6 --max-seeds 5", "--max-seeds: found 5, expected 6 or more, as --seeds says"),
        ("compare a --seeds 501", "found up to 1002, expected at most 1000"),
        ("compare a --seeds 3 --max-seeds 1001", "found up to 1001, expected at most 1000"),
        ("compare a --first-seed 4294966296", "--first-seed: found 4294966296, expected 0 to 4294966295"),
        ("compare a --false-alarm-rate 0.5", "found '0.5', expected a number above 0 and below 0.5"),
        ("compare a --minutes 0", "--minutes: found '0', expected a number above 0"),
        ("compare a --minutes soon", "--minutes: found 'soon', expected a number above 0"),
        ("compare a --data-dir nowhere", "--data-dir: found no folder nowhere, expected one"),
        ("compare a --dataset photographs", "--dataset: invalid choice: 'photographs'"),
        ("compare a -k (", "-k: found '(' "),
        ("compare a", "not a git repository"),
        ("compare a --python 3.10", "--python: found 3.10, expected 3.11 or newer"),
        ("page", "required: NIGHT_FOLDER"),
        ("page nowhere", "nowhere/night.json: "),
        ("page . --baselines missing.json", "missing.json: found no such file"),
        ("page . --baselines .", "found nothing that can be read as text"),
        ("judge", "required: DIR"),
        ("judge nowhere", "nowhere: found no folder, expected the folder of a shard"),
        ("judge .", ".: found no shard in it, expected one or more; pytest -m benchmark --shard 1/8 writes one into"),
        ("prune", "required: --keep"),
        ("prune --keep 0", "--keep: found '0', expected a whole number, 1 or more"),
        ("prune --keep -1", "--keep: "),
        ("prune --keep all", "--keep: found 'all', expected a whole number, 1 or more"),
        ("prune --keep 3 --run-dir nowhere", "--run-dir: found no folder nowhere, expected one of nights"),
        ("readme --baselines missing.json", "missing.json: found no such file"),
        ("published", "required: --reason"),
        ("published --reason=", "--reason: found '', expected why the baselines change"),
        ("published --reason=why --baselines missing.json", "missing.json: found no such file"),
        ("published --reason=why --baselines no/such/folder.json", "no/such"),
        ("published --reason=why", "found no measured runs on CIFAR-10 images"),
        ("record-throughput --reason=why", "required: RESULT"),
        ("record-throughput --reason=why missing.json", "missing.json"),
        ("record-throughput --reason=why baselines.json", "baselines.json: found no figure of test_throughput.py"),
        ("record-throughput --reason=\t baselines.json", "--reason: found '', expected why"),
        ("ratios", "required: NAME"),
        ("ratios vgg", "experiment: found 'vgg', expected one of simple_cnn, "),
        ("ratios simple_cnn+xla", "NAME: found the variant simple_cnn+xla, expected an experiment: the plain script"),
        ("ratios simple_cnn --epochs 1", "--epochs: found '1', expected a whole number, 2 or more"),
        ("ratios simple_cnn --pairs 0", "--pairs: found '0', expected a whole number, 1 or more"),
    ],
)
def test_a_user_error_is_one_line_and_status_2(
    command: Command, words: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = '{"schema": 2, "baselines": {}}\n'
    Path("baselines.json").write_text(content)
    ended = command(*(word.strip("\t") for word in words.split(" ") if word))
    assert (ended.status, ended.output) == (2, "")
    assert ended.error.startswith("python -m benchmarks")
    assert found in ended.error
    assert ended.error.count("\n") == 1
    assert Path("baselines.json").read_text() == content


@pytest.mark.parametrize("words", ["compare a", "bisect a b", "ratios simple_cnn"])
def test_another_backend_of_keras_is_a_user_error(
    command: Command, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    ended = command(*words.split())
    assert ended.status == 2
    assert ended.error.endswith(": KERAS_BACKEND: found 'torch', expected 'tensorflow' or none; unset it\n")


def test_the_module_is_the_program() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", "prune"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("python -m benchmarks prune: the following arguments are required: --keep; ")
