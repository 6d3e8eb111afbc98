"""The dialect of /api/generate (https://docs.ollama.com/api/generate): one prompt, one text.

A conversation with several turns, which only another dialect has, becomes a prompt that tells it turn by turn.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from gatewright.dialects.conversation import Dropped, Message, Part, Request, Text, ToolCall, ToolResult
from gatewright.dialects.fields import Fields
from gatewright.dialects.ollama.answers import Shape, decode_usage, encode_usage
from gatewright.dialects.ollama.calls import CallIds
from gatewright.dialects.ollama.parts import decode_images, decode_thinking, image, said
from gatewright.dialects.ollama.settings import decode_settings, encode_settings
from gatewright.dialects.ollama.stream import LineDecoder, LineEncoder
from gatewright.dialects.ollama.wire import difference, opened, restored
from gatewright.errors import ClientError

__all__ = [
    "NAME",
    "Decoder",
    "Encoder",
    "decode_answer",
    "decode_request",
    "decode_usage",
    "encode_answer",
    "encode_request",
    "encode_usage",
]

NAME = "ollama_generate"
"""The dialect's name."""

_SPEAKERS = {"assistant": "Assistant", "tool": "Tool"}


def decode_request(body: Mapping[str, Any]) -> Request:
    """A client's body to a request; it asks for a stream unless it says otherwise.

    Raises:
        ClientError: naming the field that is wrong.
    """
    try:
        return _request(body)
    except RecursionError:
        raise ClientError("The body is nested too deeply.") from None


def _request(body: Mapping[str, Any]) -> Request:
    fields = Fields(body, "", ClientError)
    request = Request(dialect=NAME, model=fields.get("model", str) or "", rest=fields.left)
    if fields.peek("system") not in (None, ""):
        text = Text(text=fields.need("system", str))
        request.messages.append(Message(role="system", parts=[text], bare=True))
    prompt, images = fields.get("prompt", str), decode_images(fields)
    if prompt is not None or images:
        texts: list[Part] = [Text(text=prompt)] if prompt else []
        request.messages.append(Message(role="user", parts=[*texts, *images], bare=prompt is not None))
    decode_settings(fields, request)
    request.form |= difference(body, _own(request, request.model))
    return request


def encode_request(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    """A request to a provider's body.

    Args:
        request: in any dialect.
        model: the target's name of the model.
        dropped: told what this API cannot express.

    Raises:
        ClientError: when nothing is left that could be asked.
    """
    if request.dialect == NAME:
        return restored(_own(request, model), request.form)
    body = {"model": model} | _foreign(request, dropped) | encode_settings(request, dropped, same=False)
    for tool in request.tools:
        dropped.rest(tool, same=False)
    told = {"tools": bool(request.tools), "tool_choice": request.choice is not None and bool(request.tools)}
    dropped.update(name for name, lost in told.items() if lost)
    return body


def _own(request: Request, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model} if model else {}
    for message in request.messages:
        found = said(message.parts, Dropped())
        if message.bare:
            body["system" if message.role == "system" else "prompt"] = found.text
        if found.images:
            body["images"] = found.images
    return body | encode_settings(request, Dropped(), same=True) | opened(request.rest, "options")[0]


def _foreign(request: Request, dropped: Dropped) -> dict[str, Any]:
    """The prompt, the images and the system prompt of a conversation."""
    system: list[str] = []
    turns: list[tuple[str, str]] = []
    images: list[str] = []
    for message in request.messages:
        dropped.rest(message, same=False)
        found = said(_told(message.parts, dropped), dropped, "\n\n")
        images += found.images
        if found.thinking:
            dropped.add("reasoning")
        if message.role in ("system", "developer"):
            system += [found.text] if found.text else []
        elif found.text or found.images:
            turns.append((_SPEAKERS.get(message.role, "User"), found.text))
    if not turns and not system:
        raise ClientError("messages must have at least one message with content.")
    if not turns:
        turns, system = [("User", text) for text in system], []
    if any(speaker != "User" for speaker, _ in turns):
        dropped.add("messages.role")
        prompt = "\n\n".join(f"{speaker}: {text}" for speaker, text in turns) + "\n\nAssistant:"
    else:
        prompt = "\n\n".join(text for _, text in turns)
    body: dict[str, Any] = {"prompt": prompt, "images": images, "system": "\n\n".join(system)}
    return {name: value for name, value in body.items() if value or name == "prompt"}


def _told(parts: list[Part], dropped: Dropped) -> list[Part]:
    """The parts with calls and results, which a prompt has no place for, in words."""
    made: list[Part] = []
    for part in parts:
        if isinstance(part, ToolCall):
            dropped.add("tool_calls")
            made.append(Text(text=f"(calls the tool {part.name} with {part.arguments or '{}'})"))
        elif isinstance(part, ToolResult):
            dropped.add("tool_calls")
            made += [Text(text="(the tool answers)"), *part.parts]
        else:
            made.append(part)
    return made


def _read(fields: Fields, ids: CallIds) -> Message:  # noqa: ARG001 - of the form of every reader; there are no calls
    thoughts = decode_thinking(fields)
    text, picture = fields.get("response", str), fields.get("image", str)
    texts: list[Part] = [Text(text=text)] if text else []
    if text is None and picture is None and not fields.has("done"):
        raise fields.wrong("response", "a string")
    return Message(
        role="assistant", parts=[*thoughts, *texts, *([image(picture)] if picture else [])], bare=text is not None
    )


def _write(message: Message, dropped: Dropped, same: bool, first: int) -> dict[str, Any]:  # noqa: ARG001 - as `_read`
    found = said(message.parts, dropped)
    if any(isinstance(part, ToolCall) for part in message.parts):
        dropped.add("tool_calls")
    if len(found.images) > 1:
        dropped.add("images")
    body: dict[str, Any] = {"response": found.text} if message.bare else {}
    if found.thinking:
        body["thinking"] = found.thinking
    return body | ({"image": found.images[0]} if found.images else {})


_SHAPE = Shape(name=NAME, fields=("response", "thinking", "image"), read=_read, write=_write)


decode_answer, encode_answer = _SHAPE.decode_answer, _SHAPE.encode_answer
Decoder, Encoder = partial(LineDecoder, _SHAPE), partial(LineEncoder, _SHAPE)
