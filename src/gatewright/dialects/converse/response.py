"""Answers of Converse, in both directions.

Shape: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, "Response Syntax".
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Answer, Candidate, Dropped, Finish, Request, ToolCall, Usage
from gatewright.dialects.converse.parts import decode_parts, encode_parts
from gatewright.dialects.converse.usage import decode_usage, encode_usage
from gatewright.dialects.converse.wire import NAME, TIERS, Encoding, providers
from gatewright.dialects.endings import Endings
from gatewright.dialects.fields import Fields

_FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "refusal",
}
_REASONS: dict[Finish, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
    "refusal": "content_filtered",
    "pause": "end_turn",
    "other": "end_turn",
}
UNMEASURED = {"latencyMs": 0}
"""The `metrics` of an answer of another dialect: the API requires them, and nothing here measures."""


_ENDINGS = Endings(_FINISHES, _REASONS)
finish, reason = _ENDINGS.finish, _ENDINGS.reason


def decode_answer(body: Mapping[str, Any]) -> Answer:
    """A provider's body to an answer.

    Raises:
        UpstreamProtocolError: when it is not an answer of this API.
    """
    try:
        return _answer(Fields(body, "", providers))
    except RecursionError:
        raise providers("it is nested too deeply.") from None


def _answer(fields: Fields) -> Answer:
    output = fields.inner("output")
    message = output.inner("message")
    found = fields.need("stopReason", str)
    candidate = Candidate(
        parts=decode_parts(message.need("content", list), message.path("content"), providers),
        finish=finish(found),
        form={"stopReason": found, "role": message.pop("role")},
        rest=message.left,
    )
    answer = Answer(dialect=NAME, candidates=[candidate])
    usage = fields.get("usage", dict)
    answer.usage = None if usage is None else decode_usage(usage)
    answer.service_tier = _tier(fields)
    if fields.has("metrics"):
        answer.form["metrics"] = fields.pop("metrics")  # how long it took, which a client measures too
    answer.rest = fields.left | ({"output": output.left} if output.left else {})
    return answer


def _tier(fields: Fields) -> str | None:
    tier = fields.within("serviceTier")
    found = None if tier is None else tier.get("type", str)
    if tier is not None and (tier.left or found is None):
        fields.left["serviceTier"] = tier.left
    return found


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
    if shown.stop_text is not None:
        dropped.add("stop_sequence")
    called = any(isinstance(part, ToolCall) for part in shown.parts)
    role = shown.form.get("role") if how.same else "assistant"
    message = {**({} if role is None else {"role": role}), "content": encode_parts(shown.parts, how), **how.rest(shown)}
    rest = dict(how.rest(answer))
    body: dict[str, Any] = {
        "output": {"message": message, **rest.pop("output", {})},
        "stopReason": reason(shown.finish, shown.form.get("stopReason") if how.same else None, called=called),
    }
    if answer.usage is not None or not how.same:
        body["usage"] = encode_usage(answer.usage or Usage(), same=how.same, dropped=dropped)
    metrics = answer.form.get("metrics") if how.same else UNMEASURED
    if metrics is not None:
        body["metrics"] = metrics
    if answer.service_tier is not None and (how.same or answer.service_tier in TIERS):
        body["serviceTier"] = {"type": answer.service_tier, **rest.pop("serviceTier", {})}
    elif answer.service_tier is not None:
        dropped.add("service_tier")
    return body | rest
