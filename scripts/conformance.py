"""Run every check over the recorded exchanges and write `docs/conformance.md`.

    PYTHONPATH=tests python scripts/conformance.py

Fails when a case does, after the page is written.
"""

import logging
import sys
from pathlib import Path

from fixtures.conformance.page import CHECKS, page, results
from fixtures.recorded import FOLDER, everything

TARGET = Path(__file__).parent.parent / "docs" / "conformance.md"

if __name__ == "__main__":
    if not everything():
        sys.exit(f"There are no recorded exchanges in {FOLDER}. Name their folder: GATEWRIGHT_RECORDED=…")
    logging.disable()  # each recorded error would be logged as one
    TARGET.write_text(page(), "utf-8")
    for check in CHECKS:
        failed = sum(bool(one.problem) for one in results(check))
        sys.stdout.write(f"{check:13}{len(results(check)):6} cases, {failed} failed\n")
    sys.exit(any(one.problem for check in CHECKS for one in results(check)))
