"""Parts of messages and of answers: text, refusals, thoughts and tool calls.

Shapes: OpenAI API reference, "Create chat completion". Thoughts are no part of OpenAI's API; providers have
`reasoning_content` (https://api-docs.deepseek.com/guides/reasoning_model), `reasoning`
(https://console.groq.com/docs/reasoning), `reasoning_details`
(https://openrouter.ai/docs/use-cases/reasoning-tokens) or `thinking` parts
(https://docs.mistral.ai/capabilities/reasoning). Google signs calls in `extra_content`
(https://ai.google.dev/gemini-api/docs/openai).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from gatewright.dialects.chat.media import LINKED, decode_audio, decode_file, decode_linked, encode_media
from gatewright.dialects.chat.nested import closed, opened, restored
from gatewright.dialects.conversation import (
    Dropped,
    Media,
    Native,
    Node,
    Part,
    Reasoning,
    Refusal,
    Rest,
    Text,
    ToolCall,
)
from gatewright.dialects.fields import Fields, to_text
from gatewright.errors import ClientError

THOUGHTS = ("reasoning_content", "reasoning")
"""Fields that hold a thought as plain text."""

ThoughtField = Literal["reasoning_content", "reasoning", "reasoning_details", "thinking", ""]
"""Where a provider takes back the thoughts of earlier turns; empty for one that refuses them."""

# Type of a `reasoning_details` entry: the field of its text.
_DETAILS = {"reasoning.text": "text", "reasoning.summary": "summary"}
_SEALED = "reasoning.encrypted"


def decode_content(found: Fields) -> tuple[list[Part], bool]:
    """Take a message's `content`: its parts, and whether it was one plain string."""
    value = found.left.get("content")
    if isinstance(value, str):
        del found.left["content"]
        return ([Text(text=value)] if value else []), True
    if value is not None and not isinstance(value, list):
        raise found.wrong("content", "a string or a list of parts")
    return [_decode_part(one) for one in found.objects("content")], False


def _decode_part(found: Fields) -> Part:
    kind = found.need("type", str)
    if kind in ("text", "refusal"):
        text = found.need(kind, str)
        return Text(text=text, rest=found.left) if kind == "text" else Refusal(text=text, rest=found.left)
    if kind in LINKED:
        return decode_linked(found, kind)
    if kind == "input_audio":
        return decode_audio(found)
    if kind == "file":
        return decode_file(found)
    if kind == "thinking":
        return _decode_thinking(found)
    return Native(rest={"type": kind, **found.left})


def _decode_thinking(found: Fields) -> Reasoning:
    """Mistral's thought: a list of text chunks, or a plain string."""
    chunks = found.left.pop("thinking", None)
    texts = [chunks] if isinstance(chunks, str) else [one.get("text") for one in _dicts(chunks)]
    text = "".join(one for one in texts if isinstance(one, str))
    signature = found.get("signature", str)
    form = {"as": "thinking", "fields": found.left}
    if chunks != _chunks(text):
        form["thinking"] = chunks
    return Reasoning(text=text, signature=signature, form=form)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _chunks(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}]


def encode_content(parts: Iterable[Part], *, same: bool, dropped: Dropped) -> list[dict[str, Any]]:
    """The parts that stand in a message's `content`, as a list."""
    made: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Text):
            made.append(_encode_text(part, same, dropped))
        elif isinstance(part, Media):
            if not (same and (part.form.get("as") == "audio" or "images" in part.form)):
                made.append(encode_media(part, same, dropped))
        elif isinstance(part, Refusal) and part.form.get("as") != "refusal":
            made.append(restored({"type": "refusal", "refusal": part.text}, dropped.rest(part, same=same)))
        elif isinstance(part, Native):
            if not same:
                dropped.native(part)
            elif part.form.get("as") not in ("tool_calls", "detail"):
                made.append(part.rest)
        elif isinstance(part, Reasoning) and same and part.form.get("as") == "thinking":
            made.append(_encode_thinking(part))
    return made


def _encode_text(part: Text, same: bool, dropped: Dropped) -> dict[str, Any]:
    if not same:  # what stands beside a text is told in an answer alone
        dropped.update(["citations"] if part.citations else [], ["logprobs"] if part.scores else [])
    return restored({"type": "text", "text": part.text}, dropped.rest(part, same=same))


def _encode_thinking(part: Reasoning) -> dict[str, Any]:
    made = {"type": "thinking", "thinking": part.form.get("thinking", _chunks(part.text)), **part.form["fields"]}
    if part.signature is not None:
        made["signature"] = part.signature
    return made


def decode_thoughts(found: Fields, form: Rest) -> list[Part]:
    """Take the fields of a message that hold its thoughts.

    Args:
        found: the message.
        form: of the message's value: gets a text that only repeats the details.
    """
    details: list[Part] = [_decode_detail(one) for one in found.objects("reasoning_details")]
    texts = {key: value for key in THOUGHTS if isinstance(value := found.left.get(key), str) and value}
    for key in texts:
        del found.left[key]
    if any(isinstance(one, Reasoning) and one.text for one in details):
        form.update(texts)
        return details
    by_text: dict[str, list[str]] = {}
    for key, text in texts.items():
        by_text.setdefault(text, []).append(key)
    return [*(Reasoning(text=text, form={"as": keys}) for text, keys in by_text.items()), *details]


def _decode_detail(found: Fields) -> Part:
    kind = found.get("type", str)
    if kind == _SEALED and isinstance(found.left.get("data"), str):
        return Reasoning(sealed=found.need("data", str), form={"as": kind, "fields": found.left})
    field = _DETAILS.get(kind or "")
    if field is None:
        return Native(rest=found.left if kind is None else {"type": kind, **found.left}, form={"as": "detail"})
    absent = found.left.get(field) is None
    text = found.get(field, str) or ""
    signature = found.get("signature", str)
    return Reasoning(
        text=text, signature=signature, form={"as": kind, "fields": found.left} | ({"absent": True} if absent else {})
    )


def encode_thoughts(parts: Iterable[Part], *, same: bool, field: ThoughtField = "reasoning_content") -> dict[str, Any]:
    """The fields of a message that hold its thoughts, but for those that stand in its content.

    A thought of another dialect is in the field that is asked for. By default that is `reasoning_content`, which most
    providers and clients know, and, so that a signed or sealed one comes back with the next turn, `reasoning_details`.
    """
    if not same:
        return _encode_foreign_thoughts([part for part in parts if isinstance(part, Reasoning)], field)
    made: dict[str, Any] = {}
    details: list[dict[str, Any]] = []
    for part in parts:
        kind = part.form.get("as")
        if isinstance(part, Native) and kind == "detail":
            details.append(part.rest)
        elif isinstance(part, Reasoning) and isinstance(kind, list):
            made |= dict.fromkeys(kind, part.text)
        elif isinstance(part, Reasoning) and kind not in (None, "thinking"):
            details.append(_encode_detail(part, kind))
    return {**made, "reasoning_details": details} if details else made


def _encode_foreign_thoughts(parts: list[Reasoning], field: ThoughtField) -> dict[str, Any]:
    text = "\n\n".join(part.text for part in parts if part.text)
    made: dict[str, Any] = {field: text} if field in THOUGHTS and text else {}
    details: list[dict[str, Any]] = []
    for part in parts:
        if field == "reasoning_details" and part.text and part.signature is None:
            details.append({"type": "reasoning.text", "text": part.text, "index": len(details)})
        if field in ("reasoning_details", "reasoning_content"):
            details += detail(part, len(details))
    return {**made, "reasoning_details": details} if details else made


def thinking(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """The thoughts of another dialect as parts of a message's content, as Mistral has them."""
    thoughts = (part for part in parts if isinstance(part, Reasoning) and part.text)
    return [{"type": "thinking", "thinking": _chunks(part.text)} for part in thoughts]


def _encode_detail(part: Reasoning, kind: str) -> dict[str, Any]:
    made = {"type": kind, **part.form["fields"]}
    if kind == _SEALED:
        return {**made, "data": part.sealed}
    if not part.form.get("absent"):
        made[_DETAILS[kind]] = part.text
    if part.signature is not None:
        made["signature"] = part.signature
    return made


def detail(part: Reasoning, index: int) -> list[dict[str, Any]]:
    """The entries of `reasoning_details` for a thought of another dialect; none for one that need not come back."""
    made: list[dict[str, Any]] = []
    if part.signature is not None:
        made.append({"type": "reasoning.text", "text": part.text, "signature": part.signature, "index": index})
    if part.sealed is not None:
        made.append({"type": _SEALED, "data": part.sealed, "index": index + len(made)})
    return made


def decode_call(found: Fields, made_id: str) -> Part:
    """An entry of `tool_calls`; one of another type than a function's is native.

    Args:
        found: the entry.
        made_id: the id of a call that has none, as some providers' have not.
    """
    inner = opened(found, "function")
    if inner is None and found.left.get("type") == "custom" and isinstance(found.left.get("custom"), dict):
        return _decode_custom(found)
    if inner is None:
        return Native(rest=found.left, form={"as": "tool_calls"})
    form: Rest = {}
    if "index" in found.left:
        form["index"] = found.left.pop("index")
    if found.left.get("type") != "function":
        form["type"] = found.left.pop("type", msgspec.UNSET)
    found.left.pop("type", None)
    name = found.get("id", str)
    if not name:
        form["id"] = found.left.pop("id", msgspec.UNSET) if name is None else ""
    call = ToolCall(
        id=name or made_id,
        name=inner.need("name", str),
        arguments=_arguments(inner, form),
        signature=_signature(found, form),
        rest=found.left,
        form=form,
    )
    closed(found, "function", inner)
    return call


def _decode_custom(found: Fields) -> ToolCall:
    inner = found.inner("custom")
    del found.left["type"]
    call = ToolCall(
        id=found.need("id", str),
        name=inner.need("name", str),
        arguments=inner.need("input", str),
        custom=True,
        rest=found.left,
    )
    closed(found, "custom", inner)
    return call


def _arguments(found: Fields, form: Rest) -> str:
    value = found.left.get("arguments")
    if value is not None and not isinstance(value, str) and found.fault is not ClientError:
        form["arguments"] = found.left.pop("arguments")
        return to_text(value)
    if value is None:
        form["arguments"] = found.left.pop("arguments", msgspec.UNSET)
    return found.get("arguments", str) or ""


def _signature(found: Fields, form: Rest) -> str | None:
    value = found.left.get("extra_content")
    google = value.get("google") if isinstance(value, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    if not isinstance(signature, str):
        return None
    form["extra_content"] = found.left.pop("extra_content")
    return signature


def encode_call(call: ToolCall, *, same: bool, dropped: Dropped) -> dict[str, Any]:
    """An entry of `tool_calls`."""
    if call.custom:
        custom = {"name": call.name, "input": call.arguments}
        return restored({"id": call.id, "type": "custom", "custom": custom}, dropped.rest(call, same=same), "custom")
    function: dict[str, Any] = {"name": call.name, "arguments": call.arguments if same else call.arguments or "{}"}
    made: dict[str, Any] = {"id": call.id, "type": "function", "function": function}
    if call.signature is not None:
        made["extra_content"] = {"google": {"thought_signature": call.signature}}
    if not same:
        dropped.rest(call, same=False)
        return made
    spelled = {**made, **call.form}
    spelled["function"] = {**function, "arguments": spelled.pop("arguments", call.arguments)}
    return restored(_said(spelled), call.rest, "function")


def _said(made: dict[str, Any]) -> dict[str, Any]:
    """An object without the fields that the wire did not have."""
    return {
        key: _said(value) if isinstance(value, dict) else value
        for key, value in made.items()
        if value is not msgspec.UNSET
    }


def encode_calls(parts: Sequence[Part], *, same: bool, dropped: Dropped) -> list[dict[str, Any]]:
    """The entries of `tool_calls`, without a call that the wire had as `function_call`."""
    made = []
    for part in parts:
        if isinstance(part, ToolCall) and not (same and part.form.get("as") == "function_call"):
            made.append(encode_call(part, same=same, dropped=dropped))
        elif isinstance(part, Native) and same and part.form.get("as") == "tool_calls":
            made.append(part.rest)
    return made


def decode_legacy_call(found: Fields, made_id: str) -> ToolCall | None:
    """Take `function_call`, what `tool_calls` was before; an empty one, as Snowflake writes, stays."""
    value = found.left.get("function_call")
    if not isinstance(value, dict) or not value.get("name"):
        return None
    inner = Fields(value, found.path("function_call"), found.fault)
    del found.left["function_call"]
    form: Rest = {"as": "function_call"}
    name = inner.need("name", str)
    arguments = _arguments(inner, form)
    return ToolCall(id=made_id, name=name, arguments=arguments, rest=inner.left, form=form)


def encode_legacy_call(call: ToolCall) -> dict[str, Any]:
    """The value of `function_call`."""
    return _said({"name": call.name, "arguments": call.form.get("arguments", call.arguments), **call.rest})


def only_text(parts: Iterable[Node]) -> str:
    """The text of the text parts, as one."""
    return "".join(part.text for part in parts if isinstance(part, Text))
