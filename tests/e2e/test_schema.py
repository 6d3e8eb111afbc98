"""What the OpenAPI document says is true: generated requests find no server error and no answer it does not describe.

By default a few examples of every route, the same at each run. `GATEWRIGHT_TEST_SCHEMA_EXAMPLES=200` makes the run
that much longer, and new at each run.
"""

import os
import subprocess
import sys
from pathlib import Path

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "use_after_free",
)
LONGER = os.environ.get("GATEWRIGHT_TEST_SCHEMA_EXAMPLES", "")


MANAGEMENT = ("--include-path-regex", "^/(ajax-)?api/")
DATA = ("--exclude-path-regex", "^/(ajax-)?api/")


def test_management_answers_as_the_document_says(serve, tmp_path):
    """Examples, right and wrong requests, and sequences of them, over every route."""
    check(serve("--no-auth", admin_key="", GATEWRIGHT_MAX_BODY="1M"), tmp_path, *MANAGEMENT)


def test_the_data_plane_answers_as_the_document_says(serve, provider, tmp_path):
    """The same over every inference route; half of the requests reach a model."""
    server = serve("--no-auth", admin_key="", GATEWRIGHT_MAX_BODY="1M")
    server.publish("chat", provider.url)
    check(server, tmp_path, *DATA)
    assert len(provider.requests) > 50, "hardly a request came through to a model"


def check(server, folder, *which):
    examples = ["--max-examples", LONGER] if LONGER else ["--max-examples", "8", "--generation-deterministic"]
    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("run", f"{server.url}/openapi.json", "--no-color", "--checks", ",".join(CHECKS)),
            *("--phases", "examples,coverage,fuzzing,stateful", *examples, *which),
        ],
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "fixtures.schema_hooks", "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr
    assert "Traceback" not in server.output
