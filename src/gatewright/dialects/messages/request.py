"""Requests of the Messages API (https://platform.claude.com/docs/en/api/messages) as conversations, and back."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from gatewright.dialects.conversation import (
    Dropped,
    Effort,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMode,
)
from gatewright.dialects.fields import Fields
from gatewright.dialects.messages.foreign import foreign
from gatewright.dialects.messages.parts import Encoding, decode_content, encode_parts
from gatewright.errors import ClientError

NAME = "messages"
"""The dialect's name."""

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_MODES: dict[str, ToolMode] = {"auto": "auto", "any": "required", "tool": "named", "none": "none"}
_CHOICES = {mode: kind for kind, mode in _MODES.items()}
_EFFORTS = frozenset(get_args(Effort)) - {"none", "minimal"}
_TIERS = {"standard_only": "default"}  # the name other dialects have for it
_TOOL = re.compile(r"tools\[(\d+)\]")  # where `rest` has a tool that is no function, and its place
_OWN_TIERS = {other: own for own, other in _TIERS.items()}


def decode_request(body: Mapping[str, Any]) -> Request:
    """A client's body to a request.

    The system prompt is the first message. What the API requires but a translation can do without (`model`,
    `max_tokens`) may be missing: bodies of Bedrock and of `count_tokens` lack them.

    Raises:
        ClientError: naming the field that is wrong.
    """
    try:
        return _request(Fields(body, "", ClientError))
    except RecursionError:
        raise ClientError("The body is nested too deeply.") from None


def _request(fields: Fields) -> Request:
    tier = fields.get("service_tier", str)
    request = Request(
        dialect=NAME,
        model=fields.get("model", str) or "",
        messages=_system(fields) + _messages(fields),
        max_tokens=fields.get("max_tokens", int),
        temperature=fields.get("temperature", float),
        top_p=fields.get("top_p", float),
        top_k=fields.get("top_k", int),
        stop=_stop(fields),
        service_tier=None if tier is None else _TIERS.get(tier, tier),
        stream=fields.get("stream", bool),
        rest=fields.left,
    )
    _read_tools(fields, request)
    _read_thinking(fields, request)
    _read_output(fields, request)
    metadata = fields.within("metadata")
    if metadata is not None:
        request.user = metadata.get("user_id", str)
        if metadata.left or request.user is None:
            fields.left["metadata"] = metadata.left
    return request


def _stop(fields: Fields) -> list[str] | None:
    found = fields.get("stop_sequences", list)
    if found is not None and not all(isinstance(text, str) for text in found):
        raise fields.wrong("stop_sequences", "a list of strings")
    return found


def _system(fields: Fields) -> list[Message]:
    found = fields.left.get("system")
    if found is None:
        return []
    del fields.left["system"]
    parts, bare = decode_content(found, "system", ClientError)
    return [Message(role="system", parts=parts, bare=bare)]


def _messages(fields: Fields) -> list[Message]:
    found = fields.need("messages", list)
    return [_message(Fields(one, f"messages[{at}]", ClientError)) for at, one in enumerate(found)]


def _message(fields: Fields) -> Message:
    role = _ROLES.get(fields.need("role", str))
    if role is None:
        raise fields.wrong("role", f"one of {', '.join(_ROLES)}")
    parts, bare = decode_content(fields.left.pop("content", None), fields.path("content"), ClientError)
    return Message(role=role, parts=_signed(parts), bare=bare, rest=fields.left)


def _signed(parts: list[Part]) -> list[Part]:
    """Give a call the signature that its answer carried in an empty thought before it."""
    made: list[Part] = []
    for part in parts:
        last = made[-1] if made else None
        if (
            isinstance(part, ToolCall)
            and isinstance(last, Reasoning)
            and last.signature
            and not last.text
            and not last.rest
        ):
            part.signature = last.signature
            made.pop()
        made.append(part)
    return made


def _read_tools(fields: Fields, request: Request) -> None:
    """Functions are tools; what the provider runs itself stays in `rest`, with its place."""
    found = fields.get("tools", list)
    for at, one in enumerate(found or ()):
        tool = Fields(one, f"tools[{at}]", ClientError)
        if tool.left.get("type") not in (None, "custom"):
            fields.left[f"tools[{at}]"] = one
            continue
        request.tools.append(
            Tool(
                name=tool.need("name", str),
                description=tool.get("description", str),
                schema=tool.get("input_schema", dict),
                strict=tool.get("strict", bool),
                rest=tool.left,
            )
        )
    if found == []:
        request.form["tools"] = []
    choice = fields.within("tool_choice")
    if choice is None:
        return
    mode = _MODES.get(choice.need("type", str))
    if mode is None:
        raise choice.wrong("type", f"one of {', '.join(_MODES)}")
    single = choice.get("disable_parallel_tool_use", bool)
    name = choice.need("name", str) if mode == "named" else None
    parallel = None if single is None else not single
    request.choice = ToolChoice(mode=mode, name=name, parallel=parallel, rest=choice.left)


def _read_thinking(fields: Fields, request: Request) -> None:
    thinking = fields.within("thinking")
    if thinking is None:
        return
    kind = thinking.need("type", str)
    if kind == "disabled":
        request.thinking_tokens = 0
    elif kind == "enabled":
        request.thinking_tokens = thinking.need("budget_tokens", int)
    else:
        thinking.left["type"] = kind
    if thinking.left:
        fields.left["thinking"] = thinking.left


def _read_output(fields: Fields, request: Request) -> None:
    config = fields.within("output_config")
    if config is not None:
        effort = config.left.get("effort")
        if isinstance(effort, str) and effort in _EFFORTS:
            request.effort = config.left.pop("effort")
        request.output = _format(config, "format")
        if config.left or (request.effort is None and request.output is None):
            fields.left["output_config"] = config.left
    if request.output is None:
        request.output = _format(fields, "output_format")
        if request.output is not None:
            request.form["output_format"] = True  # where it stood before it moved into `output_config`


def _format(fields: Fields, key: str) -> OutputFormat | None:
    found = fields.left.get(key)
    if not isinstance(found, dict) or found.get("type") != "json_schema":
        return None
    inner = Fields(found, fields.path(key), ClientError)
    del fields.left[key], inner.left["type"]
    return OutputFormat(schema=inner.need("schema", dict), rest=inner.left)


def encode_request(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    """A request to a provider's body.

    Args:
        request: what a client asked, in any dialect.
        model: the target's name of the model; empty where the path of the call names it.
        dropped: told what this API cannot express.

    Raises:
        ClientError: when this API cannot be asked for it at all.
    """
    try:
        return _body(request, model, dropped)
    except RecursionError:
        raise ClientError("The body is nested too deeply.") from None


def _body(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    named = {"model": model} if model else {}
    if request.dialect != NAME:
        return named | foreign(request, model, dropped)
    how = Encoding(same=True, dropped=dropped)
    body: dict[str, Any] = named | {key: value for key, value in request.rest.items() if not _TOOL.fullmatch(key)}
    turns = [_own(message, how) for message in request.messages]
    if turns and turns[0]["role"] == "system":
        body["system"] = turns.pop(0)["content"]
    body["messages"] = turns
    stated = {
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop_sequences": request.stop,
        "stream": request.stream,
        "service_tier": _OWN_TIERS.get(request.service_tier or "", request.service_tier),
    }
    body |= {key: value for key, value in stated.items() if value is not None}
    if request.user is not None:
        body["metadata"] = {**(request.rest.get("metadata") or {}), "user_id": request.user}
    return body | _own_tools(request) | _own_thinking(request) | _own_output(request, body)


def _own(message: Message, how: Encoding) -> dict[str, Any]:
    only = message.parts[0] if len(message.parts) == 1 else None
    content = only.text if message.bare and isinstance(only, Text) else encode_parts(message.parts, how)
    return {"role": message.role, "content": content, **message.rest}


def _own_tools(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = {}
    native = {int(place[1]): tool for key, tool in request.rest.items() if (place := _TOOL.fullmatch(key))}
    if request.tools or native or "tools" in request.form:
        found["tools"] = [_own_tool(tool) for tool in request.tools]
        for at, tool in sorted(native.items()):
            found["tools"].insert(at, tool)
    choice = request.choice
    if choice is not None:
        name = {} if choice.name is None else {"name": choice.name}
        parallel = {} if choice.parallel is None else {"disable_parallel_tool_use": not choice.parallel}
        found["tool_choice"] = {"type": _CHOICES[choice.mode], **name, **parallel, **choice.rest}
    return found


def _own_tool(tool: Tool) -> dict[str, Any]:
    stated = {"description": tool.description, "input_schema": tool.schema, "strict": tool.strict}
    return {"name": tool.name} | {key: value for key, value in stated.items() if value is not None} | tool.rest


def _own_thinking(request: Request) -> dict[str, Any]:
    tokens = request.thinking_tokens
    if tokens is None:
        return {}
    kind: dict[str, Any] = {"type": "enabled", "budget_tokens": tokens} if tokens else {"type": "disabled"}
    return {"thinking": kind | (request.rest.get("thinking") or {})}


def _own_output(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    shape = request.output
    wanted = None if shape is None else {"type": "json_schema", "schema": shape.schema, **shape.rest}
    apart = wanted is not None and "output_format" in request.form
    config = dict(body.get("output_config") or {})
    if request.effort is not None:
        config["effort"] = request.effort
    if wanted is not None and not apart:
        config["format"] = wanted
    found: dict[str, Any] = {"output_config": config} if config else {}
    return found | ({"output_format": wanted} if apart else {})
