"""Streams of Cohere's v2 chat API, encoded; the grammar is that of `decoder.py`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import msgspec

from gatewright.dialects.cohere.citations import encode_citation, encode_score, own_citations
from gatewright.dialects.cohere.finish import ERROR, encode_finish
from gatewright.dialects.cohere.parts import PLAN, encode_block, encode_call, is_plan
from gatewright.dialects.cohere.usage import encode_usage
from gatewright.dialects.cohere.wire import NAME
from gatewright.dialects.conversation import Dropped, Media, Part, Reasoning, Request, Text, ToolCall, Usage
from gatewright.dialects.fields import to_text
from gatewright.dialects.freetext import to_arguments
from gatewright.dialects.sse import write
from gatewright.dialects.stream import Began, Counted, Ended, Event, Failed, Finished, PartBegan, PartEnded, PartGrew

Lines = list[tuple[str, dict[str, Any]]]
"""Events of this API: type, and fields besides it."""


class Encoder:
    """Events to bytes of a client's stream; of several candidates the first is shown.

    Args:
        request: what the client asked; it knows the ids of the documents that are cited.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._same = self._started = self._over = self._called = False
        self._usage: Usage | None = None
        self._finished: Finished | None = None
        self._open: tuple[int, Part] | None = None  # place of the open part, and the part
        self._length = 0  # of the open part's text
        self._free: list[str] = []  # a call of free text so far
        self._counts = {"content": -1, "tool-call": -1, "citation": -1}  # index of the last of each

    def encode(self, event: Event) -> bytes:
        """The bytes of one event; often none."""
        other: int = getattr(event, "candidate", 0)
        if self._over or other:
            return b""
        lines = self._WRITERS[type(event)](self, event)
        return b"".join(_line(kind, fields) for kind, fields in lines)

    def _next(self, kind: str) -> int:
        self._counts[kind] += 1
        return self._counts[kind]

    def _begin(self, event: Began) -> Lines:
        if self._started:
            return []
        self._started, self._same = True, event.dialect == NAME
        rest = event.rest if self._same else {}
        message = {"role": "assistant", "content": [], PLAN: "", "tool_calls": [], "citations": [], **rest}
        return [("message-start", {"id": event.id, "delta": {"message": message}})]

    def _part(self, event: PartBegan) -> Lines:
        lines, part = self._begin(Began()) + self._shut(), event.part
        self._length = 0
        if isinstance(part, ToolCall):
            self._called = True
            call = encode_call(part, same=self._same, dropped=Dropped())
            call["function"]["arguments"] = ""
            self._open = (event.at, part)
            return [*lines, ("tool-call-start", {"index": self._next("tool-call"), **_delta("tool_calls", call)})]
        if self._same and is_plan(part):
            self._open = (event.at, part)
            return lines
        block = None if isinstance(part, Media) else encode_block(part, same=self._same, dropped=Dropped())
        if block is None:
            return lines
        self._open = (event.at, part)
        return [*lines, ("content-start", {"index": self._next("content"), **_delta("content", block)})]

    def _grow(self, event: PartGrew) -> Lines:
        if self._open is None or self._open[0] != event.at:
            return []
        part = self._open[1]
        self._length += len(event.text)
        if isinstance(part, ToolCall) and part.custom:
            self._free.append(event.text)
            return []
        if isinstance(part, ToolCall):
            return [self._argued(event.text)]
        lines: Lines = []
        if self._same and is_plan(part):
            lines += [("tool-plan-delta", _delta(PLAN, event.text))] if event.text else []
        else:
            lines += self._content(part, event)
        return lines + self._cited(event)

    def _argued(self, arguments: str) -> tuple[str, dict[str, Any]]:
        piece = {"function": {"arguments": arguments}}
        return ("tool-call-delta", {"index": self._counts["tool-call"], **_delta("tool_calls", piece)})

    def _content(self, part: Part, event: PartGrew) -> Lines:
        content: dict[str, Any] = dict(event.rest.get("content", {})) if self._same else {}
        if event.text:
            content["thinking" if isinstance(part, Reasoning) else "text"] = event.text
        # Fields of our own: what a client sends back with the next turn.
        content |= {key: more for key in ("signature", "sealed") if (more := getattr(event, key))}
        scores = {"logprobs": encode_score(event.scores)} if event.scores and isinstance(part, Text) else {}
        if not content and not scores:
            return []
        return [("content-delta", {"index": self._counts["content"], **_delta("content", content), **scores})]

    def _cited(self, event: PartGrew) -> Lines:
        if self._same:
            stray = event.rest.get("citation")
            found = own_citations(event.citations) + ([] if stray is None else [stray])
        else:
            place = {"content_index": self._counts["content"]}
            found = [encode_citation(one, self._request, self._length) | place for one in event.citations]
        lines: Lines = []
        for wire in found:
            index = {"index": self._next("citation")}
            lines += [("citation-start", index | _delta("citations", wire)), ("citation-end", index)]
        return lines

    def _stop(self, event: PartEnded) -> Lines:
        return self._shut() if self._open is not None and self._open[0] == event.at else []

    def _shut(self) -> Lines:
        """End the open part; a call without arguments is given the empty object that clients expect."""
        if self._open is None:
            return []
        part, self._open = self._open[1], None
        if self._same and is_plan(part):
            return []
        if not isinstance(part, ToolCall):
            return [("content-end", {"index": self._counts["content"]})]
        lines: Lines = []
        if part.custom:
            lines.append(self._argued(to_text(to_arguments(replace(part, arguments="".join(self._free))))))
            self._free.clear()
        elif not (self._same or self._length):
            lines.append(self._argued("{}"))
        return [*lines, ("tool-call-end", {"index": self._counts["tool-call"]})]

    def _count(self, event: Counted) -> Lines:
        self._usage = event.usage
        return []

    def _counted(self) -> dict[str, Any]:
        return {} if self._usage is None else encode_usage(self._usage, same=self._same, dropped=Dropped())

    def _finish(self, event: Finished) -> Lines:
        self._finished = event
        return []

    def _end(self, _: Ended) -> Lines:
        lines = self._begin(Began()) + self._shut()
        self._over = True
        finished = self._finished or Finished(finish="stop")
        own = finished.form.get("finish_reason") if self._same else None
        reason = own or encode_finish(finished.finish, called=self._called)
        rest = finished.rest if self._same else {}
        return [*lines, ("message-end", {"delta": {**rest, "finish_reason": reason, "usage": self._counted()}})]

    def _fail(self, event: Failed) -> Lines:
        lines = self._begin(Began()) + self._shut()
        self._over = True
        kind = {"error_type": event.kind} if event.kind else {}
        delta = {"finish_reason": ERROR, "usage": self._counted(), "error": event.message, **kind}
        return [*lines, ("message-end", {"delta": delta})]

    _WRITERS: ClassVar[dict[type, Callable[["Encoder", Any], Lines]]] = {
        Began: _begin,
        PartBegan: _part,
        PartGrew: _grow,
        PartEnded: _stop,
        Counted: _count,
        Finished: _finish,
        Failed: _fail,
        Ended: _end,
    }


def _line(kind: str, fields: dict[str, Any]) -> bytes:
    line = write(msgspec.json.encode({"type": kind, **fields}), kind.encode())
    return line + write(b"[DONE]") if kind == "message-end" else line


def _delta(field: str, value: Any) -> dict[str, Any]:
    """The piece of the message that an event brings."""
    return {"delta": {"message": {field: value}}}
