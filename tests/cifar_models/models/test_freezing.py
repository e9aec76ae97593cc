"""Freezing, freeing the last layers, and the cut where a model's frozen part ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from cifar_models.models import builders
from cifar_models.models.freezing import freeze, split_at_frozen_boundary, unfreeze_last

pytestmark = pytest.mark.unit

Values = list[npt.NDArray[np.float32]]


def _values(tensors: Any) -> Values:
    return [tensor.numpy() for tensor in (tensors if isinstance(tensors, list) else [tensors])]


def _assert_close(tensors: Any, expected: Any) -> None:
    for one, other in zip(_values(tensors), _values(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def _small_model() -> keras.Model:
    images = keras.Input((6, 6, 3))
    features = layers.Conv2D(4, 3, use_bias=False)(images)
    features = layers.BatchNormalization()(features)
    features = layers.Dropout(0.1)(layers.Activation("relu")(features))
    return keras.Model(images, layers.Dense(10, activation="softmax")(layers.Flatten()(features)))


class TestFreezing:
    def test_freeze_makes_every_layer_untrainable(self) -> None:
        model = _small_model()
        freeze(model)
        assert not any(layer.trainable for layer in model.layers)
        assert model.trainable_weights == []

    def test_a_frozen_batch_normalization_runs_in_inference_mode(self) -> None:
        images = keras.Input((2,))
        model = keras.Model(images, layers.BatchNormalization()(images))
        freeze(model)
        values = np.array([[1, 2], [3, 5]], np.float32)
        averages = model.get_weights()
        _assert_close(model(values, training=True), model(values, training=False))
        for one, other in zip(model.get_weights(), averages, strict=True):
            np.testing.assert_array_equal(one, other)

    @pytest.mark.property
    @settings(deadline=None, max_examples=10)
    @given(depth=st.integers(1, 5), wanted=st.lists(st.integers(0, 6), min_size=1, max_size=3))
    def test_exactly_the_last_n_layers_are_trainable(self, depth: int, wanted: list[int]) -> None:
        model = keras.Sequential([keras.Input((2,)), *(layers.Dense(2) for _ in range(depth))])
        model = keras.Model(model.inputs, model.outputs)  # whose layers include the input layer
        for n in wanted:  # the last call decides, whatever was frozen before
            n = min(n, depth + 1)
            unfreeze_last(model, n)
            assert [layer.trainable for layer in model.layers] == [False] * (depth + 1 - n) + [True] * n
        assert len(model.trainable_weights) == 2 * min(n, depth)
        assert len(model.trainable_weights) + len(model.non_trainable_weights) == len(model.weights)

    @pytest.mark.parametrize("n", [-1, 8, 1000])
    def test_a_number_of_layers_that_the_model_does_not_have_is_refused(self, n: int) -> None:
        model = _small_model()
        flags = [layer.trainable for layer in model.layers]
        with pytest.raises(ValueError, match=f"n: found {n}, expected 0 to 7, the number of layers of {model.name}"):
            unfreeze_last(model, n)
        assert [layer.trainable for layer in model.layers] == flags

    @pytest.mark.parametrize("n", range(1, 8))
    def test_after_optimizer_steps_what_is_frozen_is_as_it_was_and_all_else_has_moved(
        self, small_model: keras.Model, n: int
    ) -> None:
        model = small_model
        unfreeze_last(model, n)
        free = [variable for layer in model.layers[-n:] for variable in layer.weights]  # moving averages too
        before = {id(variable): variable.numpy().copy() for variable in model.weights}
        model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", run_eagerly=True)
        random = np.random.default_rng(0)
        for _ in range(2):
            images = random.random((8, 6, 6, 3), np.float32)
            model.train_on_batch(images, np.eye(10, dtype=np.float32)[random.integers(0, 10, 8)])
        for variable in model.weights:
            same = np.array_equal(variable.numpy(), before[id(variable)])
            assert same != any(variable is freed for freed in free), variable.path


@pytest.fixture(scope="module")
def small_model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return _small_model()


@dataclass(frozen=True)
class Step:
    """One layer of a random model: its kind, whether it is frozen, what it reads, and what is added to it."""

    kind: str
    frozen: bool
    reads: int
    adds: int | None


KINDS: dict[str, Callable[[], keras.layers.Layer]] = {
    "convolution": lambda: layers.Conv2D(2, 2, padding="same"),
    "normalization": layers.BatchNormalization,
    "activation": lambda: layers.Activation("tanh"),
    "dense": lambda: layers.Dense(2),
}

steps = st.lists(
    st.builds(
        Step,
        kind=st.sampled_from([*KINDS, "again"]),
        frozen=st.booleans(),
        reads=st.integers(1, 2),  # 1: the step before, as in a chain; 2: the one before that
        adds=st.none() | st.integers(1, 4),
    ),
    min_size=1,
    max_size=5,
)


def _random_model(steps: list[Step], *, head_frozen: bool, two_outputs: bool) -> keras.Model:
    """Build a model of images ``(N, 3, 3, 2)`` in which every step keeps the shape, so that any two can be added."""
    tensors = [keras.Input((3, 3, 2))]
    used: list[keras.layers.Layer] = [layers.BatchNormalization()]
    for step in steps:
        if step.kind == "again":  # a layer called twice is frozen or free in both places
            layer = used[-1]
        else:
            layer = KINDS[step.kind]()
            layer.trainable = not step.frozen
            used.append(layer)
        tensor = layer(tensors[-min(step.reads, len(tensors))])
        if step.adds is not None:
            tensor = layers.Add()([tensor, tensors[-min(step.adds, len(tensors))]])
        tensors.append(tensor)
    head = layers.Dense(3, trainable=not head_frozen)(layers.GlobalAveragePooling2D()(tensors[-1]))
    model = keras.Model(tensors[0], [head, tensors[-2]] if two_outputs else head)
    random = np.random.default_rng(1)
    model.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in model.weights])
    return model


class TestSplit:
    @pytest.mark.property
    @settings(deadline=None, max_examples=10)
    @given(steps=steps, head_frozen=st.booleans(), two_outputs=st.booleans())
    def test_the_two_sides_one_after_the_other_are_the_model(
        self, steps: list[Step], head_frozen: bool, two_outputs: bool
    ) -> None:
        model = _random_model(steps, head_frozen=head_frozen, two_outputs=two_outputs)
        images = np.random.default_rng(2).random((4, 3, 3, 2), np.float32)
        split = split_at_frozen_boundary(model)
        weights = model.get_weights()
        for training in (False, True):
            results = []
            for sides in ([model], [side for side in (split.prefix, split.rest) if side]):
                model.set_weights(weights)
                values: Any = images
                for side in sides:
                    values = side(values, training=training)
                results.append((values, model.get_weights()))
            (whole, averages_after_whole), (cut, averages_after_cut) = results
            _assert_close(cut, whole)
            for one, other in zip(averages_after_cut, averages_after_whole, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5)
        self._assert_the_prefix_is_constant(model, split.prefix, images)
        if split.rest:
            free = {id(variable) for variable in split.rest.trainable_variables}
            assert free == {id(variable) for variable in model.trainable_variables}
            assert {id(variable) for variable in split.rest.variables} <= {id(v) for v in model.variables}

    @staticmethod
    def _assert_the_prefix_is_constant(model: keras.Model, prefix: keras.Model | None, images: Any) -> None:
        """Nothing that training does may change the prefix's output: neither its mode nor another free weight."""
        if prefix is None:
            return
        before = _values(prefix(images, training=False))
        for variable in model.trainable_variables:
            variable.assign_add(keras.ops.ones_like(variable))
        for first, second in zip(before, _values(prefix(images, training=True)), strict=True):
            np.testing.assert_array_equal(first, second)
        assert {id(variable) for variable in prefix.variables} <= {id(variable) for variable in model.variables}

    @pytest.mark.property
    @settings(deadline=None, max_examples=10)
    @given(frozen=st.lists(st.booleans(), min_size=1, max_size=5))
    def test_the_prefix_of_a_chain_ends_before_the_first_free_layer(self, frozen: list[bool]) -> None:
        tensor = images = keras.Input((2,))
        chain = [layers.Dense(2, trainable=not flag) for flag in frozen]
        for layer in chain:
            tensor = layer(tensor)
        split = split_at_frozen_boundary(keras.Model(images, tensor))
        first_free = frozen.index(False) if False in frozen else len(frozen)
        in_prefix = split.prefix.layers[1:] if split.prefix else []
        in_rest = [layer for layer in split.rest.layers if layer in chain] if split.rest else []
        assert in_prefix == chain[:first_free]
        assert in_rest == chain[first_free:]

    def test_with_nothing_frozen_there_is_no_prefix_and_the_rest_is_the_model(self) -> None:
        model = _small_model()
        split = split_at_frozen_boundary(model)
        assert split.prefix is None
        assert split.rest is model

    def test_with_all_frozen_there_is_no_rest_and_the_prefix_is_the_model(self) -> None:
        model = keras.Sequential([keras.Input((2,)), layers.Dense(2), layers.Dense(2)])
        freeze(model)
        split = split_at_frozen_boundary(model)
        assert split.prefix is model
        assert split.rest is None

    def test_an_input_that_the_rest_reads_too_crosses_the_cut(self) -> None:
        images = keras.Input((2,))
        frozen = layers.Dense(2, trainable=False)(images)
        model = keras.Model(images, layers.Dense(1)(layers.Concatenate()([frozen, images])))
        split = split_at_frozen_boundary(model)
        assert split.prefix is not None
        assert split.rest is not None
        values = np.array([[1, 2], [3, 4]], np.float32)
        _assert_close(split.rest(split.prefix(values)), model(values))
        assert len(split.rest.inputs) == 1  # the concatenation is constant as well

    def test_a_lone_tensor_crosses_as_itself_and_not_in_a_list(self) -> None:
        images = keras.Input((2,))
        model = keras.Model(images, layers.Dense(1)(layers.Dense(3, trainable=False)(images)))
        split = split_at_frozen_boundary(model)
        assert split.prefix is not None
        assert split.rest is not None
        assert split.prefix(np.ones((4, 2), np.float32)).shape == (4, 3)
        assert split.rest(np.ones((4, 3), np.float32)).shape == (4, 1)  # Keras would warn of another structure

    def test_several_inputs_keep_their_order(self) -> None:
        first, second = keras.Input((2,)), keras.Input((2,))
        frozen = layers.Dense(2, trainable=False)
        free = layers.Dense(1)(layers.Concatenate()([frozen(first), layers.Dense(2)(second)]))
        model = keras.Model([first, second], free)
        split = split_at_frozen_boundary(model)
        assert split.prefix is not None
        assert split.rest is not None
        values = [np.ones((1, 2), np.float32), np.full((1, 2), 5, np.float32)]
        _assert_close(split.rest(split.prefix(values)), model(values))

    @pytest.mark.parametrize("model", [keras.Sequential([layers.Dense(2)]), layers.Dense(2), None])
    def test_what_is_no_functional_model_is_refused(self, model: Any) -> None:
        text = f"model: found {type(model).__name__}, expected a functional keras.Model"
        with pytest.raises(ValueError, match=text):
            split_at_frozen_boundary(model)


class Around(layers.Layer):  # type: ignore[misc]
    """A layer whose ``call`` takes no ``training``, which Keras passes on to the layer inside all the same."""

    def __init__(self, inner: keras.layers.Layer) -> None:
        super().__init__()
        self.inner = inner

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs)


class NoiseOfItsOwn(layers.Layer):  # type: ignore[misc]
    """A random layer that has neither weights nor a training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, inputs: Any) -> Any:
        return inputs + keras.random.normal(keras.ops.shape(inputs), seed=self.seeds)


class DoublesInTraining(layers.Layer):  # type: ignore[misc]
    """A layer that does another thing in training, and is neither random nor has weights."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return 2 * inputs if training else inputs


def _nested(layer: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((4, 4, 2)), layer])


# Each is frozen, which is not enough for what it does in training.
UNSTEADY: dict[str, Callable[[], keras.layers.Layer]] = {
    "dropout": lambda: layers.Dropout(0.5),
    "spatial dropout": lambda: layers.SpatialDropout2D(0.5),
    "gaussian dropout": lambda: layers.GaussianDropout(0.5),
    "gaussian noise": lambda: layers.GaussianNoise(0.5),
    "random flip": lambda: layers.RandomFlip(),
    "lambda": lambda: layers.Lambda(lambda x: x + 1),
    "activity regularization": lambda: layers.ActivityRegularization(l2=1.0),
    "activity regularizer": lambda: layers.Dense(2, activity_regularizer="l2"),
    "dropout in a nested model": lambda: _nested(layers.Dropout(0.5)),
    "dropout in a layer": lambda: Around(layers.Dropout(0.5)),
    "dropout in a wrapper": lambda: layers.TimeDistributed(layers.Dropout(0.5)),
    "noise without a training mode": lambda: NoiseOfItsOwn(),
    "a training mode without noise": lambda: DoublesInTraining(),
}
STEADY: dict[str, Callable[[], keras.layers.Layer]] = {
    "dropout at rate 0": lambda: layers.Dropout(0.0),
    "batch normalization": lambda: layers.BatchNormalization(),
    "convolution with a penalty": lambda: layers.Conv2D(2, 1, kernel_regularizer="l2"),
    "pooling": lambda: layers.MaxPooling2D(padding="same"),
    "nested model": lambda: _nested(layers.BatchNormalization()),
    "dropout at rate 0 in a layer": lambda: Around(layers.Dropout(0.0)),
    "resizing": lambda: layers.Resizing(6, 6),
}


class TestWhatMayBeInThePrefix:
    @staticmethod
    def _prefix_with(middle: keras.layers.Layer) -> list[keras.layers.Layer]:
        """Return the prefix's layers of input, frozen dense, middle, frozen dense, free dense."""
        images = keras.Input((4, 4, 2))
        chain = [layers.Dense(2, trainable=False), middle, layers.Dense(2, trainable=False), layers.Dense(1)]
        tensor = images
        for layer in chain:
            tensor = layer(tensor)
        split = split_at_frozen_boundary(keras.Model(images, tensor))
        assert split.prefix is not None
        assert split.rest is not None
        assert chain[-1] in split.rest.layers
        inside: list[keras.layers.Layer] = split.prefix.layers[1:]
        assert inside == chain[: len(inside)]
        return inside

    @pytest.mark.parametrize("kind", UNSTEADY)
    def test_no_layer_that_training_changes(self, kind: str) -> None:
        middle = UNSTEADY[kind]()
        middle.trainable = False
        assert len(self._prefix_with(middle)) == 1

    def test_no_free_batch_normalization_even_without_scale_and_shift(self) -> None:
        assert len(self._prefix_with(layers.BatchNormalization(scale=False, center=False))) == 1

    def test_no_nested_model_with_a_free_layer(self) -> None:
        assert len(self._prefix_with(_nested(layers.Dense(2)))) == 1

    def test_no_frozen_wrapper_with_a_free_layer_inside(self) -> None:
        inner = layers.Dense(2)
        wrapper = Around(inner)
        wrapper.trainable = False
        inner.trainable = True
        assert len(self._prefix_with(wrapper)) == 1

    @pytest.mark.parametrize("kind", STEADY)
    def test_every_other_frozen_layer(self, kind: str) -> None:
        middle = STEADY[kind]()
        middle.trainable = False
        assert len(self._prefix_with(middle)) == 3

    def test_operations_that_are_no_layers(self) -> None:
        images = keras.Input((2,))
        frozen = keras.ops.sin(layers.Dense(2, trainable=False)(images) * 2.0)
        split = split_at_frozen_boundary(keras.Model(images, layers.Dense(1)(frozen)))
        assert split.prefix is not None
        assert split.rest is not None
        assert len(split.rest.layers) == 2


class TestTheModelsOfTheTable:
    def test_vgg16_is_cut_at_its_512_features(self, shared_backbones: Callable[[str], keras.Model]) -> None:
        split = split_at_frozen_boundary(builders.vgg16_frozen())
        assert split.prefix is not None
        assert split.rest is not None
        assert split.prefix.layers[:-1] == shared_backbones("vgg16").layers
        assert [tensor.shape for tensor in split.rest.inputs] == [(None, 512)]
        assert [type(layer).__name__ for layer in split.rest.layers] == ["InputLayer", "Dense"]

    def test_of_a_matched_model_the_pooled_features_cross_the_cut(self) -> None:
        split = split_at_frozen_boundary(builders.vgg16_matched(input_size=64))
        assert split.prefix is not None
        assert split.rest is not None
        assert (split.prefix.input_shape, split.prefix.output_shape) == ((None, 32, 32, 3), (None, 512))
        assert [type(layer).__name__ for layer in split.rest.layers] == ["InputLayer", "Dense"]

    def test_two_tensors_cross_the_cut_of_the_fine_tuned_resnet50(
        self, shared_backbones: Callable[[str], keras.Model]
    ) -> None:
        model = builders.resnet50_finetuned()
        split = split_at_frozen_boundary(model)
        assert split.prefix is not None
        assert split.rest is not None
        # The last block's first free layer, and the block's input, which the residual branch reads.
        assert len(split.prefix.outputs) == len(split.rest.inputs) == 2
        assert split.prefix.trainable_variables == []
        assert len(split.rest.trainable_variables) == len(model.trainable_variables)
        # A free layer without weights changes nothing: the cut lies behind it.
        backbone = shared_backbones("resnet50").layers
        behind = [layer for layer in split.prefix.layers if layer not in backbone[:145]]
        assert [layer.name for layer in behind] == ["conv5_block1_1_relu"]

    def test_a_model_without_a_frozen_part_is_left_whole(self) -> None:
        model = builders.simple_cnn()
        assert split_at_frozen_boundary(model).prefix is None
