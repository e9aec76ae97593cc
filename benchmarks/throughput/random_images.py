"""Random images for measuring speed and memory."""

from __future__ import annotations

import numpy as np

from cifar_models.datasets.dataset import CLASS_COUNT, IMAGE_SHAPE, Dataset


def random_dataset(train_count: int, evaluation_count: int) -> Dataset:
    """Draw a data set of random images, without a temporary larger copy.

    It is called ``synthetic``, so that backbones start from random weights.
    """
    random = np.random.default_rng(0)
    counts = (train_count, evaluation_count)
    images = [random.integers(0, 256, (count, *IMAGE_SHAPE), np.uint8) for count in counts]
    labels = [np.arange(count, dtype=np.int64) % CLASS_COUNT for count in counts]
    names = tuple(f"class {label}" for label in range(CLASS_COUNT))
    return Dataset("synthetic", images[0], labels[0], images[1], labels[1], names)
