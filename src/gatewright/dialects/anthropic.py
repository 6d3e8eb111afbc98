"""Anthropic's API as clients speak it: errors and the list of models.

Shapes: Anthropic API reference, "Errors" (https://docs.anthropic.com/en/api/errors) and "List models"
(https://docs.anthropic.com/en/api/models-list).
"""

from collections.abc import Iterable
from datetime import UTC, datetime

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
    return b"\n\nevent: error\ndata: " + error(problem) + b"\n\n"


def model(name: str, created_at: int) -> dict[str, object]:
    """A model object.

    Args:
        name: what clients put in `model`: an endpoint's name.
        created_at: milliseconds since the epoch (the wire has RFC 3339).
    """
    created = datetime.fromtimestamp(created_at // 1000, UTC).isoformat().replace("+00:00", "Z")
    return {"type": "model", "id": name, "display_name": name, "created_at": created}


def models(found: Iterable[tuple[str, int]]) -> bytes:
    """The list of models, which is one page; each by its name and when it was created, in milliseconds."""
    listed = [model(name, created_at) for name, created_at in found]
    first, last = (listed[0]["id"], listed[-1]["id"]) if listed else (None, None)
    return msgspec.json.encode({"data": listed, "has_more": False, "first_id": first, "last_id": last})
