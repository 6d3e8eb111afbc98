"""The dialect of /api/chat (https://docs.ollama.com/api/chat)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from gatewright.dialects.conversation import Dropped, Message, Request
from gatewright.dialects.fields import Fields
from gatewright.dialects.ollama.answers import Shape, decode_usage, encode_usage
from gatewright.dialects.ollama.calls import CallIds
from gatewright.dialects.ollama.settings import decode_settings, encode_settings
from gatewright.dialects.ollama.stream import LineDecoder, LineEncoder
from gatewright.dialects.ollama.tools import decode_tool, encode_tools
from gatewright.dialects.ollama.turns import decode_message, encode_foreign, encode_own, spoken
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

NAME = "ollama_chat"
"""The dialect's name."""


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
    ids = CallIds("")
    request = Request(dialect=NAME, model=fields.get("model", str) or "", rest=fields.left)
    request.messages = [decode_message(one, ids) for one in fields.objects("messages")]
    request.tools = [decode_tool(one) for one in fields.objects("tools")]
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
    messages = encode_foreign(request.messages, dropped)
    if not messages:
        raise ClientError("messages must have at least one message with content.")
    tools = encode_tools(request, dropped, same=False)
    body = {"model": model, "messages": messages, **({"tools": tools} if tools else {})}
    return body | encode_settings(request, dropped, same=False)


def _own(request: Request, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model} if model else {}
    if request.messages:
        body["messages"] = [encode_own(message) for message in request.messages]
    if request.tools:
        body["tools"] = encode_tools(request, Dropped(), same=True)
    return body | encode_settings(request, Dropped(), same=True) | opened(request.rest, "options")[0]


def _read(fields: Fields, ids: CallIds) -> Message:
    return decode_message(fields.inner("message"), ids, "assistant")


def _write(message: Message, dropped: Dropped, same: bool, first: int) -> dict[str, Any]:
    if same:
        return {"message": encode_own(message)}
    body = spoken(message.parts, "assistant", dropped, first)
    if body.pop("images", None):
        dropped.add("images")  # Ollama's own SDK fails on an answer with images
    return {"message": body}


_SHAPE = Shape(name=NAME, fields=("message",), read=_read, write=_write)


decode_answer, encode_answer = _SHAPE.decode_answer, _SHAPE.encode_answer
Decoder, Encoder = partial(LineDecoder, _SHAPE), partial(LineEncoder, _SHAPE)
