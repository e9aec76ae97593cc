"""Selects TensorFlow's devices, before TensorFlow uses them."""

from __future__ import annotations


def use_gpus() -> None:
    """Require a GPU, and let TensorFlow allocate GPU memory only as needed.

    Raises:
        RuntimeError: TensorFlow sees no GPU, or has already allocated its memory.
    """
    import tensorflow as tf

    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        raise RuntimeError(
            "found no GPU that TensorFlow can see, expected at least one; check the driver and that "
            "tensorflow[and-cuda] is installed; TF_CPP_MIN_LOG_LEVEL=0 shows TensorFlow's own messages"
        )
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError as error:
            raise RuntimeError(
                f"found GPUs that this process already uses ({error}), expected to set memory growth before their "
                f"first use; call use_gpus before anything else of TensorFlow"
            ) from None


def hide_gpus() -> None:
    """Hide all GPUs from TensorFlow.

    Raises:
        RuntimeError: TensorFlow already uses a GPU.
    """
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
