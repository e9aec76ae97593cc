"""Fingerprints, which must agree before the numbers of two trainings are compared."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import numpy.typing as npt


def fingerprint_arrays(*arrays: npt.NDArray[Any]) -> str:
    """Return ``sha256:`` and the hex digest of each array's dtype, shape and little-endian bytes, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        little_endian = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{little_endian.dtype.str}{array.shape}".encode())
        digest.update(little_endian.data if little_endian.size else b"")
    return f"sha256:{digest.hexdigest()}"


def fingerprint_json(value: Any) -> str:
    """Return ``sha256:`` and the hex digest of a JSON value, written with sorted keys and without spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
