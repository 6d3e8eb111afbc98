"""Errors inside a stream that began well.

Providers write OpenAI's `{"error": {"message", "type", "code"}}` (Groq with a `status_code`, OpenRouter with the status
as `code`), `{"error": "text"}`, or vLLM's and Mistral's `{"object": "error", "message"}`.
"""

from typing import Any

from gatewright.dialects.stream import Failed

# OpenAI API reference, "Error codes".
_STATUSES = {
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "insufficient_quota": 429,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "overloaded_error": 529,  # Anthropic's own word, and status
    "server_is_overloaded": 503,
    "service_unavailable": 503,
}


def decode_failure(chunk: dict[str, Any]) -> Failed | None:
    """The error that an event of a stream reports; None when it reports none."""
    found = chunk.get("error")
    if found is None and "error" in (chunk.get("object"), chunk.get("type")):
        found = chunk
    if not found:
        return None
    if not isinstance(found, dict):
        return Failed(message=str(found))
    words = [found.get(key) for key in ("type", "code") if isinstance(found.get(key), str)]
    numbers = [found.get(key) for key in ("status_code", "code", "status") if type(found.get(key)) is int]
    status = next((one for one in numbers if 400 <= one < 600), None)  # type: ignore[operator]  # all are integers
    if status is None:
        status = next((_STATUSES[word] for word in words if word in _STATUSES), 500)
    message = found.get("message")
    return Failed(
        message=message if isinstance(message, str) else "The provider reports an error.",
        kind=next((word for word in words if word), ""),
        status=status,
        form=found,
    )


def encode_failure(failed: Failed, *, same: bool) -> dict[str, Any]:
    """The object of an error event."""
    made = {"message": failed.message, "type": failed.kind or "api_error", "param": None, "code": failed.kind or None}
    return {"error": failed.form if same and failed.form else made}
