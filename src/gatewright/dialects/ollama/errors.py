"""How Ollama's clients read errors: `{"error": "message"}` (https://docs.ollama.com/api/errors)."""

import msgspec

from gatewright.dialects.errors import ErrorDialect
from gatewright.dialects.ollama.stream import error_line
from gatewright.errors import GatewrightError


def _body(problem: GatewrightError) -> bytes:
    return msgspec.json.encode({"error": problem.public})


def _event(problem: GatewrightError) -> bytes:
    # Nothing stands before it: the SDK takes a blank line for JSON, and half a line fails whatever follows.
    return error_line(problem.public)


ERRORS = ErrorDialect("ollama", _body, _event)
"""Errors of every path under /api; in a stream a line of their own. What is in `error` must be a text."""
