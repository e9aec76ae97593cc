"""baselines.json: what today's runs are held against. Read and checked whole, changed only on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from filelock import Timeout

from benchmarks.baselines.baseline import SUGGESTED_RUNS, Baseline, BaselineError, Baselines, check_baseline
from benchmarks.baselines.shared_lock import refused_lock, shared_lock
from benchmarks.throughput.speeds import FILE
from cifar_models.datasets.cifar10 import OFFICIAL_FINGERPRINT
from cifar_models.storage.files import link_target, remove_leftovers, write_whole
from cifar_models.storage.strict_json import parse_record, read_as, to_json

SCHEMA = 2
FORMER_NAMES = {
    "cifar-10-python.tar.gz sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce": (
        OFFICIAL_FINGERPRINT
    ),
    "md5:6d6bbae143d832006294945121d1f1fc": "sha256:99b32de5670d4dc26dfb8560020372e61b0970293beb1d396cccd5840a15f19e",
    "md5:4d473c1dd8becc155b73f8504c6f6626": "sha256:555c3c47742ed776907583dadd9d0f358b00041cdc5412f285bcde1f0c2b90fb",
}
"""Checksums of published files, which entries once had, and the fingerprints of what these files hold."""
LOCK_SECONDS = 60.0
"""How long an update waits for another one, which holds the file while it writes and not while it trains."""


def read_baselines(path: Path) -> Baselines:
    """Read and check a baselines file.

    Raises:
        BaselineError: missing, no JSON, another schema, a NaN, a key missing or unknown, or a value that
            makes no sense.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BaselineError(
            f"{path}: found no such file, expected the baselines; restore it from version control, or write "
            f"a new one with --update-baselines --seeds {SUGGESTED_RUNS} --reason '...'"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(
            f"{path}: found nothing that can be read as text ({error}), expected a file in UTF-8; restore it "
            f"from version control"
        ) from None
    try:
        _, content = parse_record(text, "schema", [SCHEMA])
        if "throughput" in content:
            raise ValueError(
                f"found speeds under 'throughput', expected them under 'speeds' in {FILE} beside this file"
            )
        if content.keys() != {"baselines"}:
            raise ValueError(f"found the keys {sorted(content)} beside 'schema', expected 'baselines' alone")
        baselines: Baselines = read_as(Baselines, content["baselines"], "baselines")
        _check_all(baselines)
    except ValueError as error:
        raise BaselineError(f"{path}: {error}; restore it from version control or correct it by hand") from None
    return baselines


def write_baselines(path: Path, baselines: Baselines) -> None:
    """Write a baselines file whole or not at all.

    Raises:
        OSError: the folder cannot be written; the old file is as it was.
        ValueError: an entry that ``read_baselines`` refuses; the old file is as it was.
    """
    _check_all(baselines)
    content = {
        name: {
            dataset: {source: asdict(entry) for source, entry in sources.items()} for dataset, sources in rest.items()
        }
        for name, rest in baselines.items()
    }
    write_whole(path, to_json({"schema": SCHEMA, "baselines": content}))


@contextmanager
def updating(path: Path) -> Iterator[None]:
    """Hold off every other update of a baselines file meanwhile, and remove what a killed one has left.

    The lock is a file beside it, ``.baselines.json.lock``, which stays there and which git ignores.

    Raises:
        BaselineError: another update did not end within ``LOCK_SECONDS``, or another user's lock file cannot be opened.
        OSError: the folder cannot be written.
    """
    path = link_target(path)  # so that links to one file have one lock
    lock_file = path.with_name(f".{path.name}.lock")
    lock = shared_lock(lock_file)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except PermissionError:
        if not lock_file.exists():
            raise
        raise BaselineError(f"{path}: {refused_lock(lock_file)}") from None
    except Timeout:
        raise BaselineError(
            f"{path}: found another update at work on it for {LOCK_SECONDS:g} seconds (it holds {lock_file}), "
            f"expected it to end; check why that process does not"
        ) from None
    try:
        remove_leftovers(path)
        yield
    finally:
        lock.release()


def _by_fingerprint(baseline: Baseline) -> Baseline:
    """Return a baseline whose data and weights are named by fingerprint, not by the checksum of a published file."""
    former = baseline.fingerprints
    weights = FORMER_NAMES.get(former.weights, former.weights) if former.weights else None
    fingerprints = replace(former, data=FORMER_NAMES.get(former.data, former.data), weights=weights)
    return replace(baseline, fingerprints=fingerprints)


def _check_all(baselines: Baselines) -> None:
    for experiment, datasets in baselines.items():
        for dataset, sources in datasets.items():
            for source, baseline in sources.items():
                check_baseline(baseline, source, f"baselines.{experiment}.{dataset}.{source}")
                sources[source] = _by_fingerprint(baseline)
