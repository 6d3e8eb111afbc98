"""What rerank wires do alike: documents, results and token counts."""

import math
from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Dropped, Usage
from gatewright.dialects.fields import Fields, provider_fault
from gatewright.dialects.rerank.model import Document, RerankAnswer, RerankRequest, RerankResult
from gatewright.errors import UpstreamProtocolError


def documents(fields: Fields) -> list[Document]:
    """Take the documents of a request; there is at least one, and each is a string or an object."""
    found: list[Document] = fields.items("documents")
    if not found or not all(isinstance(one, str | dict) for one in found):
        raise fields.wrong("documents", "a list of at least one string or object")
    return found


def read_results(items: list[Fields]) -> list[RerankResult]:
    """Results with `index`, `relevance_score` and perhaps `document`; `form` keeps the document as it came."""
    return [_result(item) for item in items]


def _result(fields: Fields) -> RerankResult:
    index, score = fields.need("index", int), fields.need("relevance_score", float)
    if not math.isfinite(score):
        raise fields.wrong("relevance_score", "a finite number")
    found = fields.pop("document")
    if not isinstance(found, str | dict | None):
        raise fields.wrong("document", "a string or an object")
    form = {} if found is None else {"document": found}
    text = found.get("text") if isinstance(found, dict) and len(found) == 1 else None
    document = text if isinstance(text, str) else found
    return RerankResult(index=index, score=score, document=document, rest=fields.left, form=form)


def shown_results(
    answer: RerankAnswer, request: RerankRequest, dropped: Dropped, *, own: bool
) -> list[tuple[dict[str, Any], Document | None]]:
    """Each result's own fields, and the document that goes beside them.

    In its own wire an answer has the documents that came with it. Another client gets them where it asked for them,
    from its own request: a provider need not send them back.

    Raises:
        UpstreamProtocolError: when a result is of a document that was not sent, or of one twice.
    """
    places = [result.index for result in answer.results]
    if len({*places}) < len(places) or not all(0 <= place < len(request.documents) for place in places):
        raise UpstreamProtocolError("Its answer does not rank each document of the request at most once.")
    made = []
    for result in answer.results:
        shown = {"index": result.index, "relevance_score": result.score, **dropped.rest(result, same=own)}
        asked = request.documents[result.index] if request.return_documents else None
        made.append((shown, result.form.get("document") if own else asked))
    return made


def read_usage(fields: Fields) -> Usage | None:
    """Take `usage`; None when it is absent."""
    inner = fields.within("usage")
    return None if inner is None else _usage(inner)


def decode_usage(found: Mapping[str, Any]) -> Usage:
    """The tokens of a `usage` object.

    Raises:
        UpstreamProtocolError: when a count is not one.
    """
    return _usage(Fields(found, "usage", provider_fault("a rerank API")))


def _usage(fields: Fields) -> Usage:
    """Tokens by either of their names."""
    form = dict(fields.left)
    counts = [fields.get(key, int) for key in ("prompt_tokens", "total_tokens")]
    fields.left.pop("completion_tokens", None)  # there is no completion; those who have the field say 0
    return Usage(input=max(0, counts[0] or counts[1] or 0), rest=fields.left, form=form)
