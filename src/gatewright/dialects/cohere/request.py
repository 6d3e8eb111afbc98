"""Requests of Cohere's v2 chat API (https://docs.cohere.com/reference/chat) as conversations, and back."""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.cohere.documents import decode_documents, documents
from gatewright.dialects.cohere.foreign import foreign
from gatewright.dialects.cohere.parts import Block, content_of, decode_content, decode_spoken, encode_own_content
from gatewright.dialects.cohere.spoken import encode_own
from gatewright.dialects.cohere.wire import NAME
from gatewright.dialects.conversation import (
    Dropped,
    Message,
    OutputFormat,
    Request,
    Role,
    Tool,
    ToolChoice,
    ToolMode,
    ToolResult,
)
from gatewright.dialects.fields import Fields
from gatewright.errors import ClientError

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_MODES: dict[str, ToolMode] = {"REQUIRED": "required", "NONE": "none"}
_CHOICES = {mode: name for name, mode in _MODES.items()}
_SCHEMAS = ("json_schema", "schema")  # where a format has its schema; the second is the older place

# Parameters that are the model's own: on the wire, in the model, and their kind.
_PLAIN: tuple[tuple[str, str, type], ...] = (
    ("max_tokens", "max_tokens", int),
    ("temperature", "temperature", float),
    ("p", "top_p", float),
    ("k", "top_k", int),
    ("seed", "seed", int),
    ("presence_penalty", "presence_penalty", float),
    ("frequency_penalty", "frequency_penalty", float),
    ("logprobs", "logprobs", bool),
    ("stream", "stream", bool),
)


def decode_request(body: Mapping[str, Any]) -> Request:
    """A client's body to a request.

    Raises:
        ClientError: naming the field that is wrong.
    """
    try:
        return _request(Fields(body, "", ClientError))
    except RecursionError:
        raise ClientError("The body is nested too deeply.") from None


def _request(fields: Fields) -> Request:
    if not isinstance(fields.peek("messages"), list):
        raise fields.wrong("messages", "a list")
    request = Request(dialect=NAME, model=fields.get("model", str) or "", rest=fields.left)
    request.messages = [_message(one) for one in fields.objects("messages")]
    fields.left.pop("messages", None)  # an empty list
    for key, ours, kind in _PLAIN:
        setattr(request, ours, fields.get(key, kind))
    stops = fields.items("stop_sequences")
    if not all(isinstance(stop, str) for stop in stops):
        raise fields.wrong("stop_sequences", "a list of strings")
    request.stop = stops or None
    _decode_tools(fields, request)
    _decode_output(fields, request)
    _decode_thinking(fields, request)
    decode_documents(fields, request.messages)
    return request


def _message(fields: Fields) -> Message:
    role = _ROLES.get(fields.need("role", str))
    if role is None:
        raise fields.wrong("role", f"one of {', '.join(_ROLES)}")
    parts, bare = decode_spoken(fields) if role == "assistant" else decode_content(fields)
    if role == "tool":
        result = ToolResult(id=fields.need("tool_call_id", str), parts=parts, bare=bare)
        return Message(role=role, parts=[result], rest=fields.left)
    return Message(role=role, parts=parts, bare=bare, rest=fields.left)


def _decode_tools(fields: Fields, request: Request) -> None:
    strict = fields.get("strict_tools", bool)
    if strict is not None:
        request.form["strict_tools"] = strict
    for one in fields.objects("tools"):
        one.pop("type")
        inner = one.inner("function")
        tool = Tool(
            name=inner.need("name", str),
            description=inner.get("description", str),
            schema=inner.get("parameters", dict),
            strict=strict,
            rest=one.left,
        )
        if inner.left:
            one.left["function"] = inner.left
        request.tools.append(tool)
    choice = fields.get("tool_choice", str)
    if choice is not None and choice not in _MODES:
        raise fields.wrong("tool_choice", f"one of {', '.join(_MODES)}")
    request.choice = None if choice is None else ToolChoice(mode=_MODES[choice])


def _decode_output(fields: Fields, request: Request) -> None:
    found = fields.within("response_format")
    if found is None:
        return
    kind = found.need("type", str)
    if kind == "text":
        request.form["response_format"] = {"type": kind, **found.left}
        return
    if kind != "json_object":
        raise found.wrong("type", "one of text, json_object")
    key = next((key for key in _SCHEMAS if found.has(key)), _SCHEMAS[0])
    request.output = OutputFormat(schema=found.get(key, dict), rest=found.left, form={"schema": key})


def _decode_thinking(fields: Fields, request: Request) -> None:
    """Read how much to think; thinking without a budget is -1, which is "as the model likes"."""
    found = fields.within("thinking")
    if found is None:
        return
    request.form["thinking"] = dict(found.left)
    budget = found.get("token_budget", int)
    request.thinking_tokens = 0 if found.get("type", str) == "disabled" else -1 if budget is None else budget


def encode_request(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    """A request to a provider's body.

    Args:
        request: what a client asked, in any dialect.
        model: the target's name of the model.
        dropped: told what this API cannot express.

    Raises:
        ClientError: when this API cannot be asked for it at all.
    """
    try:
        if request.dialect == NAME:
            return _own(request, model, dropped)
        return foreign(request, model, dropped)
    except RecursionError:
        raise ClientError("The body is nested too deeply.") from None


def _own(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, **request.rest}
    body["messages"] = [_own_message(message, dropped) for message in request.messages]
    stated = {key: getattr(request, ours) for key, ours, _ in _PLAIN} | {
        "stop_sequences": request.stop,
        "tools": [_own_tool(tool) for tool in request.tools] or None,
        "tool_choice": None if request.choice is None else _CHOICES[request.choice.mode],
        "response_format": _own_output(request),
        "documents": documents(request) or None,
        "strict_tools": request.form.get("strict_tools"),
        "thinking": request.form.get("thinking"),
    }
    return body | {key: value for key, value in stated.items() if value is not None}


def _own_message(message: Message, dropped: Dropped) -> Block:
    bare = message.form.get("bare", message.bare)
    if message.role == "assistant":
        return encode_own(message.parts, bare, message.rest, dropped)
    made: Block = {"role": message.role, **message.rest}
    for part in message.parts:
        if isinstance(part, ToolResult):
            made["tool_call_id"] = part.id
            encode_own_content(made, part.parts, part.bare, dropped)
            return made
    encode_own_content(made, content_of(message.parts, same=True), bare, dropped)
    return made


def _own_tool(tool: Tool) -> Block:
    stated = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    function = {key: value for key, value in stated.items() if value is not None}
    return {**tool.rest, "type": "function", "function": function | tool.rest.get("function", {})}


def _own_output(request: Request) -> Block | None:
    output = request.output
    if output is None:
        return request.form.get("response_format")
    schema = {} if output.schema is None else {output.form["schema"]: output.schema}
    return {"type": "json_object", **schema, **output.rest}
