"""A streamed answer, written: the events that `decoder.py` names, in AWS's frames."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import msgspec

from gatewright.dialects.bedrock import STATUSES
from gatewright.dialects.conversation import (
    Dropped,
    Media,
    Native,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    Usage,
)
from gatewright.dialects.converse.citations import encode_citation
from gatewright.dialects.converse.parts import encode_part, is_base64
from gatewright.dialects.converse.response import UNMEASURED, reason
from gatewright.dialects.converse.usage import encode_usage
from gatewright.dialects.converse.wire import NAME, TIERS, Encoding
from gatewright.dialects.eventstream import event, exception
from gatewright.dialects.fields import to_text
from gatewright.dialects.freetext import to_arguments
from gatewright.dialects.stream import Began, Counted, Ended, Event, Failed, Finished, PartBegan, PartEnded, PartGrew

Lines = list[tuple[str, dict[str, Any]]]
"""Events of this API: type, and fields."""

_EXCEPTIONS = {
    400: "validationException",
    429: "throttlingException",
    500: "internalServerException",
    502: "modelStreamErrorException",
    503: "serviceUnavailableException",
}


class Encoder:
    """Events to bytes of a client's stream; of several candidates the first is shown.

    Args:
        request: what the client asked.
    """

    def __init__(self, request: Request) -> None:  # noqa: ARG002 - every dialect's encoder is made with it
        self._began: Began | None = None
        self._usage: Usage | None = None
        self._finished: Finished | None = None
        self._index = -1  # of the last content block
        self._open: tuple[int, Part] | None = None  # the part whose block is open
        self._silent = True  # nothing was told of it yet
        self._free: list[str] = []  # pieces of a call of free text, which is JSON only when it is whole
        self._over = self._called = False

    def encode(self, event_: Event) -> bytes:
        """The bytes of one event; often none."""
        other: int = getattr(event_, "candidate", 0)
        if self._over or other:
            return b""
        if isinstance(event_, Failed):
            self._over = True
            return _failed(event_)
        return b"".join(
            event(kind, msgspec.json.encode(fields)) for kind, fields in self._WRITERS[type(event_)](self, event_)
        )

    @property
    def _how(self) -> Encoding:
        same = self._began is not None and self._began.dialect == NAME
        return Encoding(same=same, dropped=Dropped(), answer=True)

    def _begin(self, found: Began) -> Lines:
        self._began = found
        return [("messageStart", {"role": "assistant"})]

    def _count(self, found: Counted) -> Lines:
        self._usage = found.usage
        return []

    def _finish(self, found: Finished) -> Lines:
        self._finished = found
        return []

    def _part(self, found: PartBegan) -> Lines:
        lines, part = self._shut(), found.part
        start = self._started(part)
        if start is None:
            return lines
        if isinstance(part, ToolCall) and part.signature:
            lines += self._signed(part.signature)
        self._called = self._called or isinstance(part, ToolCall)
        self._index += 1
        self._open, self._silent = (found.at, part), not start
        if start:
            lines.append(("contentBlockStart", {"start": start, "contentBlockIndex": self._index}))
        if isinstance(part, Media):
            lines.append(self._told({"image": {"source": {"bytes": part.data}}}))
        if isinstance(part, Reasoning) and part.sealed and (self._how.same or is_base64(part.sealed)):
            lines.append(self._told({"reasoningContent": {"redactedContent": part.sealed}}))
        return lines

    def _started(self, part: Part) -> dict[str, Any] | None:
        """The start of a part's block, empty where it needs none; None when this API has no block for it."""
        if isinstance(part, Text | Refusal | Reasoning):
            return {}
        if isinstance(part, ToolCall):
            kind = {"type": part.form["type"]} if self._how.same and "type" in part.form else {}
            return {"toolUse": {"toolUseId": part.id, "name": part.name, **kind, **self._how.rest(part)}}
        if isinstance(part, Native) and self._how.same:
            return {key: value for key, value in part.rest.items() if value is not None}
        if isinstance(part, Media) and part.kind == "image":
            for block in encode_part(part, self._how):
                if "bytes" in block.get("image", {}).get("source", {}):
                    return {"image": {"format": block["image"]["format"]}}
        return None

    def _signed(self, signature: str) -> Lines:
        """An empty thought whose signature comes back with the call after it."""
        self._index += 1
        signed = self._told({"reasoningContent": {"signature": signature}})
        return [signed, ("contentBlockStop", {"contentBlockIndex": self._index})]

    def _told(self, delta: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        self._silent = False
        return "contentBlockDelta", {"delta": delta, "contentBlockIndex": self._index}

    def _grow(self, found: PartGrew) -> Lines:
        if self._open is None or self._open[0] != found.at:
            return []
        part, how = self._open[1], self._how
        deltas: list[dict[str, Any]] = []
        if isinstance(part, ToolCall) and part.custom:
            self._free.append(found.text)
            return []
        if isinstance(part, Reasoning):
            sealed = found.sealed if how.same or is_base64(found.sealed) else ""
            told = {"text": found.text, "signature": found.signature, "redactedContent": sealed}
            deltas += [{"reasoningContent": {key: value}} for key, value in told.items() if value]
        elif found.text:
            called = isinstance(part, ToolCall | Native)
            deltas.append({"toolUse": {"input": found.text}} if called else {"text": found.text})
        deltas += [{"citation": encode_citation(one, how)} for one in found.citations]
        deltas += [{key: value} for key, value in how.rest(found).items()]
        return [self._told(delta) for delta in deltas]

    def _stop(self, found: PartEnded) -> Lines:
        return self._shut() if self._open is not None and self._open[0] == found.at else []

    def _shut(self) -> Lines:
        """End the open block; one of which nothing was told is told to be empty."""
        if self._open is None:
            return []
        part, self._open = self._open[1], None
        lines: Lines = []
        if isinstance(part, ToolCall) and part.custom:
            whole = to_text(to_arguments(replace(part, arguments="".join(self._free))))
            self._free.clear()
            lines.append(self._told({"toolUse": {"input": whole}}))
        elif self._silent:
            lines.append(
                self._told({"reasoningContent": {"text": ""}} if isinstance(part, Reasoning) else {"text": ""})
            )
        return [*lines, ("contentBlockStop", {"contentBlockIndex": self._index})]

    def _end(self, found: Ended) -> Lines:
        self._over = True
        lines, finished, how = self._shut(), self._finished, self._how
        why, own, rest = None, None, {}
        if finished is not None:
            why, own, rest = finished.finish, finished.form.get("stopReason"), how.rest(finished)
        own = own if how.same else None
        lines.append(("messageStop", {"stopReason": reason(why, own, called=self._called), **rest}))
        metadata: dict[str, Any] = {"metrics": found.form.get("metrics", UNMEASURED) if how.same else UNMEASURED}
        if self._usage is not None or not how.same:
            metadata["usage"] = encode_usage(self._usage or Usage(), same=how.same, dropped=Dropped())
        tier = None if self._began is None else self._began.service_tier
        if tier in TIERS:
            metadata["serviceTier"] = {"type": tier}
        return [*lines, ("metadata", metadata | how.rest(found))]

    _WRITERS: ClassVar[dict[type, Callable[["Encoder", Any], Lines]]] = {
        Began: _begin,
        PartBegan: _part,
        PartGrew: _grow,
        PartEnded: _stop,
        Counted: _count,
        Finished: _finish,
        Ended: _end,
    }


def _failed(found: Failed) -> bytes:
    fits = _EXCEPTIONS.get(found.status, "internalServerException" if found.status >= 500 else "validationException")
    return exception(found.kind if found.kind in STATUSES else fits, found.message)
