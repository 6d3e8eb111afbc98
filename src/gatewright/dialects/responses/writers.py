"""How the items of a streamed answer are told: one writer for each kind of part."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from gatewright.dialects import sse
from gatewright.dialects.conversation import Dropped, Part, Reasoning, Refusal, Text, ToolCall
from gatewright.dialects.logprobs import encode_scores
from gatewright.dialects.responses.content import Wire
from gatewright.dialects.responses.items import encode_alone
from gatewright.dialects.responses.response import Ids, dress, encode_content, open_message
from gatewright.dialects.stream import PartEnded, PartGrew


@dataclass(slots=True)
class Log:
    """What was told: events are numbered, and items kept for the last event.

    Attributes:
        dropped: takes the names of what this API cannot express.
        ids: makes up the ids of items that have none.
        same: whether the answer comes from this dialect, whose items have theirs; but what another provider adds to it.
        output: the items, as far as they are known.
    """

    dropped: Dropped
    ids: Ids = field(default_factory=lambda: Ids(""))
    same: bool = True
    output: list[Wire] = field(default_factory=list)
    _number: int = 0

    def write(self, kind: str, **fields: Any) -> bytes:
        """An event."""
        wire = {"type": kind, **fields, "sequence_number": self._number}
        self._number += 1
        return sse.write(msgspec.json.encode(wire), kind.encode())

    def add(self, item: Wire) -> tuple[Wire, bytes]:
        """Tell of a new item; returns what names it in its events, too."""
        place = {"item_id": item.get("id", ""), "output_index": len(self.output)}
        self.output.append(item)
        return place, self.write("response.output_item.added", output_index=place["output_index"], item=item)

    def done(self, place: Wire, item: Wire) -> bytes:
        """Tell that an item is complete."""
        self.output[place["output_index"]] = item
        return self.write("response.output_item.done", output_index=place["output_index"], item=item)

    def alone(self, part: Part) -> list[Wire]:
        """A part as its items."""
        return encode_alone(part, self.dropped, same=self.same, answer=True)

    def dressed(self, item: Wire) -> Wire:
        """An item with id and status."""
        return item if self.same and "id" in item else dress(item, self.ids)

    def finished(self, item: Wire, begun: Wire) -> Wire:
        """A complete item, with what it has from its beginning where it is not as the provider wrote it."""
        return item if self.same and "id" in item else begun | item


class MessageItem:
    """A message, of which the next content follows."""

    def __init__(self, log: Log, first: Part) -> None:
        self.log = log
        self.fields = (first.form.get("item") if log.same else None) or open_message(log.ids)
        self.content: list[Wire] = []
        self.place: Wire = {}

    def begin(self) -> bytes:
        """The events that it begins with."""
        self.place, added = self.log.add({**self.fields, "status": "in_progress", "content": []})
        return added

    def end(self, status: str) -> bytes:
        """The events that it ends with."""
        fields = self.fields if self.fields.get("status") == "incomplete" else {**self.fields, "status": status}
        return self.log.done(self.place, {**fields, "content": self.content})


class Content:
    """Text or a refusal, in a message."""

    def __init__(self, message: MessageItem, part: Text | Refusal) -> None:
        self._message, self._log, self._part = message, message.log, replace(part)
        self._texts: list[str] = []
        self._place = {**message.place, "content_index": len(message.content)}
        self._name = "refusal" if isinstance(part, Refusal) else "output_text"
        self._logprobs: list[Any] = []
        self._cited = 0

    def begin(self) -> bytes:
        """The events that it begins with."""
        wire = encode_content(self._part, self._log.dropped, same=False)
        self._message.content.append(wire or {})
        return self._log.write("response.content_part.added", **self._place, part=wire)

    def grow(self, event: PartGrew) -> bytes:
        """More text."""
        self._texts.append(event.text)
        part = self._part
        logprobs = event.form.get("logprobs") if self._log.same else None
        logprobs = encode_scores(event.scores) if logprobs is None else logprobs
        self._logprobs += logprobs
        out = self._told("delta", logprobs, delta=event.text) if event.text or logprobs else b""
        if isinstance(part, Text):
            part.citations, part.scores = [*part.citations, *event.citations], [*part.scores, *event.scores]
            if self._log.same:
                out += self._cite([one.form["wire"] for one in event.citations])
        return out

    def end(self, event: PartEnded) -> bytes:
        """The events that it ends with."""
        self._part.text = "".join(self._texts)
        self._part.rest, self._part.form = event.rest or self._part.rest, event.form or self._part.form
        written = self._log.same and bool(event.rest or event.form)
        wire = encode_content(self._part, self._log.dropped, same=written) or {}
        self._message.content[self._place["content_index"]] = wire
        self._message.fields = (event.form.get("item") if self._log.same else None) or self._message.fields
        whole = {"refusal" if self._name == "refusal" else "text": self._part.text}
        # Where a citation of all of a text ends is known now.
        said = b"" if self._log.same else self._cite(wire.get("annotations", ()))
        said += self._told("done", self._logprobs, **whole)
        return said + self._log.write("response.content_part.done", **self._place, part=wire)

    def _cite(self, annotations: Iterable[Wire]) -> bytes:
        out = b""
        for wire in annotations:
            place = {**self._place, "annotation_index": self._cited}
            out += self._log.write("response.output_text.annotation.added", **place, annotation=wire)
            self._cited += 1
        return out

    def _told(self, step: str, logprobs: list[Any], **fields: Any) -> bytes:
        # A text's events always have logprobs, and a refusal's never.
        beside = {} if self._name == "refusal" else {"logprobs": logprobs}
        return self._log.write(f"response.{self._name}.{step}", **self._place, **fields, **beside)


class Call:
    """A tool call."""

    def __init__(self, log: Log, part: ToolCall) -> None:
        self._log, self._part = log, replace(part)
        self._field = "input" if part.custom else "arguments"
        self._event = "response.custom_tool_call_input" if part.custom else "response.function_call_arguments"
        self._texts: list[str] = []
        self._item: Wire = {}
        self._place: Wire = {}

    def begin(self) -> bytes:
        """The events that it begins with."""
        self._item = self._log.dressed(self._log.alone(self._part)[0])
        self._place, added = self._log.add({**self._item, "status": "in_progress", self._field: ""})
        return added

    def grow(self, event: PartGrew) -> bytes:
        """More of the arguments, or of the signature."""
        if event.signature:
            self._part.signature = (self._part.signature or "") + event.signature
        if not event.text:
            return b""
        self._texts.append(event.text)
        return self._log.write(f"{self._event}.delta", **self._place, delta=event.text)

    def end(self, event: PartEnded) -> bytes:
        """The events that it ends with."""
        bare = self._log.same or self._part.custom
        out = b"" if self._texts or bare else self.grow(PartGrew(at=event.at, text="{}"))
        part = self._part
        part.arguments = "".join(self._texts)
        part.rest, part.form = event.rest or part.rest, event.form or part.form
        item, *signed = self._log.alone(part)
        out += self._log.write(f"{self._event}.done", **self._place, **{self._field: part.arguments})
        out += self._log.done(self._place, self._log.finished(item, self._item))
        for carrier in signed:
            dressed = self._log.dressed(carrier)
            place, added = self._log.add(dressed)
            out += added + self._log.done(place, dressed)
        return out


class Thought:
    """A thought: of another dialect a summary in one piece, of this one what it was."""

    def __init__(self, log: Log, part: Reasoning) -> None:
        self._log, self._part = log, replace(part)
        self._item: Wire = {}
        self._place: Wire = {}
        self._texts: list[str] = []
        self._kind = "summary"
        self._pieces: list[list[str]] = []

    def begin(self) -> bytes:
        """The events that it begins with."""
        self._item = self._log.dressed(self._log.alone(Reasoning(form=self._part.form))[0])
        self._place, added = self._log.add({"summary": [], **self._item, "status": "in_progress"})
        return added

    def grow(self, event: PartGrew) -> bytes:
        """More text, signature, or the sealed form."""
        part = self._part
        part.sealed = event.sealed or part.sealed
        part.signature = (part.signature or "") + event.signature or None
        if not event.text:
            return b""
        self._texts.append(event.text)
        out = b""
        piece = event.form.get("piece") if self._log.same else None
        if piece is not None and self._pieces:
            return self._end_piece() + self._begin_piece(piece)
        if not self._pieces:
            out = self._begin_piece(piece or "summary")
        self._pieces[-1].append(event.text)
        return out + self._log.write(f"response.{self._event}.delta", **self._at, delta=event.text)

    def end(self, event: PartEnded) -> bytes:
        """The events that it ends with."""
        out = self._end_piece() if self._pieces else b""
        part = self._part
        part.text = "".join(self._texts)
        part.rest, part.form = event.rest or part.rest, event.form or part.form
        item = self._log.alone(part)[0]
        return out + self._log.done(self._place, self._log.finished(item, self._item))

    @property
    def _event(self) -> str:
        return "reasoning_text" if self._kind == "content" else "reasoning_summary_text"

    @property
    def _at(self) -> Wire:
        return {**self._place, f"{self._kind}_index": len(self._pieces) - 1}

    def _piece(self, text: str) -> Wire:
        return {"type": "reasoning_text" if self._kind == "content" else "summary_text", "text": text}

    def _begin_piece(self, kind: str) -> bytes:
        self._kind = kind
        self._pieces.append([])
        part = "content_part" if kind == "content" else "reasoning_summary_part"
        return self._log.write(f"response.{part}.added", **self._at, part=self._piece(""))

    def _end_piece(self) -> bytes:
        text = "".join(self._pieces[-1])
        part = "content_part" if self._kind == "content" else "reasoning_summary_part"
        done = self._log.write(f"response.{self._event}.done", **self._at, text=text)
        return done + self._log.write(f"response.{part}.done", **self._at, part=self._piece(text))


class Whole:
    """An item that comes as a whole: a picture, or what only this dialect knows."""

    def __init__(self, log: Log, item: Wire) -> None:
        self._log = log
        self._item = log.dressed(item)
        self._place: Wire = {}

    def begin(self) -> bytes:
        """The events that it begins with."""
        self._place, added = self._log.add(self._item)
        return added

    def grow(self, event: PartGrew) -> bytes:  # noqa: ARG002 - it does not grow
        """Nothing."""
        return b""

    def end(self, event: PartEnded) -> bytes:
        """The events that it ends with."""
        return self._log.done(self._place, (event.rest if self._log.same else None) or self._item)
