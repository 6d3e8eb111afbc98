"""A streamed answer, read.

A chunk is a `GenerateContentResponse` that holds more of the answer. Its parts are whole but for text, which goes on in
the next chunk when that one's text is of the same kind. Counts in a later chunk replace those of an earlier one. The
wire has no end mark: a stream is complete when every candidate has a `finishReason`, or the prompt was blocked. Some
models put a `finishReason` into every chunk, so an answer is finished only when the stream is.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from gatewright.dialects.conversation import Part, Reasoning, Rest, Text, ToolCall
from gatewright.dialects.generate_content.calls import CallIds
from gatewright.dialects.generate_content.elements import ChunkReader
from gatewright.dialects.generate_content.fields import Fields, providers
from gatewright.dialects.generate_content.grounding import GROUNDING, QUOTED, Span, spans
from gatewright.dialects.generate_content.parts import ON_PREVIOUS, decode_part
from gatewright.dialects.generate_content.response import NAME, blocked, created, digest, finish_of, finish_reason
from gatewright.dialects.generate_content.scores import RESULT, decode_scores
from gatewright.dialects.generate_content.tiers import from_google
from gatewright.dialects.generate_content.usage import counted, decode_usage
from gatewright.dialects.stream import Began, Counted, Ended, Event, Failed, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import UpstreamProtocolError


@dataclass(slots=True)
class _Candidate:
    """One answer of the stream.

    Attributes:
        parts: how many have begun.
        open: the part that may go on; None when there is none.
        calls: whether it calls a tool.
        reason: its last `finishReason`.
        rest: what only this dialect understands, for `Finished`.
        before: bytes of text before the open part.
        said: the open text.
        cited: what was told that it is cited, and where.
    """

    parts: int = 0
    open: Text | Reasoning | None = None
    calls: list[Part] = field(default_factory=list)
    reason: str | None = None
    rest: Rest = field(default_factory=dict)
    before: int = 0
    said: list[bytes] = field(default_factory=list)
    cited: set[tuple[object, ...]] = field(default_factory=set)


class Decoder:
    """Bytes of `streamGenerateContent` to events; server-sent events or a JSON array, as they come."""

    def __init__(self) -> None:
        self._chunks = ChunkReader()
        self._ids: CallIds | None = None  # None before the first chunk
        self._candidates: dict[int, _Candidate] = {}
        self._blocked = False
        self._failed = False
        self._rest: Rest = {}

    def feed(self, data: bytes) -> list[Event]:
        """The events that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are not of this API.
        """
        if self._failed:
            return []
        return [event for chunk in self._chunks.feed(data) for event in self._read(chunk)]

    def end(self) -> list[Event]:
        """The events left when the bytes have ended.

        Raises:
            UpstreamProtocolError: when the stream was not complete.
        """
        if self._failed:
            return []
        events = [event for chunk in self._chunks.end() for event in self._read(chunk)]
        if events and isinstance(events[-1], Failed):
            return events
        unfinished = any(one.reason is None for one in self._candidates.values())
        if unfinished or not (self._candidates or self._blocked):
            raise UpstreamProtocolError("Its stream ended without a finishReason.")
        for at, candidate in self._candidates.items():
            events += self._close(at, candidate)
        for at, candidate in self._candidates.items():
            finish = finish_of(candidate.reason, candidate.calls) or "other"
            form: Rest = {} if finish_reason(finish) == candidate.reason else {"finishReason": candidate.reason}
            events.append(Finished(finish=finish, candidate=at, rest=candidate.rest, form=form))
        if not self._candidates:
            events.append(Finished(finish="content_filter", form={"made": True}))
        events.append(Ended(rest=self._rest))
        return events

    def _read(self, chunk: bytes) -> list[Event]:
        if self._failed:
            return []
        try:
            body = msgspec.json.decode(chunk)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise providers("a chunk of its stream is no JSON.") from problem
        fields = Fields(body, "", providers)
        if fields.has("error"):
            self._failed = True
            return [_failed(body["error"])]
        events: list[Event] = []
        began: Began | None = None
        id_, model = fields.label("responseId"), fields.label("modelVersion")
        if self._ids is None:
            began = Began(dialect=NAME, id=id_ or "", model=model or "", created=created(fields), form=fields.form)
            usage = fields.peek("usageMetadata")
            began.service_tier = from_google(usage.get("serviceTier")) if isinstance(usage, dict) else None
            self._ids = CallIds(began.id or digest(body))
            events.append(began)
        else:
            fields.get("createTime", str)
        self._blocked = self._blocked or blocked(fields)
        for place, one in enumerate(fields.objects("candidates")):
            events += self._more(one, place, self._ids)
        if counted(fields.peek("usageMetadata")):
            events.append(Counted(usage=decode_usage(fields.get("usageMetadata", dict) or {})))
        elif began is None:
            fields.get("usageMetadata", dict)
        (self._rest if began is None else began.rest).update(fields.rest())
        return events

    def _more(self, fields: Fields, place: int, ids: CallIds) -> list[Event]:
        index = fields.get("index", int)
        at = place if index is None else index
        candidate = self._candidates.setdefault(at, _Candidate())
        content = fields.within("content")
        events: list[Event] = []
        # The last chunk tells what all of the answer cites, and may end the text with a signature.
        cited = spans(fields.peek(GROUNDING), fields.peek(QUOTED))
        early = _cite(at, candidate, cited, whole=False)
        if content is not None:
            content.get("role", str)
            for one in content.objects("parts"):
                for part in decode_part(one, ids):
                    events += self._part(at, candidate, part)
        candidate.reason = fields.get("finishReason", str) or candidate.reason
        # What belongs to the text of this chunk, as its log probabilities do, stays with it.
        last = events[-1] if events else None
        if isinstance(last, PartGrew) and isinstance(candidate.open, Text):
            last.scores = decode_scores(fields.peek(RESULT))
        (last.rest if isinstance(last, PartGrew) else candidate.rest).update(fields.rest())
        return early + events + _cite(at, candidate, cited, whole=True)

    def _part(self, at: int, candidate: _Candidate, part: Part) -> list[Event]:
        if isinstance(part, Text) and not (part.text or part.rest):
            return []
        events: list[Event] = []
        if not _goes_on(candidate.open, part):
            events += self._close(at, candidate)
            events.append(PartBegan(at=candidate.parts, part=_bare(part), candidate=at))
            candidate.parts += 1
            candidate.open = part if isinstance(part, Text | Reasoning) else None
        here = candidate.parts - 1
        text, signature = _told(part)
        if isinstance(part, Text):
            candidate.said.append(text.encode("utf-8", "replace"))
        if text or signature:
            events.append(PartGrew(at=here, text=text, signature=signature, candidate=at))
        if candidate.open is None:
            events.append(PartEnded(at=here, candidate=at))
        elif signature:
            # What a signature stands on ends there.
            events += self._close(at, candidate)
        if isinstance(part, ToolCall):
            candidate.calls.append(part)
        return events

    def _close(self, at: int, candidate: _Candidate) -> list[Event]:
        if candidate.open is None:
            return []
        candidate.open = None
        candidate.before += sum(map(len, candidate.said))
        candidate.said.clear()
        return [PartEnded(at=candidate.parts - 1, candidate=at)]


def _cite(at: int, candidate: _Candidate, cited: list[Span], *, whole: bool) -> list[Event]:
    """What the open text cites, each once.

    Args:
        at: the candidate's place.
        candidate: the answer.
        cited: what all of it cites so far.
        whole: whether the chunk that tells so is read; before, citations that end in it have to wait.
    """
    if not cited or not isinstance(candidate.open, Text):
        return []
    text, found = b"".join(candidate.said), []
    for span in cited:
        mark = (span.start, span.end, span.citation.url, span.citation.source, span.citation.title, span.citation.quote)
        here = (span.start or 0) >= candidate.before or span.end is None
        if here and mark not in candidate.cited and (whole or (span.end or 0) <= candidate.before + len(text)):
            candidate.cited.add(mark)
            found.append(span.within(text, candidate.before))
    return [PartGrew(at=candidate.parts - 1, candidate=at, citations=found)] if found else []


def _goes_on(before: Text | Reasoning | None, part: Part) -> bool:
    if isinstance(part, Text):
        return isinstance(before, Text) and not part.rest
    own = part.form.get(ON_PREVIOUS) or "thought" in part.form
    return isinstance(part, Reasoning) and isinstance(before, Reasoning) and not part.rest and not own


def _bare(part: Part) -> Part:
    """The part without what `PartGrew` tells."""
    if isinstance(part, Text):
        return Text(text="", rest=part.rest, form=part.form)
    if isinstance(part, Reasoning):
        return Reasoning(rest=part.rest, form=part.form)
    if isinstance(part, ToolCall):
        return ToolCall(id=part.id, name=part.name, arguments="", rest=part.rest, form=part.form)
    return part


def _told(part: Part) -> tuple[str, str]:
    if isinstance(part, Text):
        return part.text, ""
    if isinstance(part, Reasoning):
        return part.text, part.signature or ""
    return (part.arguments, part.signature or "") if isinstance(part, ToolCall) else ("", "")


def _failed(error: Any) -> Failed:
    """`google.rpc.Status` as JSON (https://cloud.google.com/apis/design/errors)."""
    found = error if isinstance(error, dict) else {"message": error}
    code, message, kind = found.get("code"), found.get("message"), found.get("status")
    return Failed(
        message=message if isinstance(message, str) else "The provider reports an error without a message.",
        kind=kind if isinstance(kind, str) else "",
        status=code if isinstance(code, int) and 400 <= code < 600 else 500,
        rest={name: value for name, value in found.items() if name not in ("code", "message", "status")},
    )
