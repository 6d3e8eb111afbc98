"""Where something that was said comes from.

Shape: `Citation` of the API reference
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html).
"""

from typing import Any

from gatewright.dialects.conversation import Citation
from gatewright.dialects.converse.media import joined
from gatewright.dialects.converse.wire import Block, Encoding
from gatewright.dialects.fields import Fields

_INDEXES = {"documentChar": "documentIndex", "documentPage": "documentIndex", "documentChunk": "documentIndex"}


def decode_citation(fields: Fields, found: Any) -> Citation:
    """A citation; which piece of a document it is from is for this dialect only."""
    citation = Citation(
        title=fields.get("title", str),
        source=fields.get("source", str),
        quote=joined(fields.pop("sourceContent")) or None,
        form={"citation": found},
    )
    location = fields.within("location")
    web = None if location is None else location.within("web")
    if web is not None:
        citation.url = web.get("url", str)
    for kind, key in _INDEXES.items():
        place = None if location is None else location.within(kind)
        if place is not None:
            citation.document = place.get(key, int)
            citation.rest[kind] = place.left
    return citation


def encode_citation(citation: Citation, how: Encoding) -> Block:
    """A citation, as a block of text or a stream has it."""
    if how.same and "citation" in citation.form:
        found: Block = citation.form["citation"]
        return found
    how.rest(citation)
    made: Block = {"title": citation.title, "source": citation.source}
    if citation.quote:
        made["sourceContent"] = [{"text": citation.quote}]
    if citation.url is not None:
        made["location"] = {"web": {"url": citation.url}}
    elif citation.document is not None:
        made["location"] = {"documentChar": {"documentIndex": citation.document}}
    return {key: value for key, value in made.items() if value is not None}
