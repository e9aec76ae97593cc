"""Which devices TensorFlow trains on: decided once, before it starts to use any."""

from __future__ import annotations


def use_gpus() -> None:
    """Make sure that there is a GPU to train on, and that TensorFlow takes of each only the memory that it needs.

    Raises:
        RuntimeError: TensorFlow sees none, or has taken their memory already.
    """
    import tensorflow as tf

    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        raise RuntimeError(
            "found no GPU that TensorFlow can see, expected at least one: check the driver and that "
            "tensorflow[and-cuda] is installed; TF_CPP_MIN_LOG_LEVEL=0 shows what TensorFlow says of it"
        )
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError as error:
            raise RuntimeError(
                f"found the GPUs in use by this process already ({error}), expected to set how much of their memory "
                f"TensorFlow takes before it uses any: let nothing run on them earlier"
            ) from None


def hide_gpus() -> None:
    """Hide all GPUs from TensorFlow, so that a run on the CPU is one wherever it takes place.

    Raises:
        RuntimeError: TensorFlow already uses one.
    """
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
