"""The precision that a model's layers compute in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def precision_of_new_layers(policy: str) -> Iterator[None]:
    """Give layers and models that are made meanwhile a dtype policy, and restore the former one afterwards.

    Args:
        policy: Keras's name of it, such as ``float32`` or ``mixed_float16``.

    Raises:
        ValueError: Keras knows none of that name.
    """
    former = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(former)
