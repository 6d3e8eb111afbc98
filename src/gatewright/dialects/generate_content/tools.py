"""Tools and whether they must be called: `tools` and `toolConfig`.

Gemini API reference, "Tool" and "ToolConfig" (https://ai.google.dev/api/caching#Tool). An entry of `tools` holds
functions, or tools that Google runs, or both; the latter are in `Request.rest` under `tools.<name>`, each with the
place of its entry.
"""

from typing import Any

from gatewright.dialects.conversation import Dropped, Request, Rest, Tool, ToolChoice, ToolMode
from gatewright.dialects.generate_content.fields import Fields, restored
from gatewright.dialects.generate_content.schema import json_schema

_MODES: dict[str, ToolMode] = {
    "AUTO": "auto",
    "ANY": "required",
    "NONE": "none",
    "VALIDATED": "auto",
    "MODE_UNSPECIFIED": "auto",
}
_WIRE = {"auto": "AUTO", "required": "ANY", "none": "NONE", "named": "ANY"}


def decode_tools(fields: Fields, request: Request) -> Rest:
    """Reads `tools` into the request.

    Returns:
        What is only Google's, for the request's `rest`.
    """
    rest: Rest = {}
    layout: list[dict[str, Any]] = []
    for place, entry in enumerate(fields.objects("tools")):
        declares = entry.has("functionDeclarations")
        declared = entry.objects("functionDeclarations")
        request.tools += [_tool(one) for one in declared]
        layout.append({"count": len(declared) if declares else None, "form": entry.form})
        for name, value in entry.rest().items():
            rest.setdefault(f"tools.{name}", []).append([place, value])
    fields.form["layout"] = layout
    return rest


def _tool(fields: Fields) -> Tool:
    tool = Tool(name=fields.need("name", str), description=fields.get("description", str))
    if fields.has("parametersJsonSchema"):
        tool.schema = fields.get("parametersJsonSchema", dict)
    elif (given := fields.get("parameters", dict)) is not None:
        tool.schema = json_schema(given)
        fields.form["given"] = given
    tool.rest, tool.form = fields.rest(), fields.form
    return tool


def encode_tools(request: Request, dropped: Dropped, *, same: bool) -> list[dict[str, Any]]:
    """The entries of `tools`."""
    declared = [_declaration(tool, dropped, same=same) for tool in request.tools]
    if not same:
        return [{"functionDeclarations": declared}] if declared else []
    layout = request.form.get("layout", ())
    if sum(entry["count"] or 0 for entry in layout) != len(declared):
        # Tools came or went since the request was read.
        layout = [{"count": len(declared), "form": {}}, *({**entry, "count": None} for entry in layout)]
    written = []
    for place, entry in enumerate(layout):
        count = entry["count"] or 0
        body = {} if entry["count"] is None else {"functionDeclarations": declared[:count]}
        declared = declared[count:]
        own = {
            name.removeprefix("tools."): value
            for name, uses in request.rest.items()
            if name.startswith("tools.")
            for at, value in uses
            if at == place
        }
        written.append(restored(body, entry["form"], own))
    return written


def _declaration(tool: Tool, dropped: Dropped, *, same: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        body["description"] = tool.description
    rest = dropped.rest(tool, same=same)
    dropped.update(["grammar"] if tool.grammar is not None else [])
    given = tool.form.get("given")
    if same and given is not None and json_schema(given) == tool.schema:
        body["parameters"] = given
    elif tool.schema is not None:
        body["parametersJsonSchema"] = tool.schema
    return restored(body, tool.form, rest) if same else body


def decode_choice(fields: Fields) -> ToolChoice | None:
    """Whether tools must be called, of `toolConfig`; what else it holds stays."""
    config = fields.within("toolConfig")
    calling = config and config.within("functionCallingConfig")
    if not calling:
        return None
    given = calling.get("mode", str)
    if given is None:
        return None
    mode = _MODES.get(given.upper())
    if mode is None:
        raise calling.wrong("mode", f"one of {', '.join(_MODES)}")
    if given.upper() == "VALIDATED":
        # Stays, so that other dialects say that they lost it.
        calling.untake("mode", given)
    elif given != _WIRE[mode]:
        calling.keep("mode", given)
    names = calling.peek("allowedFunctionNames")
    if mode == "required" and isinstance(names, list) and len(names) == 1 and isinstance(names[0], str):
        calling.get("allowedFunctionNames", list)
        return ToolChoice(mode="named", name=names[0])
    return ToolChoice(mode=mode)


def encode_choice(request: Request, dropped: Dropped, *, same: bool) -> dict[str, Any] | None:
    """`toolConfig`; None when nothing is said.

    A strict tool of another dialect has its arguments held to its schema, which is mode VALIDATED (and what ANY does
    anyway): https://ai.google.dev/gemini-api/docs/function-calling#function_calling_modes.
    """
    choice = request.choice
    strict = not same and any(tool.strict for tool in request.tools)
    if choice is None:
        return {"functionCallingConfig": {"mode": "VALIDATED"}} if strict else None
    dropped.rest(choice, same=same)
    if choice.parallel is False:
        dropped.add("parallel_tool_calls")
    calling: dict[str, Any] = {"mode": "VALIDATED" if strict and choice.mode == "auto" else _WIRE[choice.mode]}
    if choice.mode == "named":
        calling["allowedFunctionNames"] = [choice.name]
    return {"functionCallingConfig": calling}
