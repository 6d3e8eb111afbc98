"""The walk over the route plan: what is asked again, who is asked next, and when the time is over."""

import json

import pytest

from fixtures.exchange import FakeExchange, make_holder
from gatewright.errors import UpstreamCutError, UpstreamRefusedError
from gatewright.gateway.health import Health
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.snapshot.model import Policy
from gatewright.upstream.fake import Answer, FakeClient, in_turn

TABLE = Table()
CHAT = {"model": "ep", "messages": [{"role": "user", "content": "hi"}]}
WELL = Answer(body=[b'{"choices":[{"message":{"role":"assistant","content":"hello"}}]}'])
SSE = ((b"content-type", b"text/event-stream"),)
TOO_LONG = Answer(status=400, body=[b'{"error":{"message":"too long","code":"context_length_exceeded"}}'])


def failing(status, *headers):
    """An answer with an error status."""
    return Answer(status=status, headers=((b"content-type", b"application/json"), *headers), body=[b"{}"])


async def ask(holder, upstream, body=CHAT, health=None, **headers):
    """One chat through the pipeline."""
    exchange = FakeExchange(body=body)
    exchange.headers = [*exchange.headers, *((name.encode(), value.encode()) for name, value in headers.items())]
    found = TABLE.find("POST", "/v1/chat/completions")
    await Pipeline(holder, upstream, draw=lambda: 0.0, health=health).serve(exchange, *found)
    assert exchange.ended
    return exchange


def asked(upstream):
    """The hosts that were asked, in order."""
    return [request.address.host.partition(".")[0] for request in upstream.requests]


@pytest.mark.parametrize("first", [failing(500), failing(503), failing(429), UpstreamCutError("cut")])
async def test_the_same_target_is_asked_once_more_where_the_failure_may_pass(first):
    """The client sees nothing of it but the count."""
    upstream = FakeClient(in_turn(first, WELL))
    exchange = await ask(make_holder("one", fallbacks=("two",), policy=Policy()), upstream)
    assert (exchange.status, asked(upstream)) == (200, ["one", "one"])
    assert exchange.answered[b"x-gatewright-attempts"] == b"2"


async def test_after_so_many_tries_the_next_target_is_asked():
    """The endpoint's policy says how many."""
    upstream = FakeClient(in_turn(failing(500), failing(502), failing(500), WELL))
    exchange = await ask(make_holder("one", fallbacks=("two",), policy=Policy(retries=2)), upstream)
    assert (exchange.status, asked(upstream)) == (200, ["one", "one", "one", "two"])


@pytest.mark.parametrize("first", [failing(429, (b"retry-after", b"7")), failing(401), UpstreamRefusedError("no")])
async def test_what_will_not_pass_at_once_goes_on_to_the_next_target(first):
    """A provider that says when to come back is not asked before."""
    upstream = FakeClient(in_turn(first, WELL))
    exchange = await ask(make_holder("one", fallbacks=("two",), policy=Policy()), upstream)
    assert (exchange.status, asked(upstream)) == (200, ["one", "two"])


@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_a_mistake_of_the_client_reaches_exactly_one_provider(status):
    """Whoever asks again pays again."""
    upstream = FakeClient(in_turn(failing(status)))
    exchange = await ask(make_holder("one", fallbacks=("two",), policy=Policy()), upstream)
    assert (exchange.status, asked(upstream)) == (status, ["one"])


@pytest.mark.parametrize("fallback_on", [(), ("context_window",)])
async def test_a_request_that_is_too_long_goes_on_only_where_the_endpoint_says_so(fallback_on):
    """Another model may read more; the operator knows."""
    policy = Policy(fallback_on=frozenset(fallback_on))
    upstream = FakeClient(in_turn(TOO_LONG, WELL))
    exchange = await ask(make_holder("one", fallbacks=("two",), policy=policy), upstream)
    assert (exchange.status, len(upstream.requests)) == ((200, 2) if fallback_on else (400, 1))


async def test_a_target_that_wants_to_be_left_alone_is_not_called_until_then():
    """Retry-After: 7 holds for every request, and a client left without targets gets what is left of it."""
    now = [100.0]
    health = Health(lambda: now[0])
    holder = make_holder("one", policy=Policy())
    upstream = FakeClient(in_turn(failing(429, (b"retry-after", b"7")), WELL))
    assert (await ask(holder, upstream, health=health)).answered[b"retry-after"] == b"7"
    now[0] += 2.5
    exchange = await ask(holder, upstream, health=health)
    assert (exchange.status, exchange.answered[b"retry-after"]) == (429, b"5")
    assert len(upstream.requests) == 1
    now[0] += 4.6
    assert (await ask(holder, upstream, health=health)).status == 200


async def test_a_target_that_fails_again_and_again_is_passed_over():
    """Its requests go to the next one without asking it first."""
    health = Health(lambda: 100.0)
    holder = make_holder("one", fallbacks=("two",))
    upstream = FakeClient(lambda request: failing(500) if request.address.host.startswith("one") else WELL)
    for _ in range(5):
        assert (await ask(holder, upstream, health=health)).status == 200
    assert asked(upstream).count("one") == 3


async def test_when_the_time_is_over_no_other_target_is_asked():
    """The client waits no longer than it said, whatever the endpoint allows."""
    upstream = FakeClient(lambda _: Answer(body=[5.0]))
    holder = make_holder("one", fallbacks=("two",), policy=Policy(timeout=60.0))
    exchange = await ask(holder, upstream, **{"x-gatewright-timeout-ms": "40"})
    assert (exchange.status, asked(upstream)) == (504, ["one"])
    assert "the time that the request has was over" in exchange.json["error"]["message"]


async def test_a_stream_whose_time_is_over_ends_with_an_error_event():
    """It is never taken for complete."""
    upstream = FakeClient(
        lambda _: Answer(headers=SSE, body=[b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n', 5.0])
    )
    exchange = await ask(make_holder("one", policy=Policy(timeout=0.05)), upstream, CHAT | {"stream": True})
    assert exchange.status == 200
    last = json.loads(exchange.text.rstrip().rpartition(b"data: ")[2])
    assert "the time that the request has was over" in last["error"]["message"]


async def test_a_target_that_is_slow_to_begin_is_replaced():
    """The endpoint says how long the first content may take."""
    upstream = FakeClient(lambda request: Answer(body=[5.0]) if request.address.host.startswith("one") else WELL)
    exchange = await ask(make_holder("one", fallbacks=("two",), policy=Policy(first_token=0.03)), upstream)
    assert (exchange.status, asked(upstream)) == (200, ["one", "two"])


@pytest.mark.parametrize("value", ["", "0", "-5", "1.5", "soon", "9" * 12])
async def test_a_time_that_is_none_is_refused(value):
    """With what it must be."""
    exchange = await ask(make_holder("one"), FakeClient(in_turn(WELL)), **{"x-gatewright-timeout-ms": value})
    assert exchange.status == 400
    assert "x-gatewright-timeout-ms" in exchange.json["error"]["message"]
