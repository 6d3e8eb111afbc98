"""Tools and the choice among them. Functions are flat here: `{"type": "function", "name", "parameters", "strict"}`.

Tools that the provider itself runs stay in the request's `rest`, under their place in the list.
Shapes: OpenAI API reference, "Responses" (https://platform.openai.com/docs/api-reference/responses/create).
"""

from gatewright.dialects.conversation import Dropped, Request, Tool, ToolChoice, ToolMode
from gatewright.dialects.fields import Fields
from gatewright.dialects.freetext import SCHEMA, custom_tools
from gatewright.dialects.responses.content import Wire

_MODES: dict[str, ToolMode] = {"auto": "auto", "none": "none", "required": "required"}


def decode_tools(request: Request, body: Fields) -> None:
    """Take `tools`, `tool_choice` and `parallel_tool_calls`."""
    tools = body.get("tools", list)
    if tools == []:
        request.form["tools"] = []
    for index, entry in enumerate(tools or ()):
        tool = Fields(entry, f"tools[{index}]", body.fault)
        kind = tool.need("type", str)
        if kind in ("function", "custom"):
            request.tools.append(_decode_function(tool) if kind == "function" else _decode_custom(tool))
        else:
            request.rest[tool.at] = entry
    _decode_choice(request, body)
    parallel = body.get("parallel_tool_calls", bool)
    if parallel is not None:
        if request.choice is None:
            request.choice = ToolChoice(mode="auto", form={"implied": True})
        request.choice.parallel = parallel


def encode_tools(request: Request, dropped: Dropped, *, same: bool) -> Wire:
    """`tools`, `tool_choice` and `parallel_tool_calls`, as far as they were sent."""
    tools = [_encode_function(tool, dropped, same=same) for tool in request.tools]
    if same:
        for name, wire in request.rest.items():
            if hosted(name):
                tools.insert(int(name[6:-1]), wire)
    out: Wire = {"tools": tools} if tools or (same and "tools" in request.form) else {}
    choice = request.choice
    # A choice among no tools is an error.
    if choice is None or not (tools or same):
        return out
    if not (same and "implied" in choice.form):
        out["tool_choice"] = _encode_choice(choice, dropped, custom_tools(request), same=same)
    if choice.parallel is not None:
        out["parallel_tool_calls"] = choice.parallel
    return out


def hosted(name: str) -> bool:
    """Whether a name in a request's `rest` is the place of a tool that the provider runs."""
    return name.startswith("tools[") and name.endswith("]") and name[6:-1].isdecimal()


def _decode_function(tool: Fields) -> Tool:
    return Tool(
        name=tool.need("name", str),
        description=tool.get("description", str),
        schema=tool.get("parameters", dict),
        strict=tool.get("strict", bool),
        rest=tool.left,
    )


def _decode_custom(found: Fields) -> Tool:
    tool = Tool(name=found.need("name", str), description=found.get("description", str), schema=SCHEMA, custom=True)
    shape = found.peek("format")
    if isinstance(shape, dict) and shape.keys() == {"type", "syntax", "definition"}:
        tool.grammar = {name: shape[name] for name in ("syntax", "definition")}
    if tool.grammar is not None or shape == {"type": "text"}:
        tool.form["format"] = found.pop("format")
    tool.rest = found.left
    return tool


def _encode_custom(tool: Tool, dropped: Dropped, *, same: bool) -> Wire:
    shape = None if tool.grammar is None else {"type": "grammar", **tool.grammar}
    said = {"description": tool.description, "format": tool.form.get("format") if same else shape}
    wire: Wire = {"type": "custom", "name": tool.name}
    wire |= {name: value for name, value in said.items() if value is not None}
    return wire | dropped.rest(tool, same=same)


def _encode_function(tool: Tool, dropped: Dropped, *, same: bool) -> Wire:
    if tool.custom:
        return _encode_custom(tool, dropped, same=same)
    said = {"description": tool.description, "parameters": tool.schema, "strict": tool.strict}
    wire: Wire = {"type": "function", "name": tool.name}
    wire |= {name: value for name, value in said.items() if value is not None}
    if not same:
        # Strict is the default here and nowhere else, and not every schema can be strict.
        wire = {"parameters": {"type": "object", "properties": {}}, "strict": False} | wire
    return wire | dropped.rest(tool, same=same)


def _decode_choice(request: Request, body: Fields) -> None:
    value = body.peek("tool_choice")
    if isinstance(value, str):
        if value not in _MODES:
            raise body.wrong("tool_choice", f"one of {', '.join(_MODES)}, or an object")
        request.choice = ToolChoice(mode=_MODES[body.pop("tool_choice")])
    elif value is not None:
        choice = body.inner("tool_choice")
        kind, mode = choice.need("type", str), choice.peek("mode")
        if kind in ("function", "custom"):
            request.choice = ToolChoice(mode="named", name=choice.need("name", str), rest=choice.left)
        elif kind == "allowed_tools" and isinstance(mode, str) and mode in _MODES:
            del choice.left["mode"]
            allowed = {"tool_choice.tools": choice.left.pop("tools", None)}
            request.choice = ToolChoice(mode=_MODES[mode], rest=allowed, form={"type": kind, **choice.left})
        else:
            request.rest["tool_choice"] = value


def _encode_choice(choice: ToolChoice, dropped: Dropped, custom: frozenset[str], *, same: bool) -> str | Wire:
    rest = dropped.rest(choice, same=same)
    if same and "tool_choice.tools" in rest:
        return {**choice.form, "mode": choice.mode, "tools": rest["tool_choice.tools"]}
    if choice.mode == "named":
        return {"type": "custom" if choice.name in custom else "function", "name": choice.name, **rest}
    return choice.mode
