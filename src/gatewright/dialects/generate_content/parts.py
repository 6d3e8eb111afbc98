"""The parts of a content: what users, models and tools say.

Gemini API reference, "Part" (https://ai.google.dev/api/caching#Part), and "Thought signatures"
(https://ai.google.dev/gemini-api/docs/thought-signatures): a signature may stand on a thought, on a call, on plain text
or on an empty text. On plain text the model has it as a `Reasoning` of its own, so that it survives other dialects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gatewright.dialects.conversation import (
    Dropped,
    Media,
    Native,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from gatewright.dialects.fields import to_text
from gatewright.dialects.freetext import to_arguments
from gatewright.dialects.generate_content.calls import CallIds
from gatewright.dialects.generate_content.fields import Fields, restored
from gatewright.dialects.generate_content.media import decode_detail, encode_media, file_data, inline_data
from gatewright.dialects.generate_content.results import encode_result, function_response
from gatewright.errors import ClientError

SIGNATURE = "thoughtSignature"
ON_PREVIOUS = "on_previous"
UNSIGNED = "skip_thought_signature_validator"
"""What Google documents for calls that another model made ("Thought signatures", FAQ)."""


@dataclass(slots=True)
class Target:
    """Whom parts are encoded for.

    Attributes:
        same: whether they come from this dialect.
        dropped: takes the names of what cannot be said.
        modern: whether the model is of Gemini 3 or later, which checks signatures and takes media in tool results.
        names: of the tools called, by the call's id.
    """

    same: bool
    dropped: Dropped
    modern: bool = False
    names: dict[str, str] = field(default_factory=dict)


def decode_part(fields: Fields, ids: CallIds) -> list[Part]:
    """A part; two when it has a signature that the model has no place for.

    Args:
        fields: of the part.
        ids: of the calls.

    Raises:
        GatewrightError: by the fields' fault, when it is not what the API says.
    """
    part: Part
    if fields.has("functionCall") and (call := _call(fields, ids)):
        return [call]
    if fields.has("functionResponse"):
        return [function_response(fields, ids, lambda inner: decode_part(inner, ids))]
    if fields.has("inlineData"):
        part = inline_data(fields)
    elif fields.has("fileData"):
        part = file_data(fields)
    elif fields.has("text"):
        part = _text(fields)
    else:
        return [Native(rest=fields.rest(), form=fields.form)]
    if isinstance(part, Media):
        part.detail = decode_detail(fields)
    signature = None if isinstance(part, Reasoning) else fields.label(SIGNATURE)
    part.form, part.rest = fields.form, fields.rest()
    if signature is None:
        return [part]
    # The name under which it stood is told by the form of the part it stood on.
    form = {name: fields.form[name] for name in (SIGNATURE,) if name in fields.form}
    return [part, Reasoning(signature=signature, form=form | {"thought": None, ON_PREVIOUS: True})]


def _text(fields: Fields) -> Text | Reasoning:
    text = fields.need("text", str)
    thought = fields.get("thought", bool)
    if thought is False:
        fields.keep("thought", False)
    if not thought and (text or not fields.peek(SIGNATURE)):
        return Text(text=text)
    if not thought:
        fields.form["thought"] = None
    return Reasoning(text=text, signature=fields.label(SIGNATURE))


def _call(fields: Fields, ids: CallIds) -> ToolCall | None:
    """A call; None for a piece of one, which only clients of this dialect can ask for."""
    if not isinstance(found := fields.peek("functionCall"), dict) or not (found.get("name") or "args" in found):
        return None
    inner = fields.inner("functionCall")
    inner.absent("id")
    inner.absent("args")
    name = inner.need("name", str)
    call = ToolCall(
        id=ids.call(inner.label("id"), name),
        name=name,
        arguments=to_text(inner.get("args", dict) or {}),
        signature=fields.label(SIGNATURE),
    )
    call.form, call.rest = fields.form, fields.rest()
    return call


def encode_parts(parts: Sequence[Part], target: Target) -> list[dict[str, Any]]:
    """Parts of one content.

    Raises:
        ClientError: when a tool result answers no call.
    """
    written: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Reasoning) and target.same and part.form.get(ON_PREVIOUS) and written:
            written[-1][part.form.get(SIGNATURE, SIGNATURE)] = part.signature
        elif isinstance(part, ToolResult):
            written += _result(part, target)
        elif (body := encode_part(part, target)) is not None:
            written.append(body)
    return written if target.same else _signed(written, modern=target.modern)


def encode_part(part: Part, target: Target) -> dict[str, Any] | None:
    """A part that is no tool result; None when Gemini has no such thing, or would refuse it."""
    if isinstance(part, Media):
        return encode_media(part, target.dropped, same=target.same, detailed=target.modern)
    if isinstance(part, Native) and target.same:
        return restored({}, part.form, part.rest)
    if isinstance(part, Native):
        target.dropped.native(part)
        return None
    rest = target.dropped.rest(part, same=target.same)
    if isinstance(part, ToolCall):
        body: dict[str, Any] = {
            "functionCall": {"id": part.id, "name": part.name, "args": to_arguments(part)},
            SIGNATURE: part.signature,
        }
    elif isinstance(part, Reasoning):
        if part.sealed is not None:
            target.dropped.add("encrypted_reasoning")
        if not target.same and not part.text and not part.signature:
            return None
        # A signature alone stands on an empty text, as Gemini itself sends it.
        thought = True if part.text or target.same else None
        body = {"text": part.text, "thought": thought, SIGNATURE: part.signature}
    elif isinstance(part, Text | Refusal) and (part.text or target.same):
        body = {"text": part.text}
    else:
        return None
    body = {name: value for name, value in body.items() if value is not None}
    return restored(body, part.form, rest) if target.same else body


def _result(result: ToolResult, target: Target) -> list[dict[str, Any]]:
    name = result.name or target.names.get(result.id)
    if name is None:
        raise ClientError(f"No tool call has the id `{result.id[:100]}`, which a tool result answers.")
    return encode_result(result, name, target.dropped, same=target.same, inside=target.modern)


def _signed(parts: list[dict[str, Any]], *, modern: bool) -> list[dict[str, Any]]:
    """The parts with a signature where Gemini looks for it: on the first call."""
    at = next((at for at, part in enumerate(parts) if "functionCall" in part), None)
    if at is None or any("functionCall" in part and SIGNATURE in part for part in parts):
        return parts
    before = parts[at - 1] if at else {}
    if before.get("text") == "" and SIGNATURE in before:
        parts[at][SIGNATURE] = before[SIGNATURE]
        del parts[at - 1]
    elif modern:
        parts[at][SIGNATURE] = UNSIGNED
    return parts
