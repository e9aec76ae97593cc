"""What is drawn of an experiment, and how it becomes images of the page."""

from __future__ import annotations

import base64

import pytest

from benchmarks.records.history import METRICS, NightOfExperiment
from benchmarks.report.drawings import AXES, experiment_panels, gallery
from cifar_models.datasets.batches import CLASS_NAMES
from tests.factories import make_result, make_run, make_verdict

pytestmark = pytest.mark.integration

NIGHTS = [
    NightOfExperiment(f"2026-01-0{day}T02:00:00+00:00", [0], {metric: [0.5] for metric in METRICS}, None, {})
    for day in (1, 2)
]


def test_an_experiment_has_curves_classes_confusion_and_past_nights_once_each() -> None:
    result = make_result("simple_cnn", "pass", recorded=[make_run()])
    titles = [panel.title for panel in experiment_panels(result, NIGHTS)]
    assert titles == [
        "accuracy (share of images) by epoch",
        "loss (nats) by epoch",
        "F1 of each class (0 to 1)",
        "predictions (columns) for the images of each class (%)",
        "change from the baseline (percentage points)",
        *(f"{AXES[metric]} by night" for metric in METRICS),
    ]
    assert len(experiment_panels(make_result("simple_cnn", "pass"), [])) == 4
    assert experiment_panels(make_result(runs=[], problem="no weights"), NIGHTS) == []


def test_every_metric_that_is_followed_has_a_panel() -> None:
    assert set(METRICS) <= set(AXES)


def test_published_f1_is_drawn_beside_ours_if_the_classes_have_its_names() -> None:
    f1 = dict.fromkeys(CLASS_NAMES, 0.5)
    run = make_run(f1=f1, confusion=[[1] * 10] * 10)
    texts = [experiment_panels(make_result(name, runs=[run]), [])[2].alternative_text for name in ("simple_cnn", "own")]
    assert ["published 0.73" in text for text in texts] == [True, False]


def test_the_epoch_since_which_curves_differ_is_marked_where_something_failed() -> None:
    recorded, today = [make_run(gap=-0.5)], [make_run(gap=-0.25)]
    failed, passed = (
        make_result(verdicts=[make_verdict(word=word)], runs=today, recorded=recorded)
        for word in ("regression", "pass")
    )
    assert "since epoch 2" in experiment_panels(failed, [])[0].alternative_text
    assert "since" not in experiment_panels(passed, [])[0].alternative_text


def test_images_have_one_size_and_one_legend() -> None:
    found = gallery(experiment_panels(make_result("simple_cnn", "pass", recorded=[make_run()]), NIGHTS))
    assert len({(image.width, image.height) for image in found.images}) == 1
    labels = [label for label, _ in found.legend]
    assert len(set(labels)) == len(labels)
    for address in [*(image.source for image in found.images), *(source for _, source in found.legend)]:
        kind, _, data = address.partition(",")
        assert kind == "data:image/svg+xml;base64"
        assert base64.b64decode(data).startswith(b"<svg ")
