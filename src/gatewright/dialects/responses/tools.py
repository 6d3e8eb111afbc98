"""Tools and the choice among them. Functions are flat here: `{"type": "function", "name", "parameters", "strict"}`.

Tools that the provider itself runs stay in the request's `rest`, under their place in the list.
Shapes: OpenAI API reference, "Responses" (https://platform.openai.com/docs/api-reference/responses/create).
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Dropped, Request, Tool, ToolChoice, ToolMode
from gatewright.dialects.responses.content import Wire
from gatewright.dialects.responses.wire import array, mapping, optional, others, text
from gatewright.errors import ClientError

_MODES: dict[str, ToolMode] = {"auto": "auto", "none": "none", "required": "required"}
_FUNCTION = ("type", "name", "description", "parameters", "strict")


def decode_tools(request: Request, body: Mapping[str, Any]) -> None:
    """Read `tools`, `tool_choice` and `parallel_tool_calls`.

    Raises:
        ClientError: when one has the wrong shape.
    """
    if body.get("tools") is not None:
        tools = array(body["tools"], "tools")
        if not tools:
            request.form["tools"] = []
        for index, entry in enumerate(tools):
            where = f"tools[{index}]"
            wire = mapping(entry, where)
            if text(wire, "type", f"{where}.") == "function":
                request.tools.append(_decode_function(wire, f"{where}."))
            else:
                request.rest[where] = wire
    _decode_choice(request, body.get("tool_choice"))
    parallel = optional(body, "parallel_tool_calls", bool)
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
        out["tool_choice"] = _encode_choice(choice, dropped, same=same)
    if choice.parallel is not None:
        out["parallel_tool_calls"] = choice.parallel
    return out


def hosted(name: str) -> bool:
    """Whether a name in a request's `rest` is the place of a tool that the provider runs."""
    return name.startswith("tools[") and name.endswith("]") and name[6:-1].isdecimal()


def _decode_function(wire: Wire, where: str) -> Tool:
    schema = wire.get("parameters")
    return Tool(
        name=text(wire, "name", where),
        description=optional(wire, "description", str, where),
        schema=None if schema is None else mapping(schema, f"{where}parameters"),
        strict=optional(wire, "strict", bool, where),
        rest=others(wire, _FUNCTION),
    )


def _encode_function(tool: Tool, dropped: Dropped, *, same: bool) -> Wire:
    said = {"description": tool.description, "parameters": tool.schema, "strict": tool.strict}
    wire: Wire = {"type": "function", "name": tool.name}
    wire |= {name: value for name, value in said.items() if value is not None}
    if not same:
        # Strict is the default here and nowhere else, and not every schema can be strict.
        wire = {"parameters": {"type": "object", "properties": {}}, "strict": False} | wire
    return wire | dropped.rest(tool, same=same)


def _decode_choice(request: Request, value: Any) -> None:
    if isinstance(value, str):
        if value not in _MODES:
            raise ClientError(f"tool_choice must be one of {', '.join(_MODES)}, or an object.")
        request.choice = ToolChoice(mode=_MODES[value])
    elif value is not None:
        wire = mapping(value, "tool_choice")
        kind = text(wire, "type", "tool_choice.")
        if kind == "function":
            name = text(wire, "name", "tool_choice.")
            request.choice = ToolChoice(mode="named", name=name, rest=others(wire, ("type", "name")))
        elif kind == "allowed_tools" and wire.get("mode") in _MODES:
            allowed = {"tool_choice.tools": wire.get("tools")}
            form = {name: value for name, value in wire.items() if name not in ("mode", "tools")}
            request.choice = ToolChoice(mode=_MODES[wire["mode"]], rest=allowed, form=form)
        else:
            request.rest["tool_choice"] = wire


def _encode_choice(choice: ToolChoice, dropped: Dropped, *, same: bool) -> str | Wire:
    rest = dropped.rest(choice, same=same)
    if same and "tool_choice.tools" in rest:
        return {**choice.form, "mode": choice.mode, "tools": rest["tool_choice.tools"]}
    if choice.mode == "named":
        return {"type": "function", "name": choice.name, **rest}
    return choice.mode
