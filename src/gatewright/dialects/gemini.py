"""Gemini's API as clients speak it: errors and the list of models.

Shapes: google.rpc.Status as JSON (https://cloud.google.com/apis/design/errors) and the Gemini API reference, "models".
"""

from collections.abc import Iterable

import msgspec

from gatewright.errors import GatewrightError

# google.rpc.Code by HTTP status; any other status takes the code of its class.
_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def code(status: int) -> str:
    """google.rpc.Code of an HTTP status."""
    return _CODES.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")


def error(problem: GatewrightError) -> bytes:
    """The body of an error answer: `{"error": {code, message, status}}`."""
    shown = {"code": problem.status, "message": problem.public, "status": code(problem.status)}
    return msgspec.json.encode({"error": shown})


def stream_error(problem: GatewrightError) -> bytes:
    """The same as an event inside a stream that has begun."""
    return b"\n\ndata: " + error(problem) + b"\n\n"


def array_error(problem: GatewrightError) -> bytes:
    """The same as the last element of a stream that is one JSON array, and the array's end."""
    return b",\n" + error(problem) + b"]"


def model(name: str) -> dict[str, object]:
    """A model object; its methods are those every endpoint may be asked for."""
    methods = ["generateContent", "countTokens"]
    return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}


def models(names: Iterable[str]) -> bytes:
    """The list of models."""
    return msgspec.json.encode({"models": [model(name) for name in names]})
