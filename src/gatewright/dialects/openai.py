"""OpenAI's API as clients speak it: errors, the list of models, and errors inside a stream.

Shapes: OpenAI API reference, "Error codes" and "Models"
(https://platform.openai.com/docs/guides/error-codes, https://platform.openai.com/docs/api-reference/models).
"""

from collections.abc import Iterable

import msgspec

from gatewright.errors import GatewrightError

# OpenAI's `type` by status; any other status takes the type of its class.
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

# OpenAI's `code` where it has a word for the error; else our own in lower case.
_CODES = {"UNAUTHENTICATED": "invalid_api_key", "RESOURCE_DOES_NOT_EXIST": "model_not_found"}


def error(problem: GatewrightError) -> bytes:
    """The body of an error answer: `{"error": {message, type, param, code}}`."""
    kind = _TYPES.get(problem.status, "api_error" if problem.status >= 500 else "invalid_request_error")
    code = _CODES.get(problem.code, problem.code.lower())
    shown = {"message": problem.public, "type": kind, "param": None, "code": code}
    return msgspec.json.encode({"error": shown})


def stream_error(problem: GatewrightError) -> bytes:
    """The same as an event inside a stream that has begun; OpenAI's SDKs raise on a `data` with an `error`."""
    return b"\n\ndata: " + error(problem) + b"\n\n"


def response_error(problem: GatewrightError) -> bytes:
    """The same as an event inside a stream of Responses that has begun.

    https://platform.openai.com/docs/api-reference/responses-streaming/error; the number of an event in a stream that is
    passed through is not known, and no client looks for one here.
    """
    code = _CODES.get(problem.code, problem.code.lower())
    shown = {"type": "error", "sequence_number": 0, "code": code, "message": problem.public, "param": None}
    return b"\n\nevent: error\ndata: " + msgspec.json.encode(shown) + b"\n\n"


def error_message(body: bytes, limit: int = 500) -> str:
    """What an OpenAI-compatible provider says in an error body, for people.

    Providers write `{"error": {"message"}}`, `{"error": "text"}`, `{"message"}`, `{"detail"}` or plain text; a page of
    HTML says nothing a caller can use.

    Args:
        body: the body of the answer, of any content.
        limit: most characters returned.
    """
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body[: 4 * limit].decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else text[:limit]
    if isinstance(found, list) and found:  # Gemini's stream as one array
        found = found[0]
    for key in ("error", "message", "Message", "detail"):
        found = found.get(key, found) if isinstance(found, dict) else found
    return found[:limit] if isinstance(found, str) else ""


def model(name: str, created_at: int, owner: str) -> dict[str, object]:
    """A model object.

    Args:
        name: what clients put in `model`: an endpoint's name.
        created_at: milliseconds since the epoch (the wire has seconds).
        owner: value of `owned_by`.
    """
    return {"id": name, "object": "model", "created": created_at // 1000, "owned_by": owner}


def models(listed: Iterable[dict[str, object]]) -> bytes:
    """The list of models."""
    return msgspec.json.encode({"object": "list", "data": list(listed)})
