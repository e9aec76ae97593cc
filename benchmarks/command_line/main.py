"""The program ``python -m benchmarks``."""

from __future__ import annotations

from benchmarks.command_line import (
    bisect,
    compare,
    judge,
    page,
    plan,
    prune,
    published,
    ratios,
    readme,
    record_throughput,
)
from cifar_models.command_line.program import Program

NAME = "python -m benchmarks"

EXAMPLES = f"""\
examples:
  {NAME} plan --drop 3 --dataset synthetic
  {NAME} compare main --dataset synthetic -k simple_cnn
  {NAME} bisect v1.0 main --dataset synthetic -k simple_cnn
  {NAME} judge runs/shards
  {NAME} page runs/2026-01-31T02-00-00Z
  {NAME} prune --keep 90
  {NAME} ratios simple_cnn --pairs 5
"""

PROGRAM = Program(
    NAME,
    "Tools for the nights of `pytest -m benchmark`, and for comparing commits or environments without a baseline.",
    EXAMPLES,
    commands={
        "plan": plan,
        "compare": compare,
        "bisect": bisect,
        "judge": judge,
        "page": page,
        "prune": prune,
        "readme": readme,
        "published": published,
        "ratios": ratios,
        "record-throughput": record_throughput,
    },
    extra="benchmarks",
    packages=("filelock", "jinja2", "matplotlib", "packaging", "scipy", "tabulate"),
)
main = PROGRAM.main
