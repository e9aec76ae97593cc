"""The commands of ``python -m benchmarks``."""

from __future__ import annotations

from benchmarks.command_line import bisect, compare, page, plan, prune, published, ratios, readme, record_throughput
from cifar_models.command_line.program import Program

NAME = "python -m benchmarks"

EXAMPLES = f"""\
examples:
  {NAME} plan --drop 3 --dataset synthetic
  {NAME} compare main --dataset synthetic -k simple_cnn
  {NAME} bisect v1.0 main --dataset synthetic -k simple_cnn
  {NAME} page runs/2026-01-31T02-00-00Z
  {NAME} prune --keep 90
  {NAME} ratios simple_cnn --pairs 5
"""

PROGRAM = Program(
    NAME,
    "What goes with a night of `pytest -m benchmark`: plan it, make its page again, remove old ones, write baselines. "
    "And what needs no night: compare two commits or environments, and find the one that made training worse.",
    EXAMPLES,
    commands=(plan, compare, bisect, page, prune, readme, published, ratios, record_throughput),
    extra="benchmarks",
    packages=("filelock", "jinja2", "matplotlib", "packaging", "scipy", "tabulate"),
)
main = PROGRAM.main
