"""Rerank: recorded exchanges in their own wire, translations, the official client, and what is refused."""

import contextlib
import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.damage import damaged
from fixtures.recorded import exchanges
from gatewright.dialects.conversation import Dropped, Usage
from gatewright.dialects.rerank import RerankAnswer, RerankRequest, RerankResult, cohere, voyage
from gatewright.errors import ClientError, UpstreamProtocolError

WIRES = [cohere, voyage]
DOCUMENTS = ["a", "b", "c"]
BODIES = {
    cohere: (
        {"model": "m", "query": "q", "documents": [*DOCUMENTS, {"text": "d"}], "top_n": 2, "return_documents": True},
        {
            "id": "i",
            "results": [{"index": 1, "relevance_score": 0.5, "document": {"text": "b"}}],
            "meta": {"billed_units": {"search_units": 1}},
            "usage": {"total_tokens": 3},
        },
    ),
    voyage: (
        {"model": "m", "query": "q", "documents": DOCUMENTS, "top_k": 2, "truncation": True},
        {"object": "list", "data": [{"index": 1, "relevance_score": 0.5}], "model": "m", "usage": {"total_tokens": 3}},
    ),
}


def wire_of(exchange):
    return voyage if exchange.provider == "voyage" else cohere


@pytest.mark.parametrize("exchange", exchanges(api="rerank"))
def test_a_recorded_exchange_survives_its_own_wire(exchange):
    """Request and answer come out as they went in, field by field."""
    wire, dropped = wire_of(exchange), Dropped()
    request = wire.decode_request(exchange.request)
    assert wire.encode_request(request, exchange.request["model"], dropped) == exchange.request
    assert wire.encode_answer(wire.decode_answer(exchange.answer), request, dropped) == exchange.answer
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(api="rerank"))
def test_a_recorded_exchange_keeps_its_meaning_in_the_other_wire(exchange):
    """Query, documents and limit on the way there; order, scores, tokens and units on the way back."""
    wire = wire_of(exchange)
    other = cohere if wire is voyage else voyage
    request, answer = wire.decode_request(exchange.request), wire.decode_answer(exchange.answer)
    asked = other.decode_request(other.encode_request(request, "m", Dropped()))
    assert (asked.query, asked.documents, asked.top_n) == (request.query, request.documents, request.top_n)
    again = other.decode_answer(other.encode_answer(answer, request, Dropped()))
    said = exchange.answer.get("results") or exchange.answer["data"]
    assert [(one.index, one.score) for one in again.results] == [(one["index"], one["relevance_score"]) for one in said]
    usage = exchange.answer.get("usage")
    assert (answer.usage and answer.usage.total) == (usage and usage["total_tokens"])
    assert again.usage.total == (usage["total_tokens"] if usage else 0)
    units = exchange.answer.get("meta", {}).get("billed_units", {}).get("search_units")
    assert answer.search_units == units


@pytest.mark.parametrize("asked", [True, False, None])
def test_a_client_gets_its_documents_when_it_asks_for_them(asked):
    """From its own request, so the provider is not asked to send them."""
    body = {"query": "q", "documents": DOCUMENTS, "return_documents": asked}
    answered = voyage.decode_answer(
        {"data": [{"index": 2, "relevance_score": 1}, {"index": 0, "relevance_score": 0.5}]}
    )
    request = cohere.decode_request(body)
    assert "return_documents" not in voyage.encode_request(request, "m", Dropped())
    shown = cohere.encode_answer(answered, request, Dropped())["results"]
    assert [one.get("document") for one in shown] == ([{"text": "c"}, {"text": "a"}] if asked else [None, None])
    answered.dialect = "cohere-rerank"
    shown = voyage.encode_answer(answered, request, Dropped())["data"]
    assert [one.get("document") for one in shown] == (["c", "a"] if asked else [None, None])


def test_what_the_other_wire_cannot_say_is_named():
    """Voyage cuts nothing by count, Cohere has no switch for cutting."""
    dropped = Dropped()
    body = {"query": "q", "documents": [{"text": "a", "more": 1}], "max_tokens_per_doc": 5, "priority": 1}
    found = voyage.encode_request(cohere.decode_request(body), "m", dropped)
    assert found == {"model": "m", "query": "q", "documents": ["a"]}
    assert dropped == {"documents", "max_tokens_per_doc", "priority"}
    dropped = Dropped()
    cohere.encode_request(voyage.decode_request({"query": "q", "documents": ["a"], "truncation": False}), "m", dropped)
    assert dropped == {"truncation"}
    with pytest.raises(ClientError, match=r"documents\[0\] must be a string"):
        voyage.encode_request(cohere.decode_request({"query": "q", "documents": [{"title": "a"}]}), "m", Dropped())


def test_units_and_tokens_reach_a_client_of_our_surface():
    """Each where its clients look for it."""
    request = RerankRequest(dialect="cohere-rerank", query="q", documents=DOCUMENTS)
    results = [RerankResult(index=0, score=1)]
    answer = RerankAnswer(dialect="x", id="i", results=results, usage=Usage(input=5), search_units=2)
    assert cohere.encode_answer(answer, request, Dropped()) == {
        "id": "i",
        "results": [{"index": 0, "relevance_score": 1}],
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 2}},
    }


def test_coheres_client_gets_voyages_order():
    """It reads our surface with its own types."""
    sdk = pytest.importorskip("cohere", reason="Cohere's SDK is not installed")

    def serve(sent):
        request = cohere.decode_request(json.loads(sent.content))
        assert (request.query, request.documents, request.top_n) == ("q", DOCUMENTS, 2)
        rows = [{"index": 2, "relevance_score": 0.75}, {"index": 0, "relevance_score": 0.5}]
        answer = voyage.decode_answer({"data": rows, "model": "m", "usage": {"total_tokens": 9}})
        return httpx.Response(200, json=cohere.encode_answer(answer, request, Dropped()))

    with httpx.Client(transport=httpx.MockTransport(serve)) as http:
        client = sdk.ClientV2(api_key="k", base_url="http://gate", httpx_client=http)
        answer = client.rerank(model="e", query="q", documents=DOCUMENTS, top_n=2)
    assert [(one.index, one.relevance_score) for one in answer.results] == [(2, 0.75), (0, 0.5)]


@pytest.mark.parametrize("places", [[3], [-1], [0, 0]])
def test_an_answer_that_ranks_what_was_not_sent_is_the_providers_fault(places):
    """Or one document twice."""
    request = cohere.decode_request({"query": "q", "documents": DOCUMENTS})
    rows = [{"index": place, "relevance_score": 1.0} for place in places]
    for wire, answer in ((cohere, {"results": rows}), (voyage, {"data": rows})):
        with pytest.raises(UpstreamProtocolError, match="at most once"):
            wire.encode_answer(wire.decode_answer(answer), request, Dropped())


@pytest.mark.parametrize(
    "row", [{}, {"index": 0}, {"index": 0, "relevance_score": float("nan")}, {"index": True, "relevance_score": 1}, 1]
)
def test_an_answer_of_another_shape_is_the_providers_fault(row):
    """Also one without results, or with a score that is no number."""
    for wire, key in ((cohere, "results"), (voyage, "data")):
        for body in ({key: [row]}, {"error": "no"}):
            with pytest.raises(UpstreamProtocolError):
                wire.decode_answer(body)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "body", [{}, {"query": "q"}, {"query": 1, "documents": ["a"]}, {"query": "q", "documents": []}, {"documents": [1]}]
)
def test_a_request_of_another_shape_is_the_clients_fault(wire, body):
    """It is never sent on."""
    with pytest.raises(ClientError):
        wire.decode_request(body)


@pytest.mark.parametrize("wire", WIRES)
@settings(max_examples=300)
@given(chance=st.randoms(use_true_random=False))
def test_any_body_is_read_or_refused(wire, chance):
    """Only errors of ours escape, and what is read can be written in both wires."""
    asked, answered = BODIES[wire]
    with contextlib.suppress(ClientError, UpstreamProtocolError):
        request = wire.decode_request(damaged(asked, chance))
        answer = wire.decode_answer(damaged(answered, chance))
        for other in WIRES:
            other.encode_request(request, "m", Dropped())
            other.encode_answer(answer, request, Dropped())
