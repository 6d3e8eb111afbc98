"""The page of the failures is what the code says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_failure_table_is(tmp_path):
    """Generating it anew changes nothing."""
    made = tmp_path / "failures.md"
    subprocess.run([sys.executable, ROOT / "scripts" / "generate_failures.py", made], check=True)
    assert made.read_text() == (ROOT / "docs" / "failures.md").read_text(), "run `make reference`"
