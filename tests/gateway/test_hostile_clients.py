"""Clients that try to reach what is not theirs, or send what nobody would: refused in words, and nothing is sent."""

import json
from dataclasses import replace

import pytest

from fixtures.exchange import FakeExchange, make_holder, make_target
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Way
from gatewright.upstream.fake import Answer, FakeClient, in_turn

TABLE = Table()
FORM = (b"content-type", b"multipart/form-data; boundary=B")
PATHS = {
    "chat": b"/v1/chat/completions",
    "transcriptions": b"/v1/audio/transcriptions",
    "ollama_chat": b"/api/chat",
}


async def ask(path, body, query=b"", headers=(), paths=PATHS):
    """One request to `ep`: what was answered, and what was sent to its provider, if anything."""
    upstream = FakeClient(in_turn(Answer(body=[b'{"answer":1}'])))
    snapshot = make_holder("one").current
    endpoint = replace(snapshot.endpoints["ep"], primaries=((make_target("one", paths=paths), 1.0),))
    exchange = FakeExchange("POST", path, body)
    exchange.query, exchange.headers = query, [*exchange.headers, *headers]
    operation, params = TABLE.find("POST", path)
    await Pipeline(Holder(replace(snapshot, endpoints={"ep": endpoint})), upstream).serve(exchange, operation, params)
    return exchange, upstream.requests[0] if upstream.requests else None


def form(*parts):
    """A form of parts, each its parameters of Content-Disposition and its value."""
    each = (b"--B\r\ncontent-disposition: form-data; %b\r\n\r\n%b\r\n" % part for part in parts)
    return b"".join(each) + b"--B--\r\n"


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/gateway/ep/mlflow/invocations", "/endpoints/ep/invocations"]
)
@pytest.mark.parametrize("name", ["Model", "MODEL", "moDel"])
async def test_a_model_in_letters_of_another_case_is_refused(path, name):
    """Providers written in Go take it for `model`: a caller could reach a model that no endpoint has."""
    exchange, sent = await ask(path, {"model": "ep", name: "dearest", "messages": [{"role": "user", "content": "x"}]})
    assert (exchange.status, sent) == (400, None)
    assert name.encode() in exchange.text


@pytest.mark.parametrize(
    "parts",
    [
        [(b'name="model"', b"dearest"), (b'name="model"', b"ep")],
        [(b'name="model"', b"ep"), (b'name="model"', b"dearest")],
        [(b'name="model"; filename="x"', b"dearest"), (b'name="model"', b"ep")],
        [(b'name="model"', b"ep"), (b'name="model"; name="x"', b"dearest")],
        [(b'name="model"', b"ep"), (b"name*=utf-8''model; name=\"x\"", b"dearest")],
    ],
)
async def test_a_form_that_names_two_models_is_refused(parts):
    """The provider might read the one that is not the endpoint."""
    exchange, sent = await ask("/v1/audio/transcriptions", form(*parts), headers=[FORM])
    assert (exchange.status, sent) == (400, None)


async def test_a_form_may_repeat_what_is_none_of_our_business():
    """`timestamp_granularities[]` comes twice by its nature."""
    parts = [(b'name="t[]"', b"word"), (b'name="t[]"', b"segment"), (b'name="model"', b"ep")]
    exchange, sent = await ask("/v1/audio/transcriptions", form(*parts), headers=[FORM])
    assert exchange.status == 200
    assert sent.body == form(*parts[:2], (b'name="model"', b"one"))


@pytest.mark.parametrize("path", ["..;/x", "a/..;/x", "a/.;b/x", "a/..;", "%2e%2e;/x", "a\\..;\\x"])
async def test_a_raw_path_cannot_lead_up_behind_a_semicolon(path):
    """Servers in Java drop what follows a `;` in a segment, and then see `..`."""
    exchange, sent = await ask(f"/gateway/proxy/ep/{path}", b"x")
    assert (exchange.status, sent) == (400, None)


@pytest.mark.parametrize("query", [b"key=gw-1&a=b", b"%6bey=gw-1&a=b", b"a=b&k%65y=gw-1", b"%6B%65%79=gw-1&&a=b"])
async def test_a_key_in_the_query_string_stays_here_however_it_is_written(query):
    """It opens this gateway, and the provider would see it."""
    _, sent = await ask("/gateway/proxy/ep/x", b"x", query=query)
    assert sent.path == b"/x?a=b"


@pytest.mark.parametrize("value", [b"1", b"true", b"True", b"TRUE", b" yes "])
async def test_strict_is_understood_in_any_letters(value):
    """A client that asked for it must not be served with something left out."""
    body = {"model": "ep", "messages": [{"role": "user", "content": "x"}], "logit_bias": {"1": 2}}
    messages = {"messages": Way(path=b"/v1/messages")}
    exchange, sent = await ask("/v1/chat/completions", body, headers=[(b"x-gatewright-strict", value)], paths=messages)
    assert (exchange.status, sent) == (400, None)
    assert b"strict" in exchange.text


async def test_ollamas_null_streams_as_it_does_there():
    """`stream` is on unless it is false."""
    _, sent = await ask("/api/chat", {"model": "ep", "stream": None})
    assert dict(sent.headers)[b"accept"] == b"application/x-ndjson"


@pytest.mark.parametrize(("value", "words"), [(b"1e400", "out of range"), (b"[" * 900 + b"]" * 900, "")])
async def test_a_number_out_of_range_is_told_as_such(value, words):
    """And not as a body that is nested too deeply; a deep one is no fault of ours either."""
    body = b'{"model":"ep","messages":[{"role":"user","content":"x"}],"metadata":%b}' % value
    exchange, _ = await ask("/v1/chat/completions", body, paths={"messages": b"/v1/messages"})
    assert exchange.status in (400, 502)
    assert words in json.loads(exchange.text)["error"]["message"].lower()


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/chat/completions", {"model": "x" * 100_000}),
        ("/v1beta/models/" + "x" * 100_000 + ":generateContent", {}),
        ("/v1/chat/completions", {"tool_choice": {"type": "function", "function": {"name": "x" * 100_000}}}),
    ],
)
async def test_an_error_does_not_repeat_a_long_name(path, more):
    """It would be a cheap way to make answers and logs long."""
    body = {"model": "ep", "messages": [{"role": "user", "content": "x"}]} | more
    body["tools"] = [{"type": "function", "function": {"name": "f"}}]
    exchange, sent = await ask(path, body, paths={"cohere": b"/v2/chat"})
    assert (exchange.status in (400, 404), sent) == (True, None)
    assert len(exchange.text) < 1000
