"""Which devices TensorFlow trains on: decided once, before it starts to use any."""

from __future__ import annotations


def use_gpus() -> None:
    """Make sure that there is a GPU to train on.

    Raises:
        RuntimeError: TensorFlow sees none.
    """
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        raise RuntimeError(
            "found no GPU that TensorFlow can see, expected at least one: check the driver and that "
            "tensorflow[and-cuda] is installed"
        )


def hide_gpus() -> None:
    """Hide all GPUs from TensorFlow, so that a run on the CPU is one wherever it takes place.

    Raises:
        RuntimeError: TensorFlow already uses one.
    """
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
