"""Thirty seeds in one session take less than twice the memory of one, and features of large images a few gigabytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.sensitivity

ROOT = Path(__file__).parents[3]
SEEDS = 30
# What TensorFlow itself holds once it is loaded is no training's.
PROGRAM = """
import dataclasses, sys
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import EXPERIMENTS
from cifar_models.models.pretrained import random_weights
from cifar_models.training.train import train

name, seeds = sys.argv[1], int(sys.argv[2])
experiment = EXPERIMENTS[name]
experiment = dataclasses.replace(experiment, protocol=dataclasses.replace(experiment.protocol, epochs=2))
dataset = load_synthetic(train_count=250, evaluation_count=120)
backbone = experiment.protocol.backbone
weights = random_weights(backbone) if backbone else None

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

before = resident()
for seed in range(seeds):
    train(experiment, dataset, seed, weights=weights)
    print(resident() - before, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has")
@pytest.mark.parametrize("name", ["simple_cnn", "resnet50_finetuned"])
def test_a_session_of_many_seeds_takes_less_than_twice_the_memory_of_one(name: str) -> None:
    command = [sys.executable, "-c", PROGRAM, name, str(SEEDS)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    pages = [int(line) for line in ended.stdout.splitlines() if line.isdigit()]
    assert len(pages) == SEEDS
    assert pages[-1] < 2 * pages[0], f"resident pages after each training: {pages}"


FEATURES = """
import sys
import numpy as np
from cifar_models.datasets.normalization import imagenet_caffe
from cifar_models.datasets.synthetic import load_synthetic
from cifar_models.experiments import find_experiment
from cifar_models.models.freezing import split_at_frozen_boundary
from cifar_models.results.environment import peak_memory
from cifar_models.training.features import FeatureCache, batch_size_for

prefix = split_at_frozen_boundary(find_experiment(sys.argv[1]).build_model()).prefix
count = -(-batch_size_for(prefix) // 10) * 10 + 10
FeatureCache().get(prefix, normalize=imagenet_caffe, dataset=load_synthetic(train_count=count, evaluation_count=10))
images = 60_000 * (32 * 32 * 3 + 4 * int(np.prod(prefix.output_shape[1:])))
print(peak_memory() + images)
"""
"""Two batches of features, as more of them take no more memory; then CIFAR-10 and the features of all its images."""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak memory is measured as on Linux")
@pytest.mark.parametrize("name", ["vgg16_matched+224px", "resnet50_matched+224px"])
def test_the_features_of_large_images_take_less_than_four_gigabytes(name: str) -> None:
    command = [sys.executable, "-c", FEATURES, name]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert int(ended.stdout.split()[-1]) < 4e9
