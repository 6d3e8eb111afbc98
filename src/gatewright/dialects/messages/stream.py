"""Streams of the Messages API, in both directions.

Grammar: "Streaming Messages" (https://platform.claude.com/docs/en/build-with-claude/streaming): `message_start`, then
of each content block `content_block_start`, any `content_block_delta` and `content_block_stop`, one block after the
other; then `message_delta` with the reason and the cumulative usage, and `message_stop`. A `ping` may come anywhere, an
`error` too, and kinds of event not known yet are to be passed over.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import msgspec

from gatewright.dialects.anthropic import TYPES
from gatewright.dialects.conversation import (
    Dropped,
    Finish,
    Native,
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
from gatewright.dialects.freetext import to_arguments
from gatewright.dialects.messages.citations import decode_citation, encode_citation
from gatewright.dialects.messages.parts import Encoding, decode_block, encode_part
from gatewright.dialects.messages.request import NAME
from gatewright.dialects.messages.response import (
    decode_tier,
    decode_usage,
    encode_tier,
    encode_usage,
    finish,
    providers,
    reason,
)
from gatewright.dialects.sse import SSEReader, write
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

_STATUSES = {kind: status for status, kind in TYPES.items()} | {"api_error": 500}


class Decoder:
    """Bytes of a provider's stream to events."""

    def __init__(self) -> None:
        self._reader = SSEReader()
        self._began = self._ended = False
        self._places: dict[int, int] = {}  # place of each open block, by its index
        self._count = 0
        self._usage: dict[str, Any] = {}
        self._rest: Rest = {}

    def feed(self, data: bytes) -> list[Event]:
        """The events that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are not this API's.
        """
        return [event for one in self._reader.feed(data) for event in self._taken(one.data)]

    def end(self) -> list[Event]:
        """The events left when the bytes have ended.

        Raises:
            UpstreamProtocolError: when there was no `message_stop` and no `error`.
        """
        events = [event for one in self._reader.end() for event in self._taken(one.data)]
        if not self._ended:
            raise providers("its stream broke off before message_stop.")
        return events

    def _taken(self, data: bytes) -> list[Event]:
        if self._ended:
            return []
        try:
            return self._take(Fields(msgspec.json.decode(data), "event", providers))
        except (msgspec.DecodeError, UnicodeError) as problem:
            raise providers(f"an event of its stream is not JSON ({problem}).") from None
        except RecursionError:
            raise providers("an event of its stream is nested too deeply.") from None

    def _take(self, fields: Fields) -> list[Event]:
        kind = fields.need("type", str)
        read = self._READERS.get(kind)
        if read is None:
            return []
        if self._began == (kind == "message_start") and kind != "error":
            raise providers(f"{kind} is out of order.")
        return read(self, fields)

    def _start(self, fields: Fields) -> list[Event]:
        message = fields.inner("message")
        self._began = True
        began = Began(id=message.get("id", str) or "", model=message.get("model", str) or "", dialect=NAME)
        counted = self._counted(message)
        tier = self._usage.get("service_tier")
        began.service_tier = decode_tier(tier) if isinstance(tier, str) else None
        began.rest = {key: value for key, value in message.left.items() if key not in _WRITTEN}
        return [began, *counted]

    def _counted(self, fields: Fields) -> list[Event]:
        """Usage so far: counts are cumulative, and a later event repeats only those that it has."""
        found = fields.get("usage", dict)
        if found is None:
            return []
        self._usage |= {key: value for key, value in found.items() if value is not None or key not in self._usage}
        return [Counted(usage=decode_usage(self._usage))]

    def _block(self, fields: Fields) -> list[Event]:
        index = fields.need("index", int)
        if index in self._places:
            raise providers(f"content block {index} begins twice.")
        part = decode_block(fields.left.get("content_block"), fields.path("content_block"), providers)
        at = self._places[index] = self._count
        self._count += 1
        grew = PartGrew(at=at)
        if isinstance(part, Text):
            grew.text, part.text = part.text, ""
            grew.citations, part.citations = part.citations, []
        elif isinstance(part, Reasoning):
            grew.text, part.text = part.text, ""
            grew.signature, part.signature = part.signature or "", None
        elif isinstance(part, ToolCall):
            grew.text, part.arguments = part.arguments if part.arguments != "{}" else "", ""
        return [PartBegan(at=at, part=part), *([grew] if grew.text or grew.signature or grew.citations else [])]

    def _delta(self, fields: Fields) -> list[Event]:
        at = self._place(fields)
        delta = fields.inner("delta")
        kind = delta.need("type", str)
        if kind == "signature_delta":
            return [PartGrew(at=at, signature=delta.need("signature", str))]
        if kind == "citations_delta":
            return [PartGrew(at=at, citations=[decode_citation(delta.left.get("citation"))])]
        if kind in _TEXTS:
            return [PartGrew(at=at, text=delta.need(_TEXTS[kind], str))]
        return [PartGrew(at=at, rest={"type": kind, **delta.left})]

    def _stop(self, fields: Fields) -> list[Event]:
        at = self._place(fields)
        self._places = {index: place for index, place in self._places.items() if place != at}
        return [PartEnded(at=at)]

    def _place(self, fields: Fields) -> int:
        index = fields.need("index", int)
        if index not in self._places:
            raise providers(f"content block {index} is not open.")
        return self._places[index]

    def _close(self, fields: Fields) -> list[Event]:
        delta = fields.within("delta")
        events = self._counted(fields)
        if delta is None:
            return events
        found, stop_text = delta.get("stop_reason", str), delta.get("stop_sequence", str)
        self._rest |= {key: value for key, value in delta.left.items() if key not in _WRITTEN}
        outer = {key: value for key, value in fields.left.items() if key != "type"}
        if found is None:
            return events
        finished = Finished(finish=finish(found), stop_text=stop_text, rest={**self._rest, **outer})
        finished.form = {"stop_reason": found, "outer": list(outer)}
        return [finished, *events]

    def _end(self, fields: Fields) -> list[Event]:
        self._ended = True
        left: list[Event] = [PartEnded(at=at) for at in self._places.values()]
        return [*left, Ended(rest=fields.left)]

    def _fail(self, fields: Fields) -> list[Event]:
        self._ended = True
        error = fields.within("error") or Fields({}, "event.error", providers)
        kind, said = error.get("type", str) or "", error.get("message", str)
        return [Failed(message=said or kind or "unknown error", kind=kind, status=_STATUSES.get(kind, 500))]

    _READERS: ClassVar[dict[str, Callable[["Decoder", Fields], list[Event]]]] = {
        "message_start": _start,
        "content_block_start": _block,
        "content_block_delta": _delta,
        "content_block_stop": _stop,
        "message_delta": _close,
        "message_stop": _end,
        "error": _fail,
    }


# Fields of a message that its events or this file say anyway.
_WRITTEN = ("type", "role", "content", "stop_reason", "stop_sequence", "usage")
_TEXTS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


class Encoder:
    """Events to bytes of a client's stream; of several candidates the first is shown.

    `message_start` waits for the first part, so that it can tell the usage that some providers know from the start, and
    `message_delta` for the end, because others count last.

    Args:
        request: what the client asked.
    """

    def __init__(self, request: Request) -> None:  # noqa: ARG002 - every dialect's encoder is made with it
        self._began: Began | None = None
        self._usage: Usage | None = None
        self._finished: Finished | None = None
        self._index = -1  # of the last content block
        self._open: tuple[int, Part] | None = None  # the part whose block is open
        self._signature = self._sealed = ""
        self._free: list[str] = []  # pieces of a call of free text, which is JSON only when it is whole
        self._started = self._over = self._called = False

    def encode(self, event: Event) -> bytes:
        """The bytes of one event; often none."""
        other: int = getattr(event, "candidate", 0)
        if self._over or other:
            return b""
        written = self._WRITERS[type(event)](self, event)
        return b"".join(_line(kind, fields) for kind, fields in written)

    @property
    def _how(self) -> Encoding:
        same = self._began is not None and self._began.dialect == NAME
        return Encoding(same=same, dropped=Dropped(), answer=True)

    def _begin(self, event: Began) -> "Lines":
        self._began = event
        return []

    def _count(self, event: Counted) -> "Lines":
        self._usage = event.usage
        return []

    def _finish(self, event: Finished) -> "Lines":
        self._finished = event
        return []

    def _start(self) -> "Lines":
        if self._started:
            return []
        self._started = True
        began = self._began or Began()
        tier = {} if self._how.same else encode_tier(began.service_tier, same=False, dropped=Dropped())
        message = {
            "id": began.id,
            "type": "message",
            "role": "assistant",
            "model": began.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": self._counted() | tier,
            **self._how.rest(began),
        }
        return [("message_start", {"message": message})]

    def _counted(self) -> dict[str, Any]:
        return encode_usage(self._usage or Usage(), same=self._how.same, dropped=Dropped())

    def _part(self, event: PartBegan) -> "Lines":
        lines, part = self._start() + self._shut(), event.part
        self._called = self._called or isinstance(part, ToolCall)
        if isinstance(part, Reasoning) and part.sealed is None:
            # Its block begins without the text and the signature that its deltas bring.
            blocks = [{"type": "thinking", "thinking": "", "signature": "", **self._how.rest(part)}]
        else:
            # A call's arguments come as deltas.
            blocks = encode_part(replace(part, custom=False) if isinstance(part, ToolCall) else part, self._how)
        if not blocks:
            return lines
        for block in blocks[:-1]:
            lines += self._whole(block)
        self._index += 1
        self._open = (event.at, part)
        return [*lines, ("content_block_start", {"index": self._index, "content_block": blocks[-1]})]

    def _whole(self, block: dict[str, Any]) -> "Lines":
        """A block that is complete when it begins; a thought's signature still comes as a delta."""
        self._index += 1
        signature = block.get("signature")
        start = {"index": self._index, "content_block": block | ({"signature": ""} if signature else {})}
        delta = {"index": self._index, "delta": {"type": "signature_delta", "signature": signature}}
        grown: Lines = [("content_block_delta", delta)] if signature else []
        return [("content_block_start", start), *grown, ("content_block_stop", {"index": self._index})]

    def _grow(self, event: PartGrew) -> "Lines":
        if self._open is None or self._open[0] != event.at:
            return []
        part = self._open[1]
        self._signature += event.signature
        self._sealed += event.sealed
        deltas: list[dict[str, Any]] = []
        if isinstance(part, ToolCall) and part.custom:
            self._free.append(event.text)
            return []
        if event.text and type(part) in _DELTAS:
            kind, key = _DELTAS[type(part)]
            deltas.append({"type": kind, key: event.text})
        if isinstance(part, Text):
            cited = [encode_citation(one, part, same=self._how.same, dropped=Dropped()) for one in event.citations]
            deltas += [{"type": "citations_delta", "citation": wire} for wire in cited if wire is not None]
        if event.rest and self._how.same:
            deltas.append(event.rest)
        return [("content_block_delta", {"index": self._index, "delta": delta}) for delta in deltas]

    def _stop(self, event: PartEnded) -> "Lines":
        return self._shut() if self._open is not None and self._open[0] == event.at else []

    def _shut(self) -> "Lines":
        """End the open block. A signature goes out in one delta, for SDKs keep only the last."""
        if self._open is None:
            return []
        lines: Lines = []
        part = self._open[1]
        if isinstance(part, ToolCall) and part.custom:
            whole = to_text(to_arguments(replace(part, arguments="".join(self._free))))
            delta = {"type": "input_json_delta", "partial_json": whole}
            lines.append(("content_block_delta", {"index": self._index, "delta": delta}))
            self._free.clear()
        thought = isinstance(part, Reasoning)
        if thought and self._signature:
            delta = {"type": "signature_delta", "signature": self._signature}
            lines.append(("content_block_delta", {"index": self._index, "delta": delta}))
        lines.append(("content_block_stop", {"index": self._index}))
        if thought and self._sealed:
            lines += self._whole({"type": "redacted_thinking", "data": self._sealed})
        self._open, self._signature, self._sealed = None, "", ""
        return lines

    def _end(self, _: Ended) -> "Lines":
        self._over = True
        lines, finished = self._start() + self._shut(), self._finished
        why: Finish | None = None if finished is None else finished.finish
        form, rest = ({}, {}) if finished is None else (finished.form, self._how.rest(finished))
        own = form.get("stop_reason") if self._how.same else None
        outer = {key: rest[key] for key in form.get("outer", ()) if key in rest}
        delta = {
            "stop_reason": reason(why, own, called=self._called),
            "stop_sequence": None if finished is None else finished.stop_text,
            **{key: value for key, value in rest.items() if key not in outer},
        }
        lines.append(("message_delta", {"delta": delta, "usage": self._counted(), **outer}))
        return [*lines, ("message_stop", {})]

    def _fail(self, event: Failed) -> "Lines":
        self._over = True
        fits = TYPES.get(event.status, "api_error" if event.status >= 500 else "invalid_request_error")
        kind = event.kind if event.kind in _STATUSES else fits
        return [("error", {"error": {"type": kind, "message": event.message}})]

    _WRITERS: ClassVar[dict[type, Callable[["Encoder", Any], "Lines"]]] = {
        Began: _begin,
        PartBegan: _part,
        PartGrew: _grow,
        PartEnded: _stop,
        Counted: _count,
        Finished: _finish,
        Failed: _fail,
        Ended: _end,
    }


Lines = list[tuple[str, dict[str, Any]]]
"""Events of this API: type, and fields besides it."""

_DELTAS: dict[type, tuple[str, str]] = {
    Text: ("text_delta", "text"),
    Refusal: ("text_delta", "text"),
    Reasoning: ("thinking_delta", "thinking"),
    ToolCall: ("input_json_delta", "partial_json"),
    Native: ("input_json_delta", "partial_json"),  # a server tool's arguments
}


def _line(kind: str, fields: dict[str, Any]) -> bytes:
    return write(msgspec.json.encode({"type": kind, **fields}), kind.encode())
