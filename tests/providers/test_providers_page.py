"""The page of the providers is what the code says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_providers_are(tmp_path):
    """Generating it anew changes nothing."""
    made = tmp_path / "providers.md"
    subprocess.run([sys.executable, ROOT / "scripts" / "generate_providers.py", made], check=True)
    assert made.read_text() == (ROOT / "docs" / "providers.md").read_text(), "run `make reference`"
