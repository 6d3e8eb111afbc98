"""A call to a target that speaks another dialect: the way there and back through the pipeline."""

import json
from dataclasses import replace

import pytest

from fixtures.exchange import FakeExchange, make_holder, make_target
from gatewright.errors import UpstreamProtocolError
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Way
from gatewright.upstream.fake import Answer, FakeClient, in_turn

SSE = ((b"content-type", b"text/event-stream"),)
TABLE = Table()
CHAT = {"chat": b"/v1/chat/completions"}
MESSAGES = {"messages": b"/v1/messages"}
GEMINI = {"generate_content": Way(path=b"/m:generateContent", streamed=b"/m:streamGenerateContent")}

TOOL = {"name": "weather", "description": "The weather", "input_schema": {"type": "object", "properties": {}}}
ASKED = {
    "model": "ep",
    "max_tokens": 50,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Weather?"}],
    "tools": [TOOL],
}
CALLED = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"in":"Rome"}'}}
                ],
            },
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}


def chunks(*deltas, finish="stop", usage=None):
    """A stream of chat completion chunks."""
    for number, delta in enumerate(deltas):
        last = number == len(deltas) - 1
        choice = {"index": 0, "delta": delta, "finish_reason": finish if last else None}
        yield {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    if usage:
        yield {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage}


def sse(events, done=b"data: [DONE]\n\n"):
    return [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events] + [done]


async def ask(paths, upstream, path, body, query=b"", fallback=None):
    """One request to the endpoint `ep` whose target speaks what `paths` says."""
    snapshot = make_holder("one").current
    endpoint = replace(
        snapshot.endpoints["ep"],
        primaries=((make_target("one", paths=paths), 1.0),),
        fallbacks=(make_target("two", paths=fallback),) if fallback else (),
    )
    exchange = FakeExchange("POST", path, body)
    exchange.query = query
    operation, params = TABLE.find("POST", path)
    await Pipeline(Holder(replace(snapshot, endpoints={"ep": endpoint})), upstream).serve(exchange, operation, params)
    assert exchange.ended
    return exchange


async def test_an_anthropic_client_reaches_a_chat_model():
    """The request and the tool call on its way back, each in its own dialect."""
    upstream = FakeClient(in_turn(Answer(body=[json.dumps(CALLED).encode()])))
    exchange = await ask(CHAT, upstream, "/v1/messages", ASKED)
    sent = upstream.requests[0]
    assert sent.path == b"/v1/chat/completions"
    body = json.loads(sent.body)
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}]
    assert (body["model"], body["tools"][0]["function"]["name"]) == ("one", "weather")
    assert b"anthropic-version" not in dict(sent.headers)
    answer = exchange.json
    assert (answer["type"], answer["role"], answer["stop_reason"]) == ("message", "assistant", "tool_use")
    (block,) = answer["content"]
    assert (block["type"], block["id"], block["name"], block["input"]) == (
        "tool_use",
        "call_1",
        "weather",
        {"in": "Rome"},
    )
    assert (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]) == (9, 4)
    assert exchange.answered[b"content-type"] == b"application/json"


async def test_a_chat_client_reaches_an_anthropic_model():
    """With the version header its API asks for; the tool's result goes back as it must."""
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "Sunny."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }
    upstream = FakeClient(in_turn(Answer(body=[json.dumps(answer).encode()])))
    turns = [
        {"role": "user", "content": "Weather?"},
        CALLED["choices"][0]["message"],
        {"role": "tool", "tool_call_id": "call_1", "content": "sun"},
    ]
    exchange = await ask(MESSAGES, upstream, "/v1/chat/completions", {"model": "ep", "messages": turns})
    sent = upstream.requests[0]
    assert dict(sent.headers)[b"anthropic-version"] == b"2023-06-01"
    body = json.loads(sent.body)
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][2]["content"][0]["type"] == "tool_result"
    assert body["max_tokens"] > 0
    choice = exchange.json["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Sunny.", "stop")
    assert exchange.json["usage"]["total_tokens"] == 7


async def test_a_stream_is_translated_as_it_comes():
    """Each piece goes out before the next one has come; the usage is asked for, and the grammar is the client's."""
    deltas = ({"role": "assistant", "content": "One"}, {"content": " two"}, {})
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    pieces = sse(chunks(*deltas, usage=usage))
    slowly = [step for piece in pieces for step in (piece, 0.01)]
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=slowly)))
    exchange = await ask(CHAT, upstream, "/v1/messages", ASKED | {"stream": True})
    assert json.loads(upstream.requests[0].body)["stream_options"] == {"include_usage": True}
    assert len(exchange.pieces) > 2
    names = [line[7:] for line in exchange.text.decode().splitlines() if line.startswith("event: ")]
    assert names[0] == "message_start"
    assert names[-2:] == ["message_delta", "message_stop"]
    assert exchange.text.count(b"text_delta") == 2
    assert exchange.answered[b"content-type"].startswith(b"text/event-stream")


async def test_usage_is_hidden_from_a_chat_client_that_did_not_ask():
    """We ask the provider for it; a client that expects no usage chunk gets none."""
    events = [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP", "index": 0}],
         "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}},
    ]  # fmt: skip
    asked = {"model": "ep", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    quiet = await ask(
        GEMINI, FakeClient(in_turn(Answer(headers=SSE, body=sse(events, b"")))), "/v1/chat/completions", asked
    )
    assert b"total_tokens" not in quiet.text
    assert quiet.text.endswith(b"data: [DONE]\n\n")
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=sse(events, b""))))
    told = await ask(GEMINI, upstream, "/v1/chat/completions", asked | {"stream_options": {"include_usage": True}})
    assert b'"total_tokens":2' in told.text
    assert upstream.requests[0].path == b"/m:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(("query", "kind"), [(b"alt=sse", b"text/event-stream"), (b"", b"application/json")])
async def test_a_gemini_client_gets_events_or_an_array_as_it_asked(query, kind):
    """`alt=sse`, or else one JSON array that grows."""
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=sse(chunks({"content": "Hi"}, {})))))
    body = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
    exchange = await ask(CHAT, upstream, "/v1beta/models/ep:streamGenerateContent", body, query)
    assert exchange.answered[b"content-type"].startswith(kind)
    if kind == b"application/json":
        parts = [part for chunk in exchange.json for part in chunk["candidates"][0].get("content", {}).get("parts", [])]
    else:
        parts = [
            part
            for line in exchange.text.splitlines()
            if line.startswith(b"data: ")
            for part in json.loads(line[6:])["candidates"][0].get("content", {}).get("parts", [])
        ]
    assert "".join(part["text"] for part in parts) == "Hi"


async def test_a_provider_that_fails_inside_its_stream_before_the_first_word_is_replaced():
    """Overload is told as an event of a 200: the next target answers, and the client sees nothing of it."""
    start = {
        "type": "message_start",
        "message": {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [],
                    "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 0}},
    }  # fmt: skip
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    events = [b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in (start, overloaded)]
    good = sse(chunks({"role": "assistant", "content": "Hi"}, {}))
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=events), Answer(headers=SSE, body=good)))
    asked = {"model": "ep", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    exchange = await ask(MESSAGES, upstream, "/v1/chat/completions", asked, fallback=CHAT)
    assert (exchange.status, exchange.answered[b"x-gatewright-attempts"]) == (200, b"2")
    assert b"Overloaded" not in exchange.text


async def test_a_stream_that_breaks_off_after_the_first_word_ends_with_the_clients_own_error_event():
    """Never like one that is complete."""
    body = [*sse(chunks({"role": "assistant", "content": "Hi"}, {}))[:1], 0.01, UpstreamProtocolError("It broke off.")]
    exchange = await ask(
        CHAT, FakeClient(in_turn(Answer(headers=SSE, body=body))), "/v1/messages", ASKED | {"stream": True}
    )
    assert b"event: error\n" in exchange.text
    assert b"message_stop" not in exchange.text


async def test_a_stream_without_its_terminator_is_not_complete():
    """The provider closed politely, but said neither a finish reason nor [DONE]."""
    body = sse(chunks({"role": "assistant", "content": "Hi"}, {}))[:1]
    exchange = await ask(
        CHAT, FakeClient(in_turn(Answer(headers=SSE, body=body))), "/v1/messages", ASKED | {"stream": True}
    )
    assert b"event: error\n" in exchange.text


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"{}", b'{"choices":3}', b"[" * 100_000 + b"]" * 100_000])
async def test_an_answer_that_is_not_the_providers_dialect_goes_on_to_the_next_target(body):
    """And is a 502 in the client's dialect when there is none."""
    upstream = FakeClient(in_turn(Answer(body=[body])))
    exchange = await ask(CHAT, upstream, "/v1/messages", ASKED)
    assert (exchange.status, exchange.json["error"]["type"]) == (502, "api_error")


async def test_a_providers_error_is_told_in_the_clients_dialect():
    """Status, words and request id; not the provider's own shape."""
    head = ((b"content-type", b"application/json"), (b"x-request-id", b"r-1"), (b"retry-after", b"3"))
    words = b'{"error":{"message":"slow down","type":"x","code":"y"}}'
    exchange = await ask(
        CHAT, FakeClient(in_turn(Answer(status=429, headers=head, body=[words]))), "/v1/messages", ASKED
    )
    assert exchange.status == 429
    assert exchange.json == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "openai/one: it answered 429: slow down"},
    }
    assert (exchange.answered[b"x-request-id"], exchange.answered[b"retry-after"]) == (b"r-1", b"3")


async def test_what_the_target_cannot_express_is_named():
    """In a header, never in silence."""
    upstream = FakeClient(in_turn(Answer(body=[json.dumps(CALLED).encode()])))
    cached = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    exchange = await ask(CHAT, upstream, "/v1/messages", ASKED | {"system": cached, "container": "c_1"})
    named = exchange.answered[b"x-gatewright-dropped"].decode().split(", ")
    assert {"cache_control", "container"} <= set(named)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/messages", ASKED | {"messages": "x"}, "messages"),
        ("/v1/messages", ASKED | {"messages": [{"role": "user", "content": [{"type": 5}]}]}, "messages"),
        ("/v1/responses", {"model": "ep", "input": "x", "previous_response_id": "r"}, "previous_response_id"),
        ("/v1/responses", {"model": "ep", "input": 5}, "input"),
    ],
)
async def test_a_body_that_cannot_be_translated_is_a_400_naming_the_field(path, body, said):
    """Nothing is sent."""
    upstream = FakeClient(in_turn())
    exchange = await ask(CHAT, upstream, path, body)
    assert (exchange.status, len(upstream.requests)) == (400, 0)
    assert said in exchange.json["error"]["message"]


THOUGHT = ASKED | {
    "messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": "s"},
                                          {"type": "text", "text": "Sunny."}]},
        {"role": "user", "content": "Sure?"},
    ]
}  # fmt: skip


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", ""])
async def test_thoughts_of_earlier_turns_go_where_the_provider_takes_them(field):
    """And are left out, with a note, where it would refuse them."""
    upstream = FakeClient(in_turn(Answer(body=[json.dumps(CALLED).encode()])))
    snapshot = make_holder("one").current
    target = make_target("one", paths=CHAT, thoughts=field)
    endpoint = replace(snapshot.endpoints["ep"], primaries=((target, 1.0),))
    exchange = FakeExchange("POST", "/v1/messages", THOUGHT)
    pipeline = Pipeline(Holder(replace(snapshot, endpoints={"ep": endpoint})), upstream)
    await pipeline.serve(exchange, *TABLE.find("POST", "/v1/messages"))
    turn = json.loads(upstream.requests[0].body)["messages"][2]
    assert (turn["role"], turn["content"]) == ("assistant", "Sunny.")
    assert turn.get(field or "reasoning_content") == ("Hm." if field else None)
    assert (b"x-gatewright-dropped" in exchange.answered) or field


async def test_names_of_dropped_fields_cannot_break_the_header():
    """They are the client's own words: no line break gets through, and thousands of them do not make a huge header."""
    upstream = FakeClient(in_turn(Answer(body=[json.dumps(CALLED).encode()])))
    odd = {
        "x\r\nset-cookie: a=b": 1,
        "caf\u00e9,": 1,
        "y" * 5000: 1,
        **{f"field_{number}": 1 for number in range(5000)},
    }
    exchange = await ask(CHAT, upstream, "/v1/messages", ASKED | odd)
    named = exchange.answered[b"x-gatewright-dropped"]
    assert len(named) < 4096
    assert named.isascii()
    assert named.decode().isprintable()
    assert named.endswith(b"more")
    assert b"caf?" in named


async def test_a_provider_that_answers_whole_where_a_stream_was_asked_for_is_replaced():
    """A client of another dialect waits for events."""
    good = sse(chunks({"role": "assistant", "content": "Hi"}, {}))
    upstream = FakeClient(in_turn(Answer(body=[json.dumps(CALLED).encode()]), Answer(headers=SSE, body=good)))
    exchange = await ask(CHAT, upstream, "/v1/messages", ASKED | {"stream": True}, fallback=CHAT)
    assert exchange.answered[b"x-gatewright-attempts"] == b"2"
    assert b"message_stop" in exchange.text
