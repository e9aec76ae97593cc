"""The table of experiments and the fingerprint of a protocol."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import keras
import pytest

from cifar_models import experiments
from cifar_models.datasets.normalization import FITS
from cifar_models.experiments import (
    EXPERIMENTS,
    Experiment,
    Protocol,
    ProtocolError,
    find_experiment,
    left_out_by_nights,
    trained_by_nights,
    variant_name,
)
from cifar_models.models import builders
from cifar_models.storage.fingerprint import fingerprint_json

pytestmark = pytest.mark.unit

PUBLISHED = ["simple_cnn", "vgg16_frozen", "improved_cnn", "resnet50_frozen", "resnet50_finetuned"]
MATCHED = ["vgg16_matched", "vgg16_matched_finetuned", "resnet50_matched", "resnet50_matched_finetuned"]
NAMES = [*PUBLISHED, *MATCHED, "reference_cnn"]
ANOTHER = {
    "normalization": "standardize",
    "backbone": "vgg16",
    "optimizer": "sgd",
    "learning_rate": 2e-3,
    "learning_rate_schedule": "cosine",
    "batch_size": 64,
    "epochs": 11,
    "patience": 4,
    "loss": "kl_divergence",
    "early_stopping_monitor": "val_loss",
    "precision": "mixed_float16",
    "xla": True,
    "input_size": 64,
    "validation": "held_out",
    "warmup": 0.25,
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 0.01,
    "label_smoothing": 0.1,
    "ema_momentum": 0.9,
}
NEEDED: dict[str, dict[str, Any]] = {
    "warmup": {"learning_rate_schedule": "cosine"},
    "momentum": {"optimizer": "sgd"},
    "nesterov": {"optimizer": "sgd", "momentum": 0.5},
}
"""What other values a value needs."""


def test_the_table_has_the_published_models_in_the_published_order() -> None:
    # A row of one's own may stand anywhere between them.
    assert [name for name in EXPERIMENTS if name in NAMES] == NAMES


def test_nights_train_the_published_models_and_leave_the_others_out() -> None:
    for dataset in ("cifar10", "cifar10-unofficial", "synthetic"):
        assert trained_by_nights(dataset) == PUBLISHED
        assert left_out_by_nights(dataset) == [name for name in EXPERIMENTS if name not in PUBLISHED]


def test_what_nights_train_is_said_by_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Experiment("own", pytest.fail, Protocol(), "", nights=("cifar10",))
    monkeypatch.setattr(experiments, "EXPERIMENTS", {"own": own})
    assert trained_by_nights("cifar10") == trained_by_nights("cifar10-unofficial") == ["own"]
    assert (trained_by_nights("synthetic"), left_out_by_nights("synthetic")) == ([], ["own"])


@pytest.mark.parametrize("name", MATCHED)
def test_the_matched_experiments_feed_backbones_what_their_weights_expect(name: str) -> None:
    protocol = EXPERIMENTS[name].protocol
    assert protocol.normalization == "imagenet_caffe"
    assert protocol.input_size > 32
    published = Protocol(backbone=protocol.backbone, normalization="imagenet_caffe", input_size=protocol.input_size)
    if "finetuned" in name:
        published = dataclasses.replace(published, learning_rate=1e-4, learning_rate_schedule="cosine", epochs=3)
    assert protocol == published, "all else is as published"


def test_a_matched_experiment_at_the_published_size_and_normalization_is_the_published_protocol() -> None:
    for backbone in ("vgg16", "resnet50"):
        found = find_experiment(f"{backbone}_matched+32px+unit_scale").protocol
        assert found.fingerprint == EXPERIMENTS[f"{backbone}_frozen"].protocol.fingerprint


@pytest.mark.parametrize("name", NAMES)
class TestEachExperiment:
    def test_it_is_filed_under_its_name_and_built_by_the_builder_of_that_name(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(builders, name, lambda: f"built by {name}")  # raises where there is no such builder
        assert EXPERIMENTS[name].name == name
        assert EXPERIMENTS[name].build() == f"built by {name}"

    def test_its_backbone_is_the_one_its_name_says(self, name: str) -> None:
        expected = name.partition("_")[0] if name.startswith(("vgg16", "resnet50")) else None
        assert EXPERIMENTS[name].protocol.backbone == expected

    def test_its_protocol_names_what_there_is(self, name: str) -> None:
        protocol = EXPERIMENTS[name].protocol
        assert protocol.normalization in FITS
        assert keras.optimizers.get(protocol.optimizer) is not None
        assert keras.losses.get(protocol.loss) is not None

    def test_it_is_described(self, name: str) -> None:
        assert EXPERIMENTS[name].description.strip()

    def test_it_is_found_by_its_name(self, name: str) -> None:
        assert find_experiment(name) is EXPERIMENTS[name]


WRONG_VARIANTS = [
    *("simple_cnn+", "simple_cnn+float16", "simple_cnn+xla+mixed_float16", "simple_cnn+xla+xla", "+xla"),
    *("simple_cnn+64", "simple_cnn+65px", "simple_cnn+64px+96px", "simple_cnn+unit_scale+64px"),
    "simple_cnn+imagenet_caffe+standardize",
]


@pytest.mark.parametrize("name", ["", "simple", "Simple_CNN", *WRONG_VARIANTS])
def test_another_name_is_refused_with_the_list_of_those_there_are(name: str) -> None:
    with pytest.raises(ValueError, match="experiment: found") as caught:
        find_experiment(name)
    assert str(caught.value) == (
        f"experiment: found {name!r}, expected one of {', '.join(EXPERIMENTS)}, or NAME"
        "[+32px|+48px|+64px|+96px|+128px|+160px|+192px|+224px][+unit_scale|+imagenet_caffe|+standardize]"
        "[+held_out][+mixed_float16][+xla]"
    )


@pytest.mark.parametrize("name", ["simple_cnn+32px", "simple_cnn+unit_scale+xla"])
def test_a_protocol_has_no_second_name(name: str) -> None:
    with pytest.raises(
        ValueError, match=rf"found '{re.escape(name)}', expected it without \+\w+, which changes nothing"
    ):
        find_experiment(name)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"input_size": 31}, "input_size: found 31, expected 32 or more"),
        ({"validation": "test"}, "validation: found 'test', expected evaluation or held_out"),
        ({"warmup": 0.1}, "warmup: found 0.1, expected 0 without the schedule cosine"),
        ({"momentum": 0.9}, "momentum: found 0.9, expected 0 without the optimizer sgd"),
        ({"optimizer": "sgd", "nesterov": True}, "nesterov: found True, expected False without momentum"),
        ({"weight_decay": -1e-3}, "weight_decay: found -0.001, expected 0 or more"),
        ({"weight_decay": math.nan}, "weight_decay: found nan, expected 0 or more"),
        (
            {"loss": "kl_divergence", "label_smoothing": 0.1},
            "label_smoothing: found 0.1, expected 0 without categorical_crossentropy",
        ),
        *(
            (NEEDED.get(name, {}) | {name: value}, f"{name}: found {value}, expected 0 or more and below 1")
            for name in ("warmup", "momentum", "label_smoothing", "ema_momentum")
            for value in (-0.1, 1.0, math.nan)
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(value: dict[str, Any], said: str) -> None:
    with pytest.raises(ProtocolError, match=f"^{re.escape(said)}$"):
        Protocol(**value)


@pytest.mark.parametrize(
    "name", ["simple_cnn", "improved_cnn", "vgg16_frozen", "resnet50_frozen", "resnet50_finetuned"]
)
def test_a_model_that_does_not_pool_takes_no_other_input_size(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras, "Model", pytest.fail)  # nothing is built
    with pytest.raises(ProtocolError, match=f"^input_size: found 64, expected 32 for {name}, which does not pool"):
        find_experiment(f"{name}+64px").build_model()


def test_a_builder_is_told_an_input_size_that_is_not_the_images_own() -> None:
    def build(input_size: int = 0) -> Any:
        return input_size

    for size, told in ((32, 0), (64, 64)):
        assert Experiment("own", build, Protocol(input_size=size), "").build_model() == told


def test_the_default_protocol_is_the_published_one() -> None:
    assert Protocol().values == {
        "normalization": "unit_scale",
        "backbone": None,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "learning_rate_schedule": "constant",
        "batch_size": 128,
        "epochs": 10,
        "patience": 3,
        "loss": "categorical_crossentropy",
        "early_stopping_monitor": "val_accuracy",
    }
    added_later = {
        "precision": "float32",
        "xla": False,
        "input_size": 32,
        "validation": "evaluation",
        "nesterov": False,
    }
    added_later |= dict.fromkeys(("warmup", "momentum", "weight_decay", "label_smoothing", "ema_momentum"), 0.0)
    assert dataclasses.asdict(Protocol()) == Protocol().values | added_later
    assert EXPERIMENTS["simple_cnn"].protocol == Protocol()
    assert EXPERIMENTS["vgg16_frozen"].protocol == Protocol(backbone="vgg16")


def test_fine_tuning_has_the_lower_learning_rate() -> None:
    rates = {name: row.protocol.learning_rate for name, row in EXPERIMENTS.items()}
    assert rates["resnet50_finetuned"] < min(rates[name] for name in NAMES if name != "resnet50_finetuned")
    assert all(rates[name] < rates["resnet50_matched"] for name in MATCHED if "finetuned" in name)


def test_every_value_of_a_protocol_has_another_to_try() -> None:
    assert list(ANOTHER) == [field.name for field in dataclasses.fields(Protocol)]


@pytest.mark.parametrize("name", ANOTHER)
def test_every_value_of_a_protocol_changes_its_fingerprint(name: str) -> None:
    needed = NEEDED.get(name, {})
    changed: Any = needed | {name: ANOTHER[name]}
    assert Protocol(**changed).fingerprint != Protocol(**needed).fingerprint
    assert Protocol(**changed).fingerprint == Protocol(**changed).fingerprint


def test_protocols_of_equal_values_have_one_fingerprint() -> None:
    assert Protocol().fingerprint == Protocol(epochs=10, normalization="unit_scale").fingerprint
    assert Protocol().fingerprint.startswith("sha256:")


@pytest.mark.parametrize(
    ("protocol", "fingerprint"),
    [
        # The first is simple_cnn's of the first baselines, before there was a choice of precision.
        (Protocol(), "sha256:a838d1a5af064243b914bb822f88cdd7a058211f9c32d20e908d86361917363c"),
        (Protocol(precision="mixed_float16"), fingerprint_json(Protocol().values | {"precision": "mixed_float16"})),
        (Protocol(xla=True), fingerprint_json(Protocol().values | {"xla": True})),
        (Protocol(input_size=64), fingerprint_json(Protocol().values | {"input_size": 64})),
        (Protocol(validation="held_out"), fingerprint_json(Protocol().values | {"validation": "held_out"})),
    ],
    ids=["none", "precision", "xla", "input size", "validation"],
)
def test_values_that_were_added_later_count_only_where_they_are_not_the_default(
    protocol: Protocol, fingerprint: str
) -> None:
    assert protocol.fingerprint == fingerprint


class TestVariants:
    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("vgg16_frozen+mixed_float16", {"precision": "mixed_float16"}),
            ("vgg16_frozen+xla", {"xla": True}),
            ("vgg16_frozen+mixed_float16+xla", {"precision": "mixed_float16", "xla": True}),
            ("vgg16_frozen+64px", {"input_size": 64}),
            ("vgg16_frozen+held_out+xla", {"validation": "held_out", "xla": True}),
            ("vgg16_frozen+224px+imagenet_caffe", {"input_size": 224, "normalization": "imagenet_caffe"}),
        ],
    )
    def test_each_is_the_experiment_with_another_protocol_and_name(self, name: str, changes: dict[str, Any]) -> None:
        plain, variant = EXPERIMENTS["vgg16_frozen"], find_experiment(name)
        assert variant.name == name
        assert variant.protocol == dataclasses.replace(plain.protocol, **changes)
        assert variant.build is plain.build
        assert variant.description.startswith(plain.description)

    def test_each_has_one_name_whatever_the_order_of_the_asking(self) -> None:
        assert variant_name("own", []) == "own"
        assert variant_name("own", ["xla", "mixed_float16"]) == variant_name("own", ["mixed_float16", "xla"])
        assert variant_name("own", ["xla", "mixed_float16"]) == "own+mixed_float16+xla"


def test_nothing_of_the_table_can_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EXPERIMENTS["simple_cnn"].protocol.epochs = 11  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        EXPERIMENTS["simple_cnn"].name = "another"  # type: ignore[misc]


def test_an_experiment_of_ones_own_needs_a_builder_and_a_protocol() -> None:
    own = Experiment("own", builders.simple_cnn, Protocol(epochs=1), "a description")
    assert (own.name, own.protocol.epochs, own.build) == ("own", 1, builders.simple_cnn)
