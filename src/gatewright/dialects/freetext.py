"""Tools that take free text where all others take JSON: OpenAI's custom tools, in chat and in responses.

Elsewhere such a tool is a function with one text as its argument, and a call of that is a call of the tool again.
OpenAI's "Function calling", "Custom tools" (https://platform.openai.com/docs/guides/function-calling#custom-tools).
"""

from dataclasses import replace
from typing import Any

from gatewright.dialects.conversation import Part, Request, ToolCall
from gatewright.dialects.fields import to_object
from gatewright.dialects.stream import Event, PartBegan, PartEnded, PartGrew

_TEXT = "input"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {_TEXT: {"type": "string"}},
    "required": [_TEXT],
    "additionalProperties": False,
}
"""Of the arguments of the function that stands for such a tool."""


def to_arguments(call: ToolCall) -> dict[str, Any]:
    """A call's arguments as an object."""
    return {_TEXT: call.arguments} if call.custom else to_object(call.arguments)


def custom_tools(request: Request) -> frozenset[str]:
    """Names of the tools of a request that take free text."""
    return frozenset(tool.name for tool in request.tools if tool.custom)


def as_custom(part: Part, names: frozenset[str]) -> Part:
    """A part of an answer, with a call of a function that stands for such a tool as a call of the tool."""
    if not isinstance(part, ToolCall) or part.custom or part.name not in names:
        return part
    return replace(part, custom=True, arguments=_text(part.arguments))


def _text(arguments: str) -> str:
    text = to_object(arguments).get(_TEXT)
    return text if isinstance(text, str) else arguments


class CustomCalls:
    """As `as_custom`, of a stream: such a call is told when it is complete, for only then is its JSON a text.

    Args:
        request: what the client asked.
    """

    def __init__(self, request: Request) -> None:
        self._names = custom_tools(request)
        self._waiting: dict[tuple[int, int], list[str]] = {}

    def events(self, event: Event) -> tuple[Event, ...]:
        """The events for an event: mostly itself."""
        if not self._names or not isinstance(event, PartBegan | PartGrew | PartEnded):
            return (event,)
        place = (event.candidate, event.at)
        if isinstance(event, PartBegan):
            part = as_custom(event.part, self._names)
            if part is event.part or not isinstance(part, ToolCall):
                return (event,)
            self._waiting[place] = [part.arguments]
            return (replace(event, part=replace(part, arguments="")),)
        if place not in self._waiting:
            return (event,)
        if isinstance(event, PartGrew):
            self._waiting[place].append(event.text)
            return (replace(event, text=""),) if event.signature else ()
        text = _text("".join(self._waiting.pop(place)))
        return (PartGrew(at=event.at, candidate=event.candidate, text=text), event)
