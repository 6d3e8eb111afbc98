"""Providers that lie, break off or tell what they should not: never half an answer as a whole one, nor our key."""

import json
import tracemalloc
from dataclasses import replace

import pytest

from fixtures.exchange import FakeExchange, make_holder, make_target
from gatewright.gateway.metering import Meter
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Way
from gatewright.upstream.fake import Answer, FakeClient, in_turn

SSE = ((b"content-type", b"text/event-stream"),)
JSON = ((b"content-type", b"application/json"),)
TABLE = Table()
CHAT = {"chat": Way(path=b"/v1/chat/completions", asks_usage=True)}
ASKED = {"model": "ep", "messages": [{"role": "user", "content": "x"}]}
CLIENTS = {
    "/v1/chat/completions": ASKED,
    "/v1/messages": {**ASKED, "max_tokens": 9},
    "/v1/responses": {"model": "ep", "input": "x"},
    "/v1beta/models/ep:generateContent": {"contents": [{"role": "user", "parts": [{"text": "x"}]}]},
    "/api/chat": {**ASKED, "stream": False},
}
TRANSLATED = [path for path in CLIENTS if path != "/v1/chat/completions"]


def chunk(delta, finish=None, **more):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def sse(*events, done=b"data: [DONE]\n\n"):
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + done


async def ask(path, body, *answers, fallback=False):
    """One request to `ep`, and the records of it; the target speaks chat."""
    snapshot = make_holder("one").current
    endpoint = replace(
        snapshot.endpoints["ep"],
        primaries=((make_target("one", paths=CHAT), 1.0),),
        fallbacks=(make_target("two", paths=CHAT),) if fallback else (),
    )
    exchange, records = FakeExchange("POST", path, body), []
    operation, params = TABLE.find("POST", path)
    holder = Holder(replace(snapshot, endpoints={"ep": endpoint}))
    await Pipeline(holder, FakeClient(in_turn(*answers)), record=records.append).serve(exchange, operation, params)
    assert exchange.ended
    assert len(records) == 1
    return exchange, records[0]


def streamed(path):
    """The path and body by which a client asks for a stream."""
    if "generateContent" in path:
        return path.replace("generateContent", "streamGenerateContent"), CLIENTS[path]
    return path, CLIENTS[path] | {"stream": True}


@pytest.mark.parametrize(
    "half",
    [
        chunk({"content": "An event ends so: data: [DONE]\n"}),
        chunk({"content": "half"}, error=None),
        chunk({"content": "half"}, finish=""),
    ],
)
async def test_a_cut_stream_is_told_whatever_its_text_says(half):
    """Words of the model, an error that is null and a reason that is empty are no end."""
    raw = sse(half, done=b"")
    for cut in range(1, len(raw)):
        pieces = [raw[:cut], 0.0, raw[cut:]]
        exchange, record = await ask("/v1/chat/completions", ASKED | {"stream": True}, Answer(headers=SSE, body=pieces))
        assert b"before the answer was complete" in exchange.text
        assert record.error == "UPSTREAM_PROTOCOL_ERROR"


@pytest.mark.parametrize("end", [b"data: [DONE]\n\n", b"data:[DONE]\r\n\r\n"])
async def test_an_end_that_is_cut_anywhere_is_seen(end):
    """Also where it is the first line of the stream's last piece."""
    raw = sse(chunk({"content": "whole"}), done=end)
    for cut in range(1, len(raw)):
        answer = Answer(headers=SSE, body=[raw[:cut], 0.0, raw[cut:]])
        exchange, record = await ask("/v1/chat/completions", ASKED | {"stream": True}, answer)
        assert (exchange.text, record.error) == (raw, "")


@pytest.mark.parametrize("path", TRANSLATED)
async def test_a_byte_order_mark_hides_no_event(path):
    """A stream may begin with one (WHATWG HTML, 9.2.5), however it is cut."""
    raw = b"\xef\xbb\xbf" + sse(chunk({"content": "first"}), chunk({"content": "last"}, "stop"))
    for cut in (1, 2, 3, 4):
        exchange, _ = await ask(*streamed(path), Answer(headers=SSE, body=[raw[:cut], 0.0, raw[cut:]]))
        assert b"first" in exchange.text
        assert b"last" in exchange.text


@pytest.mark.parametrize("path", TRANSLATED)
@pytest.mark.parametrize("before", [(), (chunk({"content": "a"}),)])
async def test_a_stream_that_fails_does_not_tell_our_key(path, before, caplog):
    """Neither before its first piece nor after, nor the log."""
    words = {"error": {"message": "Incorrect API key provided: sk-one. Header was Bearer sk-one"}}
    exchange, record = await ask(*streamed(path), Answer(headers=SSE, body=[sse(*before, words)]))
    assert b"Incorrect API key provided: ***." in exchange.text
    assert b"sk-one" not in exchange.text
    assert "sk-one" not in caplog.text
    assert record.error == "UPSTREAM_REJECTED"


@pytest.mark.parametrize("path", TRANSLATED)
@pytest.mark.parametrize("created", [10**30, -(10**20), 10**14, 253402300800, -62135596801, -1])
async def test_a_time_that_no_calendar_has_is_no_fault_of_ours(path, created):
    """Whole and streamed; the time is then our own."""
    whole = {"id": "c", "model": "m", "created": created, "usage": None}
    whole["choices"] = [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]
    exchange, _ = await ask(path, CLIENTS[path], Answer(body=[json.dumps(whole).encode()]))
    assert exchange.status == 200
    events = sse(chunk({"content": "x"}, "stop", created=created))
    exchange, record = await ask(*streamed(path), Answer(headers=SSE, body=[events]))
    assert (exchange.status, record.error) == (200, "")


@pytest.mark.parametrize("path", CLIENTS)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"error": {"message": "no sk-one", "code": 429}}, 429),
        ({"error": "no sk-one"}, 500),
        ({"type": "error", "error": {"type": "x", "message": "no sk-one"}}, 500),
    ],
)
async def test_an_error_that_says_200_is_an_error(path, error, status):
    """As routers of other providers answer; it has its own status where it tells one, and never our key."""
    exchange, record = await ask(path, CLIENTS[path], Answer(body=[json.dumps(error).encode()]))
    assert (exchange.status, record.status, record.error) == (status, status, "UPSTREAM_REJECTED")
    assert b"no ***" in exchange.text
    assert b"sk-one" not in exchange.text


async def test_an_error_that_says_200_goes_on_to_the_next_target():
    """As one with its own status does."""
    failed, good = b'{"error":{"message":"busy","code":503}}', b'{"id":"c"}'
    exchange, record = await ask(
        "/v1/chat/completions", ASKED, Answer(body=[failed]), Answer(body=[good]), fallback=True
    )
    assert (exchange.status, exchange.text, record.attempts) == (200, good, 2)


@pytest.mark.parametrize("body", [b'{"id":"c","error":{"message":"x"}}', b'{"error":null,"id":"c"}', b'{"error":""}'])
async def test_an_answer_that_also_has_an_error_is_passed_through(body):
    """A response of OpenAI's that failed has one, and is an answer."""
    exchange, _ = await ask("/v1/chat/completions", ASKED, Answer(body=[body]))
    assert (exchange.status, exchange.text) == (200, body)


async def test_a_stream_that_nobody_asked_for_is_passed_through_when_it_is_whole():
    """With its usage."""
    told = chunk({}, usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})
    raw = sse(chunk({"content": "x"}, "stop"), told)
    exchange, record = await ask("/v1/chat/completions", ASKED, Answer(headers=SSE, body=[raw]))
    assert (exchange.status, exchange.text) == (200, raw)
    assert (record.input_tokens, record.output_tokens) == (3, 4)


async def test_half_a_stream_that_nobody_asked_for_is_an_error():
    """Nothing else would tell that it is half."""
    for raw in (sse(chunk({"content": "x"}), done=b""), sse(chunk({"content": "x"}, "stop"), done=b"")[:-9]):
        exchange, record = await ask("/v1/chat/completions", ASKED, Answer(headers=SSE, body=[raw]))
        assert (exchange.status, record.error) == (502, "UPSTREAM_PROTOCOL_ERROR")


@pytest.mark.parametrize("path", TRANSLATED)
@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}])
async def test_an_answer_without_choices_is_none(path, usage):
    """Whole or streamed, with usage or without: it would become an empty message."""
    nothing = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [], "usage": usage}
    exchange, _ = await ask(path, CLIENTS[path], Answer(body=[json.dumps(nothing).encode()]))
    assert exchange.status == 502
    exchange, _ = await ask(*streamed(path), Answer(headers=SSE, body=[sse(nothing)]))
    assert exchange.status == 502


async def test_only_an_event_of_usage_is_hidden():
    """Not one whose texts or names look like one."""
    shown = [
        chunk({"content": 'data: {"choices":[],"usage":{}}\n\n'}),
        chunk({"content": "x"}, "stop", note='data: "usage":{', usage={"prompt_tokens": 1}),
    ]
    hidden = {"id": "data:", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}}
    raw = sse(*shown, done=b"") + sse(hidden)
    exchange, record = await ask("/v1/chat/completions", ASKED | {"stream": True}, Answer(headers=SSE, body=[raw]))
    assert exchange.text == sse(*shown)
    assert record.input_tokens == 5


@pytest.mark.parametrize(
    "usage",
    [
        b'{"prompt_tokens":-3,"completion_tokens":"x"}', b'{"prompt_tokens":1e400,"completion_tokens":NaN}',
        b'{"prompt_tokens":[],"completion_tokens":{"a":1}}', b'{"prompt_tokens":true,"prompt_tokens_details":7}',
        b'{"prompt_tokens":1.5,"prompt_tokens_details":{"cached_tokens":-1}}', b'{"prompt_tokens":%b}' % (b"9" * 5000),
        b'{"a":%b}' % (b"[" * 5000), b"[1]", b'"x"', b'{"\\ud800":"\\udfff"}', b'{"prompt_tokens":0,"a":"\xff"}',
    ],
)  # fmt: skip
async def test_usage_that_lies_counts_for_nothing(usage):
    """Whole and streamed: the answer is given on, and its record has no number below zero."""
    whole = b'{"id":"c","choices":[],"usage":%b}' % usage
    exchange, record = await ask("/v1/chat/completions", ASKED, Answer(headers=JSON, body=[whole]))
    assert (exchange.text, record.total_tokens) == (whole, 0)
    raw = sse(chunk({"content": "x"}, "stop"), done=b"data: %b\n\ndata: [DONE]\n\n" % whole)
    exchange, record = await ask("/v1/chat/completions", ASKED | {"stream": True}, Answer(headers=SSE, body=[raw]))
    assert exchange.status == 200
    assert record.total_tokens == 0


def test_names_of_usage_that_never_end_fill_no_memory():
    """The counts told before stand."""
    meter = Meter("chat")
    meter.feed(b'data: {"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n')
    tracemalloc.start()
    for number in range(1000):
        names = {f"{number}-{name}": 1 for name in range(100)}
        meter.feed(b"data: " + json.dumps({"usage": names}).encode() + b"\n\n")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
    assert (meter.usage.input, meter.usage.output) == (3, 4)
