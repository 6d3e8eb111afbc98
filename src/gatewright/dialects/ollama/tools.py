"""Functions that the model may call (https://docs.ollama.com/capabilities/tool-calling)."""

from typing import Any

from gatewright.dialects.conversation import Dropped, Request, Tool
from gatewright.dialects.fields import Fields
from gatewright.dialects.ollama.wire import closed, difference, opened, restored


def decode_tool(fields: Fields) -> Tool:
    """An entry of `tools`."""
    wire = dict(fields.left)
    inner = fields.inner("function")
    fields.get("type", str)
    tool = Tool(
        name=inner.need("name", str),
        description=inner.get("description", str),
        schema=inner.get("parameters", dict),
        rest=fields.left,
    )
    closed(fields, "function", inner)
    tool.form = difference(wire, _own(tool))
    return tool


def encode_tools(request: Request, dropped: Dropped, *, same: bool) -> list[dict[str, Any]]:
    """The tools that may be called.

    Ollama lets the model choose. A choice of none leaves the tools out, and any other that says more is told as lost.
    """
    if same:
        return [_own(tool) for tool in request.tools]
    choice = request.choice
    if choice is None:
        return [_foreign(tool, dropped) for tool in request.tools]
    dropped.rest(choice, same=False)
    if choice.mode == "none":
        return []
    if choice.mode != "auto":
        dropped.add("tool_choice")
    if choice.parallel is False:
        dropped.add("parallel_tool_calls")
    return [_foreign(tool, dropped) for tool in request.tools]


def _own(tool: Tool) -> dict[str, Any]:
    outer, inner = opened(tool.rest, "function")
    return restored({"type": "function", "function": _function(tool) | inner} | outer, tool.form)


def _foreign(tool: Tool, dropped: Dropped) -> dict[str, Any]:
    dropped.rest(tool, same=False)
    told = {"strict": tool.strict, "grammar": tool.grammar}
    dropped.update(name for name, lost in told.items() if lost)
    schema = {"type": "object", **(tool.schema or {"properties": {}})}
    return {"type": "function", "function": {**_function(tool), "parameters": schema}}


def _function(tool: Tool) -> dict[str, Any]:
    stated = {"description": tool.description, "parameters": tool.schema}
    return {"name": tool.name} | {name: value for name, value in stated.items() if value is not None}
