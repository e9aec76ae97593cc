"""What trains is Keras's own: nothing of this package takes the place of one of its layers, optimizers or functions."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import keras
import numpy as np
import pytest

import cifar_models
from cifar_models.experiments import EXPERIMENTS, ProtocolError, find_experiment
from cifar_models.training import compiled
from cifar_models.training.compiled import CompiledModel, compile_model

pytestmark = pytest.mark.unit

OURS = tuple(str(Path(cifar_models.__file__).parents[1] / package) for package in ("cifar_models", "benchmarks"))
LIBRARIES = ("keras", "tensorflow", "numpy")
SETTINGS = ("initializer", "regularizer", "constraint", "activation", "seed_generator")
ROLES = ("layers", "optimizer", "loss", "metrics")


@pytest.fixture(scope="module", params=EXPERIMENTS)
def ready(request: pytest.FixtureRequest) -> CompiledModel:
    experiment = EXPERIMENTS[request.param]
    return compile_model(experiment.build_model(), experiment.protocol, steps=20, split=True)


def _parts(ready: CompiledModel) -> Iterator[tuple[str, Any]]:
    """Yield all that computes in a training, with what it is."""
    for layer in [*ready.model.layers, *ready.trained.layers]:
        yield layer.name, layer
        for name, value in vars(layer).items():
            if name.endswith(SETTINGS) and value is not None:
                yield f"{layer.name}.{name}", value
    for variable in ready.trained.variables:
        if variable.regularizer is not None:
            yield f"{variable.path}.regularizer", variable.regularizer
    trained = ready.trained
    yield from (("optimizer", trained.optimizer), ("loss", keras.losses.get(trained.loss)))
    yield "learning rate", trained.optimizer._learning_rate
    for metric in trained._compile_metrics._user_metrics:
        yield "metric", metric


def _home(part: Any) -> str:
    return str((part if isinstance(part, FunctionType) else type(part)).__module__)


def test_all_that_computes_in_a_training_is_of_a_class_of_keras(ready: CompiledModel) -> None:
    parts = dict(_parts(ready))
    assert {"optimizer", "loss", "metric"} <= parts.keys()
    assert any(name.endswith("kernel_initializer") for name in parts), "settings of layers are looked at"
    assert {name: _home(part) for name, part in parts.items() if not _home(part).startswith("keras.")} == {}


def test_no_part_has_a_method_of_its_own(ready: CompiledModel) -> None:
    for name, part in [*_parts(ready), ("model", ready.model), ("trained", ready.trained)]:
        values = vars(part) if hasattr(part, "__dict__") else {}
        replaced = [
            key for key, value in values.items() if isinstance(value, FunctionType | MethodType) and _ours(value)
        ]
        assert replaced == [], name


def test_what_trains_are_the_layers_that_the_builder_made(ready: CompiledModel) -> None:
    made = set(map(id, ready.model.layers))
    prefix = ready.prefix.layers if ready.prefix else []
    for layer in [*ready.trained.layers, *prefix]:
        assert id(layer) in made or isinstance(layer, keras.layers.InputLayer), layer.name
    assert {id(variable) for variable in ready.trained.trainable_variables} == {
        id(variable) for variable in ready.model.trainable_variables
    }


def _ours(function: Any) -> bool:
    """Return whether a function's code is this package's, whatever its name and module say."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    codes = [code, getattr(function, "__code__", None)]
    return any(code is not None and code.co_filename.startswith(OURS) for code in codes)


def _functions(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, value in [*vars(module).items()]:
        if isinstance(value, FunctionType):
            yield f"{module.__name__}.{name}", value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            for method, function in vars(value).items():
                function = getattr(function, "__func__", function)
                function = getattr(function, "fget", function)
                if isinstance(function, FunctionType):
                    yield f"{module.__name__}.{name}.{method}", function


def _replaced() -> list[str]:
    modules = [module for name, module in [*sys.modules.items()] if name.partition(".")[0] in LIBRARIES]
    return [
        name
        for module in modules
        if isinstance(module, ModuleType)
        for name, function in _functions(module)
        if _ours(function)
    ]


def test_no_function_of_the_libraries_is_replaced(ready: CompiledModel) -> None:
    inputs = [np.zeros((2, *tensor.shape[1:]), np.float32) for tensor in ready.trained.inputs]
    ready.trained.train_on_batch(inputs[0] if len(inputs) == 1 else inputs, np.eye(10)[:2])
    assert _replaced() == []


def test_a_replaced_function_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.optimizers.Adam, "update_step", compiled.copy_variables)
    assert [name.rpartition(".")[2] for name in _replaced()] == ["update_step"]


def test_xla_is_refused_where_keras_would_train_without_it() -> None:
    protocol = dataclasses.replace(EXPERIMENTS["reference_cnn"].protocol, xla=True)
    with pytest.raises(ProtocolError, match=r"^xla: found True, expected False for .+ cannot compile: random_translat"):
        compile_model(EXPERIMENTS["reference_cnn"].build_model(), protocol, steps=20, split=True)


@pytest.mark.parametrize("variant", ["imagenet_caffe", "mixed_float16", "xla"])
def test_a_variant_is_a_setting_of_keras_s(variant: str) -> None:
    experiment = find_experiment(f"simple_cnn+{variant}")
    keras.config.set_dtype_policy(experiment.protocol.precision)
    try:
        ready = compile_model(experiment.build_model(), experiment.protocol, steps=20, split=True)
    finally:
        keras.config.set_dtype_policy("float32")
    assert all(_home(part).startswith("keras.") for _, part in _parts(ready))
