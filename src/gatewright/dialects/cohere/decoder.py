"""Streams of Cohere's v2 chat API, decoded.

Grammar: "Streaming" (https://docs.cohere.com/docs/streaming) and the "Chat with Streaming" reference: `message-start`,
then content blocks (`content-start`, `-delta`, `-end`), the plan (`tool-plan-delta` alone) and calls
(`tool-call-start`, `-delta`, `-end`), one after the other, with citations between; then `message-end` with the reason
and the usage. `data: [DONE]` follows, which the reference does not name. A generation that fails ends with the reason
`ERROR`. `debug` and kinds of event not known yet are passed over.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from gatewright.dialects.cohere.citations import decode_citation, decode_score, of_text
from gatewright.dialects.cohere.finish import ERROR, decode_finish
from gatewright.dialects.cohere.parts import PLAN, decode_block
from gatewright.dialects.cohere.usage import decode_usage
from gatewright.dialects.cohere.wire import NAME, providers
from gatewright.dialects.conversation import Part, Reasoning, Text, ToolCall
from gatewright.dialects.fields import Fields
from gatewright.dialects.sse import SSEReader
from gatewright.dialects.stream import Began, Counted, Ended, Event, Failed, Finished, PartBegan, PartEnded, PartGrew

_EMPTY: tuple[Any, ...] = ("", [], {})  # what `message-start` says of a message that has nothing yet
_TEXTS = ("text", "thinking")  # kinds of block whose text has the name of the kind


class Decoder:
    """Bytes of a provider's stream to events.

    A part ends only when the next one begins, for a text's citations may come after its `content-end`.
    """

    def __init__(self) -> None:
        self._reader = SSEReader()
        self._began = self._ended = False
        self._at = -1  # place of the last part
        self._open: Part | None = None
        self._index: int | None = None  # of the open part, as the wire counts; None once it has ended there

    def feed(self, data: bytes) -> list[Event]:
        """The events that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are not this API's.
        """
        return [event for one in self._reader.feed(data) for event in self._taken(one.data)]

    def end(self) -> list[Event]:
        """The events left when the bytes have ended.

        Raises:
            UpstreamProtocolError: when there was no `message-end`.
        """
        events = [event for one in self._reader.end() for event in self._taken(one.data)]
        if not self._ended:
            raise providers("its stream broke off before message-end.")
        return events

    def _taken(self, data: bytes) -> list[Event]:
        if self._ended or data == b"[DONE]":
            return []
        try:
            return self._take(Fields(msgspec.json.decode(data), "event", providers))
        except (msgspec.DecodeError, UnicodeError) as problem:
            raise providers(f"an event of its stream is not JSON ({problem}).") from None
        except RecursionError:
            raise providers("an event of its stream is nested too deeply.") from None

    def _take(self, fields: Fields) -> list[Event]:
        if not fields.has("type") and isinstance(fields.peek("message"), str):  # as the body of an error has it
            self._ended = True
            return [Failed(message=fields.need("message", str))]
        kind = fields.need("type", str)
        read = self._READERS.get(kind)
        if read is None:
            return []
        if self._began == (kind == "message-start"):
            raise providers(f"{kind} is out of order.")
        return read(self, fields)

    def _start(self, fields: Fields) -> list[Event]:
        self._began = True
        message = _message(fields)
        message.pop("role")
        rest = {key: value for key, value in message.left.items() if value not in _EMPTY}
        return [Began(id=fields.get("id", str) or "", dialect=NAME, rest=rest)]

    def _begin(self, part: Part, index: int | None) -> list[Event]:
        ended = self._close()
        self._at += 1
        self._open, self._index = part, index
        return [*ended, PartBegan(at=self._at, part=part)]

    def _close(self) -> list[Event]:
        if self._open is None:
            return []
        self._open = None
        return [PartEnded(at=self._at)]

    def _grow(self, **more: Any) -> list[Event]:
        return [PartGrew(at=self._at, **more)] if any(more.values()) else []

    def _content_start(self, fields: Fields) -> list[Event]:
        content = _message(fields).inner("content")
        if (kind := content.peek("type")) in _TEXTS:
            content.left.setdefault(kind, "")
        part = decode_block(content)
        text = ""
        if isinstance(part, Text | Reasoning):
            text, part.text = part.text, ""
        return self._begin(part, fields.need("index", int)) + self._grow(text=text)

    def _content_delta(self, fields: Fields) -> list[Event]:
        content = _message(fields).inner("content")
        part = self._going(fields)
        if isinstance(part, ToolCall):
            raise providers("content-delta is out of order.")
        text = content.get("thinking" if isinstance(part, Reasoning) else "text", str) or ""
        score = fields.within("logprobs")
        scores = [decode_score(score)] if score is not None and isinstance(part, Text) else []
        signature, sealed = content.get("signature", str) or "", content.get("sealed", str) or ""
        rest = {"content": content.left} if content.left else {}
        return self._grow(text=text, scores=scores, signature=signature, sealed=sealed, rest=rest)

    def _going(self, fields: Fields) -> Part:
        """The open part, which a delta must be of."""
        if self._open is None or self._index is None or fields.get("index", int) not in (None, self._index):
            raise providers(f"{fields.peek('type') or 'an event'} is of a part that is not open.")
        return self._open

    def _stop(self, fields: Fields) -> list[Event]:
        self._going(fields)
        self._index = None
        return []

    def _plan(self, fields: Fields) -> list[Event]:
        text = _message(fields).get(PLAN, str) or ""
        begun: list[Event] = []
        if self._open is None or PLAN not in self._open.form:
            begun = self._begin(Reasoning(form={PLAN: True}), None)
        return begun + self._grow(text=text)

    def _call_start(self, fields: Fields) -> list[Event]:
        call = _message(fields).inner("tool_calls")
        inner = call.inner("function")
        call.pop("type")
        part = ToolCall(
            id=call.need("id", str), name=inner.need("name", str), arguments="", signature=call.get("signature", str)
        )
        text = inner.get("arguments", str) or ""
        part.rest = call.left | ({"function": inner.left} if inner.left else {})
        return self._begin(part, fields.need("index", int)) + self._grow(text=text)

    def _call_delta(self, fields: Fields) -> list[Event]:
        part, call = self._going(fields), _message(fields).inner("tool_calls")
        if not isinstance(part, ToolCall):
            raise providers("tool-call-delta is out of order.")
        return self._grow(text=call.inner("function").get("arguments", str) or "")

    def _cite(self, fields: Fields) -> list[Event]:
        """A citation of the open text; one of a plan or a thought, which the model has no place for, is kept beside."""
        citation = _message(fields).inner("citations")
        if isinstance(self._open, Text) and of_text(citation):
            return self._grow(citations=decode_citation(citation))
        return [] if self._open is None else self._grow(rest={"citation": citation.left})

    def _end(self, fields: Fields) -> list[Event]:
        self._ended = True
        delta = fields.within("delta") or Fields({}, "event.delta", providers)
        usage, reason = delta.get("usage", dict), delta.get("finish_reason", str)
        counted: list[Event] = [Counted(usage=decode_usage(usage))] if usage else []
        said, kind = delta.get("error", str), delta.peek("error_type")
        if said is not None or reason == ERROR:
            kind = kind if isinstance(kind, str) else ""
            return [*counted, Failed(message=said or "the generation failed", kind=kind)]
        if reason is None:
            raise delta.fault(f"{delta.path('finish_reason')} is required.")
        finished = Finished(finish=decode_finish(reason), rest=delta.left, form={"finish_reason": reason})
        return [*self._close(), finished, *counted, Ended()]

    _READERS: ClassVar[dict[str, Callable[["Decoder", Fields], list[Event]]]] = {
        "message-start": _start,
        "content-start": _content_start,
        "content-delta": _content_delta,
        "content-end": _stop,
        "tool-plan-delta": _plan,
        "tool-call-start": _call_start,
        "tool-call-delta": _call_delta,
        "tool-call-end": _stop,
        "citation-start": _cite,
        "message-end": _end,
    }


def _message(fields: Fields) -> Fields:
    """The piece of the message that an event brings."""
    return fields.inner("delta").inner("message")
