"""A streamed answer, written: server-sent events, or one JSON array.

Every piece of text is a chunk of its own. A call is a chunk when its arguments are complete, since Gemini has no half
ones. The last chunk says why the answers ended, and what they cost.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from gatewright.dialects.conversation import (
    Citation,
    Dropped,
    Part,
    Reasoning,
    Refusal,
    Request,
    Rest,
    Text,
    ToolCall,
    Usage,
)
from gatewright.dialects.gemini import code
from gatewright.dialects.generate_content.fields import restored
from gatewright.dialects.generate_content.grounding import Grounding
from gatewright.dialects.generate_content.parts import Target, encode_part
from gatewright.dialects.generate_content.response import NAME, create_time, finish_reason
from gatewright.dialects.generate_content.scores import encode_scores
from gatewright.dialects.generate_content.tiers import to_google
from gatewright.dialects.generate_content.usage import encode_usage
from gatewright.dialects.sse import write
from gatewright.dialects.stream import Began, Counted, Ended, Event, Failed, Finished, PartBegan, PartEnded, PartGrew


@dataclass(slots=True)
class _Open:
    """A part that is not complete.

    Attributes:
        part: as it began.
        said: whether a chunk of it was written.
        text: arguments of a call so far.
        pieces: those of a text of another dialect, and `cited` what it cites.
        signature: its signature so far.
    """

    part: Part
    said: bool = False
    text: str = ""
    signature: str = ""
    pieces: list[str] = field(default_factory=list)
    cited: list[Citation] = field(default_factory=list)


class Encoder:
    """Events to bytes of `streamGenerateContent`."""

    def __init__(self, request: Request, *, array: bool = False) -> None:
        """Starts a stream.

        Args:
            request: what the client asked for.
            array: whether to write a JSON array instead of server-sent events.
        """
        del request  # the form of the stream depends on nothing in it
        self._array = array
        self._written = False
        self._head: dict[str, Any] = {}
        self._first: tuple[Rest, Rest] = ({}, {})  # form and rest of the first chunk
        self._target = Target(same=False, dropped=Dropped())
        self._open: dict[tuple[int, int], _Open] = {}
        self._ends: list[dict[str, Any]] = []
        self._usage: Usage | None = None
        self._tier: str | None = None
        self._grounding: dict[int, Grounding] = {}

    def encode(self, event: Event) -> bytes:
        """The bytes of one event; often none."""
        if isinstance(event, PartGrew):
            return self._grew(event)
        if isinstance(event, PartBegan):
            self._open[event.candidate, event.at] = _Open(event.part)
        elif isinstance(event, PartEnded):
            return self._ended_part(event)
        elif isinstance(event, Began):
            self._begin(event)
        elif isinstance(event, Counted):
            self._usage = event.usage
        elif isinstance(event, Finished):
            self._finish(event)
        elif isinstance(event, Failed):
            return self._fail(event)
        else:
            return self._end(event)
        return b""

    def _begin(self, event: Began) -> None:
        self._target.same = event.dialect == NAME
        if event.model:
            self._head["modelVersion"] = event.model
        if event.created is not None:
            self._head["createTime"] = create_time(event.created)
        if event.id:
            self._head["responseId"] = event.id
        self._tier = None if self._target.same else to_google(event.service_tier)
        if self._target.same:
            self._first = (event.form, event.rest)

    def _grew(self, event: PartGrew) -> bytes:
        open_ = self._open[event.candidate, event.at]
        open_.signature += event.signature
        if isinstance(open_.part, ToolCall):
            open_.text += event.text
            return b""
        if not isinstance(open_.part, Text | Refusal | Reasoning):
            return b""  # what grows is in a wire format that only its own dialect reads
        more = event.rest if self._target.same else encode_scores(event.scores)
        if not (self._target.same or isinstance(open_.part, Reasoning)):
            open_.pieces.append(event.text)
            open_.cited += event.citations
        return self._text(event.candidate, open_, event.text, more=more) if event.text else b""

    def _text(
        self, candidate: int, open_: _Open, text: str, signature: str | None = None, more: Rest | None = None
    ) -> bytes:
        """A chunk of a text or thought; what else belongs to the part is told once."""
        rest: Rest = {} if open_.said else open_.part.rest
        form = open_.part.form
        if isinstance(open_.part, Reasoning):
            body = encode_part(Reasoning(text=text, signature=signature, rest=rest, form=form), self._target)
            if body is not None and open_.said:
                # A signature without text stands on a thought only when it ends one.
                body["thought"] = True
        else:
            body = encode_part(Text(text=text, rest=rest, form=form), self._target)
        open_.said = True
        return b"" if body is None else self._content(candidate, body, more)

    def _ended_part(self, event: PartEnded) -> bytes:
        open_ = self._open.pop((event.candidate, event.at))
        part, signature = open_.part, open_.signature or None
        if isinstance(part, Reasoning):
            return self._text(event.candidate, open_, "", signature) if signature else b""
        if open_.pieces:
            grounding = self._grounding.setdefault(event.candidate, Grounding(self._target.dropped))
            grounding.add("".join(open_.pieces), open_.cited)
        if isinstance(part, Text) and (open_.said or not part.rest):
            return b""
        if isinstance(part, ToolCall):
            part = ToolCall(
                id=part.id,
                name=part.name,
                arguments=open_.text or part.arguments,
                signature=signature or part.signature,
                custom=part.custom,
                rest=part.rest,
                form=part.form,
            )
        body = encode_part(part, self._target)
        return b"" if body is None else self._content(event.candidate, body)

    def _finish(self, event: Finished) -> None:
        if self._target.same and event.form.get("made"):
            return
        reason = event.form.get("finishReason") if self._target.same else None
        end = {"finishReason": reason or finish_reason(event.finish), "index": event.candidate}
        grounding = self._grounding.get(event.candidate)
        beside = event.rest if self._target.same else grounding.body() if grounding else {}
        self._ends.append(end | beside)

    def _content(self, candidate: int, part: dict[str, Any], more: Rest | None = None) -> bytes:
        content = {"parts": [part], "role": "model"}
        return self._chunk({"candidates": [{"content": content, "index": candidate, **(more or {})}]})

    def _chunk(self, body: dict[str, Any]) -> bytes:
        (form, rest), self._first = self._first, ({}, {})
        return self._frame(restored(body | self._head, {"+": form.get("+", {})}, rest))

    def _frame(self, body: dict[str, Any]) -> bytes:
        text = msgspec.json.encode(body)
        if not self._array:
            return write(text)
        before = b",\r\n" if self._written else b"["
        self._written = True
        return before + text

    def _end(self, event: Ended) -> bytes:
        body: dict[str, Any] = {"candidates": self._ends} if self._ends else {}
        if self._usage is not None:
            body["usageMetadata"] = encode_usage(self._usage, self._target.dropped, same=self._target.same)
            body["usageMetadata"] |= {} if self._tier is None else {"serviceTier": self._tier}
        if self._target.same:
            body |= event.rest
        last = self._chunk(body)
        return last + b"]" if self._array else last

    def _fail(self, event: Failed) -> bytes:
        # Another dialect's kind is no google.rpc.Code, which are in upper case.
        kind = event.kind if event.kind.isupper() else code(event.status)
        error = {"code": event.status, "message": event.message, "status": kind}
        if self._target.same:
            error |= event.rest
        last = self._frame({"error": error})
        return last + b"]" if self._array else last
