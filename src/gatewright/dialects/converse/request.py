"""Requests of Converse as conversations, and back.

Shape: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, "Request Syntax".
"""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from gatewright.dialects.conversation import (
    Dropped,
    Effort,
    Message,
    OutputFormat,
    Request,
    Role,
    Tool,
    ToolChoice,
    ToolMode,
)
from gatewright.dialects.converse.foreign import foreign
from gatewright.dialects.converse.parts import decode_parts, encode_parts
from gatewright.dialects.converse.wire import MORE, NAME, Block, Encoding, cached, merged
from gatewright.dialects.fields import Fields
from gatewright.errors import ClientError

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_MODES: dict[str, ToolMode] = {"auto": "auto", "any": "required", "tool": "named"}
_CHOICES = {mode: kind for kind, mode in _MODES.items()}
_INFERENCE: tuple[tuple[str, str, type[Any]], ...] = (
    ("maxTokens", "max_tokens", int),
    ("temperature", "temperature", float),
    ("topP", "top_p", float),
    ("stopSequences", "stop", list),
)
# Where a parameter may stand that models take in their own words, and the kind of its value.
_PLACES: tuple[tuple[str, type[Any], tuple[tuple[str, ...], ...]], ...] = (
    ("top_k", int, ((MORE, "top_k"), (MORE, "inferenceConfig", "topK"), (MORE, "k"))),
    (
        "effort",
        str,
        (
            ("outputConfig", "effort"),
            (MORE, "output_config", "effort"),
            (MORE, "reasoning_effort"),
            (MORE, "reasoningConfig", "maxReasoningEffort"),
        ),
    ),
)
_EFFORTS = frozenset(get_args(Effort))


def decode_request(body: Mapping[str, Any]) -> Request:
    """A client's body to a request; the model is empty, for the path of the call has it.

    Raises:
        ClientError: naming the field that is wrong.
    """
    try:
        return _request(Fields(body, "", ClientError))
    except RecursionError:
        raise ClientError("The body is nested too deeply.") from None


def _request(fields: Fields) -> Request:
    request = Request(dialect=NAME, model="", messages=_system(fields) + _messages(fields))
    inference = fields.within("inferenceConfig")
    if inference is not None:
        for name, field, kind in _INFERENCE:
            setattr(request, field, inference.get(name, kind))
        if not all(isinstance(text, str) for text in request.stop or ()):
            raise inference.wrong("stopSequences", "a list of strings")
        fields.left["inferenceConfig"] = inference.left
    _read_tools(fields, request)
    tier = fields.within("serviceTier")
    if tier is not None:
        request.service_tier = tier.get("type", str)
        fields.left["serviceTier"] = tier.left
    for field, kind, paths in _PLACES:
        for path in paths:
            value = _peek(fields.left, path)
            if type(value) is kind and (field != "effort" or value in _EFFORTS) and getattr(request, field) is None:
                setattr(request, field, _take(fields.left, path))
                request.form[field] = path
    _read_thinking(fields, request)
    _read_output(fields, request)
    request.rest = fields.left
    return request


def _peek(found: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _take(found: dict[str, Any], path: tuple[str, ...]) -> Any:
    """Take a value from an object in objects, without what it leaves empty and without a change to the caller's."""
    key, *inside = path
    if not inside:
        return found.pop(key)
    found[key] = inner = dict(found[key])
    value = _take(inner, tuple(inside))
    if not inner:
        del found[key]
    return value


def _put(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    found: dict[str, Any] = value
    return found


def _system(fields: Fields) -> list[Message]:
    found = fields.items("system")
    return [Message(role="system", parts=decode_parts(found, "system", ClientError))] if found else []


def _messages(fields: Fields) -> list[Message]:
    return [_message(one) for one in fields.objects("messages")]


def _message(fields: Fields) -> Message:
    role = _ROLES.get(fields.need("role", str))
    if role is None:
        raise fields.wrong("role", f"one of {', '.join(_ROLES)}")
    parts = decode_parts(fields.need("content", list), fields.path("content"), ClientError)
    return Message(role=role, parts=parts, rest=fields.left, form={"turn": True})


def _read_tools(fields: Fields, request: Request) -> None:
    """Functions are tools; what Bedrock runs itself stays in `rest`, with its place."""
    config = fields.within("toolConfig")
    if config is None:
        return
    fields.left["toolConfig"] = config.left
    native: list[list[Any]] = []
    for at, fields_of in enumerate(config.objects("tools")):
        block = dict(fields_of.left)
        last = None if not request.tools or (native and native[-1][0] == at - 1) else request.tools[-1]
        if set(block) == {"toolSpec"}:
            request.tools.append(_tool(fields_of.inner("toolSpec")))
        elif set(block) == {"cachePoint"} and last is not None and "after" not in last.form:
            cached(last, block)
        else:
            native.append([at, block])
    if native:
        config.left["tools"] = native
    choice = config.within("toolChoice")
    if choice is None:
        return
    kind = next((kind for kind in _MODES if choice.has(kind)), None)
    if kind is None:
        config.left["toolChoice"] = choice.left
        return
    chosen = choice.inner(kind)
    name = chosen.need("name", str) if kind == "tool" else None
    rest = choice.left | ({kind: chosen.left} if chosen.left else {})
    request.choice = ToolChoice(mode=_MODES[kind], name=name, rest=rest)


def _tool(fields: Fields) -> Tool:
    schema = fields.inner("inputSchema")
    tool = Tool(
        name=fields.need("name", str),
        description=fields.get("description", str),
        schema=schema.get("json", dict),
        strict=fields.get("strict", bool),
    )
    tool.rest = fields.left | ({"inputSchema": schema.left} if schema.left or tool.schema is None else {})
    return tool


def _read_thinking(fields: Fields, request: Request) -> None:
    path = (MORE, "thinking")
    thinking = _peek(fields.left, path)
    if thinking == {"type": "disabled"}:
        request.thinking_tokens = 0
        _take(fields.left, path)
    elif isinstance(thinking, dict) and thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens")
        if type(budget) is int and budget > 0:
            request.thinking_tokens = _take(fields.left, (*path, "budget_tokens"))
            _take(fields.left, (*path, "type"))


def _read_output(fields: Fields, request: Request) -> None:
    shape = _peek(fields.left, ("outputConfig", "textFormat"))
    said = _peek(shape, ("structure", "jsonSchema", "schema"))
    if _peek(shape, ("type",)) != "json_schema" or not isinstance(said, str):
        return
    try:
        schema = msgspec.json.decode(said)
    except (msgspec.DecodeError, UnicodeError):
        schema = None
    if not isinstance(schema, dict):
        raise ClientError("outputConfig.textFormat.structure.jsonSchema.schema must be a JSON Schema as text.")
    _take(fields.left, ("outputConfig", "textFormat"))
    format_, structure = dict(shape), dict(shape["structure"])
    named = {key: value for key, value in structure.pop("jsonSchema").items() if key != "schema"}
    del format_["type"], format_["structure"]
    name = named.pop("name") if isinstance(named.get("name"), str) else None
    request.output = OutputFormat(schema=schema, name=name, rest=named, form={"schema": said, "around": format_})
    if structure:
        request.output.form["around"]["structure"] = structure


def encode_request(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    """A request to a provider's body; its model and whether it streams are for the path of the call to say.

    Args:
        request: what a client asked, in any dialect.
        model: the target's name of the model, which tells what the request may hold.
        dropped: told what this API cannot express.

    Raises:
        ClientError: when this API cannot be asked for it at all.
    """
    try:
        return _own(request, dropped) if request.dialect == NAME else foreign(request, model, dropped)
    except RecursionError:
        raise ClientError("The body is nested too deeply.") from None


def _own(request: Request, dropped: Dropped) -> dict[str, Any]:
    how = Encoding(same=True, dropped=dropped)
    turns = [message for message in request.messages if message.role != "system" or "turn" in message.form]
    system = [message for message in request.messages if message.role == "system" and "turn" not in message.form]
    said: dict[str, Any] = {}
    if turns:
        said["messages"] = [{"role": one.role, "content": encode_parts(one.parts, how), **one.rest} for one in turns]
    if system:
        said["system"] = [block for message in system for block in encode_parts(message.parts, how)]
    inference = {name: getattr(request, field) for name, field, _ in _INFERENCE if getattr(request, field) is not None}
    if inference:
        said["inferenceConfig"] = inference
    if request.service_tier is not None:
        said["serviceTier"] = {"type": request.service_tier}
    tools = _own_tools(request, how)
    if tools:
        said["toolConfig"] = tools
    for field, _, _ in _PLACES:
        if field in request.form:
            said = merged(said, _put(request.form[field], getattr(request, field)))
    tokens = request.thinking_tokens
    if tokens is not None:
        thinking = {"type": "enabled", "budget_tokens": tokens} if tokens else {"type": "disabled"}
        said = merged(said, {MORE: {"thinking": thinking}})
    return merged(request.rest, merged(said, _own_output(request)))


def _own_tools(request: Request, how: Encoding) -> dict[str, Any]:
    found: dict[str, Any] = {}
    native = (
        request.rest.get("toolConfig", {}).get("tools") if isinstance(request.rest.get("toolConfig"), dict) else None
    )
    blocks = [block for tool in request.tools for block in (_own_tool(tool, how), *how.after(tool))]
    for at, block in native or ():
        blocks.insert(at, block)
    if blocks:
        found["tools"] = blocks
    choice = request.choice
    if choice is not None and choice.mode in _CHOICES:
        named = {} if choice.name is None else {"name": choice.name}
        found["toolChoice"] = merged(choice.rest, {_CHOICES[choice.mode]: named})
    return found


def _own_tool(tool: Tool, how: Encoding) -> Block:
    stated = {"name": tool.name, "description": tool.description, "strict": tool.strict}
    schema = {} if tool.schema is None else {"inputSchema": {"json": tool.schema}}
    said = {key: value for key, value in stated.items() if value is not None} | schema
    return {"toolSpec": merged(how.rest(tool), said)}


def _own_output(request: Request) -> dict[str, Any]:
    shape = request.output
    if shape is None:
        return {}
    named = {} if shape.name is None else {"name": shape.name}
    schema = {"schema": shape.form["schema"], **named, **shape.rest}
    said = {"type": "json_schema", "structure": {"jsonSchema": schema}}
    return {"outputConfig": {"textFormat": merged(shape.form["around"], said)}}
