"""How Cohere's clients read errors: `{"message": "…"}` (https://docs.cohere.com/reference/errors)."""

import msgspec

from gatewright.dialects.errors import ErrorDialect
from gatewright.dialects.sse import write
from gatewright.errors import GatewrightError


def _body(problem: GatewrightError) -> bytes:
    return msgspec.json.encode({"message": problem.public})


def _event(problem: GatewrightError) -> bytes:
    delta = {"finish_reason": "ERROR", "error": problem.public}
    return b"\n\n" + write(msgspec.json.encode({"type": "message-end", "delta": delta}), b"message-end")


ERRORS = ErrorDialect("cohere", _body, _event, native=True)
"""Errors of every path under /v2; a stream ends with one as Cohere's own does when a generation fails."""
