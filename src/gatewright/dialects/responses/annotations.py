"""Annotations of a text: the pages and files it cites.

Shapes: OpenAI API reference, "Responses" (https://platform.openai.com/docs/api-reference/responses/object). The `index`
of a cited file is the place in the text where the citation belongs.
"""

from typing import Any

from gatewright.dialects.conversation import Citation, Dropped

# By kind: field of the model, and its name and kind on the wire.
_PAGE, _FILE = "url_citation", "file_citation"
_RANGE = (("start", "start_index", int), ("end", "end_index", int))
_NAMED = (("source", "file_id", str), ("title", "filename", str))
_FIELDS: dict[str, tuple[tuple[str, str, type], ...]] = {
    _PAGE: (("url", "url", str), ("title", "title", str), *_RANGE),
    _FILE: (*_NAMED, ("end", "index", int)),
    "container_file_citation": (*_NAMED, *_RANGE),
}


def decode_annotation(found: Any) -> Citation:
    """One annotation. What is no citation is only in its `rest`, so that other dialects say they lost it."""
    kind = found.get("type") if isinstance(found, dict) else None
    known = _FIELDS.get(kind) if isinstance(kind, str) else None
    if known is None:
        return Citation(rest={"annotations": found}, form={"wire": found})
    citation = Citation(form={"wire": found})
    for field, name, kind_of in known:
        if type(found.get(name)) is kind_of and (kind_of is str or found[name] >= 0):
            setattr(citation, field, found[name])
    names = {"type", *(name for _, name, _ in known)}
    citation.rest = {f"annotations.{name}": value for name, value in found.items() if name not in names}
    return citation


def encode_annotation(citation: Citation, length: int, dropped: Dropped) -> dict[str, Any] | None:
    """A citation of another dialect; None for one that this API has no place for, which is then noted.

    Args:
        citation: what is cited.
        length: characters of the text.
        dropped: takes the notes.
    """
    dropped.rest(citation, same=False)
    if citation.quote:
        dropped.add("citations.quote")
    end = length if citation.end is None else citation.end
    if citation.url is not None:
        page = {"type": _PAGE, "url": citation.url, "title": citation.title or ""}
        return {**page, "start_index": citation.start or 0, "end_index": end}
    if citation.source is None and citation.title is None:
        dropped.add("citations")
        return None
    if citation.document is not None:
        dropped.add("citations.document")
    return {"type": _FILE, "file_id": citation.source or "", "filename": citation.title or "", "index": end}
