"""Keras's global settings are the suite's own, or the training does not begin: in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest

from cifar_models.training.keras_settings import KerasSettingsError, fix_keras_settings

pytestmark = pytest.mark.integration

FIRST_LOSS = """
from cifar_models.training.keras_settings import choose_backend, fix_keras_settings
choose_backend()
import tensorflow
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import find_experiment
fix_keras_settings()
import dataclasses, keras
from cifar_models.training.train import train
experiment = find_experiment("improved_cnn")
experiment = dataclasses.replace(experiment, protocol=dataclasses.replace(experiment.protocol, epochs=1))
run = train(experiment, load_synthetic(train_count=20, evaluation_count=10), 0)
print(keras.config.backend(), run.curves.loss, run.curves.val_loss)
"""
SETTINGS_ALONE = "from cifar_models.training.keras_settings import fix_keras_settings; fix_keras_settings()"


def _python(code: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KERAS_")}
    environment |= {"KERAS_HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a training says without a keras.json."""
    ended = _python(FIRST_LOSS, tmp_path_factory.mktemp("keras"))
    assert ended.stdout.startswith("tensorflow ["), ended.stderr
    return ended.stdout


def test_no_keras_json_changes_a_number(tmp_path: Path, usual: str) -> None:
    other = {"floatx": "float64", "epsilon": 1e-2, "backend": "jax", "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(other), encoding="utf-8")
    ended = _python(FIRST_LOSS, tmp_path)
    assert ended.stdout == usual, ended.stderr


def _refusal(ended: subprocess.CompletedProcess[str]) -> str:
    last = ended.stderr.strip().splitlines()[-1]
    assert ended.returncode == 1
    assert last.startswith("cifar_models.training.keras_settings.KerasSettingsError: "), ended.stderr
    return last.partition(": ")[2]


@pytest.mark.parametrize(
    "content",
    [
        {"floatx": "float128"},
        {"epsilon": "small"},
        ["floatx"],
    ],
)
def test_a_keras_json_that_keras_cannot_use_is_one_sentence(tmp_path: Path, content: Any) -> None:
    (tmp_path / "keras.json").write_text(json.dumps(content), encoding="utf-8")
    text = _refusal(_python(SETTINGS_ALONE, tmp_path))
    assert text.startswith(f"{tmp_path / 'keras.json'}: found settings that Keras cannot use (")
    assert text.endswith("; correct or remove the file")


@pytest.mark.parametrize("backend", ["jax", "torch", "theano"])
def test_another_backend_that_is_asked_for_is_refused(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(KerasSettingsError, match=rf"^KERAS_BACKEND: found '{backend}', expected 'tensorflow' or none"):
        fix_keras_settings()


@pytest.mark.parametrize("name", ["KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"])
@pytest.mark.parametrize("value", ["1", "", "many"])
def test_a_limit_that_would_cut_trainings_short_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(KerasSettingsError, match=f"^{name}: found '{value}', expected none, "):
        fix_keras_settings()


def test_a_backend_that_is_in_use_already_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(KerasSettingsError, match="found the backend 'jax' already in use by this process"):
        fix_keras_settings()


def test_what_other_code_has_set_is_set_back() -> None:
    config = keras.config
    config.set_floatx("float64")
    config.set_epsilon(0.5)
    config.set_image_data_format("channels_first")
    config.set_dtype_policy("mixed_float16")
    config.set_max_epochs(1)
    config.set_max_steps_per_epoch(1)
    fix_keras_settings()
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == ("float32", 1e-7, "channels_last")
    assert config.dtype_policy().name == "float32"
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (None, None)
