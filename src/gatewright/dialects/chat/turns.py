"""The messages of a request.

Shape: OpenAI API reference, "Create chat completion", `messages`. A tool's result is a message of its own, directly
after the assistant's that called; its content is text alone.
"""

from collections.abc import Iterable
from typing import Any

from gatewright.dialects.chat.nested import restored
from gatewright.dialects.chat.parts import (
    ThoughtField,
    decode_call,
    decode_content,
    decode_legacy_call,
    decode_thoughts,
    encode_calls,
    encode_content,
    encode_legacy_call,
    encode_thoughts,
    only_text,
    thinking,
)
from gatewright.dialects.conversation import (
    Dropped,
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    ToolCall,
    ToolResult,
)
from gatewright.dialects.fields import Fields
from gatewright.dialects.turns import joined

# Role on the wire: role in the model.
_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def decode_messages(body: Fields) -> list[Message]:
    """Take a body's `messages`."""
    if not isinstance(body.left.get("messages"), list):
        raise body.wrong("messages", "a list")
    decoded: list[Message] = []
    legacy = ""
    for place, found in enumerate(body.objects("messages")):
        message = _decode_message(found, place, legacy)
        for part in message.parts:
            if isinstance(part, ToolCall) and part.form.get("as") == "function_call":
                legacy = part.id
        decoded.append(message)
    return decoded


def _decode_message(found: Fields, place: int, legacy: str) -> Message:
    """One message.

    Args:
        found: the message.
        place: its place in the list.
        legacy: id made for the last `function_call`, which the next message of role `function` answers.
    """
    wire = found.need("role", str)
    role = _ROLES.get(wire)
    if role is None:
        raise found.wrong("role", f"one of {', '.join(_ROLES)}")
    message = Message(role=role, rest=found.left)
    if role == "assistant":
        _decode_assistant(found, place, message)
        return message
    parts, bare = decode_content(found)
    if role != "tool":
        message.parts, message.bare = parts, bare
        return message
    result = ToolResult(id=legacy, parts=parts, bare=bare)
    if wire == "tool":
        result.id = found.need("tool_call_id", str)
    else:
        message.form["role"] = wire
    result.name = found.get("name", str)
    message.parts = [result]
    return message


def _decode_assistant(found: Fields, place: int, message: Message) -> None:
    thoughts = decode_thoughts(found, message.form)
    content, message.bare = decode_content(found)
    refusal = found.get("refusal", str)
    refusals = [] if refusal is None else [Refusal(text=refusal, form={"as": "refusal"})]
    calls = [decode_call(one, f"call_{place}_{at}") for at, one in enumerate(found.objects("tool_calls"))]
    legacy = decode_legacy_call(found, f"call_{place}_function")
    message.parts = [*thoughts, *content, *refusals, *calls, *([] if legacy is None else [legacy])]


def encode_messages(
    messages: list[Message], *, same: bool, dropped: Dropped, thoughts: ThoughtField = "reasoning_content"
) -> list[dict[str, Any]]:
    """A request's messages; those of another dialect are put in the order this one demands."""
    if same:
        return [_encode_same(message, dropped) for message in messages]
    made: list[dict[str, Any]] = []
    later: list[dict[str, Any]] = []  # what was said between an assistant's calls and the last of their results
    for message in joined(messages):
        if message.role == "assistant":
            made += later
            later = []
            made += _encode_assistant(message, dropped, thoughts)
        else:
            dropped.rest(message, same=False)
            results = [part for part in message.parts if isinstance(part, ToolResult)]
            made += [_encode_result(result, later, dropped) for result in results]
            later += _encode_said(message, dropped)
    return made + later


def _content(parts: Iterable[Part], *, dropped: Dropped) -> str | list[dict[str, Any]] | None:
    """The content of a message that comes from another dialect: a plain string where it is one text."""
    made = encode_content(parts, same=False, dropped=dropped)
    if not made:
        return None
    if len(made) == 1 and made[0].keys() == {"type", "text"}:
        text: str = made[0]["text"]
        return text
    return made


def _encode_assistant(message: Message, dropped: Dropped, field: ThoughtField) -> list[dict[str, Any]]:
    dropped.rest(message, same=False)
    media = [part for part in message.parts if isinstance(part, Media)]
    made: dict[str, Any] = {"role": "assistant"}
    # The assistant's own content may hold no media.
    content = _content((part for part in message.parts if not isinstance(part, Media)), dropped=dropped)
    calls = encode_calls(message.parts, same=False, dropped=dropped)
    thoughts = encode_thoughts(message.parts, same=False, field=field)
    chunks = thinking(message.parts) if field == "thinking" else []
    if chunks:
        said = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
        content = [*chunks, *said]
    if not thoughts and not chunks and any(isinstance(part, Reasoning) for part in message.parts):
        dropped.add("reasoning")
    if content is not None or not calls:
        made["content"] = content or ""
    if calls:
        made["tool_calls"] = calls
    made |= thoughts
    shown = encode_content(media, same=False, dropped=dropped)
    if not shown:
        return [made]
    if content is None and not calls and not thoughts:
        return [{"role": "user", "content": shown}]
    if calls:
        # Nothing may come between calls and results; a picture made beside a call is not known to happen.
        dropped.add("assistant media")
        return [made]
    return [made, {"role": "user", "content": shown}]


def _encode_result(result: ToolResult, later: list[dict[str, Any]], dropped: Dropped) -> dict[str, Any]:
    """A tool's result as a message; media in it, which the wire has no place for, follow as the user's.

    A failure, which the wire has no place for either, is said in words.
    """
    dropped.rest(result, same=False)
    media = [part for part in result.parts if isinstance(part, Media)]
    content = _content((part for part in result.parts if not isinstance(part, Media)), dropped=dropped)
    if media:
        shown = encode_content(media, same=False, dropped=dropped)
        told = {"type": "text", "text": f"The result of tool call {result.id}:"}
        later.append({"role": "user", "content": [told, *shown]})
    if result.error:
        content = f"Error: {content or 'the tool failed'}" if not isinstance(content, list) else _failed(content)
    return {"role": "tool", "tool_call_id": result.id, "content": content or ""}


def _failed(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": "Error:"}, *content]


def _encode_said(message: Message, dropped: Dropped) -> list[dict[str, Any]]:
    """What a user or an operator says, besides results. Not every provider knows `developer`; all know `system`."""
    parts = [part for part in message.parts if not isinstance(part, ToolResult)]
    if not parts and message.parts:
        return []
    role = "user" if message.role in ("user", "tool") else "system"
    content = _content(parts, dropped=dropped)
    if content is None and not message.bare:
        return []
    return [{"role": role, "content": content or ""}]


def _encode_same(message: Message, dropped: Dropped) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.form.get("role", message.role)}
    if message.role == "tool":
        return _encode_same_result(message, made, dropped)
    _put_content(made, message.parts, message.bare, dropped)
    if message.role != "assistant":
        return restored(made, message.rest)
    made |= encode_thoughts(message.parts, same=True)
    made |= {key: text for key, text in message.form.items() if key != "role"}
    for part in message.parts:
        if isinstance(part, Refusal) and part.form.get("as") == "refusal":
            made["refusal"] = part.text
        elif isinstance(part, ToolCall) and part.form.get("as") == "function_call":
            made["function_call"] = encode_legacy_call(part)
    if calls := encode_calls(message.parts, same=True, dropped=dropped):
        made["tool_calls"] = calls
    return restored(made, message.rest)


def _encode_same_result(message: Message, made: dict[str, Any], dropped: Dropped) -> dict[str, Any]:
    for result in message.parts:
        if isinstance(result, ToolResult):
            if made["role"] == "tool":
                made["tool_call_id"] = result.id
            if result.name is not None:
                made["name"] = result.name
            _put_content(made, result.parts, result.bare, dropped)
    return restored(made, message.rest)


def _put_content(made: dict[str, Any], parts: list[Part], bare: bool, dropped: Dropped) -> None:
    """Put a message's `content` as the wire had it; null, none and an empty list are in what was left."""
    content = encode_content(parts, same=True, dropped=dropped)
    if bare:
        made["content"] = only_text(parts)
    elif content:
        made["content"] = content
