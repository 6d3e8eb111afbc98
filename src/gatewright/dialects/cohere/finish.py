"""Why an answer ended (https://docs.cohere.com/reference/chat, `finish_reason`)."""

from gatewright.dialects.conversation import Finish

ERROR = "ERROR"
"""The reason of an answer that failed."""

_FINISHES: dict[str, Finish] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
}
_REASONS = {finish: reason for reason, finish in _FINISHES.items()} | {"content_filter": ERROR}


def decode_finish(reason: str) -> Finish:
    """The model's word; `ERROR` and `TIMEOUT`, and what is not known, are `other`."""
    return _FINISHES.get(reason, "other")


def encode_finish(finish: Finish | None, *, called: bool) -> str:
    """This API's word for another dialect's.

    Args:
        finish: why the answer ended; None where the wire did not say.
        called: a tool was called; some providers then still say `stop`.
    """
    if called and finish in (None, "stop", "other"):
        return "TOOL_CALL"
    return _REASONS.get(finish or "stop", "COMPLETE")
