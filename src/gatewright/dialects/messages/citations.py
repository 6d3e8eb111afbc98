"""What a text cites: pages, and places in the documents and search results of the request.

Source: Anthropic's "Citations" (https://platform.claude.com/docs/en/build-with-claude/citations), "Search results" and
"Web search tool". A citation is of a whole text block. The places it names are those in the source.
"""

from typing import Any

from gatewright.dialects.conversation import Citation, Dropped, Text

MADE = "gatewrightSignedByNobody"
"""The index of a page that another provider found, where Anthropic's API has one of its own and checks it. It begins as
the marks of `gateway/signatures.py` do, so that a request which brings it back is read, and goes on without it."""

_BLOCKS = "content_block_location"
_DOCUMENTS = ("char_location", "page_location", _BLOCKS)
_PAGE, _FOUND = "web_search_result_location", "search_result_location"
_TITLE = {_PAGE: "title", _FOUND: "title"} | dict.fromkeys(_DOCUMENTS, "document_title")
# Where each field of the model stands, by the kind of a citation.
_FIELDS: dict[str, dict[str, tuple[str, type]]] = {
    kind: {"quote": ("cited_text", str), "title": (title, str)} for kind, title in _TITLE.items()
}
_FIELDS[_PAGE]["url"] = ("url", str)
_FIELDS[_FOUND]["source"] = ("source", str)
for _kind in _DOCUMENTS:
    _FIELDS[_kind] |= {"document": ("document_index", int), "source": ("file_id", str)}


def decode_citation(found: Any) -> Citation:
    """One citation. Of a kind not known yet it is only in its `rest`, so that other dialects say they lost it."""
    kind = found.get("type") if isinstance(found, dict) else None
    known = _FIELDS.get(kind) if isinstance(kind, str) else None
    if known is None:
        return Citation(rest={"citations": found}, form={"wire": found})
    citation = Citation(form={"wire": found})
    for field, (name, kind_of) in known.items():
        if type(found.get(name)) is kind_of:
            setattr(citation, field, found[name])
    if citation.source is not None and citation.source.startswith(("http://", "https://")):
        citation.url = citation.source
    names = {"type", *(name for name, _ in known.values())}
    citation.rest = {f"citations.{name}": value for name, value in found.items() if name not in names}
    return citation


def made(citation: Citation) -> bool:
    """Whether a citation of this dialect was another's, which the API would refuse."""
    wire = citation.form["wire"]
    return isinstance(wire, dict) and wire.get("encrypted_index") == MADE


def encode_citation(citation: Citation, text: Text, *, same: bool, dropped: Dropped) -> dict[str, Any] | None:
    """A citation of an answer; None for one that says nothing this API has a place for, which is then noted.

    Args:
        citation: of any dialect.
        text: what cites it. That only a part of it does is noted, for here all of a block does.
        same: whether it comes from this dialect.
        dropped: told what is left out.
    """
    if same:
        wire: dict[str, Any] = citation.form["wire"]
        return wire
    dropped.rest(citation, same=False)
    if citation.start or (citation.end is not None and citation.end != len(text.text)):
        dropped.add("citations.start")
    quote = citation.quote or ""
    if citation.url is not None:
        page = {"type": _PAGE, "url": citation.url, "title": citation.title}
        return {**page, "cited_text": quote, "encrypted_index": MADE}
    if citation.document is not None:
        document = {"document_index": citation.document, "document_title": citation.title, "file_id": citation.source}
        return {"type": _BLOCKS, "cited_text": quote, **document, "start_block_index": 0, "end_block_index": 1}
    if citation.source is not None or citation.title is not None:
        place = {"search_result_index": 0, "start_block_index": 0, "end_block_index": 1}
        source = {"source": citation.source or citation.title, "title": citation.title}
        return {"type": _FOUND, **source, "cited_text": quote, **place}
    dropped.add("citations")
    return None
