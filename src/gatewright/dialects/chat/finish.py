"""Why an answer ended.

Values: OpenAI API reference, "The chat completion object", `finish_reason`; `eos` is Together's, `model_length`
Mistral's (https://docs.mistral.ai/api), `insufficient_system_resource` DeepSeek's.
"""

from gatewright.dialects.conversation import Finish

_DECODED: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_ENCODED: dict[Finish, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "other": "stop",
}


def decode_finish(wire: str, *, called: bool) -> Finish:
    """A finish reason.

    Args:
        wire: the provider's word; empty when it says none, as Snowflake.
        called: whether the answer calls tools. One that had to call the named tool ends with `stop`, by OpenAI's
            documentation; to any other dialect it ends with the call.
    """
    finish = _DECODED.get(wire, "other")
    return "tool_calls" if called and finish in ("stop", "other") else finish


def encode_finish(finish: Finish, *, legacy: bool) -> str:
    """A finish reason on the wire.

    Args:
        finish: of any dialect.
        legacy: whether calls are `function_call`.
    """
    return "function_call" if legacy and finish == "tool_calls" else _ENCODED[finish]
