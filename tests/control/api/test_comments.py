"""The comments that the reference shows are those of the .proto files."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_comments_are_up_to_date(tmp_path):
    """Generating them again gives the checked-in file; if not, run scripts/generate_reference.py."""
    target = tmp_path / "comments.json"
    subprocess.run([sys.executable, ROOT / "scripts" / "generate_reference.py", target], check=True)
    stored = ROOT / "src" / "gatewright" / "control" / "api" / "comments.json"
    assert json.loads(target.read_text("utf-8")) == json.loads(stored.read_text("utf-8"))
