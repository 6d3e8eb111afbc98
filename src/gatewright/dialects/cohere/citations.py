"""Citations and scores: what an answer says about its own text.

Source: Cohere, "Chat" reference, `message.citations` and `logprobs` (https://docs.cohere.com/reference/chat). One
citation of the wire names several sources; in the model each is one, over the same words, and the first keeps what the
wire had. Citations of a plan or a thought (`type`) have no place in the model and stay where the wire had them.
"""

import re
from collections.abc import Iterable
from typing import Any

from gatewright.dialects.cohere.documents import document_id
from gatewright.dialects.conversation import Citation, Part, Request, Text, TokenScore
from gatewright.dialects.fields import Fields

OF_TEXT = "TEXT_CONTENT"
"""Type of the citations that are of text."""

_PLACE = re.compile(r"doc:(\d{1,6})")  # an id that is a document's place
_CONTENTS = ("document", "tool_output")  # where each kind of source has its content
_QUOTES = ("text", "snippet", "content")


def of_text(citation: Fields) -> bool:
    """Whether a citation is one of text."""
    return citation.peek("type") in (None, OF_TEXT)


def decode_citations(message: Fields, content: list[Part]) -> None:
    """Take a message's citations, and give each text of its content those that are in it; others are left."""
    left = []
    for one in message.objects("citations"):
        wire, text = dict(one.left), _cited(one, content)
        if text is None:
            left.append(wire)
        else:
            text.citations += decode_citation(one)
    if left:
        message.left["citations"] = left


def _cited(citation: Fields, content: list[Part]) -> Text | None:
    if not of_text(citation):
        return None
    at = citation.peek("content_index")  # left, for the wire's form is kept
    candidates = content if at is None else content[at : at + 1] if type(at) is int and at >= 0 else []
    return next((part for part in candidates if isinstance(part, Text)), None)


def decode_citation(fields: Fields) -> list[Citation]:
    """One citation of the wire: one of the model for each of its sources."""
    wire = dict(fields.left)
    start, end = fields.get("start", int), fields.get("end", int)
    found = [Citation(start=start, end=end, **_source(one)) for one in fields.objects("sources")]
    found = found or [Citation(start=start, end=end)]
    found[0].form["citation"] = wire
    return found


def _source(fields: Fields) -> dict[str, Any]:
    name = fields.get("id", str)
    content: Any = next((found for key in _CONTENTS if isinstance(found := fields.peek(key), dict)), {})
    quote = next((text for key in _QUOTES if isinstance(text := content.get(key), str)), None)
    place = _PLACE.fullmatch(name or "")
    return {
        "source": name,
        "document": int(place[1]) if place else None,
        "quote": quote,
        **{key: text for key in ("title", "url") if isinstance(text := content.get(key), str)},
    }


def encode_citations(content: list[Part], request: Request | None) -> list[dict[str, Any]]:
    """The citations of a content's texts; without a request, those of this dialect alone."""
    made = []
    for at, part in enumerate(content):
        if isinstance(part, Text) and request is None:
            made += own_citations(part.citations)
        elif isinstance(part, Text) and request is not None:
            for one in part.citations:
                wire = encode_citation(one, request, len(part.text))
                made.append(wire | {"text": part.text[wire["start"] : wire["end"]], "content_index": at})
    return made


def own_citations(citations: Iterable[Citation]) -> list[dict[str, Any]]:
    """Citations of this dialect as the wire had them."""
    return [one.form["citation"] for one in citations if "citation" in one.form]


def encode_citation(citation: Citation, request: Request, length: int) -> dict[str, Any]:
    """A citation of another dialect.

    Args:
        citation: the citation.
        request: what the client asked; it knows the ids of the documents.
        length: characters of the text so far, where the citation is of all of it.
    """
    place = None if citation.document is None else document_id(request, citation.document)
    known = {"title": citation.title, "url": citation.url, "text": citation.quote}
    source = {
        "type": "document",
        "id": place or citation.source or citation.url or "",
        "document": {key: value for key, value in known.items() if value is not None},
    }
    return {
        "start": citation.start or 0,
        "end": length if citation.end is None else citation.end,
        "sources": [source],
        "type": OF_TEXT,
    }


def decode_score(fields: Fields) -> TokenScore:
    """An entry of `logprobs`: a piece of text of one token or more, whose logarithms add up."""
    wire = dict(fields.left)
    scores = [fields.checked("logprobs", one, float) for one in fields.items("logprobs")]
    return TokenScore(token=fields.get("text", str) or "", logprob=float(sum(scores)), form={"score": wire})


def encode_score(scores: list[TokenScore]) -> dict[str, Any]:
    """An entry of `logprobs` for tokens that follow each other; other dialects do not know the ids of tokens."""
    if len(scores) == 1 and "score" in scores[0].form:
        found: dict[str, Any] = scores[0].form["score"]
        return found
    text = "".join(score.token for score in scores)
    return {"text": text, "token_ids": [], "logprobs": [score.logprob for score in scores]}
