"""Annotations of an answer: the pages it cites.

Shape: OpenAI API reference, "The chat completion object", `message.annotations`; OpenRouter has what a page says as
`content` too (https://openrouter.ai/docs/features/web-search), and 0 for both indices where it does not know the place.
"""

from collections.abc import Iterable
from typing import Any

from gatewright.dialects.conversation import Citation, Dropped, Part, Text

_KNOWN = ("url", "title", "content", "start_index", "end_index")


def decode_annotation(found: Any) -> Citation:
    """One annotation. What is no citation of a page is only in its `rest`, so that other dialects say they lost it."""
    inner = found.get("url_citation") if isinstance(found, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("url"), str):
        return Citation(rest={"annotations": found}, form={"wire": found})
    texts = {name: inner[name] for name in ("title", "content") if isinstance(inner.get(name), str)}
    citation = Citation(url=inner["url"], title=texts.get("title"), quote=texts.get("content"), form={"wire": found})
    start, end = inner.get("start_index"), inner.get("end_index")
    if type(start) is int and type(end) is int and 0 <= start < end:
        citation.start, citation.end = start, end
    citation.rest = {f"annotations.{name}": value for name, value in inner.items() if name not in _KNOWN}
    return citation


def encode_annotations(parts: Iterable[Part], *, same: bool, dropped: Dropped) -> list[dict[str, Any]]:
    """The annotations of an answer's texts, which are one string on this wire."""
    made: list[dict[str, Any]] = []
    before = 0
    for part in parts:
        if isinstance(part, Text):
            made += (
                [citation.form["wire"] for citation in part.citations]
                if same
                else placed(part.citations, before, len(part.text), dropped)
            )
            before += len(part.text)
    return made


def placed(citations: Iterable[Citation], before: int, length: int, dropped: Dropped) -> list[dict[str, Any]]:
    """Citations of another dialect's text.

    Args:
        citations: what the text cites.
        before: characters of the answer before the text.
        length: characters of the text.
        dropped: gets a note of what is no page, for which this API has no annotation.
    """
    made: list[dict[str, Any]] = []
    for citation in citations:
        dropped.rest(citation, same=False)
        if citation.url is None:
            dropped.add("citations")
            continue
        inner: dict[str, Any] = {
            "start_index": before + (citation.start or 0),
            "end_index": before + (length if citation.end is None else citation.end),
            "title": citation.title or "",
            "url": citation.url,
        }
        if citation.quote is not None:
            inner["content"] = citation.quote
        made.append({"type": "url_citation", "url_citation": inner})
    return made
