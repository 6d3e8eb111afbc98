"""Cohere's `POST /v2/rerank`; also that of Jina, vLLM, Together and OpenRouter, and our own `/v1/rerank`.

Cohere API reference, "Rerank API (v2)" (https://docs.cohere.com/reference/rerank). The others add `return_documents` to
the request, and `model` and `usage` to the answer (https://api.jina.ai/openapi.json).
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Dropped
from gatewright.dialects.fields import Fields, provider_fault
from gatewright.dialects.rerank.model import RerankAnswer, RerankRequest
from gatewright.dialects.rerank.results import documents, read_results, read_usage, shown_results
from gatewright.errors import ClientError

NAME = "cohere-rerank"
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
        top_n=fields.get("top_n", int),
        return_documents=fields.get("return_documents", bool),
        max_tokens_per_doc=fields.get("max_tokens_per_doc", int),
        truncate=fields.get("truncation", bool),
        rest=fields.left,
    )


def encode_request(request: RerankRequest, model: str, dropped: Dropped) -> dict[str, Any]:
    """A request to a provider's body.

    Args:
        request: what a client asked, in any wire.
        model: the target's name of the model.
        dropped: told what this API cannot express.
    """
    own = request.dialect == NAME
    if request.truncate is not None and not own:
        dropped.add("truncation")
    stated = {
        "top_n": request.top_n,
        # Not asked of others: `encode_answer` gives a client its own documents.
        "return_documents": request.return_documents if own else None,
        "max_tokens_per_doc": request.max_tokens_per_doc,
        "truncation": request.truncate if own else None,
    }
    return {
        **dropped.rest(request, same=own),
        "model": model,
        "query": request.query,
        "documents": request.documents,
        **{key: value for key, value in stated.items() if value is not None},
    }


def decode_answer(body: Mapping[str, Any]) -> RerankAnswer:
    """A provider's body to an answer.

    Raises:
        UpstreamProtocolError: when it is not an answer of this API.
    """
    fields = Fields(body, "", provider_fault("Cohere's rerank API"))
    if not fields.has("results"):
        raise fields.wrong("results", "a list")
    answer = RerankAnswer(
        dialect=NAME,
        results=read_results(fields.objects("results")),
        usage=read_usage(fields),
        model=fields.get("model", str) or "",
        id=fields.get("id", str) or "",
    )
    meta = fields.within("meta")
    if meta is not None:
        answer.form["meta"] = dict(meta.left)
        units = meta.within("billed_units")
        answer.search_units = None if units is None else units.get("search_units", float)
    if fields.has("object"):
        answer.form["object"] = fields.pop("object")
    answer.rest = fields.left
    return answer


def encode_answer(answer: RerankAnswer, request: RerankRequest, dropped: Dropped) -> dict[str, Any]:
    """An answer to the body a client gets.

    Raises:
        UpstreamProtocolError: when it ranks a document that was not sent.
    """
    own = answer.dialect == NAME
    results = []
    for shown, document in shown_results(answer, request, dropped, own=own):
        wrapped = {"text": document} if isinstance(document, str) and not own else document
        results.append(shown if wrapped is None else {**shown, "document": wrapped})
    named = {key: value for key, value in (("id", answer.id), ("model", answer.model)) if value}
    body = {**dropped.rest(answer, same=own), **named, "results": results}
    if own:
        usage = {} if answer.usage is None else {"usage": answer.usage.form}
        return body | answer.form | usage
    if answer.usage is not None:
        dropped.rest(answer.usage, same=False)
        body["usage"] = {"prompt_tokens": answer.usage.prompt, "total_tokens": answer.usage.prompt}
    if answer.search_units is not None:
        body["meta"] = {"api_version": {"version": "2"}, "billed_units": {"search_units": answer.search_units}}
    return body
