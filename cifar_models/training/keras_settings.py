"""Keras's global settings: fixed before a training, whatever ``keras.json``, the environment or other code say.

They decide numbers and are part of no protocol. What can be set is set; what somebody asked for on purpose and what
cannot be set is refused. Settings of TensorFlow and of the libraries below it are recorded with each run instead.
"""

from __future__ import annotations

import os

from cifar_models.storage.keras_cache import keras_home

BACKEND = "tensorflow"
LIMITS = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
"""Variables by which Keras ends every training early."""


class KerasSettingsError(RuntimeError):
    """Settings that no training can run with: what was found, what was expected, and what to do."""


def choose_backend() -> None:
    """Have Keras use TensorFlow, whatever ``keras.json`` says; imports neither of them.

    To be called before anything imports TensorFlow, which imports Keras, which reads its backend only once.

    Raises:
        KerasSettingsError: another backend or a limit on epochs or steps is asked for by a variable.
    """
    asked = os.environ.get("KERAS_BACKEND") or BACKEND  # Keras, too, takes an empty one for none
    if asked != BACKEND:
        raise KerasSettingsError(f"KERAS_BACKEND: found {asked!r}, expected {BACKEND!r} or none; unset it")
    for name in LIMITS:
        if name in os.environ:
            raise KerasSettingsError(
                f"{name}: found {os.environ[name]!r}, expected none, since it cuts every training short; unset it"
            )
    os.environ["KERAS_BACKEND"] = BACKEND  # takes precedence over keras.json


def fix_keras_settings() -> None:
    """Have Keras use TensorFlow, ``float32``, ``channels_last``, its own epsilon, and no limit on epochs or steps.

    Imports Keras. Where it has been imported already, what can still be set is set.

    Raises:
        KerasSettingsError: as ``choose_backend``, another backend is in use already, or Keras cannot be imported with
            its ``keras.json``.
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
            f"Keras: found the backend {config.backend()!r} in use by this process already, expected {BACKEND!r}; let "
            f"nothing import Keras with another backend earlier"
        )
    config.set_floatx("float32")
    config.set_epsilon(1e-7)
    config.set_image_data_format("channels_last")
    config.set_dtype_policy("float32")
    for name in ("set_max_epochs", "set_max_steps_per_epoch"):
        getattr(config, name, lambda _: None)(None)  # older versions of Keras have no limits
