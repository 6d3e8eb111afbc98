"""Streamed answers of a provider: `response.*` events in, the conversation's events out.

Items and their parts come one after the other from OpenAI itself; where a provider mixes them, the later one waits for
the earlier. Every text comes up to four times (deltas, `….done`, `….item.done`, the final response), so that what a
provider leaves out is taken from what comes later. Shapes: OpenAI API reference, "Streaming events"
(https://platform.openai.com/docs/api-reference/responses-streaming).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from gatewright.dialects.conversation import Citation, Part, Reasoning, Refusal, Rest, Text, ToolCall
from gatewright.dialects.fields import Fields
from gatewright.dialects.logprobs import decode_scores
from gatewright.dialects.responses.annotations import decode_annotation
from gatewright.dialects.responses.content import Wire
from gatewright.dialects.responses.items import add_item
from gatewright.dialects.responses.response import finish_of, problem_of
from gatewright.dialects.responses.usage import decode_usage
from gatewright.dialects.responses.wire import NAME, picked, providers
from gatewright.dialects.sse import ServerSentEvent, SSEReader
from gatewright.dialects.stream import (
    Began,
    Counted,
    Ended,
    Event,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
)
from gatewright.errors import UpstreamProtocolError

# HTTP status of the codes of a failure; any other is the provider's own fault.
_STATUS = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "invalid_prompt": 400,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "server_overloaded": 503,
    "server_is_overloaded": 503,
}
_END = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}
_BEGAN = ("id", "model", "created_at", "output")  # fields of a response that its beginning told
_ITEM = -1  # stands for a content index where the item is the part
_SEPARATOR = "\n\n"  # between the pieces of a thought

_JSON: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


@dataclass(slots=True)
class _Slot:
    """A part on its way: its events wait here until all parts before it have ended.

    Attributes:
        part: what was known of it when it began.
        events: those that nobody has taken.
        seen: how many characters of the piece are known; only a thought has several pieces.
        piece: the list of the thought's item, and the place in it, that grows now.
        cited: how many citations are known, and `scored` whether any token's score is.
        ended: whether it is complete.
    """

    part: Part
    events: list[PartBegan | PartGrew | PartEnded]
    seen: int = 0
    piece: tuple[str, int] | None = None
    cited: int = 0
    scored: bool = False
    ended: bool = False
    final: tuple[Rest, Rest] = field(default_factory=lambda: ({}, {}))

    def grow(self, more: str, piece: tuple[str, int] | None = None, logprobs: Any = None) -> None:
        """Add text, with the scores of its tokens."""
        if not more or self.ended:
            return
        form: Rest = {}
        if piece != self.piece and piece is not None:
            if self.piece is not None and piece[0] != self.piece[0]:
                return  # summary and full text of a thought say the same
            form = {"piece": piece[0]}
            if self.piece is not None:
                self.events.append(PartGrew(at=0, text=_SEPARATOR, form=form))
                form = {}
            self.piece, self.seen = piece, 0
        self.seen += len(more)
        scores = decode_scores(logprobs)
        self.scored = self.scored or bool(scores)
        self.events.append(
            PartGrew(at=0, text=more, form={**form, "logprobs": logprobs} if scores else form, scores=scores)
        )

    def cite(self, citations: list[Citation]) -> None:
        """Add citations."""
        if citations and not self.ended:
            self.cited += len(citations)
            self.events.append(PartGrew(at=0, citations=citations))

    def complete(self, whole: str, piece: tuple[str, int] | None = None) -> None:
        """Add what is missing of a text."""
        same = piece is None or piece == self.piece
        self.grow(whole[self.seen :] if same else whole, piece)

    def complete_text(self, final: Text) -> None:
        """Add what is missing of a text and of what stands beside it."""
        self.complete(final.text)
        self.cite(final.citations[self.cited :])
        if final.scores and not (self.scored or self.ended):
            self.scored = True
            self.events.append(PartGrew(at=0, scores=final.scores))

    def end(self, rest: Rest, form: Rest) -> None:
        """Take no more."""
        if not self.ended:
            self.ended = True
            self.events.append(PartEnded(at=0, rest=rest, form=form))


class Decoder:
    """Reads one stream."""

    def __init__(self) -> None:
        self._reader = SSEReader()
        self._began = False
        self._over = False
        self._parts: list[Part] = []  # those whose beginning was given on
        self._line: deque[_Slot] = deque()
        self._slots: dict[tuple[int, int], _Slot] = {}
        self._items: dict[int, Wire] = {}  # as they were when they were added
        self._done: set[int] = set()
        self._handlers: dict[str, Callable[[Fields], None]] = {
            "response.output_item.added": self._item_added,
            "response.output_item.done": lambda wire: self._item_done(_index(wire), wire.need("item", dict)),
            "response.content_part.added": self._part_added,
            "response.content_part.done": self._part_done,
            "response.output_text.delta": lambda wire: self._said(wire, Text).grow(
                wire.need("delta", str), logprobs=wire.peek("logprobs")
            ),
            "response.output_text.annotation.added": lambda wire: self._said(wire, Text).cite(
                [decode_annotation(wire.peek("annotation"))]
            ),
            "response.output_text.done": lambda wire: self._said(wire, Text).complete(wire.need("text", str)),
            "response.refusal.delta": lambda wire: self._said(wire, Refusal).grow(wire.need("delta", str)),
            "response.refusal.done": lambda wire: self._said(wire, Refusal).complete(wire.need("refusal", str)),
            "response.function_call_arguments.delta": lambda wire: self._call(wire, "delta"),
            "response.function_call_arguments.done": lambda wire: self._call(wire, "arguments"),
            "response.custom_tool_call_input.delta": lambda wire: self._call(wire, "delta"),
            "response.custom_tool_call_input.done": lambda wire: self._call(wire, "input"),
            "response.reasoning_summary_text.delta": lambda wire: self._thought(wire, "summary", "delta"),
            "response.reasoning_summary_text.done": lambda wire: self._thought(wire, "summary", "text"),
            "response.reasoning_text.delta": lambda wire: self._thought(wire, "content", "delta"),
            "response.reasoning_text.done": lambda wire: self._thought(wire, "content", "text"),
        }

    def feed(self, data: bytes) -> list[Event]:
        """The events that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are not this dialect's.
        """
        return [event for block in self._reader.feed(data) for event in self._read(block)]

    def end(self) -> list[Event]:
        """The events left when the bytes have ended.

        Raises:
            UpstreamProtocolError: when the stream was not complete.
        """
        left = [event for block in self._reader.end() for event in self._read(block)]
        if not self._over:
            raise UpstreamProtocolError("Its stream ended before the response was complete.")
        return left

    def _read(self, block: ServerSentEvent) -> list[Event]:
        if self._over or block.data == b"[DONE]":
            return []
        try:
            wire = Fields(_JSON.decode(block.data), "event", providers)
            kind = wire.checked("type", wire.peek("type") or block.name.decode("utf-8", "replace"), str)
            return self._translate(wire, kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise UpstreamProtocolError("An event of its stream is not JSON.") from problem

    def _translate(self, wire: Fields, kind: str) -> list[Event]:
        if kind == "error" or (not kind and "error" in wire.left):
            self._over = True
            return [_failed(wire.peek("error") or wire.left)]
        response = wire.checked("response", wire.left.get("response", {}), dict)
        events: list[Event] = [] if self._began else [self._begin(response)]
        if kind in _END:
            return events + self._finish(_END[kind], response)
        if (handler := self._handlers.get(kind)) is not None:
            handler(wire)
            return events + self._take()
        return events

    def _begin(self, response: Wire) -> Began:
        self._began = True
        fields = Fields(response, "response", providers)
        created = fields.get("created_at", float)
        fields.pop("output")
        tier = fields.peek("service_tier")
        return Began(
            id=fields.get("id", str) or "",
            model=fields.get("model", str) or "",
            created=None if created is None else int(created),
            dialect=NAME,
            # Until it is known what served, this repeats the request.
            service_tier=tier if isinstance(tier, str) and tier != "auto" else None,
            form=fields.left,
        )

    def _finish(self, status: str, response: Wire) -> list[Event]:
        self._over = True
        if status == "failed":
            return [*self._take(), _failed(response.get("error"))]
        fields = Fields(response, "response", providers)
        ids = [item["id"] for item in self._items.values() if item.get("id") is not None]
        for index, entry in enumerate(fields.get("output", list) or ()):
            item = fields.checked(f"output[{index}]", entry, dict)
            # A provider that counts its items in another way has told of this one at another place.
            if index not in self._done and (index in self._items or item.get("id") not in ids):
                self._item_done(index, item)
        for slot in self._line:
            slot.end(*slot.final)
        events: list[Event] = [*self._take()]
        if fields.has("usage"):
            events.append(Counted(usage=decode_usage(fields.pop("usage"))))
        for name in _BEGAN:
            fields.pop(name)
        form = {"status": status, **fields.left}
        return [*events, Finished(finish=finish_of(form, self._parts) or "other", form=form), Ended()]

    def _take(self) -> list[Event]:
        """The events of the first part that has not ended, and of all before it."""
        taken: list[Event] = []
        while self._line:
            slot = self._line[0]
            for event in slot.events:
                if isinstance(event, PartBegan):
                    self._parts.append(event.part)
                event.at = len(self._parts) - 1
                taken.append(event)
            slot.events.clear()
            if not slot.ended:
                break
            self._line.popleft()
        return taken

    def _open(self, index: int, content: int, part: Part) -> _Slot:
        slot = self._slots.get((index, content))
        if slot is None:
            slot = self._slots[index, content] = _Slot(part, [PartBegan(at=0, part=part)])
            self._line.append(slot)
        return slot

    def _said(self, wire: Fields, kind: type[Text | Refusal]) -> _Slot:
        """The content part of a message, which begins with its first event."""
        index, content = _index(wire), _index(wire, "content_index")
        if (known := self._slots.get((index, content))) is not None:
            return known
        for (item, place), slot in self._slots.items():
            if item == index and place < content:
                slot.end(*slot.final)
        first = not any(item == index for item, _ in self._slots)
        fields = {name: value for name, value in self._items.get(index, {}).items() if name != "content"}
        return self._open(index, content, kind(text="", form={"item": fields} if first and fields else {}))

    def _item_added(self, wire: Fields) -> None:
        index, item = _index(wire), wire.need("item", dict)
        self._items[index] = item
        if item.get("type") in ("message", "image_generation_call"):
            return  # begins with its first content, or is not known until it is done
        part = _parts(item)[0]
        if isinstance(part, ToolCall):
            part.arguments = ""
        elif isinstance(part, Reasoning):
            part.text, part.sealed = "", None  # what is sealed may still change
        self._open(index, _ITEM, part)

    def _item_done(self, index: int, item: Wire) -> None:
        self._done.add(index)
        self._items.setdefault(index, item)
        said = item.get("type") == "message" and item.get("content") != []
        for place, part in enumerate(_parts(item)):
            slot = self._open(index, place if said else _ITEM, _empty(part))
            match part:
                case Text():
                    slot.complete_text(part)
                case Refusal():
                    slot.complete(part.text)
                case ToolCall():
                    slot.complete(part.arguments)
                case Reasoning():
                    _complete_thought(slot, part)
            slot.end(part.rest, part.form)
        for (owner, _), slot in self._slots.items():
            if owner == index:
                slot.end(*slot.final)

    def _part_added(self, wire: Fields) -> None:
        kind = wire.need("part", dict).get("type")
        if kind in ("output_text", "refusal"):
            self._said(wire, Text if kind == "output_text" else Refusal)

    def _part_done(self, wire: Fields) -> None:
        part = wire.need("part", dict)
        if part.get("type") in ("output_text", "refusal"):
            final = _parts({"type": "message", "role": "assistant", "content": [part]})[0]
            slot = self._said(wire, type(final) if isinstance(final, Text | Refusal) else Text)
            if isinstance(final, Text):
                slot.complete_text(final)
            elif isinstance(final, Refusal):
                slot.complete(final.text)
            slot.final = (final.rest, slot.part.form | picked(final.form, ("logprobs",)))

    def _call(self, wire: Fields, name: str) -> None:
        slot = self._slots.get((_index(wire), _ITEM))
        if slot is not None and isinstance(slot.part, ToolCall):
            (slot.grow if name == "delta" else slot.complete)(wire.need(name, str))

    def _thought(self, wire: Fields, field_name: str, name: str) -> None:
        slot = self._open(_index(wire), _ITEM, Reasoning())
        piece = (field_name, _index(wire, f"{field_name}_index"))
        (slot.grow if name == "delta" else slot.complete)(wire.need(name, str), piece)


def _index(wire: Fields, name: str = "output_index") -> int:
    """A place in a list; providers leave it out where there is but one."""
    return wire.get(name, int) or 0


def _parts(item: Wire) -> list[Part]:
    parts: list[Part] = []
    add_item(parts, Fields(item, "item", providers))
    return parts


def _empty(part: Part) -> Part:
    """A part whose texts are still to come."""
    match part:
        case Text():
            return Text(text="", form=part.form)
        case Refusal():
            return Refusal(text="", form=part.form)
        case ToolCall():
            return replace(part, arguments="")
        case Reasoning():
            return Reasoning(rest=part.rest, form=part.form)
    return part


def _complete_thought(slot: _Slot, thought: Reasoning) -> None:
    for name in ("content", "summary"):
        pieces = thought.form.get(name)
        for place, piece in enumerate(pieces if isinstance(pieces, list) else []):
            words = piece.get("text") if isinstance(piece, dict) else None
            if isinstance(words, str) and (slot.piece is None or slot.piece <= (name, place)):
                slot.complete(words, (name, place))
    if not slot.ended and (thought.sealed or thought.signature):
        slot.events.append(PartGrew(at=0, sealed=thought.sealed or "", signature=thought.signature or ""))


def _failed(error: Any) -> Failed:
    message, code = problem_of(error)
    return Failed(message=message, kind=code, status=_STATUS.get(code, 500))
