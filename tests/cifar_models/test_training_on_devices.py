"""A training that two devices share gives the metrics that it gives on one; the devices are virtual."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cifar_models.results.run import Run

pytestmark = pytest.mark.devices

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "tolerance"), [("simple_cnn", 1e-5), ("batch_normalization", 1e-12), ("mixed_float16", 1e-4)]
)
def test_two_devices_give_the_metrics_of_one(name: str, tolerance: float) -> None:
    process = subprocess.run(  # noqa: S603 - this interpreter on a module of the tests
        [sys.executable, "-m", "tests.cifar_models.train_on_devices", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    runs = json.loads(process.stdout)
    assert [run["devices"] for run in runs] == [[1], [2]]
    one, two = (Run.from_json(run["record"]) for run in runs)
    for curve in ("loss", "val_loss", "accuracy", "val_accuracy"):
        values, expected = getattr(two.curves, curve), getattr(one.curves, curve)
        np.testing.assert_allclose(values, expected, rtol=tolerance, err_msg=curve)
    assert len(set(one.curves.loss)) == 3, "something was learned, or any two trainings would do"
    assert two.evaluation == one.evaluation
    assert two.fingerprints == one.fingerprints
    assert (one.environment.device, two.environment.device) == ("CPU", "CPU, CPU")
