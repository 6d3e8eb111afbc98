"""A recording of a real MLflow server, replayed against ours: every step matches but those the documents explain."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.needed import missing

ROOT = Path(__file__).parents[3]
CONTRACT = Path(os.environ.get("GATEWRIGHT_CONTRACT") or ROOT.parent / "shared" / "contract")
PAGE = ROOT / "docs" / "mlflow-compatibility.md"


def explained():
    """The steps that docs/mlflow-compatibility.md gives a reason for: the rows that begin with `| #12`."""
    return {int(step) for step in re.findall(r"^\| #(\d+) \|", PAGE.read_text(), re.MULTILINE)}


@pytest.mark.slow
def test_every_recorded_step_matches_but_those_explained(serve, tmp_path):
    """Status, error code and JSON of 444 requests; no step is explained that does not differ."""
    if not (CONTRACT / "compare.py").exists():
        missing("the recording is not here; set GATEWRIGHT_CONTRACT to the folder that holds compare.py")
    server = serve("--no-auth", admin_key="")
    result = tmp_path / "result.json"
    run = subprocess.run(
        [sys.executable, "-B", CONTRACT / "compare.py", server.url, "--json", result],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.exists(), run.stderr
    steps = json.loads(result.read_text())["steps"]
    assert len(steps) > 400
    different = {step["step"]: step["diffs"] for step in steps if step["result"] == "mismatch"}
    assert different.keys() == explained(), run.stdout
    assert "Traceback" not in server.output
