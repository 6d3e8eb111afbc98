"""Streamed answers of /api/chat and /api/generate: JSON in lines.

Source: "Streaming" (https://docs.ollama.com/api/streaming) and "Errors" (https://docs.ollama.com/api/errors). Each line
has a piece of the text or of the thought, or whole calls; the last one is `done` and has the counts. A line with an
`error` ends a stream that fails.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from gatewright.dialects import ndjson
from gatewright.dialects.conversation import (
    Dropped,
    Finish,
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    Rest,
    Text,
    ToolCall,
    Usage,
)
from gatewright.dialects.fields import Fields, to_text
from gatewright.dialects.logprobs import encode_scores
from gatewright.dialects.ollama.answers import (
    COUNTS,
    Shape,
    decode_finish,
    digest,
    done_reason,
    encode_usage,
    head,
    take_scores,
    take_usage,
)
from gatewright.dialects.ollama.calls import CallIds
from gatewright.dialects.ollama.wire import difference, opened, providers, restored, seconds
from gatewright.dialects.stream import Began, Counted, Ended, Event, Failed, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import UpstreamProtocolError


class LineDecoder:
    """A provider's stream to events.

    Args:
        shape: of the provider's dialect.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._reader = ndjson.LineReader()
        self._ids: CallIds | None = None  # None before the first line
        self._began = Began(dialect=shape.name)
        self._open: Text | Reasoning | None = None  # the part that may go on
        self._parts = 0
        self._calls: list[Part] = []
        self._over = False
        self._waiting: Rest = {}  # what lines without a piece had left

    def feed(self, data: bytes) -> list[Event]:
        """The events that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are no lines of an answer.
        """
        return [event for line in self._reader.feed(data) for event in self._line(line)]

    def end(self) -> list[Event]:
        """The events left when the bytes have ended.

        Raises:
            UpstreamProtocolError: when the stream was not complete.
        """
        events = [event for line in self._reader.end() for event in self._line(line)]
        if not self._over:
            raise UpstreamProtocolError("Its stream ended without a line that is done.")
        return events

    def _line(self, line: bytes) -> list[Event]:
        if self._over:
            return []
        try:
            wire = msgspec.json.decode(line)
            return self._read(Fields(wire, "", providers), wire, line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise providers("a line of its stream is not JSON.") from None
        except RecursionError:
            raise providers("a line of its stream is nested too deeply.") from None

    def _read(self, fields: Fields, wire: Mapping[str, Any], line: bytes) -> list[Event]:
        if fields.has("error"):
            self._over = True
            said = fields.pop("error")
            return [Failed(message=said if isinstance(said, str) else to_text(said), rest=fields.left)]
        model, created = fields.get("model", str), fields.get("created_at", str)
        events: list[Event] = []
        if self._ids is None:
            self._ids = CallIds(digest(line))
            self._began.model, self._began.created = model or "", seconds(created)
            events.append(self._began)
        message = self._shape.read(fields, self._ids)
        for part in message.parts:
            events += self._part(part)
        scores = take_scores(fields)
        grew = next((event for event in reversed(events) if isinstance(event, PartGrew)), None)
        if grew is not None:
            grew.scores = scores
            grew.form = {name: wire[name] for name in ("created_at", "logprobs") if name in wire}
        elif scores:
            fields.left["logprobs"] = wire["logprobs"]
        fields.left.update((f"message.{name}", value) for name, value in message.rest.items())
        if fields.peek("done") is True:
            return events + self._end(fields, wire)
        fields.pop("done")
        self._waiting |= fields.left
        if grew is not None:
            grew.rest, self._waiting = self._waiting, {}
        return events

    def _part(self, part: Part) -> list[Event]:
        events: list[Event] = []
        if type(part) is not type(self._open):
            events += self._close()
            events.append(PartBegan(at=self._parts, part=_bare(part)))
            self._parts += 1
            self._open = part if isinstance(part, Text | Reasoning) else None
        here = self._parts - 1
        if isinstance(part, Text | Reasoning):
            return [*events, PartGrew(at=here, text=part.text)]
        if isinstance(part, ToolCall):
            self._calls = [part]
            events.append(PartGrew(at=here, text=part.arguments))
        return [*events, PartEnded(at=here)]

    def _close(self) -> list[Event]:
        if self._open is None:
            return []
        self._open = None
        return [PartEnded(at=self._parts - 1)]

    def _end(self, fields: Fields, wire: Mapping[str, Any]) -> list[Event]:
        self._over = True
        events = self._close()
        usage = take_usage(fields)
        if usage is not None:
            events.append(Counted(usage=usage))
        finish = decode_finish(fields, self._calls) or "other"
        own = {name: value for name, value in wire.items() if name not in (*self._shape.fields, *COUNTS, "logprobs")}
        rest = self._waiting | fields.left
        made = _last(head(self._began.model, self._began.created), finish) | opened(rest, "message")[0]
        return [*events, Finished(finish=finish, rest=rest, form=difference(own, made)), Ended()]


def _bare(part: Part) -> Part:
    """The part without what `PartGrew` tells."""
    if isinstance(part, Text):
        return Text(text="")
    if isinstance(part, Reasoning):
        return Reasoning()
    if isinstance(part, ToolCall):
        return ToolCall(id=part.id, name=part.name, arguments="", rest=part.rest, form=part.form)
    return part


def _last(head: Mapping[str, Any], finish: Finish) -> dict[str, Any]:
    return {**head, "done": True, "done_reason": done_reason(finish)}


class LineEncoder:
    """Events to a client's stream; of several answers the first is shown.

    Args:
        shape: of the client's dialect.
        request: what the client asked; the form of the stream depends on nothing in it.
    """

    def __init__(self, shape: Shape, request: Request) -> None:  # noqa: ARG002 - every dialect's
        self._shape = shape
        self._same = False
        self._head: dict[str, Any] = head("", None)
        self._part: Part | None = None  # the one that is being told
        self._arguments = ""
        self._calls = 0
        self._usage: Usage | None = None
        self._finished = Finished(finish="other")

    def encode(self, event: Event) -> bytes:
        """The bytes of one event; often none."""
        if isinstance(event, Began):
            self._same = event.dialect == self._shape.name
            self._head = head(event.model, event.created)
        elif isinstance(event, Counted):
            self._usage = event.usage
        elif isinstance(event, Failed):
            return error_line(event.message)
        elif isinstance(event, Ended):
            return self._end()
        elif event.candidate == 0:
            return self._told(event)
        return b""

    def _told(self, event: PartBegan | PartGrew | PartEnded | Finished) -> bytes:
        if isinstance(event, Finished):
            self._finished = event
        elif isinstance(event, PartBegan):
            self._part = event.part
            self._arguments = event.part.arguments if isinstance(event.part, ToolCall) else ""
        elif isinstance(event, PartEnded):
            return self._whole()
        elif isinstance(self._part, ToolCall):
            self._arguments += event.text
        elif event.text and isinstance(self._part, Text | Refusal | Reasoning):
            part = Reasoning(text=event.text) if isinstance(self._part, Reasoning) else Text(text=event.text)
            return self._line(part, event)
        return b""

    def _whole(self) -> bytes:
        """What is told when it is complete: a call, since there are no half ones, and an image."""
        part, self._part = self._part, None
        if isinstance(part, ToolCall):
            line = self._line(replace(part, arguments=self._arguments))
            self._calls += 1
            return line
        return self._line(part) if isinstance(part, Media) else b""

    def _line(self, part: Part, grew: PartGrew | None = None) -> bytes:
        outer, inner = opened(grew.rest if grew and self._same else {}, "message")
        line = self._head | {"done": False} | self._said([part], inner) | outer
        if grew and grew.scores:
            line["logprobs"] = encode_scores(grew.scores)
        if grew and self._same:
            line |= grew.form
        return ndjson.write(msgspec.json.encode(line))

    def _said(self, parts: list[Part], rest: Rest) -> dict[str, Any]:
        message = Message(role="assistant", parts=parts, bare=True, rest=rest)
        return self._shape.write(message, Dropped(), self._same, self._calls)

    def _end(self) -> bytes:
        last = _last(self._head, self._finished.finish)
        outer, inner = opened(self._finished.rest if self._same else {}, "message")
        if self._same:
            last = restored(last | outer, self._finished.form)
        if self._usage is not None:
            last |= encode_usage(self._usage, Dropped(), same=self._same)
        return ndjson.write(msgspec.json.encode(last | self._said([], inner)))


def error_line(message: str) -> bytes:
    """The line that ends a stream that fails; the SDK raises on its `error`."""
    return ndjson.write(msgspec.json.encode({"error": message}))
