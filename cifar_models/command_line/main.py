"""The commands of ``python -m cifar_models``."""

from __future__ import annotations

from cifar_models.command_line import compare, input_sizes, list_experiments, predict, summary, train
from cifar_models.command_line.program import Program

NAME = "python -m cifar_models"

EXAMPLES = f"""\
examples:
  {NAME} list
  {NAME} summary simple_cnn
  {NAME} train simple_cnn --dataset synthetic --save-model
  {NAME} compare runs/*.json
  {NAME} input-sizes runs/*.json
  {NAME} predict runs/simple_cnn.synthetic.seed0.keras cat.jpg
"""

PROGRAM = Program(
    NAME,
    "One CIFAR-10 model at a time: see what there is, train it, compare trainings, use the result.",
    EXAMPLES,
    commands=(list_experiments, summary, train, compare, input_sizes, predict),
    extra="command-line",
    packages=("matplotlib", "PIL", "tabulate"),
)
main = PROGRAM.main
