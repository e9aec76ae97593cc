"""Reads, checks and writes baselines.json."""

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
"""Checksums of published files in old entries, and the fingerprints of the contents of these files."""
LOCK_SECONDS = 60.0
"""How long an update waits for another one, which locks the file only while it writes."""


def read_baselines(path: Path) -> Baselines:
    """Read and check a baselines file.

    Raises:
        BaselineError: the file is missing or not JSON, has another schema, or a key or value is wrong.
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
    """Write a baselines file, completely or not at all.

    Raises:
        OSError: the folder cannot be written.
        ValueError: ``read_baselines`` would refuse an entry.
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
    """Lock a baselines file for an update, and remove temporary files of killed updates.

    The lock is a file beside it, ``.baselines.json.lock``, which is never removed and which git ignores.

    Raises:
        BaselineError: another update did not end within ``LOCK_SECONDS``, or another user's lock file cannot be opened.
        OSError: the folder cannot be written.
    """
    path = link_target(path)  # so that links to one file share a lock
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
            f"{path}: found it locked by another update for {LOCK_SECONDS:g} seconds (the lock is {lock_file}), "
            f"expected the update to end; check that process"
        ) from None
    try:
        remove_leftovers(path)
        yield
    finally:
        lock.release()


def _by_fingerprint(baseline: Baseline) -> Baseline:
    """Return a baseline with the fingerprints of data and weights instead of checksums of published files."""
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
