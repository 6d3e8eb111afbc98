"""The surfaces of each provider's own API: passed through to a provider that speaks it."""

import json
from dataclasses import replace

import pytest

from fixtures.exchange import FakeExchange, make_holder, make_target
from gatewright.errors import UpstreamTimeoutError
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Way
from gatewright.upstream.fake import Answer, FakeClient, in_turn

SSE = ((b"content-type", b"text/event-stream"),)
TABLE = Table()
ANTHROPIC = {"messages": b"/v1/messages", "count_tokens": b"/v1/messages/count_tokens"}
GEMINI = {
    "generate_content": Way(
        path=b"/v1beta/models/g:generateContent", streamed=b"/v1beta/models/g:streamGenerateContent"
    ),
}


def holder_of(paths):
    """The endpoint `ep` over one target with those paths."""
    snapshot = make_holder("one").current
    target = make_target("one", paths=paths, headers=((b"x-api-key", b"sk-one"),))
    endpoint = replace(snapshot.endpoints["ep"], primaries=((target, 1.0),))
    return Holder(replace(snapshot, endpoints={"ep": endpoint}))


async def ask(paths, upstream, path, body, query=b"", headers=()):
    exchange = FakeExchange("POST", path, body)
    exchange.query = query
    exchange.headers = [*exchange.headers, *headers]
    operation, params = TABLE.find("POST", path)
    await Pipeline(holder_of(paths), upstream).serve(exchange, operation, params)
    return exchange


@pytest.mark.parametrize("prefix", ["", "/anthropic"])
async def test_anthropics_messages_are_passed_through(prefix):
    """With the version headers of the client; its key stays here."""
    upstream = FakeClient(in_turn(Answer(body=[b'{"type":"message"}'])))
    headers = [(b"anthropic-beta", b"x-1"), (b"anthropic-version", b"2024-01-01"), (b"cookie", b"a=b")]
    exchange = await ask(
        ANTHROPIC, upstream, f"{prefix}/v1/messages", {"model": "ep", "max_tokens": 1}, headers=headers
    )
    sent = upstream.requests[0]
    assert exchange.text == b'{"type":"message"}'
    assert (sent.path, json.loads(sent.body)["model"]) == (b"/v1/messages", "one")
    fields = dict(sent.headers)
    assert (fields[b"x-api-key"], fields[b"anthropic-version"], fields[b"anthropic-beta"]) == (
        b"sk-one",
        b"2024-01-01",
        b"x-1",
    )
    assert not {b"cookie", b"authorization"} & set(fields)


async def test_anthropic_is_told_a_version_when_the_client_names_none():
    """Its API refuses a request without one."""
    upstream = FakeClient(in_turn(Answer(body=[b"{}"])))
    await ask(ANTHROPIC, upstream, "/v1/messages/count_tokens", {"model": "ep"})
    assert dict(upstream.requests[0].headers)[b"anthropic-version"] == b"2023-06-01"


async def test_anthropics_streams_end_with_its_own_error_event_when_they_break_off():
    """`event: error` with a typed error."""
    answer = Answer(headers=SSE, body=[b"event: x\ndata: {}\n\n", 0.01, UpstreamTimeoutError("It went silent.")])
    exchange = await ask(ANTHROPIC, FakeClient(in_turn(answer)), "/v1/messages", {"model": "ep", "stream": True})
    event = exchange.text.rpartition(b"\n\nevent: ")[2]
    assert event.startswith(b"error\ndata: ")
    assert json.loads(event.partition(b"data: ")[2])["error"]["type"] == "timeout_error"


async def test_geminis_methods_name_the_endpoint_in_the_path():
    """The body stays without a model; `alt` goes on, `key` does not."""
    whole = b'data: {"candidates":[{"finishReason":"STOP"}]}\r\n\r\n'
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=[whole])))
    path = "/v1beta/models/ep:streamGenerateContent"
    exchange = await ask(GEMINI, upstream, path, {"contents": []}, query=b"alt=sse&key=canary")
    sent = upstream.requests[0]
    assert sent.path == b"/v1beta/models/g:streamGenerateContent?alt=sse"
    assert json.loads(sent.body) == {"contents": []}
    assert exchange.text == whole


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/v1/messages", {"model": "ep"}, "type"),
        ("/v1beta/models/ep:generateContent", {}, "error"),
        ("/v1/responses", {"model": "ep"}, "error"),
        ("/gateway/anthropic/v1/messages", {"model": "ep"}, "detail"),
    ],
)
async def test_an_operation_the_provider_does_not_speak_is_a_400_in_the_callers_dialect(path, body, key):
    """It names the operation and the models of the endpoint; nothing is sent."""
    upstream = FakeClient(in_turn())
    exchange = await ask({"embeddings": b"/v1/embeddings"}, upstream, path, body)
    assert (exchange.status, len(upstream.requests)) == (400, 0)
    assert key in exchange.json
    assert b"openai/one" in exchange.text


async def test_a_provider_without_an_event_stream_answers_whole():
    """Asked to stream, it sent JSON: given on as JSON, complete or not at all."""
    upstream = FakeClient(in_turn(Answer(body=[b'{"a":', 0.01, b"1}"])))
    exchange = await ask(ANTHROPIC, upstream, "/v1/messages", {"model": "ep", "stream": True})
    assert exchange.pieces == [b'{"a":1}']


@pytest.mark.parametrize(
    ("method", "body", "sent"),
    [
        ("batchEmbedContents", {"requests": [{"model": "models/ep", "x": 1.0}, {"x": 2}]}, None),
        ("embedContent", {"model": "models/ep", "content": {}}, {"model": "models/one", "content": {}}),
        (
            "countTokens",
            {"generateContentRequest": {"model": "models/ep", "contents": []}},
            {"generateContentRequest": {"model": "models/one", "contents": []}},
        ),
    ],
)
async def test_a_model_that_geminis_body_names_beside_the_path_is_the_targets_too(method, body, sent):
    """Gemini refuses a body whose model is not that of the path."""
    operations = {"batchEmbedContents": "batch_embed_contents", "embedContent": "embed_content"}
    paths = {operations.get(method, "count_gemini_tokens"): b"/v1beta/models/one:x"}
    upstream = FakeClient(in_turn(Answer(body=[b"{}"])))
    exchange = await ask(paths, upstream, f"/v1beta/models/ep:{method}", body)
    assert exchange.status == 200
    wanted = sent or {"requests": [{"model": "models/one", "x": 1.0}, {"x": 2}]}
    assert json.loads(upstream.requests[0].body) == wanted


@pytest.mark.parametrize("requests", [b"7", b"[7]", b'{"a":1}'])
async def test_embeddings_that_are_no_list_of_objects_are_a_400(requests):
    """By the field's name."""
    upstream = FakeClient(in_turn(Answer(body=[b"{}"])))
    paths = {"batch_embed_contents": b"/v1beta/models/one:x"}
    exchange = await ask(paths, upstream, "/v1beta/models/ep:batchEmbedContents", b'{"requests":%b}' % requests)
    assert (exchange.status, len(upstream.requests)) == (400, 0)
