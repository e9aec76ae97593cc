"""A training gives the same run for the same seed, obeys its protocol, and reports what happened in it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from cifar_models.datasets.dataset import Dataset
from cifar_models.datasets.held_out import hold_out
from cifar_models.datasets.normalization import FITS, unit_scale
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import Experiment, Protocol
from cifar_models.models.pretrained import BackboneWeights
from cifar_models.results.agreement import disagreements
from cifar_models.results.environment import describe_environment
from cifar_models.results.evaluation import evaluate
from cifar_models.results.run import Run
from cifar_models.results.source_code import Code
from cifar_models.training import compiled, features
from cifar_models.training import train as training
from cifar_models.training.batches import form_batches
from cifar_models.training.compiled import CompiledModelCache
from cifar_models.training.features import FeatureCache, Features
from cifar_models.training.progress import FeatureProgress, Progress
from cifar_models.training.train import default_weights, train
from cifar_models.training.watch import TrainingDiverged, Watch

pytestmark = pytest.mark.unit

EPOCHS = 4
# Batches that divide both splits: Keras traces a step anew for every other size, which is most of a short training.
PROTOCOL = Protocol(
    normalization="standardize", optimizer="sgd", learning_rate=0.02, batch_size=50, epochs=EPOCHS, patience=EPOCHS
)


def _model() -> keras.Model:
    """Build a frozen convolution, the same for every seed as a pretrained one is, and a head that has dropout."""
    images = keras.Input((32, 32, 3))
    kernel = keras.initializers.HeNormal(seed=5)
    features = layers.Conv2D(
        6, 4, strides=4, activation="relu", kernel_initializer=kernel, trainable=False, name="backbone"
    )(images)
    features = layers.Dropout(0.1)(layers.Flatten()(features))
    return keras.Model(images, layers.Dense(10, activation="softmax", dtype="float32")(features))


def _weights(backbone: str, **changes: Any) -> BackboneWeights:
    values: dict[str, Any] = {
        "backbone": backbone,
        "description": "the test's own",
        "fingerprint": "sha256:w",
        "layers": {},
    }
    return BackboneWeights(**values | changes)


@dataclass
class Laboratory:
    """Trains experiments of the tests' own and keeps what can be seen from outside while they train."""

    dataset: Dataset
    fitted_on: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    batches: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    models: list[keras.Model] = field(default_factory=list)
    progress: list[Progress | FeatureProgress] = field(default_factory=list)
    prefix_batches: int = 0
    traced_steps: int = 0

    def train(self, seed: int, protocol: Protocol = PROTOCOL, **options: Any) -> Run:
        def build() -> keras.Model:
            self.models.append(_model())
            return self.models[-1]

        self.batches.clear()
        self.progress.clear()
        experiment = Experiment("small", build, protocol, "")
        options = {"features": None, "progress": self.progress.append, "models": CompiledModelCache()} | options
        return train(experiment, self.dataset, seed, **options)

    def normalize(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        self.batches.append(images.copy())
        return unit_scale(images)

    def fit(self, images: npt.NDArray[np.uint8]) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
        self.fitted_on.append(images)
        return self.normalize


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    laboratory = Laboratory(load_synthetic(seed=3, train_count=100, evaluation_count=50))
    compile_prefix = features.compile_prefix

    def counted(prefix: keras.Model) -> Callable[[Any], Any]:
        compute = compile_prefix(prefix)

        def count(images: npt.NDArray[np.float32]) -> Any:
            laboratory.prefix_batches += 1
            return compute(images)

        return count

    train_step = keras.Model.train_step

    def traced(model: keras.Model, data: Any) -> Any:
        laboratory.traced_steps += 1
        return train_step(model, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FITS, "standardize", laboratory.fit)
        patch.setattr(features, "compile_prefix", counted)
        patch.setattr(keras.Model, "train_step", traced)
        yield laboratory


@dataclass(frozen=True)
class Seen:
    """A run with what was seen of it."""

    run: Run
    model: keras.Model
    batches: list[npt.NDArray[np.uint8]]
    progress: list[Progress | FeatureProgress]
    prefix_batches: int
    traced_steps: int

    @property
    def epochs(self) -> list[Progress]:
        """What was told of epochs and steps."""
        return [told for told in self.progress if isinstance(told, Progress)]


@pytest.fixture(scope="module")
def cache() -> Iterator[FeatureCache]:
    cache = FeatureCache()
    yield cache
    cache.clear()


def _observe(laboratory: Laboratory, seed: int, protocol: Protocol = PROTOCOL, **options: Any) -> Seen:
    batches, traced = laboratory.prefix_batches, laboratory.traced_steps
    run = laboratory.train(seed, protocol, **options)
    batches, traced = laboratory.prefix_batches - batches, laboratory.traced_steps - traced
    return Seen(run, laboratory.models[-1], [*laboratory.batches], [*laboratory.progress], batches, traced)


@pytest.fixture(scope="module")
def cached(laboratory: Laboratory, cache: FeatureCache) -> Seen:
    return _observe(laboratory, 1, features=cache)


@pytest.fixture(scope="module")
def other_seed(laboratory: Laboratory, cache: FeatureCache, cached: Seen) -> Seen:  # noqa: ARG001 - comes second
    return _observe(laboratory, 2, features=cache)


@pytest.fixture(scope="module")
def diverged(laboratory: Laboratory) -> str:
    protocol = dataclasses.replace(PROTOCOL, learning_rate=3e38)
    with pytest.raises(TrainingDiverged) as caught:
        laboratory.train(1, protocol)
    return str(caught.value)


@pytest.fixture(scope="module")
def whole(laboratory: Laboratory, cached: Seen, diverged: str) -> Seen:  # noqa: ARG001 - comes after them
    """Train as ``cached`` did, but the whole model, and after a training that diverged."""
    return _observe(laboratory, 1)


@pytest.fixture(scope="module")
def standstill(laboratory: Laboratory) -> Seen:
    """Train without changing the given weights, in batches of which the last is smaller."""
    protocol = dataclasses.replace(PROTOCOL, learning_rate=0.0, batch_size=32, patience=2, epochs=6, backbone="vgg16")
    layers = {"backbone": [np.full((4, 4, 3, 6), 0.25, np.float32), np.ones(6, np.float32)]}
    return _observe(laboratory, 4, protocol, weights=_weights("vgg16", layers=layers))


def _numbers(run: Run) -> dict[str, Any]:
    """Return all of a run but what may differ between two of the same seed: when, how long, and the memory."""
    numbers = dataclasses.asdict(run)
    for name in ("timings", "started", "peak_memory"):
        del numbers[name]
    return numbers


class TestSeeds:
    def test_the_same_seed_gives_the_same_run(self, laboratory: Laboratory, cache: FeatureCache, cached: Seen) -> None:
        assert _numbers(laboratory.train(1, features=cache)) == _numbers(cached.run)

    def test_another_seed_gives_another(self, cached: Seen, other_seed: Seen) -> None:
        assert other_seed.run.curves != cached.run.curves
        assert (cached.run.seed, other_seed.run.seed) == (1, 2)

    def test_every_epoch_sees_every_training_image_in_an_order_of_its_own(
        self, laboratory: Laboratory, whole: Seen, standstill: Seen
    ) -> None:
        first, second = (_orders(laboratory.dataset, seen.batches) for seen in (whole, standstill))
        for orders in (first, second):
            assert all(sorted(order) == list(range(100)) for order in orders)
            assert len(set(orders)) == len(orders)
            assert tuple(range(100)) not in orders
        assert not set(first) & set(second), "another seed, another order"
        assert (len(first), len(second)) == (EPOCHS, 3)

    def test_the_order_follows_from_the_seed(self, laboratory: Laboratory, whole: Seen) -> None:
        images = [laboratory.dataset.train_images]
        labels = laboratory.dataset.train_labels
        batches = form_batches(images, labels, 50, unit_scale, np.random.default_rng(1))
        first_images, first_labels = next(iter(batches))
        np.testing.assert_array_equal(first_images.numpy(), unit_scale(whole.batches[0]))
        rows = list(_orders(laboratory.dataset, whole.batches)[0][:50])
        np.testing.assert_array_equal(first_labels.numpy().argmax(axis=1), labels[rows])
        np.testing.assert_array_equal(first_labels.numpy().sum(axis=1), 1)

    def test_no_thread_tunes_the_batches_that_the_end_of_an_epoch_would_wait_for(self, laboratory: Laboratory) -> None:
        batches = form_batches([laboratory.dataset.train_images], laboratory.dataset.train_labels, 50, unit_scale)
        assert batches.options().autotune.enabled is False

    def test_an_epoch_is_keras_s_own_steps_on_its_batches(self, laboratory: Laboratory, whole: Seen) -> None:
        keras.utils.set_random_seed(1)
        model = _model()
        model.compile(keras.optimizers.SGD(PROTOCOL.learning_rate), "categorical_crossentropy")
        train_images, images = map(unit_scale, (laboratory.dataset.train_images, laboratory.dataset.evaluation_images))
        one_hot = np.eye(10)
        labels = one_hot[laboratory.dataset.evaluation_labels]
        losses = []
        for order in _orders(laboratory.dataset, whole.batches):
            for rows in np.array(order).reshape(-1, PROTOCOL.batch_size):
                model.train_on_batch(train_images[rows], one_hot[laboratory.dataset.train_labels[rows]])
            model.reset_metrics()  # Keras 3.14 averages over all batches since the last reset
            losses.append(float(model.test_on_batch(images, labels)))
        assert losses == pytest.approx(whole.run.curves.val_loss, rel=1e-5)


def _orders(dataset: Dataset, batches: list[npt.NDArray[np.uint8]]) -> list[tuple[int, ...]]:
    """Return the rows of the training images that each epoch saw, in its order."""
    rows = {image.tobytes(): row for row, image in enumerate(dataset.train_images)}
    seen = [rows[image.tobytes()] for batch in batches for image in batch if image.tobytes() in rows]
    return [tuple(seen[start : start + len(rows)]) for start in range(0, len(seen), len(rows))]


ADAM = dataclasses.replace(PROTOCOL, optimizer="adam", learning_rate_schedule="cosine", epochs=3, patience=1)


@pytest.fixture(scope="module")
def alone(laboratory: Laboratory) -> Seen:
    """Train seed 2 by itself, with an optimizer that has a state and a rate that depends on the step."""
    return _observe(laboratory, 2, ADAM)


class TestTheCompiledModel:
    """A seed gives the same run on a model that was compiled for another seed as on a new one."""

    def _assert_equal(self, seen: Seen, alone: Seen) -> None:
        assert _numbers(seen.run) == _numbers(alone.run)
        for one, other in zip(seen.model.get_weights(), alone.model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize("first", [1, 2])
    def test_it_is_traced_for_the_first_seed_alone(self, laboratory: Laboratory, alone: Seen, first: int) -> None:
        models = CompiledModelCache()
        assert _observe(laboratory, first, ADAM, models=models).traced_steps == 1
        second = _observe(laboratory, 2, ADAM, models=models)
        assert second.traced_steps == 0
        self._assert_equal(second, alone)

    def test_cached_features_are_those_of_the_model_that_trains(self, laboratory: Laboratory, alone: Seen) -> None:
        models, features = CompiledModelCache(), FeatureCache()
        _observe(laboratory, 1, ADAM, models=models, features=features)
        second = _observe(laboratory, 2, ADAM, models=models, features=features)
        assert second.prefix_batches == 0
        for name in ("loss", "val_loss"):
            one, other = (getattr(seen.run.curves, name) for seen in (second, alone))
            np.testing.assert_allclose(one, other, rtol=1e-3, err_msg=name)

    def test_a_record_names_the_code_of_its_start_also_if_files_change_meanwhile(
        self, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(training, "describe_code", lambda: Code(None, f"after {len(laboratory.progress)} steps"))
        assert laboratory.train(1).code == Code(None, "after 0 steps")

    def test_a_training_that_was_interrupted_leaves_none(self, laboratory: Laboratory, alone: Seen) -> None:
        models = CompiledModelCache()

        def interrupt(state: Progress | FeatureProgress) -> None:
            if isinstance(state, Progress) and state.epoch == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            laboratory.train(1, ADAM, models=models, progress=interrupt)
        self._assert_equal(_observe(laboratory, 2, ADAM, models=models), alone)

    @pytest.mark.parametrize("change", ["protocol", "model"])
    def test_another_protocol_or_model_is_compiled_anew(
        self, laboratory: Laboratory, alone: Seen, monkeypatch: pytest.MonkeyPatch, change: str
    ) -> None:
        models = CompiledModelCache()
        with monkeypatch.context() as patch:
            if change == "model":
                patch.setattr(layers.Dropout, "__init__", _with_rate(0.5))
            protocol = dataclasses.replace(ADAM, epochs=2) if change == "protocol" else ADAM
            laboratory.train(1, protocol, models=models)
        seen = _observe(laboratory, 2, ADAM, models=models)
        assert seen.traced_steps == 1
        self._assert_equal(seen, alone)


def _with_rate(rate: float) -> Callable[..., None]:
    init = layers.Dropout.__init__
    return lambda self, _, **options: init(self, rate, **options)


def _pooled(input_size: int = 32) -> keras.Model:
    """Build a frozen convolution over images of another size, pooled over all places, and a head."""
    images = features = keras.Input((32, 32, 3))
    if input_size != 32:
        features = layers.Resizing(input_size, input_size)(images)
    kernel = keras.initializers.HeNormal(seed=5)
    features = layers.Conv2D(6, 4, strides=4, activation="relu", kernel_initializer=kernel, trainable=False)(features)
    return keras.Model(images, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(features)))


class TestTheInputSize:
    PROTOCOL = dataclasses.replace(PROTOCOL, normalization="unit_scale", input_size=48, epochs=2)

    def test_a_training_on_pooled_features_of_resized_images_is_that_of_the_whole_model(
        self, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept: list[Features] = []
        get = FeatureCache.get

        def keep(*arguments: Any, **options: Any) -> Features:
            kept.append(get(*arguments, **options))
            return kept[-1]

        monkeypatch.setattr(FeatureCache, "get", keep)
        runs = [
            train(Experiment("pooled", _pooled, protocol, ""), laboratory.dataset, 1, features=features)
            for protocol in (self.PROTOCOL, dataclasses.replace(self.PROTOCOL, input_size=32))
            for features in (FeatureCache(), None)
        ]
        assert [array.shape for features in kept for array in features.train] == [(100, 6)] * 2
        losses = [run.curves.loss for run in runs]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
        assert losses[2] == pytest.approx(losses[3], rel=1e-4)
        assert losses[0] != pytest.approx(losses[2], rel=1e-4)
        assert [run.protocol.get("input_size") for run in runs] == [48, 48, None, None]


class TestTheFrozenPart:
    def test_cached_features_change_no_number(self, cached: Seen, whole: Seen) -> None:
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            one, other = (getattr(seen.run.curves, name) for seen in (cached, whole))
            np.testing.assert_allclose(one, other, rtol=1e-3, err_msg=name)
        assert cached.run.evaluation == whole.run.evaluation
        for one, other in zip(cached.model.get_weights(), whole.model.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)

    def test_only_what_is_free_has_moved(self, cached: Seen, other_seed: Seen) -> None:
        fresh = _model()
        for seen in (cached, other_seed):
            for one, other in zip(seen.model.get_weights()[:2], fresh.get_weights()[:2], strict=True):
                np.testing.assert_array_equal(one, other)
            assert not np.allclose(seen.model.get_weights()[2], fresh.get_weights()[2])

    def test_two_seeds_share_one_pass_over_the_frozen_part(self, cached: Seen, other_seed: Seen, whole: Seen) -> None:
        assert cached.prefix_batches == 2  # of at most 128 images: one of each split
        assert other_seed.prefix_batches == 0
        assert whole.prefix_batches == 0
        assert [len(batch) for batch in cached.batches] == [100, 50]
        assert other_seed.batches == []

    def test_a_step_is_traced_once(self, cached: Seen, whole: Seen, standstill: Seen) -> None:
        assert [seen.traced_steps for seen in (cached, whole, standstill)] == [1, 1, 1]

    def test_the_timings_tell_features_from_training(self, cached: Seen, other_seed: Seen) -> None:
        assert cached.run.timings.features > 0
        assert other_seed.run.timings.features == 0, "the features were there"
        for run in (cached.run, other_seed.run):
            assert run.timings.training > 0
            assert run.timings.processor is not None
            assert run.timings.processor > 0


class TestTheProtocol:
    def test_there_is_one_value_an_epoch(self, cached: Seen) -> None:
        assert cached.run.epochs == EPOCHS
        assert {len(curve) for curve in dataclasses.asdict(cached.run.curves).values()} == {EPOCHS}

    def test_accuracy_is_that_of_the_best_epoch_and_the_gap_that_of_the_last(
        self, cached: Seen, other_seed: Seen
    ) -> None:
        runs = [cached.run, other_seed.run]
        assert any(run.curves.val_accuracy[-1] < max(run.curves.val_accuracy) for run in runs), "no case to try"
        for run in runs:
            assert run.accuracy == pytest.approx(max(run.curves.val_accuracy), abs=1e-6)
            assert run.gap == run.curves.accuracy[-1] - run.curves.val_accuracy[-1]

    def test_the_model_keeps_the_best_epochs_weights(self, laboratory: Laboratory, other_seed: Seen) -> None:
        probabilities = other_seed.model(unit_scale(laboratory.dataset.evaluation_images)).numpy()
        accuracy = (probabilities.argmax(axis=1) == laboratory.dataset.evaluation_labels).mean()
        assert accuracy == pytest.approx(max(other_seed.run.curves.val_accuracy), abs=0.021)  # an image of 50 on edge

    def test_something_is_learnt(self, cached: Seen) -> None:
        assert cached.run.curves.loss[-1] < cached.run.curves.loss[0]

    def test_it_stops_after_as_many_epochs_without_a_new_best_as_patience_says(self, standstill: Seen) -> None:
        assert standstill.run.epochs == 1 + 2  # the first is the best, and none of the next two beats it
        assert len(set(standstill.run.curves.val_accuracy)) == 1

    def test_batches_are_of_the_size_it_says_and_the_last_one_smaller(self, standstill: Seen) -> None:
        assert [len(batch) for batch in standstill.batches][:6] == [32, 32, 32, 4, 32, 18]

    def test_an_evaluation_image_is_for_validation_and_the_last_judgement_alone(
        self, laboratory: Laboratory, whole: Seen
    ) -> None:
        seen = Counter(image.tobytes() for batch in whole.batches for image in batch)
        assert [seen[image.tobytes()] for image in laboratory.dataset.evaluation_images] == [EPOCHS + 1] * 50

    def test_the_normalization_is_fitted_on_the_training_images_alone(
        self,
        laboratory: Laboratory,
        cached: Seen,  # noqa: ARG002 - trained by then
        whole: Seen,  # noqa: ARG002 - trained by then
    ) -> None:
        assert len(laboratory.fitted_on) >= 2
        assert all(images is laboratory.dataset.train_images for images in laboratory.fitted_on)


class TestTheLearningRate:
    def test_it_is_constant_unless_the_protocol_says_otherwise(self) -> None:
        assert compiled._learning_rate(PROTOCOL, 2) == PROTOCOL.learning_rate

    def test_a_cosine_falls_from_it_to_0_at_the_last_step_of_the_last_epoch(self) -> None:
        protocol = dataclasses.replace(PROTOCOL, learning_rate=0.5, learning_rate_schedule="cosine", epochs=4)
        schedule: Any = compiled._learning_rate(protocol, 2)
        rates = [float(schedule(step)) for step in (0, 2, 4, 8)]
        assert rates == pytest.approx([0.5, 0.25 * (1 + np.sqrt(0.5)), 0.25, 0], abs=1e-6)

    def test_a_warm_up_rises_to_it_in_a_line_before_the_cosine_falls(self) -> None:
        protocol = dataclasses.replace(
            PROTOCOL, learning_rate=0.5, learning_rate_schedule="cosine", epochs=4, warmup=0.25
        )
        schedule: Any = compiled._learning_rate(protocol, 2)
        rates = [float(schedule(step)) for step in (0, 1, 2, 5, 8)]
        assert rates == pytest.approx([0, 0.25, 0.5, 0.25, 0], abs=1e-6)

    def test_another_schedule_is_refused(self, laboratory: Laboratory) -> None:
        protocol = dataclasses.replace(PROTOCOL, learning_rate_schedule="linear")
        with pytest.raises(ValueError, match="learning_rate_schedule: found 'linear', expected constant or cosine"):
            laboratory.train(1, protocol)


def _compiled(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch, protocol: Protocol, **options: Any
) -> keras.Model:
    """Return what would be trained next."""

    class Compiled(Exception):
        pass

    def fit(model: keras.Model, *_: Any, **__: Any) -> None:
        raise Compiled(model)

    monkeypatch.setattr(keras.Model, "fit", fit)
    with pytest.raises(Compiled) as caught:
        laboratory.train(1, protocol, **options)
    return caught.value.args[0]


class TestTheOptimizer:
    @pytest.mark.parametrize(
        ("protocol", "optimizer"),
        [
            (Protocol(), keras.optimizers.Adam(1e-3)),
            (
                Protocol(learning_rate_schedule="cosine"),
                keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, decay_steps=10)),
            ),
            (PROTOCOL, keras.optimizers.SGD(0.02)),
            (
                dataclasses.replace(PROTOCOL, momentum=0.5, nesterov=True, weight_decay=0.25, ema_momentum=0.75),
                keras.optimizers.SGD(
                    *(0.02, 0.5, True, 0.25), use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=2
                ),
            ),
        ],
        ids=["published", "cosine", "sgd", "all settings"],
    )
    def test_it_is_keras_s_own_and_only_what_the_protocol_says_is_set(
        self,
        laboratory: Laboratory,
        monkeypatch: pytest.MonkeyPatch,
        protocol: Protocol,
        optimizer: keras.optimizers.Optimizer,
    ) -> None:
        model = _compiled(laboratory, monkeypatch, protocol)
        assert isinstance(model.optimizer, type(optimizer))
        assert model.optimizer.get_config() == optimizer.get_config() | {"name": model.optimizer.name}
        assert model.loss == protocol.loss


class TestTheLoss:
    SMOOTH = dataclasses.replace(PROTOCOL, label_smoothing=0.25, epochs=1)

    def test_label_smoothing_is_keras_s_own_and_its_cross_entropy_is_that_of_mixed_labels(
        self, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loss = _compiled(laboratory, monkeypatch, self.SMOOTH).loss
        assert type(loss) is keras.losses.CategoricalCrossentropy
        probabilities = np.full((1, 10), 0.05)
        probabilities[0, 3] = 0.55
        expected = -(0.75 + 0.025) * np.log(0.55) - 9 * 0.025 * np.log(0.05)
        assert float(loss(np.eye(10)[[3]], probabilities)) == pytest.approx(expected, rel=1e-5)

    def test_a_run_with_smoothed_labels_agrees_with_itself(self, laboratory: Laboratory) -> None:
        run = laboratory.train(1, self.SMOOTH)
        assert run.loss != pytest.approx(run.curves.val_loss[0], rel=1e-5)
        assert disagreements(run) == []


class TestTheMovingAverageOfTheWeights:
    PROTOCOL = dataclasses.replace(PROTOCOL, ema_momentum=0.75, epochs=3)

    def test_each_epoch_is_validated_with_it_and_the_next_one_starts_from_it(self, laboratory: Laboratory) -> None:
        run = laboratory.train(1, self.PROTOCOL, models=CompiledModelCache())
        orders = _orders(laboratory.dataset, laboratory.batches)
        keras.utils.set_random_seed(1)
        model = _model()
        model.compile(keras.optimizers.SGD(PROTOCOL.learning_rate), "categorical_crossentropy")
        images, validation = map(unit_scale, (laboratory.dataset.train_images, laboratory.dataset.evaluation_images))
        losses: list[float] = []
        average: list[npt.NDArray[np.float32]] = []
        for rows in np.array(orders).reshape(-1, PROTOCOL.batch_size):
            model.train_on_batch(images[rows], np.eye(10)[laboratory.dataset.train_labels[rows]])
            weights = [weight.numpy() for weight in model.trainable_weights]
            mixed = zip(average, weights, strict=True)
            average = [0.75 * old + 0.25 * new for old, new in mixed] if average else weights
            if int(model.optimizer.iterations) % 2 == 0:  # the end of an epoch
                for weight, value in zip(model.trainable_weights, average, strict=True):
                    weight.assign(value)
                model.reset_metrics()
                losses.append(float(model.test_on_batch(validation, np.eye(10)[laboratory.dataset.evaluation_labels])))
        assert losses == pytest.approx(run.curves.val_loss, rel=1e-5)
        assert disagreements(run) == []

    def test_a_seed_gives_the_same_on_a_model_that_was_compiled_for_another(self, laboratory: Laboratory) -> None:
        models = CompiledModelCache()
        laboratory.train(1, self.PROTOCOL, models=models)
        second = laboratory.train(2, self.PROTOCOL, models=models)
        assert _numbers(second) == _numbers(laboratory.train(2, self.PROTOCOL))


class TestPrecision:
    MIXED = dataclasses.replace(PROTOCOL, precision="mixed_float16", epochs=1)

    @pytest.fixture(autouse=True)
    def _restore(self) -> Iterator[None]:
        yield
        keras.config.set_dtype_policy("float32")

    @pytest.mark.parametrize("features", [None, FeatureCache()], ids=["whole", "cached"])
    def test_layers_compute_in_it_and_the_loss_is_scaled(
        self, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch, features: FeatureCache | None
    ) -> None:
        model = _compiled(laboratory, monkeypatch, self.MIXED, features=features)
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert {layer.compute_dtype for layer in laboratory.models[-1].layers[1:-1]} == {"float16"}
        assert {weight.dtype for layer in model.layers for weight in layer.trainable_weights} == {"float32"}

    def test_a_run_is_near_that_in_float32_and_says_what_it_is(self, laboratory: Laboratory, cached: Seen) -> None:
        run = laboratory.train(1, self.MIXED, features=FeatureCache())
        assert run.curves.loss == pytest.approx(cached.run.curves.loss[:1], rel=2e-3)
        assert run.curves.loss != cached.run.curves.loss[:1]
        assert run.protocol == PROTOCOL.values | {"precision": "mixed_float16", "epochs": 1}
        assert run.fingerprints.protocol == self.MIXED.fingerprint

    def test_another_is_refused(self, laboratory: Laboratory) -> None:
        with pytest.raises(ValueError, match="float17"):
            laboratory.train(1, dataclasses.replace(PROTOCOL, precision="float17"))


class TestXla:
    @pytest.mark.parametrize("xla", [False, True])
    def test_it_compiles_the_steps_where_the_protocol_says_so_and_only_there(
        self, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch, xla: bool
    ) -> None:
        # Left to itself, Keras takes it wherever there is a GPU.
        monkeypatch.setattr(keras.Model, "_resolve_auto_jit_compile", lambda _: True)
        protocol = dataclasses.replace(PROTOCOL, xla=xla)
        assert _compiled(laboratory, monkeypatch, protocol).jit_compile == xla


class TestTheRun:
    def test_it_says_what_it_is_of(self, laboratory: Laboratory, cached: Seen) -> None:
        run, dataset = cached.run, laboratory.dataset
        assert (run.experiment, run.dataset, run.weights) == ("small", "synthetic", "none")
        assert dataclasses.astuple(run.fingerprints) == (dataset.fingerprint, None, PROTOCOL.fingerprint)
        assert run.protocol == PROTOCOL.values
        assert run.environment == describe_environment()
        assert tuple(run.evaluation.classes) == dataset.class_names

    def test_it_can_be_written_and_read(self, cached: Seen) -> None:
        assert Run.from_json(cached.run.to_json()) == cached.run

    def test_the_data_stay_as_they_were(self, laboratory: Laboratory, cached: Seen, whole: Seen) -> None:  # noqa: ARG002
        again = load_synthetic(seed=3, train_count=100, evaluation_count=50)
        for name in ("train_images", "train_labels", "evaluation_images", "evaluation_labels"):
            np.testing.assert_array_equal(getattr(laboratory.dataset, name), getattr(again, name))


class TestProgress:
    def test_it_is_told_after_some_steps_and_every_epoch(self, cached: Seen) -> None:
        places = [(told.epoch, told.step, told.validation_accuracy is not None) for told in cached.epochs]
        epochs = range(1, EPOCHS + 1)
        assert places == [place for epoch in epochs for place in ((epoch, 2, False), (epoch, 2, True))]
        assert {(told.epochs, told.steps) for told in cached.epochs} == {(EPOCHS, 2)}

    def test_it_carries_the_curves(self, cached: Seen) -> None:
        ends = [told for told in cached.epochs if told.validation_accuracy is not None]
        assert [told.validation_accuracy for told in ends] == cached.run.curves.val_accuracy
        assert [told.accuracy for told in ends] == cached.run.curves.accuracy

    def test_less_and_less_is_left_and_nothing_in_the_end(self, cached: Seen) -> None:
        assert all(told.seconds_left >= 0 for told in cached.progress)
        assert cached.epochs[-1].seconds_left == pytest.approx(0, abs=1e-9)

    def test_it_is_told_of_each_batch_of_features_first_and_of_none_that_were_there(
        self, cached: Seen, other_seed: Seen
    ) -> None:
        first, second = cached.progress[:2]
        assert isinstance(first, FeatureProgress)
        assert first.seconds_left > 0
        assert second == FeatureProgress(150, 150, 0.0)
        assert first == dataclasses.replace(second, images=100, seconds_left=first.seconds_left)
        assert len(cached.epochs) == len(cached.progress) - 2
        assert other_seed.epochs == other_seed.progress


class TestDivergence:
    def test_the_epoch_and_step_are_named(self, diverged: str) -> None:
        assert diverged.startswith(
            ("found a loss of nan by epoch 1, step 2, ", "found a loss of inf by epoch 1, step 2, ")
        )

    def test_the_next_training_is_none_the_worse_for_it(self, cached: Seen, whole: Seen) -> None:
        # ``whole`` was trained after the one that diverged.
        np.testing.assert_allclose(whole.run.curves.val_loss, cached.run.curves.val_loss, rtol=1e-3)

    def test_a_loss_that_is_no_number_after_the_last_step_is_noticed_too(self) -> None:
        watch = Watch(PROTOCOL, 2, None)
        watch.on_epoch_begin(EPOCHS - 1)
        with pytest.raises(TrainingDiverged):
            watch.on_epoch_end(
                EPOCHS - 1, {"loss": 1.0, "accuracy": 0.5, "val_loss": float("nan"), "val_accuracy": 0.1}
            )


class TestWeights:
    @pytest.mark.parametrize(
        ("wanted", "given", "text"),
        [
            ("vgg16", "resnet50", "weights: found those of resnet50, expected those of vgg16"),
            (None, "vgg16", "weights: found those of vgg16, expected those of None"),
        ],
    )
    def test_those_of_another_backbone_are_refused(
        self, laboratory: Laboratory, wanted: str | None, given: str, text: str
    ) -> None:
        experiment = Experiment("small", _model, dataclasses.replace(PROTOCOL, backbone=wanted), "")
        with pytest.raises(ValueError, match=text):
            train(experiment, laboratory.dataset, 1, weights=_weights(given))

    def test_synthetic_data_are_trained_on_random_weights_and_others_on_imagenet_s(
        self, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(training, "random_weights", lambda name, **_: _weights(name, description="random"))
        monkeypatch.setattr(training, "imagenet_weights", lambda name, _: _weights(name, description="imagenet"))
        plain = Experiment("small", _model, PROTOCOL, "")
        pretrained = Experiment("small", _model, dataclasses.replace(PROTOCOL, backbone="vgg16"), "")
        official = Dataset(
            "cifar10",
            laboratory.dataset.train_images,
            laboratory.dataset.train_labels,
            laboratory.dataset.evaluation_images,
            laboratory.dataset.evaluation_labels,
            laboratory.dataset.class_names,
        )
        assert default_weights(plain, laboratory.dataset) is None
        for dataset, expected in ((laboratory.dataset, "random"), (official, "imagenet")):
            weights = default_weights(pretrained, dataset)
            assert weights is not None
            assert (weights.backbone, weights.description) == ("vgg16", expected)

    def test_weights_are_made_in_float32_after_a_training_in_half_precision(
        self, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        policies: list[str] = []

        def draw(name: str, **_: str) -> BackboneWeights:
            policies.append(keras.config.dtype_policy().name)
            return _weights(name)

        monkeypatch.setattr(training, "random_weights", draw)
        keras.config.set_dtype_policy("mixed_float16")
        try:
            pretrained = Experiment("small", _model, dataclasses.replace(PROTOCOL, backbone="vgg16"), "")
            default_weights(pretrained, laboratory.dataset)
        finally:
            keras.config.set_dtype_policy("float32")
        assert policies == ["float32"]

    def test_the_model_starts_from_the_weights_given(self, standstill: Seen) -> None:
        kernel, bias = standstill.model.get_layer("backbone").get_weights()
        np.testing.assert_array_equal(kernel, 0.25)
        np.testing.assert_array_equal(bias, 1)

    def test_the_run_says_which_they_were(self, standstill: Seen) -> None:
        run = standstill.run
        assert run.weights == "the test's own"
        assert run.fingerprints.weights == "sha256:w"


HOLDING_OUT = dataclasses.replace(PROTOCOL, validation="held_out", batch_size=45)  # of 90, and 10 are held out


@pytest.fixture(scope="module")
def held_out(laboratory: Laboratory) -> Seen:
    return _observe(laboratory, 1, HOLDING_OUT)


class TestHeldOutImages:
    def test_they_are_never_trained_on_and_the_evaluation_images_are_used_once(
        self, laboratory: Laboratory, held_out: Seen
    ) -> None:
        rows, held_out_rows = hold_out(laboratory.dataset.train_labels)
        seen = Counter(image.tobytes() for batch in held_out.batches for image in batch)
        dataset, epochs = laboratory.dataset, held_out.run.epochs
        assert [seen[image.tobytes()] for image in dataset.evaluation_images] == [1] * 50
        assert {seen[image.tobytes()] for image in dataset.train_images[rows]} == {epochs}
        assert {seen[image.tobytes()] for image in dataset.train_images[held_out_rows]} == {epochs + 1}
        first_epoch = {image.tobytes() for batch in held_out.batches[:2] for image in batch}
        assert first_epoch == {image.tobytes() for image in dataset.train_images[rows]}
        assert len({batch.tobytes() for batch in held_out.batches if len(batch) == 45}) > 2, (
            "in another order each time"
        )

    def test_the_normalization_is_not_fitted_on_them(self, laboratory: Laboratory, held_out: Seen) -> None:
        rows, _ = hold_out(laboratory.dataset.train_labels)
        assert held_out.run.protocol["validation"] == "held_out"
        np.testing.assert_array_equal(laboratory.fitted_on.pop(), laboratory.dataset.train_images[rows])

    def test_the_record_has_their_curve_and_the_evaluation_of_the_best_epoch_by_it(
        self, laboratory: Laboratory, held_out: Seen
    ) -> None:
        run, dataset = held_out.run, laboratory.dataset
        assert run.held_out is not None
        assert run.held_out.images == 10
        assert run.held_out.accuracy == pytest.approx(max(run.curves.val_accuracy), abs=1e-6)
        assert run.held_out.loss == pytest.approx(run.curves.val_loss[run.best_epoch - 1], rel=1e-4)
        probabilities = held_out.model(unit_scale(dataset.evaluation_images)).numpy()
        assert run.loss == pytest.approx(evaluate(probabilities, dataset.evaluation_labels, dataset.class_names).loss)
        assert sum(map(sum, run.evaluation.confusion)) == 50
        assert disagreements(run) == []
        assert Run.from_json(run.to_json()) == run

    def test_cached_features_change_no_number(
        self, laboratory: Laboratory, held_out: Seen, cache: FeatureCache
    ) -> None:
        run = laboratory.train(1, HOLDING_OUT, features=cache)
        for name in ("loss", "val_loss"):
            np.testing.assert_allclose(getattr(run.curves, name), getattr(held_out.run.curves, name), rtol=1e-3)
        assert run.held_out is not None
        assert held_out.run.held_out is not None
        assert run.held_out.loss == pytest.approx(held_out.run.held_out.loss, rel=1e-3)
        laboratory.fitted_on.pop()
