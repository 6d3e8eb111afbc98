"""The one record of every request of a known caller: who, what, how long, how many tokens, and how it ended."""

import asyncio
import json
from dataclasses import replace

import pytest

from fixtures.exchange import FakeExchange, make_holder, make_target
from gatewright.errors import UpstreamTimeoutError
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.ledger.record import CLIENT_LEFT
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Way
from gatewright.upstream.fake import Answer, FakeClient, in_turn

TABLE = Table()
SSE = ((b"content-type", b"text/event-stream"), (b"x-request-id", b"up-1"))
ASKED = {"model": "ep", "messages": [{"role": "user", "content": "hi"}]}
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "prompt_tokens_details": {"cached_tokens": 5}}
DONE = {"id": "c", "object": "chat.completion", "choices": [], "usage": USAGE}


def chunk(**fields):
    return b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", **fields}).encode() + b"\n\n"


TEXT = chunk(choices=[{"index": 0, "delta": {"content": "Hello"}, "finish_reason": "stop"}])
COUNTED = chunk(choices=[], usage=USAGE)
END = b"data: [DONE]\n\n"


async def recorded(*answers, path="/v1/chat/completions", body=ASKED, holder=None, key=None):
    """The exchange and the records it left."""
    kept = []
    pipeline = Pipeline(holder or make_holder("one"), FakeClient(in_turn(*answers)), record=kept.append)
    exchange = FakeExchange("POST", path, body) if key is None else FakeExchange("POST", path, body, key=key)
    await pipeline.serve(exchange, *TABLE.find("POST", path))
    return exchange, kept


async def test_a_whole_answer_is_recorded_with_its_tokens():
    """In buckets that sum to the total; the ids tie it to the answer and to the provider's log."""
    answer = Answer(headers=((b"content-type", b"application/json"), *SSE[1:]), body=[0.02, json.dumps(DONE).encode()])
    exchange, (record,) = await recorded(answer)
    assert record.record_id.encode() == exchange.answered[b"x-gatewright-request-id"]
    assert (record.operation, record.status, record.error, record.attempts) == ("chat", 200, "", 1)
    assert (record.key_id, record.endpoint_id, record.endpoint) == ("k-1", "e-1", "ep")
    assert (record.provider, record.model, record.upstream_request_id) == ("openai", "one", "up-1")
    assert (record.input_tokens, record.cache_read_tokens, record.output_tokens) == (4, 5, 4)
    assert (record.usage_told, record.total_tokens, record.stream) == (True, 13, False)
    assert 20_000 <= record.first_byte_us <= record.total_us
    assert record.overhead_us < 20_000


async def test_a_stream_is_recorded_once_with_the_tokens_its_client_did_not_ask_for():
    """They are asked for, read, and kept from the client."""
    snapshot = make_holder("one").current
    target = make_target("one", paths={"chat": Way(path=b"/v1/chat/completions", asks_usage=True)})
    endpoint = replace(snapshot.endpoints["ep"], primaries=((target, 1.0),))
    exchange, (record,) = await recorded(
        Answer(headers=SSE, body=[TEXT, 0.01, COUNTED + END]),
        body=ASKED | {"stream": True},
        holder=Holder(replace(snapshot, endpoints={"ep": endpoint})),
    )
    assert (record.stream, record.total_tokens, record.status, record.error) == (True, 13, 200, "")
    assert exchange.text == TEXT + END


async def test_a_client_that_asks_for_usage_gets_the_bytes_as_they_came():
    """Nothing is hidden."""
    asked = ASKED | {"stream": True, "stream_options": {"include_usage": True}}
    exchange, (record,) = await recorded(Answer(headers=SSE, body=[TEXT, COUNTED, END]), body=asked)
    assert exchange.text == TEXT + COUNTED + END
    assert record.total_tokens == 13


async def test_a_translated_answer_is_recorded_with_its_tokens():
    """As its provider told them."""
    body = {"model": "ep", "max_tokens": 5, "messages": ASKED["messages"]}
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    whole = json.dumps(DONE | {"choices": [choice]}).encode()
    _, (record,) = await recorded(Answer(body=[whole]), path="/v1/messages", body=body)
    assert (record.operation, record.total_tokens) == ("messages", 13)
    pieces = [chunk(choices=[{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]), COUNTED, END]
    answer = Answer(headers=SSE, body=pieces)
    _, (record,) = await recorded(answer, path="/v1/messages", body=body | {"stream": True})
    assert (record.stream, record.total_tokens) == (True, 13)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_stream_that_breaks_off_is_recorded_as_such(path):
    """The client got a 200 and an error event."""
    body = ASKED | {"stream": True, "max_tokens": 5}
    text = chunk(choices=[{"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}])
    _, (record,) = await recorded(Answer(headers=SSE, body=[text, 0.01]), path=path, body=body)
    assert (record.status, record.error) == (200, "UPSTREAM_PROTOCOL_ERROR")


async def test_the_last_failure_of_a_request_is_recorded():
    """With how many targets were called."""
    holder = make_holder("one", fallbacks=("two",))
    _, (record,) = await recorded(Answer(status=500, body=[b"{}"]), UpstreamTimeoutError("too slow"), holder=holder)
    assert (record.status, record.error, record.attempts, record.model) == (504, "UPSTREAM_TIMEOUT", 2, "two")
    assert not record.usage_told


@pytest.mark.parametrize(("body", "status"), [({"model": "none"}, 404), ({}, 400), (b"{", 400)])
async def test_a_request_that_goes_nowhere_is_recorded_without_a_target(body, status):
    """The caller's mistakes are the operator's to see."""
    _, (record,) = await recorded(body=body)
    assert (record.status, record.provider, record.attempts) == (status, "", 0)


async def test_a_stranger_leaves_no_record():
    """Else whoever can reach the port could fill the disk."""
    exchange, kept = await recorded(key="")
    assert (exchange.status, kept) == (401, [])


async def test_a_client_that_leaves_is_recorded_with_what_was_read_until_then():
    """Its request is cancelled."""
    kept = []
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=[TEXT, COUNTED, 5.0, END])))
    pipeline = Pipeline(make_holder("one"), upstream, record=kept.append)
    exchange = FakeExchange("POST", "/v1/chat/completions", ASKED | {"stream": True})
    serving = asyncio.create_task(pipeline.serve(exchange, *TABLE.find("POST", exchange.path)))
    await asyncio.sleep(0.05)
    assert exchange.text == TEXT + COUNTED, "the stream is under way"
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    (record,) = kept
    assert (record.status, record.error, record.total_tokens) == (499, CLIENT_LEFT, 13)


async def test_lists_of_models_are_not_recorded():
    """They cost nothing and reach no provider."""
    kept = []
    pipeline = Pipeline(make_holder("one"), FakeClient(in_turn()), record=kept.append)
    exchange = FakeExchange("GET", "/v1/models", b"")
    await pipeline.serve(exchange, *TABLE.find("GET", "/v1/models"))
    assert (exchange.status, kept) == (200, [])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/chat/completions", b'data: {"error":{"message":"overloaded, sk-one"}}\n\n'),
        ("/v1/messages", b'event: error\ndata: {"type":"error","error":{"message":"overloaded, sk-one"}}\n\n'),
    ],
)
async def test_an_error_within_a_stream_that_is_passed_through_is_recorded_and_tells_no_key(path, said):
    """The client gets the event as it came, but for our credential."""
    snapshot = make_holder("one").current
    target = make_target("one", paths={"chat": b"/v1/chat/completions", "messages": b"/v1/messages"})
    endpoint = replace(snapshot.endpoints["ep"], primaries=((target, 1.0),))
    exchange, (record,) = await recorded(
        Answer(headers=SSE, body=[b'data: {"x":1}\n\n', 0.01, said]),
        path=path,
        body=ASKED | {"stream": True, "max_tokens": 5},
        holder=Holder(replace(snapshot, endpoints={"ep": endpoint})),
    )
    assert exchange.text == b'data: {"x":1}\n\n' + said.replace(b"sk-one", b"***")
    assert (record.status, record.error) == (200, "UPSTREAM_REJECTED")
