"""A streamed answer, read.

Events: "ConverseStreamOutput" of the API reference
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html): `messageStart`, of each
block any `contentBlockDelta` and `contentBlockStop`, with a `contentBlockStart` only before those that need one;
`messageStop` with the reason, and `metadata` with the usage, which ends the stream. An exception may come anywhere.
"""

import base64
import binascii
from collections.abc import Callable
from typing import ClassVar

import msgspec

from gatewright.dialects.bedrock import failure
from gatewright.dialects.conversation import Media, Native, Part, Reasoning, Rest, Text, ToolCall
from gatewright.dialects.converse.citations import decode_citation
from gatewright.dialects.converse.response import finish
from gatewright.dialects.converse.usage import decode_usage
from gatewright.dialects.converse.wire import NAME, providers
from gatewright.dialects.eventstream import Frame, FrameReader
from gatewright.dialects.fields import Fields
from gatewright.dialects.stream import Began, Counted, Ended, Event, Failed, Finished, PartBegan, PartEnded, PartGrew

MAX_IMAGE = 16 << 20
"""Bytes an image of an answer may have, which is collected until it is whole."""


class Decoder:
    """Bytes of ConverseStream to events."""

    def __init__(self) -> None:
        self._reader = FrameReader()
        self._began = self._finished = self._over = False
        self._count = 0  # parts so far
        self._open: tuple[int, Part] | None = None  # index of the open block, and its part
        self._closed = -1  # the highest index that is over
        self._image = bytearray()
        self._rest: Rest = {}

    def feed(self, data: bytes) -> list[Event]:
        """The events that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are not this API's.
        """
        return [event for frame in self._reader.feed(data) for event in self._frame(frame)]

    def end(self) -> list[Event]:
        """The events left when the bytes have ended.

        Raises:
            UpstreamProtocolError: when a frame is cut, or there was neither `messageStop` nor an exception.
        """
        self._reader.end()
        if self._over:
            return []
        if not self._finished:
            raise providers("its stream broke off before messageStop.")
        self._over = True
        return [Ended(rest=self._rest)]

    def _frame(self, frame: Frame) -> list[Event]:
        if self._over:
            return []
        problem = failure(frame)
        if problem is not None:
            self._over = True
            return [Failed(message=problem.message, kind=problem.kind, status=problem.status)]
        kind = frame.label(":event-type")
        read = self._READERS.get(kind)
        if read is None:
            return []
        if self._began == (kind == "messageStart") or (self._finished and kind != "metadata"):
            raise providers(f"{kind} is out of order.")
        try:
            fields = Fields(msgspec.json.decode(frame.payload), kind, providers)
            fields.left.pop("p", None)  # padding against those who guess at words by lengths
            return read(self, fields)
        except (msgspec.DecodeError, UnicodeError) as fault:
            raise providers(f"an event of its stream is not JSON ({fault}).") from None
        except RecursionError:
            raise providers("an event of its stream is nested too deeply.") from None

    def _begin(self, _: Fields) -> list[Event]:
        self._began = True
        return [Began(dialect=NAME)]

    def _start(self, fields: Fields) -> list[Event]:
        index = self._index(fields)
        start = fields.inner("start")
        call = start.peek("toolUse")
        part: Part = Native(rest=start.left)
        if isinstance(call, dict) and call.get("type") in (None, "tool_use"):
            told = start.inner("toolUse")
            form = {"type": kind} if (kind := told.get("type", str)) else {}
            id_, name = told.need("toolUseId", str), told.need("name", str)
            part = ToolCall(id=id_, name=name, arguments="", rest=told.left, form=form)
        elif start.has("image"):
            coding = start.inner("image").need("format", str)
            part = Media(kind="image", media_type=f"image/{coding}", form={"format": coding})
        return self._opened(index, part)

    def _index(self, fields: Fields) -> int:
        """The index of a block; one that is over does not come again."""
        index = fields.need("contentBlockIndex", int)
        if index <= self._closed:
            raise providers(f"content block {index} is over.")
        return index

    def _opened(self, index: int, part: Part) -> list[Event]:
        """The part of a block begins, and one that is still open ends."""
        events = self._shut()
        self._open = (index, part)
        return events if isinstance(part, Media) else [*events, PartBegan(at=self._count, part=part)]

    def _shut(self) -> list[Event]:
        if self._open is None:
            return []
        (index, part), at = self._open, self._count
        self._open, self._closed = None, max(self._closed, index)
        self._count += 1
        if not isinstance(part, Media):
            return [PartEnded(at=at)]
        part.data = base64.b64encode(self._image).decode()
        self._image.clear()
        return [PartBegan(at=at, part=part), PartEnded(at=at)]

    def _delta(self, fields: Fields) -> list[Event]:
        index = self._index(fields)
        delta = fields.inner("delta")
        kind = next((one for one in delta.left if delta.has(one)), "")
        events: list[Event] = []
        if self._open is None or self._open[0] != index:
            events = self._opened(index, _implied(kind, delta))
        if self._open is not None and isinstance(self._open[1], Media):
            self._collect(delta)
            return events
        grew = PartGrew(at=self._count)
        if kind == "text":
            grew.text = delta.need("text", str)
        elif kind == "toolUse":
            grew.text = delta.inner("toolUse").need("input", str)
        elif kind == "reasoningContent":
            thought = delta.inner("reasoningContent")
            grew.text, grew.signature = thought.get("text", str) or "", thought.get("signature", str) or ""
            grew.sealed = thought.get("redactedContent", str) or ""
            grew.rest = {"reasoningContent": thought.left} if thought.left else {}
        elif kind == "citation":
            found = delta.peek("citation")
            grew.citations = [decode_citation(delta.inner("citation"), found)]
        grew.rest |= delta.left
        return [*events, grew]

    def _collect(self, delta: Fields) -> None:
        source = delta.inner("image").within("source")
        try:
            self._image += base64.b64decode("" if source is None else source.need("bytes", str), validate=True)
        except (binascii.Error, ValueError):
            raise providers("an image of its stream is not base64.") from None
        if len(self._image) > MAX_IMAGE:
            raise providers(f"an image of its stream has more than {MAX_IMAGE} bytes.")

    def _stop(self, fields: Fields) -> list[Event]:
        index = fields.need("contentBlockIndex", int)
        return self._shut() if self._open is not None and self._open[0] == index else []

    def _finish(self, fields: Fields) -> list[Event]:
        events = self._shut()
        self._finished = True
        found = fields.need("stopReason", str)
        return [*events, Finished(finish=finish(found), rest=fields.left, form={"stopReason": found})]

    def _end(self, fields: Fields) -> list[Event]:
        usage = fields.get("usage", dict)
        events: list[Event] = [] if usage is None else [Counted(usage=decode_usage(usage))]
        metrics = fields.pop("metrics")
        self._rest |= fields.left
        if not self._finished:
            return events
        self._over = True
        return [*events, Ended(rest=self._rest, form={} if metrics is None else {"metrics": metrics})]

    _READERS: ClassVar[dict[str, Callable[["Decoder", Fields], list[Event]]]] = {
        "messageStart": _begin,
        "contentBlockStart": _start,
        "contentBlockDelta": _delta,
        "contentBlockStop": _stop,
        "messageStop": _finish,
        "metadata": _end,
    }


def _implied(kind: str, delta: Fields) -> Part:
    """The part that a delta begins whose block had no start."""
    if kind in ("text", "citation"):
        return Text(text="")
    if kind == "reasoningContent":
        return Reasoning()
    if kind == "toolUse":
        raise providers("a tool call begins without its name.")
    return Native(rest=dict.fromkeys(delta.left))
