"""Sets Keras's global settings before a training, independent of ``keras.json``, the environment and other code.

These settings change results and are not part of a protocol. It is an error if an environment variable selects another
setting, or if a setting can no longer be changed. Settings of TensorFlow are recorded with each run instead.
"""

from __future__ import annotations

import os

from cifar_models.storage.keras_cache import keras_home

BACKEND = "tensorflow"
LIMITS = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
"""Environment variables that make Keras end every training early."""


class KerasSettingsError(RuntimeError):
    """Keras has a setting that no training can use."""


def choose_backend() -> None:
    """Make Keras use TensorFlow, whatever ``keras.json`` says, without importing either.

    Call this function before anything imports TensorFlow. TensorFlow imports Keras, and Keras reads its backend once.

    Raises:
        KerasSettingsError: an environment variable sets another backend, or a limit on epochs or steps.
    """
    asked = os.environ.get("KERAS_BACKEND") or BACKEND  # Keras ignores an empty value
    if asked != BACKEND:
        raise KerasSettingsError(f"KERAS_BACKEND: found {asked!r}, expected {BACKEND!r} or none; unset it")
    for name in LIMITS:
        if name in os.environ:
            raise KerasSettingsError(
                f"{name}: found {os.environ[name]!r}, expected none, because it ends every training early; unset it"
            )
    os.environ["KERAS_BACKEND"] = BACKEND  # takes precedence over keras.json


def fix_keras_settings() -> None:
    """Import Keras and set TensorFlow, ``float32``, ``channels_last``, the default epsilon, and no limits on training.

    Raises:
        KerasSettingsError: see ``choose_backend``; or Keras already uses another backend, or cannot be imported because
            of its ``keras.json``.
    """
    choose_backend()
    try:
        import keras
    except (AssertionError, AttributeError, OSError, TypeError, ValueError) as error:
        raise KerasSettingsError(
            f"{keras_home() / 'keras.json'}: found settings that Keras cannot use ({error}), expected none or valid "
            f"ones; correct or remove the file"
        ) from None
    config = keras.config
    if config.backend() != BACKEND:
        raise KerasSettingsError(
            f"Keras: found the backend {config.backend()!r} already in use by this process, expected {BACKEND!r}; make "
            f"sure that nothing imports Keras with another backend before"
        )
    config.set_floatx("float32")
    config.set_epsilon(1e-7)
    config.set_image_data_format("channels_last")
    config.set_dtype_policy("float32")
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)
