"""What the way of an operation changes on the way to a target, and calls that are not JSON."""

import base64
import json
from dataclasses import replace

import pytest

from fixtures.exchange import FakeExchange, make_holder, make_target
from gatewright.dialects import eventstream
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.snapshot.address import Address
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Policy, Way
from gatewright.upstream.fake import Answer, FakeClient, in_turn

TABLE = Table()
BEDROCK = {
    "messages": Way(
        path=b"/model/claude/invoke",
        streamed=b"/model/claude/invoke-with-response-stream",
        adds={"anthropic_version": "bedrock-2023-05-31"},
        omits=frozenset({"model", "stream"}),
        betas="anthropic_beta",
        framed=True,
    )
}
VERTEX = {
    "messages": Way(
        path=b"/claude:rawPredict",
        streamed=b"/claude:streamRawPredict",
        adds={"anthropic_version": "vertex-2023-10-16"},
        omits=frozenset({"model"}),
    )
}
ASKED = {"model": "ep", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
SAID = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
EVENTS = [
    {"type": "message_start", "message": {**SAID, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 2},
    },
    {"type": "message_stop"},
]


def framed(*events):
    """Events as Amazon frames them."""
    chunks = [json.dumps({"bytes": base64.b64encode(json.dumps(one).encode()).decode(), "p": "abc"}) for one in events]
    return [eventstream.event("chunk", one.encode()) for one in chunks]


FRAMES = ((b"content-type", b"application/vnd.amazon.eventstream"),)


def holder_of(ways, *more, **policy):
    """The endpoint `ep` over targets with those ways, the first PRIMARY and the others FALLBACK."""
    snapshot = make_holder("one").current
    address = Address("https", "up.example.com", 443, "/base/v1")
    targets = [make_target(f"m{number}", paths=one, address=address) for number, one in enumerate((ways, *more))]
    endpoint = replace(
        snapshot.endpoints["ep"],
        primaries=((targets[0], 1.0),),
        fallbacks=tuple(targets[1:]),
        policy=Policy(**policy),
    )
    return Holder(replace(snapshot, endpoints={"ep": endpoint}))


async def ask(holder, upstream, path, body, headers=(), query=b""):
    exchange = FakeExchange("POST", path, body)
    exchange.query = query
    exchange.headers = [*exchange.headers, *headers]
    await Pipeline(holder, upstream).serve(exchange, *TABLE.find("POST", path))
    return exchange


async def test_messages_by_bedrock_have_their_version_and_trials_in_the_body():
    """No model, no stream flag, and no header of Anthropic's."""
    upstream = FakeClient(in_turn(Answer(body=[json.dumps(SAID).encode()])))
    trials = [(b"anthropic-beta", b"a-1, b-2"), (b"anthropic-version", b"2023-06-01")]
    exchange = await ask(holder_of(BEDROCK), upstream, "/v1/messages", ASKED | {"stream": False}, trials)
    sent = upstream.requests[0]
    assert json.loads(sent.body) == {
        "max_tokens": 9,
        "messages": ASKED["messages"],
        "anthropic_version": "bedrock-2023-05-31",
        "anthropic_beta": ["a-1", "b-2"],
    }
    assert sent.path == b"/model/claude/invoke"
    assert not {b"anthropic-beta", b"anthropic-version"} & set(dict(sent.headers))
    assert exchange.json == SAID


async def test_messages_by_vertex_keep_the_header_of_trials():
    """Its version is in the body, and a stream has another path."""
    body = b"".join(b"event: %s\ndata: %s\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in EVENTS)
    upstream = FakeClient(in_turn(Answer(headers=((b"content-type", b"text/event-stream"),), body=[body])))
    exchange = await ask(
        holder_of(VERTEX), upstream, "/v1/messages", ASKED | {"stream": True}, [(b"anthropic-beta", b"a-1")]
    )
    sent = upstream.requests[0]
    assert sent.path == b"/claude:streamRawPredict"
    assert json.loads(sent.body)["stream"] is True
    assert dict(sent.headers)[b"anthropic-beta"] == b"a-1"
    assert b"anthropic-version" not in dict(sent.headers)
    assert exchange.text == body


async def test_a_stream_in_frames_reaches_a_messages_client_as_events():
    """The events Anthropic itself would send."""
    upstream = FakeClient(in_turn(Answer(headers=FRAMES, body=framed(*EVENTS))))
    exchange = await ask(holder_of(BEDROCK), upstream, "/v1/messages", ASKED | {"stream": True})
    assert upstream.requests[0].path == b"/model/claude/invoke-with-response-stream"
    assert dict(upstream.requests[0].headers)[b"accept"] == FRAMES[0][1]
    assert exchange.answered[b"content-type"] == b"text/event-stream"
    events = [json.loads(part.partition(b"data: ")[2]) for part in exchange.text.split(b"\n\n") if part]
    assert events == EVENTS


async def test_a_stream_in_frames_reaches_a_chat_client_translated():
    """And ends as its own streams do."""
    upstream = FakeClient(in_turn(Answer(headers=FRAMES, body=framed(*EVENTS))))
    asked = {"model": "ep", "messages": ASKED["messages"], "stream": True}
    exchange = await ask(holder_of(BEDROCK), upstream, "/v1/chat/completions", asked)
    sent = json.loads(upstream.requests[0].body)
    assert sent["anthropic_version"] == "bedrock-2023-05-31"
    assert not {"model", "stream"} & set(sent)
    assert b'"content":"Hello"' in exchange.text
    assert exchange.text.endswith(b"data: [DONE]\n\n")


async def test_frames_that_break_off_end_in_an_error_event():
    """Not like a stream that is complete."""
    pieces = framed(*EVENTS[:3])
    upstream = FakeClient(in_turn(Answer(headers=FRAMES, body=[*pieces, framed(EVENTS[3])[0][:20]])))
    exchange = await ask(holder_of(BEDROCK), upstream, "/v1/messages", ASKED | {"stream": True})
    assert b"event: error\n" in exchange.text.rpartition(b"content_block_delta")[2]


async def test_frames_that_break_off_are_gone_on_with_in_frames():
    """Both calls are as Bedrock wants them, and the client gets Anthropic's own events."""
    rest = {**EVENTS[2], "delta": {"type": "text_delta", "text": ", world"}}
    answers = [
        Answer(headers=FRAMES, body=[*framed(*EVENTS[:3]), 0.001, framed(EVENTS[3])[0][:20]]),
        Answer(headers=FRAMES, body=framed(*EVENTS[:2], rest, *EVENTS[3:])),
    ]
    upstream = FakeClient(in_turn(*answers))
    holder = holder_of(BEDROCK, BEDROCK, continuation=True, retries=0)
    trials = [(b"anthropic-beta", b"a-1")]
    exchange = await ask(holder, upstream, "/v1/messages", ASKED | {"stream": True}, trials)
    events = [json.loads(part.partition(b"data: ")[2]) for part in exchange.text.split(b"\n\n") if part]
    usage = {"usage": {"input_tokens": 6, "output_tokens": 4}}
    assert events == [*EVENTS[:3], rest, EVENTS[3], EVENTS[4] | usage, EVENTS[5]]
    for request in upstream.requests:
        assert json.loads(request.body)["anthropic_beta"] == ["a-1"]
        assert not {b"anthropic-beta", b"anthropic-version"} & set(dict(request.headers))
        assert request.path == b"/model/claude/invoke-with-response-stream"


def form(model, audio=b"RIFF\x00\xff"):
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + audio
    return head + b'\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n' + model + b"\r\n--b--\r\n"


FORM = [(b"content-type", b"multipart/form-data; boundary=b")]
SPEECH = {"transcriptions": b"/v1/audio/transcriptions"}


async def test_a_form_is_passed_through_with_the_targets_model():
    """The file is untouched, and the boundary goes along."""
    upstream = FakeClient(in_turn(Answer(body=[b'{"text":"hi"}'])))
    exchange = await ask(holder_of(SPEECH), upstream, "/v1/audio/transcriptions", form(b"ep"), FORM)
    sent = upstream.requests[0]
    assert (sent.path, sent.body) == (b"/v1/audio/transcriptions", form(b"m0"))
    assert dict(sent.headers)[b"content-type"] == FORM[0][1]
    assert exchange.json == {"text": "hi"}


@pytest.mark.parametrize(("body", "said"), [(b"{}", "boundary is not in the body"), (form(b""), "'model' must be")])
async def test_a_form_that_names_no_endpoint_is_a_400(body, said):
    """In OpenAI's shape."""
    exchange = await ask(holder_of(SPEECH), FakeClient(in_turn()), "/v1/audio/transcriptions", body, FORM)
    assert exchange.status == 400
    assert said in exchange.json["error"]["message"]


async def test_a_raw_call_goes_to_the_path_it_names_with_our_credential():
    """Beside the provider's own base path; the client's key and cookies stay here, `key=` of the query too."""
    upstream = FakeClient(in_turn(Answer(headers=((b"content-type", b"text/plain"),), body=[b"any bytes"])))
    headers = [(b"content-type", b"text/csv"), (b"cookie", b"a=b")]
    exchange = await ask(
        holder_of({}), upstream, "/gateway/proxy/ep/v2/some thing", b"a,b", headers, b"x=1&key=gw-secret&y=2"
    )
    sent = upstream.requests[0]
    assert sent.path == b"/base/v2/some%20thing?x=1&y=2"
    assert sent.body == b"a,b"
    fields = dict(sent.headers)
    assert (fields[b"authorization"], fields[b"content-type"]) == (b"Bearer sk-m0", b"text/csv")
    assert b"cookie" not in fields
    assert (exchange.status, exchange.text) == (200, b"any bytes")


@pytest.mark.parametrize("path", ["../admin", "v1/../../admin", "v1/%2e%2e/admin", "v1/..\\admin", ".", "v1/."])
async def test_a_raw_call_cannot_lead_out_of_the_providers_address(path):
    """Nor by what is encoded twice."""
    upstream = FakeClient(in_turn(Answer(body=[b"{}"])))
    exchange = await ask(holder_of({}), upstream, f"/gateway/proxy/ep/{path}", b"{}")
    assert (exchange.status, len(upstream.requests)) == (400, 0)
    assert "stays under" in exchange.json["detail"]


async def test_a_raw_stream_comes_piece_by_piece():
    """Only its answer says that it is one."""
    events = [b"data: 1\n\n", b"data: 2\n\n"]
    body = [events[0], 0.01, events[1]]
    upstream = FakeClient(in_turn(Answer(headers=((b"content-type", b"text/event-stream"),), body=body)))
    exchange = await ask(holder_of({}), upstream, "/gateway/proxy/ep/v1/x", b"{}")
    assert exchange.pieces == events


async def test_a_raw_stream_of_frames_comes_as_it_is():
    """Nothing is put behind its last frame, which ends with no line."""
    frames = [eventstream.event("messageStart", b"{}"), eventstream.event("messageStop", b"{}")]
    headers = ((b"content-type", b"application/vnd.amazon.eventstream"),)
    upstream = FakeClient(in_turn(Answer(headers=headers, body=frames)))
    exchange = await ask(holder_of({}), upstream, "/gateway/proxy/ep/model/m/converse-stream", b"{}")
    assert exchange.text == b"".join(frames)


TOLD = {"model": "ep", "messages": ASKED["messages"], "logit_bias": {"50256": -100}}


@pytest.mark.parametrize("how", ["header", "endpoint"])
async def test_a_strict_call_is_refused_rather_than_served_with_something_left_out(how):
    """By what would be left out, and nothing is sent."""
    upstream = FakeClient(in_turn(Answer(body=[json.dumps(SAID).encode()])))
    headers = [(b"x-gatewright-strict", b"true")] if how == "header" else []
    holder = holder_of({"messages": b"/v1/messages"}, strict=how == "endpoint")
    exchange = await ask(holder, upstream, "/v1/chat/completions", TOLD, headers)
    assert (exchange.status, len(upstream.requests)) == (400, 0)
    assert "logit_bias" in exchange.json["error"]["message"]


async def test_a_strict_call_goes_on_to_a_target_that_can_express_it():
    """The attempts told are those that were made."""
    upstream = FakeClient(in_turn(Answer(body=[b'{"id":"c","choices":[]}'])))
    chat = {"chat": b"/v1/chat/completions"}
    holder = holder_of({"messages": b"/v1/messages"}, chat, strict=True)
    exchange = await ask(holder, upstream, "/v1/chat/completions", TOLD)
    assert exchange.status == 200
    assert exchange.answered[b"x-gatewright-attempts"] == b"1"
    assert exchange.answered[b"x-gatewright-target"] == b"openai/m1"


async def test_a_call_that_is_not_strict_is_told_what_was_left_out():
    """By name, in a header."""
    upstream = FakeClient(in_turn(Answer(body=[json.dumps(SAID).encode()])))
    exchange = await ask(holder_of({"messages": b"/v1/messages"}), upstream, "/v1/chat/completions", TOLD)
    assert exchange.answered[b"x-gatewright-dropped"] == b"logit_bias"


async def test_the_overhead_is_what_the_gateway_took_and_not_the_provider():
    """In microseconds; a provider that takes 50 ms is not ours."""
    upstream = FakeClient(in_turn(Answer(body=[0.05, b'{"id":"c"}'])))
    chat = {"chat": b"/v1/chat/completions"}
    exchange = await ask(holder_of(chat), upstream, "/v1/chat/completions", ASKED)
    assert 0 < int(exchange.answered[b"x-gatewright-overhead"]) < 45_000


async def test_a_gemini_stream_as_an_array_is_passed_through_piece_by_piece():
    """And one that breaks off ends as an array that holds the error."""
    way = {"generate_content": Way(path=b"/g:generateContent", streamed=b"/g:streamGenerateContent")}
    pieces = [b'[{"candidates":[]}', b',\r\n{"candidates":[{"finishReason":"STOP"}]}']
    for end, broken in ((b"]", False), (b"", True)):
        body = [pieces[0], 0.01, pieces[1], 0.01, *([end] if end else [])]
        upstream = FakeClient(in_turn(Answer(body=body)))
        exchange = await ask(holder_of(way), upstream, "/v1beta/models/ep:streamGenerateContent", {"contents": []})
        assert exchange.pieces[: len(pieces)] == pieces
        assert ("error" in json.loads(exchange.text)[-1]) is broken
