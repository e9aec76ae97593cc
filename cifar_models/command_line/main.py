"""The program ``python -m cifar_models``."""

from __future__ import annotations

from cifar_models.command_line import compare, list_experiments, predict, summary, train
from cifar_models.command_line.program import Program

NAME = "python -m cifar_models"

EXAMPLES = f"""\
Examples:
  {NAME} list
  {NAME} summary simple_cnn
  {NAME} train simple_cnn --dataset synthetic --save-model
  {NAME} compare runs/*.json
  {NAME} predict runs/simple_cnn.synthetic.seed0.keras cat.jpg
"""

PROGRAM = Program(
    NAME,
    "Work with one CIFAR-10 model: list the experiments, train one, compare trainings, predict with the result.",
    EXAMPLES,
    commands={
        "list": list_experiments,
        "summary": summary,
        "train": train,
        "compare": compare,
        "predict": predict,
    },
    extra="command-line",
    packages=("matplotlib", "PIL", "tabulate"),
)
main = PROGRAM.main
