"""Voyage's `POST /v1/rerank`.

Voyage, "Rerankers" (https://docs.voyageai.com/reference/reranker-api).
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Dropped
from gatewright.dialects.fields import Fields, provider_fault
from gatewright.dialects.rerank.model import Document, RerankAnswer, RerankRequest
from gatewright.dialects.rerank.results import documents, read_results, read_usage, shown_results
from gatewright.errors import ClientError

NAME = "voyage-rerank"
"""The wire's name."""


def decode_request(body: Mapping[str, Any]) -> RerankRequest:
    """A client's body to a request.

    Raises:
        ClientError: naming the field that is wrong.
    """
    fields = Fields(body, "", ClientError)
    return RerankRequest(
        dialect=NAME,
        model=fields.get("model", str) or "",
        query=fields.need("query", str),
        documents=documents(fields),
        top_n=fields.get("top_k", int),
        return_documents=fields.get("return_documents", bool),
        truncate=fields.get("truncation", bool),
        rest=fields.left,
    )


def encode_request(request: RerankRequest, model: str, dropped: Dropped) -> dict[str, Any]:
    """A request to a provider's body.

    Args:
        request: what a client asked, in any wire.
        model: the target's name of the model.
        dropped: told what this API cannot express.

    Raises:
        ClientError: when a document is neither a text nor an object with one.
    """
    own = request.dialect == NAME
    if request.max_tokens_per_doc is not None:
        dropped.add("max_tokens_per_doc")
    stated = {
        "top_k": request.top_n,
        # Not asked of others: `encode_answer` gives a client its own documents.
        "return_documents": request.return_documents if own else None,
        "truncation": request.truncate,
    }
    return {
        **dropped.rest(request, same=own),
        "model": model,
        "query": request.query,
        "documents": [_text(one, at, dropped) for at, one in enumerate(request.documents)],
        **{key: value for key, value in stated.items() if value is not None},
    }


def _text(document: Document, at: int, dropped: Dropped) -> str:
    if isinstance(document, str):
        return document
    text = document.get("text")
    if not isinstance(text, str):
        raise ClientError(f"documents[{at}] must be a string, or have one in 'text': Voyage ranks texts only.")
    if len(document) > 1:
        dropped.add("documents")
    return text


def decode_answer(body: Mapping[str, Any]) -> RerankAnswer:
    """A provider's body to an answer.

    Raises:
        UpstreamProtocolError: when it is not an answer of this API.
    """
    fields = Fields(body, "", provider_fault("Voyage's rerank API"))
    if not fields.has("data"):
        raise fields.wrong("data", "a list")
    answer = RerankAnswer(
        dialect=NAME,
        results=read_results(fields.objects("data")),
        usage=read_usage(fields),
        model=fields.get("model", str) or "",
        form={"object": fields.pop("object")},
    )
    answer.rest = fields.left
    return answer


def encode_answer(answer: RerankAnswer, request: RerankRequest, dropped: Dropped) -> dict[str, Any]:
    """An answer to the body a client gets.

    Raises:
        UpstreamProtocolError: when it ranks a document that was not sent.
    """
    own = answer.dialect == NAME
    pairs = shown_results(answer, request, dropped, own=own)
    data = [shown if document is None else {**shown, "document": document} for shown, document in pairs]
    if own:
        named = {"object": answer.form["object"], "model": answer.model}
        usage = {} if answer.usage is None else {"usage": answer.usage.form}
        return {**answer.rest, **{key: value for key, value in named.items() if value}, "data": data, **usage}
    tokens = 0
    if answer.usage is not None:
        dropped.rest(answer.usage, same=False)
        tokens = answer.usage.prompt
    body = {"object": "list", "data": data, "model": answer.model or request.model}
    return {**dropped.rest(answer, same=False), **body, "usage": {"total_tokens": tokens}}
