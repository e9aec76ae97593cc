"""``python -m cifar_models``."""

from __future__ import annotations

import sys

from cifar_models.command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
