"""Schemathesis, given our OpenAPI document, finds no server error and no answer the document does not describe."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.slow
def test_generated_requests_find_no_server_error(serve, tmp_path):
    """Examples, generated requests and sequences of them, over every route of both planes."""
    server = serve("--no-auth", admin_key="")
    program = Path(sys.executable).parent / "schemathesis"
    options = ["--checks", CHECKS, "--phases", "examples,fuzzing,stateful", "--max-examples", "8", "--seed", "7"]
    run = subprocess.run(
        [program, "run", f"{server.url}/openapi.json", *options, "--no-color"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr
    assert "passed" in run.stdout
    assert "Traceback" not in server.output
