"""Anthropic's API as clients speak it: errors.

Shapes: Anthropic API reference, "Errors" (https://docs.anthropic.com/en/api/errors).
"""

import msgspec

from gatewright.errors import GatewrightError

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Anthropic's error types by status; any other status takes the type of its class."""


def error(problem: GatewrightError) -> bytes:
    """The body of an error answer: `{"type": "error", "error": {type, message}}`."""
    kind = TYPES.get(problem.status, "api_error" if problem.status >= 500 else "invalid_request_error")
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": problem.public}})


def stream_error(problem: GatewrightError) -> bytes:
    """The same as an `error` event inside a stream that has begun."""
    return b"event: error\ndata: " + error(problem) + b"\n\n"
