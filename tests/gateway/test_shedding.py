"""What a caller is told when too many requests are under way, in the dialect it speaks, and what is left of it."""

import asyncio
from dataclasses import replace

import pytest

from fixtures.exchange import FakeExchange, make_holder
from gatewright.gateway.admit import Admission
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.ledger.record import CLIENT_LEFT
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Policy
from gatewright.upstream.fake import Answer, FakeClient, in_turn

TABLE = Table()
CHAT = "/v1/chat/completions"
ASKED = {"model": "ep", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
TURNS = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
DONE = Answer(body=[b"{}"])
SOON = 0.02
LONG = 60.0


def gateway(*answers, limit=2000, policy=None, seconds=SOON):
    """A pipeline, and the records it leaves."""
    snapshot = make_holder("one").current
    endpoint = replace(snapshot.endpoints["ep"], policy=policy or Policy())
    kept = []
    admission = Admission(limit=limit, seconds=seconds)
    holder = Holder(replace(snapshot, endpoints={"ep": endpoint}))
    return Pipeline(holder, FakeClient(in_turn(*answers)), record=kept.append, admission=admission), kept


def asking(pipeline, path=CHAT, body=ASKED, **options):
    exchange = FakeExchange("POST", path, body, **options)
    return exchange, asyncio.create_task(pipeline.serve(exchange, *TABLE.find("POST", path)))


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0)


def occupied(pipeline, endpoint=False):
    """One request that takes a place and stays."""
    turn = pipeline.admission.turn()
    assert turn.enter(0) is None
    if endpoint:
        assert turn.enter_endpoint(pipeline._holder.current.endpoints["ep"]) is None
    return turn


DIALECTS = pytest.mark.parametrize(
    ("path", "body", "message", "kind", "kinds"),
    [
        (CHAT, ASKED, ("error", "message"), ("error", "type"), ("api_error", "rate_limit_error")),
        ("/v1/responses", {"model": "ep", "input": "hi"}, ("error", "message"), ("error", "type"),
         ("api_error", "rate_limit_error")),
        ("/v1/messages", ASKED, ("error", "message"), ("error", "type"), ("api_error", "rate_limit_error")),
        ("/v1beta/models/ep:generateContent", CONTENTS, ("error", "message"), ("error", "status"),
         ("UNAVAILABLE", "RESOURCE_EXHAUSTED")),
        ("/bedrock/model/ep/converse", TURNS, ("message",), (), ("", "")),
        ("/cohere/v2/chat", ASKED, ("message",), (), ("", "")),
        ("/ollama/api/chat", ASKED, ("error",), (), ("", "")),
        ("/gateway/ep/mlflow/invocations", ASKED, ("detail",), (), ("", "")),
    ],
    ids=["chat", "responses", "messages", "gemini", "converse", "cohere", "ollama", "mlflow"],
)  # fmt: skip


def found(value, path):
    for name in path:
        value = value[name]
    return value


@DIALECTS
@pytest.mark.parametrize("at_endpoint", [False, True])
async def test_a_refused_caller_is_told_in_its_dialect_when_to_come_back(path, body, message, kind, kinds, at_endpoint):
    """503 at the worker's limit, 429 at the endpoint's; no provider is called, and the refusal is counted and kept."""
    pipeline, kept = gateway(DONE, limit=2 if at_endpoint else 1, policy=Policy(max_concurrency=1))
    occupied(pipeline, endpoint=at_endpoint)
    exchange, serving = asking(pipeline, path, body)
    await serving
    assert exchange.status == (429 if at_endpoint else 503)
    assert exchange.answered[b"retry-after"] == b"1"
    words = "Endpoint 'ep' serves 1 requests already" if at_endpoint else "Gatewright serves 1 requests already"
    assert found(exchange.json, message).startswith(words)
    if kind:
        assert found(exchange.json, kind) == kinds[at_endpoint]
    assert not pipeline._upstream.requests
    (record,) = kept
    assert (record.status, record.attempts) == (exchange.status, 0)
    assert record.queue_us >= SOON * 1e6 > record.overhead_us
    assert (pipeline.admission.shed, pipeline.admission.waiting) == (1, 0)


@pytest.mark.parametrize("at_endpoint", [False, True])
async def test_who_gets_a_turn_is_served_and_its_time_in_the_queue_is_noted(at_endpoint):
    """It is in the record, and no overhead of ours."""
    pipeline, kept = gateway(DONE, limit=2 if at_endpoint else 1, policy=Policy(max_concurrency=1), seconds=LONG)
    turn = occupied(pipeline, endpoint=at_endpoint)
    exchange, serving = asking(pipeline)
    await until(lambda: pipeline.admission.waiting)
    await asyncio.sleep(SOON)
    turn.leave()
    await serving
    (record,) = kept
    assert exchange.status == 200
    assert SOON * 1e6 <= record.queue_us <= record.total_us
    assert record.overhead_us < SOON * 1e6
    assert int(exchange.answered[b"x-gatewright-overhead"]) < SOON * 1e6


@pytest.mark.parametrize("at_endpoint", [False, True])
@pytest.mark.parametrize("gone", [True, False])
async def test_a_wait_that_is_cancelled_leaves_the_queue_at_once(at_endpoint, gone):
    """The client has left, or the server stops; then whoever is still there is told."""
    pipeline, kept = gateway(limit=2 if at_endpoint else 1, policy=Policy(max_concurrency=1), seconds=LONG)
    turn = occupied(pipeline, endpoint=at_endpoint)
    exchange, serving = asking(pipeline)
    await until(lambda: pipeline.admission.waiting)
    exchange.gone = gone
    serving.cancel()
    await asyncio.wait([serving])
    (record,) = kept
    assert pipeline.admission.waiting == 0
    assert record.error == (CLIENT_LEFT if gone else "TEMPORARILY_UNAVAILABLE")
    assert exchange.status == (0 if gone else 503)
    turn.leave()
    assert pipeline.admission.worker.taken == pipeline.active == 0


@pytest.mark.parametrize(
    ("body", "key"), [(ASKED, "unknown"), (b"{", None), (ASKED | {"model": "unknown"}, None), (ASKED, None)]
)
async def test_every_request_gives_its_places_back(body, key):
    """However it ends."""
    pipeline, _ = gateway(policy=Policy(max_concurrency=1))
    exchange, serving = asking(pipeline, body=body, **({"key": key} if key else {}))
    await serving
    assert exchange.status >= 400
    assert pipeline.admission.worker.taken == pipeline.admission.worker.held == 0
    assert pipeline.admission.turn().enter_endpoint(pipeline._holder.current.endpoints["ep"]) is None


async def test_a_stranger_takes_no_place():
    """Else whoever can reach the port could keep everybody out."""
    pipeline, _ = gateway(limit=1)
    occupied(pipeline)
    exchange, serving = asking(pipeline, key="")
    await serving
    assert exchange.status == 401


async def test_the_time_a_client_gives_its_request_ends_a_wait_too():
    """A queue that is longer than that is of no use to it."""
    pipeline, _ = gateway(policy=Policy(max_concurrency=1), seconds=LONG)
    occupied(pipeline, endpoint=True)
    exchange = FakeExchange("POST", CHAT, ASKED)
    exchange.headers = [*exchange.headers, (b"x-gatewright-timeout-ms", b"20")]
    await pipeline.serve(exchange, *TABLE.find("POST", CHAT))
    assert exchange.status == 504
    assert pipeline.admission.waiting == 0
