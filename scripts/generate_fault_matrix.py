"""Run the fault matrix and write `docs/fault-matrix.md`.

    PYTHONPATH=tests python scripts/generate_fault_matrix.py [TARGET_FILE]

The result is checked in; `tests/faults/test_fault_matrix.py` fails when it drifts, or when a cell is not as stated.
"""

import logging
import sys
from pathlib import Path

from faults.matrix import Matrix
from faults.page import page

TARGET = Path(__file__).parent.parent / "docs" / "fault-matrix.md"

if __name__ == "__main__":
    logging.disable()  # each failed attempt would be logged as one
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    with Matrix() as matrix:
        target.write_text(page(matrix), "utf-8")
