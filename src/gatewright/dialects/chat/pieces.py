"""What the deltas of a stream bring: thoughts in each provider's form, and tool calls piece by piece."""

from collections.abc import Iterator
from typing import Any

from gatewright.dialects.chat.parts import THOUGHTS
from gatewright.dialects.conversation import Part, Reasoning, Rest, ToolCall
from gatewright.dialects.fields import to_text
from gatewright.errors import UpstreamProtocolError

Thought = tuple[object, Part, str, str, str]
"""What tells one thought from another, the part it begins, and its text, signature and sealed form."""


_CUSTOM = "custom"  # type of a call whose input is free text


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none when it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def kept(waiting: Rest, under: str, more: Rest) -> None:
    """Keep fields until there is an event to go with: lists grow; null and empty ones say nothing."""
    for key, value in more.items():
        if value in (None, "", [], {}):
            continue
        fields = waiting.setdefault(under, {})
        old = fields.get(key)
        fields[key] = old + value if isinstance(old, list) and isinstance(value, list) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def thought_pieces(delta: dict[str, Any]) -> Iterator[Thought]:
    """The pieces of thoughts in a delta.

    OpenRouter says a thought twice, as `reasoning` and as `reasoning_details`; the details say more.
    """
    details = dicts(delta.get("reasoning_details"))
    if details:
        for one in details:
            yield _detail(one)
        return
    for key in THOUGHTS:
        text = _text(delta.get(key))
        if text:
            yield "thought", Reasoning(form={"as": key}), text, "", ""
            break
    for one in dicts(delta.get("content")):
        if one.get("type") == "thinking":
            chunks = one.get("thinking")
            text = chunks if isinstance(chunks, str) else "".join(_text(chunk.get("text")) for chunk in dicts(chunks))
            if text:
                yield "thinking", Reasoning(form={"as": "thinking"}), text, _text(one.get("signature")), ""


def _detail(one: dict[str, Any]) -> Thought:
    texts = ("text", "summary", "data", "signature")
    form = {"as": "reasoning_details", "fields": {key: value for key, value in one.items() if key not in texts}}
    key = ("detail", str(one.get("index")), str(one.get("type")))
    text = _text(one.get("text")) or _text(one.get("summary"))
    return key, Reasoning(form=form), text, _text(one.get("signature")), _text(one.get("data"))


class Call:
    """A tool call as far as it is known.

    Attributes:
        id: its id.
        name: the tool's name; empty until it is known.
        arguments: those that came before the name.
        told: whether its part has begun.
    """

    def __init__(self, name: str, form: Rest) -> None:
        self.id = name
        self.name = ""
        self.arguments = ""
        self.told = False
        self.signature: str | None = None
        self.form = form

    def part(self) -> ToolCall:
        """The part that it begins."""
        custom = self.form.get("type") == _CUSTOM
        return ToolCall(
            id=self.id, name=self.name, arguments="", signature=self.signature, custom=custom, form=self.form
        )


class Calls:
    """The tool calls of one answer.

    Args:
        made_id: what the id of a call that has none begins with.
    """

    def __init__(self, made_id: str) -> None:
        self._made_id = made_id
        self._calls: dict[int, Call] = {}
        self._last = -1

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self._calls)

    def read(self, delta: dict[str, Any], rest: Rest) -> Iterator[tuple[Call, str]]:
        """The calls that a delta has pieces of, each with the arguments that may be told now.

        Args:
            delta: the delta.
            rest: gets the pieces that are no function's.
        """
        legacy = delta.get("function_call")
        if isinstance(legacy, dict) and (legacy.get("name") or legacy.get("arguments")):
            yield self._piece({"index": 0, "function": legacy}, {"as": "function_call"})
        for piece in dicts(delta.get("tool_calls")):
            if isinstance(piece.get("function"), dict):
                yield self._piece(piece, {"type": piece["type"]} if isinstance(piece.get("type"), str) else {})
            elif isinstance(custom := piece.get("custom"), dict):
                function = {"name": custom.get("name"), "arguments": custom.get("input")}
                yield self._piece({**piece, "function": function}, {"type": _CUSTOM})
            else:
                rest.setdefault("tool_calls", []).append(piece)

    def _piece(self, piece: dict[str, Any], form: Rest) -> tuple[Call, str]:
        function = piece["function"]
        name, own = _text(function.get("name")), _text(piece.get("id"))
        index = piece.get("index")
        known = self._calls.get(index if isinstance(index, int) else self._last)
        # Mistral and Google count badly or not at all: another id with a name is another call.
        another = known is not None and bool(name) and bool(own) and own != known.id
        if known is None or another:
            self._last = index if isinstance(index, int) and index not in self._calls else self._last + 1
            while self._last in self._calls:
                self._last += 1
            known = self._calls[self._last] = Call(own or f"{self._made_id}_{self._last}", form)
            if another and isinstance(index, int):
                self._calls[index] = known
        elif isinstance(index, int):
            self._last = index
        if name and not known.name:
            known.name = name
            known.signature = _signature(piece)
        arguments = _arguments(function.get("arguments"))
        if not known.name:
            known.arguments += arguments
            return known, ""
        arguments, known.arguments = known.arguments + arguments, ""
        return known, arguments

    def check(self) -> None:
        """Refuse a call whose name never came.

        Raises:
            UpstreamProtocolError: when there is one.
        """
        if not all(call.name for call in self._calls.values()):
            raise UpstreamProtocolError("A tool call of its stream has no name.")


def _signature(piece: dict[str, Any]) -> str | None:
    extra = piece.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) else None


def _arguments(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return to_text(value)
