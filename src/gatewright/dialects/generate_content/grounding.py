"""What an answer cites: `groundingMetadata` and `citationMetadata`.

Gemini API reference, "GroundingMetadata" and "CitationMetadata" (https://ai.google.dev/api/generate-content). Places
are in bytes of the answer's whole text without its thoughts, unless a `partIndex` says of which part; a stream tells
them at its end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gatewright.dialects.conversation import Citation, Dropped, Rest, Text
from gatewright.dialects.generate_content.fields import Fields, snake

GROUNDING, QUOTED = "groundingMetadata", "citationMetadata"
_CHUNKS, _SUPPORTS = "groundingChunks", "groundingSupports"
_QUOTES = ("citationSources", "citations")  # the Gemini API's name, and Vertex AI's
_KNOWN = ("uri", "title", "text")


@dataclass(slots=True)
class Span:
    """A citation whose place is still in bytes; `part` is the one that the wire names, if it does.

    Attributes:
        citation: what is cited.
        start: first byte, and `end` that after the last; None for all of the text.
    """

    citation: Citation
    start: int | None = None
    end: int | None = None
    part: int = 0

    def within(self, text: bytes, before: int) -> Citation:
        """The citation, with its place in one text.

        Args:
            text: the text that it lies in.
            before: bytes of the answer before that.
        """
        if self.end is not None:
            places = (max(0, (at or 0) - before) for at in (self.start, self.end))
            self.citation.start, self.citation.end = (len(text[:at].decode(errors="ignore")) for at in places)
        return self.citation


def spans(grounding: Any, quoted: Any) -> list[Span]:
    """The citations of an answer; what does not have the API's shape is passed over."""
    found: list[Span] = []
    chunks = [_source(one) for one in _list(grounding, _CHUNKS)]
    supports = [one for one in _list(grounding, _SUPPORTS) if isinstance(one, dict)]
    for support in supports:
        scores = _get(support, "confidenceScores")
        rest = {f"{GROUNDING}.confidenceScores": scores} if scores else {}
        known = (at for at in _list(support, "groundingChunkIndices") if type(at) is int and 0 <= at < len(chunks))
        found += [_span(_cited(chunks[at], GROUNDING, rest), _get(support, "segment")) for at in known]
    if not supports:
        found += [Span(_cited(chunk, GROUNDING)) for chunk in chunks]
    for name in _QUOTES:
        for one in _list(quoted, name):
            if isinstance(one, dict) and isinstance(one.get("uri"), str):
                found.append(_span(_cited(one, QUOTED), one))
    return found


def _get(found: Any, name: str) -> Any:
    return found.get(name, found.get(snake(name))) if isinstance(found, dict) else None


def _list(found: Any, name: str) -> list[Any]:
    value = _get(found, name)
    return value if isinstance(value, list) else []


def _source(chunk: Any) -> Rest:
    """What a chunk was found in: the one object that it holds."""
    inner = next(iter(chunk.values()), None) if isinstance(chunk, dict) else None
    return inner if isinstance(inner, dict) else {}


def _cited(source: Rest, outer: str, rest: Rest | None = None) -> Citation:
    uri, title, quote = (value if isinstance(value := source.get(name), str) else None for name in _KNOWN)
    citation = Citation(title=title, quote=quote, rest=dict(rest or {}))
    if uri is not None and uri.startswith(("http://", "https://")):
        citation.url = uri
    else:
        citation.source = uri
    beside = {name: value for name, value in source.items() if name not in (*_KNOWN, "startIndex", "endIndex")}
    citation.rest |= {f"{outer}.{name}": value for name, value in beside.items()}
    return citation


def _span(citation: Citation, place: Any) -> Span:
    start, end, part = (_get(place, name) for name in ("startIndex", "endIndex", "partIndex"))
    start = start if type(start) is int and start >= 0 else 0
    if type(end) is not int or end <= start:
        return Span(citation)
    return Span(citation, start, end, part if type(part) is int else 0)


def take(fields: Fields, texts: Sequence[tuple[int, Text]]) -> None:
    """Take the citations of a whole answer's candidate, and give each to the text that it stands in.

    Args:
        fields: of the candidate; what is no citation in them stays.
        texts: those of the answer, each with the place of its part on the wire.
    """
    found = spans(fields.peek(GROUNDING), fields.peek(QUOTED)) if texts else []
    if not found:
        return
    coded = [(at, text, text.text.encode("utf-8", "replace")) for at, text in texts]
    for span in found:
        text, content, before = _home(span, coded)
        text.citations.append(span.within(content, before))
    for outer, names in ((GROUNDING, (_CHUNKS, _SUPPORTS)), (QUOTED, _QUOTES)):
        if isinstance(fields.peek(outer), dict):
            inner = fields.inner(outer)
            for name in names:
                if (value := inner.pop(name)) is not None:
                    inner.keep(name, value)


def _home(span: Span, texts: Sequence[tuple[int, Text, bytes]]) -> tuple[Text, bytes, int]:
    """The text that a citation begins in, its bytes, and how many of the answer's are before it."""
    for at, text, content in texts:
        if span.part and at == span.part:
            return text, content, 0
    before = 0
    for _, text, content in texts:
        if (span.start or 0) < before + len(content):
            return text, content, before
        before += len(content)
    return text, content, before - len(content)


@dataclass(slots=True)
class Grounding:
    """Writes what an answer of another dialect cites.

    Attributes:
        dropped: takes the names of what cannot be said.
    """

    dropped: Dropped
    _before: int = 0  # bytes of the answer so far
    _chunks: list[Rest] = field(default_factory=list)
    _supports: list[Rest] = field(default_factory=list)

    def add(self, text: str, citations: Iterable[Citation]) -> None:
        """The next text of the answer, and what it cites."""
        for citation in citations:
            self.dropped.rest(citation, same=False)
            chunk = self._chunk(citation)
            if chunk is None:
                self.dropped.add("citations")
                continue
            if chunk not in self._chunks:
                self._chunks.append(chunk)
            start, end = citation.start or 0, len(text) if citation.end is None else citation.end
            begins = self._before + _size(text[:start])
            segment = {"startIndex": begins, "endIndex": begins + _size(text[start:end]), "text": text[start:end]}
            self._support(segment, self._chunks.index(chunk))
        self._before += _size(text)

    def _support(self, segment: Rest, chunk: int) -> None:
        last = self._supports[-1] if self._supports else None
        if last is not None and last["segment"] == segment:
            last["groundingChunkIndices"].append(chunk)
        else:
            self._supports.append({"segment": segment, "groundingChunkIndices": [chunk]})

    def _chunk(self, citation: Citation) -> Rest | None:
        said = {"uri": citation.url or citation.source, "title": citation.title}
        made = {name: value for name, value in said.items() if value is not None}
        if citation.url is not None:
            self.dropped.update(["citations.quote"] if citation.quote else [])
            return {"web": made}
        self.dropped.update(["citations.document"] if citation.document is not None else [])
        made |= {} if citation.quote is None else {"text": citation.quote}
        return {"retrievedContext": made} if made else None

    def body(self) -> dict[str, Any]:
        """`groundingMetadata` of a candidate; empty when nothing is cited."""
        return {GROUNDING: {_CHUNKS: self._chunks, _SUPPORTS: self._supports}} if self._supports else {}


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
