"""Answers and usage of the Messages API (https://platform.claude.com/docs/en/api/messages), in both directions."""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Dropped,
    Finish,
    Request,
    ToolCall,
    Usage,
)
from gatewright.dialects.endings import Endings
from gatewright.dialects.fields import Fields, provider_fault
from gatewright.dialects.messages.parts import Encoding, decode_block, encode_parts
from gatewright.dialects.messages.request import NAME

providers = provider_fault("the Messages API")
"""Makes the error of an answer."""

# "Handling stop reasons" (https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons).
_FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
}
_REASONS: dict[Finish, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "other": "end_turn",
}
# The name other dialects have for the tier that served.
_TIERS = {"standard": "default"}
_OWN_TIERS = {other: own for own, other in _TIERS.items()}
_KNOWN_TIERS = ("standard", "priority", "batch")


_ENDINGS = Endings(_FINISHES, _REASONS)
finish, reason = _ENDINGS.finish, _ENDINGS.reason


def decode_answer(body: Mapping[str, Any]) -> Answer:
    """A provider's body to an answer.

    Raises:
        UpstreamProtocolError: when it is not a message of this API.
    """
    try:
        return _answer(Fields(body, "", providers))
    except RecursionError:
        raise providers("it is nested too deeply.") from None


def _answer(fields: Fields) -> Answer:
    if fields.pop("type") != "message":
        raise fields.wrong("type", "'message'")
    fields.pop("role")  # which is always the assistant's
    content = fields.need("content", list)
    found = fields.get("stop_reason", str)
    candidate = Candidate(
        parts=[decode_block(block, f"content[{at}]", providers) for at, block in enumerate(content)],
        finish=None if found is None else finish(found),
        stop_text=fields.get("stop_sequence", str),
        form={} if found is None else {"stop_reason": found},
    )
    usage = fields.within("usage")
    tier = None if usage is None else usage.get("service_tier", str)
    return Answer(
        dialect=NAME,
        id=fields.get("id", str) or "",
        model=fields.get("model", str) or "",
        candidates=[candidate],
        usage=None if usage is None else decode_usage(usage.left),
        service_tier=decode_tier(tier),
        rest=fields.left,
    )


def decode_tier(own: str | None) -> str | None:
    """The tier that served, by the name other dialects have for it."""
    return None if own is None else _TIERS.get(own, own)


def encode_tier(tier: str | None, *, same: bool, dropped: Dropped) -> dict[str, str]:
    """`service_tier` of usage; of another dialect's only what this API has a name for, and the rest is noted."""
    own = None if tier is None else _OWN_TIERS.get(tier, tier)
    if own is None or same or own in _KNOWN_TIERS:
        return {} if own is None else {"service_tier": own}
    dropped.add("service_tier")
    return {}


def encode_answer(answer: Answer, request: Request, dropped: Dropped) -> dict[str, Any]:  # noqa: ARG001 - every dialect's
    """An answer to a client's body.

    Args:
        answer: of any dialect; of several candidates the first is shown.
        request: what the client asked.
        dropped: told what this API cannot express.
    """
    how = Encoding(same=answer.dialect == NAME, dropped=dropped, answer=True)
    shown = answer.candidates[0] if answer.candidates else Candidate()
    if len(answer.candidates) > 1:
        dropped.add("choices")
    own = shown.form.get("stop_reason") if how.same else None
    usage = encode_usage(answer.usage or Usage(), same=how.same, dropped=dropped)
    usage |= encode_tier(answer.service_tier, same=how.same, dropped=dropped)
    called = any(isinstance(part, ToolCall) for part in shown.parts)
    unended = how.same and shown.finish is None
    return {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": encode_parts(shown.parts, how),
        "stop_reason": None if unended else reason(shown.finish, own, called=called),
        "stop_sequence": shown.stop_text,
        "usage": usage,
        **how.rest(answer),
    }


def decode_usage(found: Mapping[str, Any]) -> Usage:
    """Usage, whole or as a stream has counted so far.

    `input_tokens` leaves out what a cache gave or took, `output_tokens` holds the thought ("Usage" of the API
    reference). Of the fields an answer may lack, `form` remembers which were there.

    Raises:
        UpstreamProtocolError: when a count is not one.
    """
    fields = Fields(found, "usage", providers)
    form = {key: True for key in _SOMETIMES if fields.left.get(key) is not None}
    read, written = _count(fields, "cache_read_input_tokens"), _count(fields, "cache_creation_input_tokens")
    kept = fields.within("cache_creation")
    hour = 0 if kept is None else _count(kept, "ephemeral_1h_input_tokens")
    minutes = 0 if kept is None else _count(kept, "ephemeral_5m_input_tokens")
    details = fields.within("output_tokens_details")
    output = _count(fields, "output_tokens")
    thought = 0 if details is None else min(output, _count(details, "thinking_tokens"))
    for key, inner in (("cache_creation", kept), ("output_tokens_details", details)):
        if inner is not None and inner.left:
            fields.left[key] = inner.left
    return Usage(
        input=_count(fields, "input_tokens"),
        cache_read=read,
        cache_write_5m=max(minutes, written - hour),
        cache_write_1h=hour,
        output=output - thought,
        reasoning=thought,
        rest=fields.left,
        form=form,
    )


_SOMETIMES = ("cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation", "output_tokens_details")


def _count(fields: Fields, key: str) -> int:
    found = fields.get(key, int) or 0
    if found < 0:
        raise fields.wrong(key, "0 or more")
    return found


def encode_usage(usage: Usage, *, same: bool, dropped: Dropped) -> dict[str, Any]:
    """Usage as this API counts.

    Args:
        usage: of any dialect; sound and images count as input here.
        same: it comes from this dialect, and has the fields it had.
        dropped: told what this API cannot express.
    """
    written = usage.cache_write_5m + usage.cache_write_1h
    lasting = {
        "ephemeral_5m_input_tokens": usage.cache_write_5m,
        "ephemeral_1h_input_tokens": usage.cache_write_1h,
    }
    counted: dict[str, Any] = {
        "input_tokens": usage.prompt - usage.cache_read - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": lasting,
        "output_tokens": usage.answer,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }
    rest = dropped.rest(usage, same=same)
    if not same:
        return counted if usage.reasoning else {k: v for k, v in counted.items() if k != "output_tokens_details"}
    had = {key: value for key, value in counted.items() if key not in _SOMETIMES or key in usage.form}
    # Of a group of counts, `rest` has those that are not ours.
    return {
        **rest,
        **{key: value | rest.get(key, {}) if isinstance(value, dict) else value for key, value in had.items()},
    }
