"""Messages of /api/chat, in requests and in answers.

Source: "Generate a chat message" (https://docs.ollama.com/api/chat): a message has a role, `content` as one string, and
beside it `thinking`, `images`, `tool_calls`, or for a tool's result `tool_name` and `tool_call_id`.
"""

from collections.abc import Iterable
from typing import Any

from gatewright.dialects.conversation import Dropped, Message, Part, Role, Text, ToolCall, ToolResult
from gatewright.dialects.fields import Fields
from gatewright.dialects.ollama.calls import CallIds, decode_call, encode_call
from gatewright.dialects.ollama.parts import Said, decode_images, decode_thinking, said
from gatewright.dialects.ollama.wire import difference, restored

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


def decode_message(fields: Fields, ids: CallIds, role: Role | None = None) -> Message:
    """A message.

    Args:
        fields: its fields.
        ids: of the calls of the conversation.
        role: what it is where the wire does not say; None where it must.
    """
    wire = dict(fields.left)
    given = fields.need("role", str) if role is None else fields.get("role", str) or role
    known = _ROLES.get(given.lower())
    if known is None:
        raise fields.wrong("role", f"one of {', '.join(_ROLES)}")
    message = Message(role=known, rest=fields.left)
    content = fields.get("content", str)
    texts: list[Part] = [Text(text=content)] if content else []
    bare = content is not None
    if known == "tool":
        name = fields.get("tool_name", str)
        id_ = ids.result(fields.get("tool_call_id", str), name)
        message.parts = [ToolResult(id=id_, name=name, parts=[*texts, *decode_images(fields)], bare=bare)]
    else:
        if known == "assistant":
            ids.turn()
        message.bare = bare
        message.parts = [*decode_thinking(fields), *texts, *decode_images(fields)]
        message.parts += [decode_call(one, ids) for one in fields.objects("tool_calls")]
    message.form = difference(wire, encode_own(message))
    return message


def encode_own(message: Message) -> dict[str, Any]:
    """A message of this dialect."""
    result = next((part for part in message.parts if isinstance(part, ToolResult)), None)
    parts, bare = (message.parts, message.bare) if result is None else (result.parts, result.bare)
    body = _body(message.role, said(parts, Dropped()), bare=bare)
    if calls := encode_calls(parts, Dropped(), same=True):
        body["tool_calls"] = calls
    if result is not None:
        body |= {"tool_call_id": result.id, "tool_name": result.name}
    return restored(body | message.rest, message.form)


def encode_calls(parts: Iterable[Part], dropped: Dropped, *, same: bool, first: int = 0) -> list[dict[str, Any]]:
    """The entries of `tool_calls`; the first of them is numbered `first`."""
    calls = (part for part in parts if isinstance(part, ToolCall))
    return [encode_call(call, at, dropped, same=same) for at, call in enumerate(calls, first)]


def encode_foreign(messages: list[Message], dropped: Dropped) -> list[dict[str, Any]]:
    """Messages of another dialect; each result of a tool is a message of its own."""
    names = {part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCall)}
    made: list[dict[str, Any]] = []
    for message in messages:
        dropped.rest(message, same=False)
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        made += [_result(result, names, dropped) for result in results]
        if len(results) < len(message.parts) or message.bare:
            made += _turn(message, dropped)
    return made


def _turn(message: Message, dropped: Dropped) -> list[dict[str, Any]]:
    """What a message says besides results; nothing when Ollama can be told nothing of it."""
    role = {"developer": "system", "tool": "user"}.get(message.role, message.role)
    body = spoken(message.parts, role, dropped)
    return [body] if body.keys() - {"role", "content"} or body["content"] or message.bare else []


def spoken(parts: list[Part], role: str, dropped: Dropped, first: int = 0) -> dict[str, Any]:
    """A message of another dialect's parts; pieces of an answer are one text, those of a prompt stand apart."""
    found = said(parts, dropped, "" if role == "assistant" else "\n\n")
    body = _body(role, found, bare=True)
    if calls := encode_calls(parts, dropped, same=False, first=first):
        body["tool_calls"] = calls
    return body


def _result(result: ToolResult, names: dict[str, str], dropped: Dropped) -> dict[str, Any]:
    """A tool's result. That the tool failed, which the wire has no place for, is said in words."""
    dropped.rest(result, same=False)
    found = said(result.parts, dropped, "\n")
    if result.error:
        found.text = f"Error: {found.text or 'the tool failed'}"
    name = result.name or names.get(result.id)
    named = {} if name is None else {"tool_name": name}
    return _body("tool", found, bare=True) | named | {"tool_call_id": result.id}


def _body(role: str, found: Said, *, bare: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"role": role}
    if bare:
        body["content"] = found.text
    if found.thinking:
        body["thinking"] = found.thinking
    if found.images:
        body["images"] = found.images
    return body
