"""Answers and streams of other dialects as an Anthropic client gets them, and what a provider must not send."""

import json

import pytest

from fixtures.messages_wire import accumulate, frames
from gatewright.dialects import messages
from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Dropped,
    Media,
    Native,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    Usage,
)
from gatewright.dialects.stream import Began, Counted, Ended, Failed, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import UpstreamProtocolError

ASKED = Request(dialect="messages", model="endpoint")
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


def answered(*parts, **fields):
    """The body an Anthropic client gets for an answer of another dialect, and what was dropped."""
    dropped = Dropped()
    shown = {key: fields.pop(key) for key in ("finish", "stop_text") if key in fields}
    answer = Answer(dialect="chat", candidates=[Candidate(parts=list(parts), **shown)], **fields)
    return messages.encode_answer(answer, ASKED, dropped), dropped


def streamed(*events, dialect="chat"):
    """The bytes an Anthropic client gets for events."""
    encoder = messages.Encoder(ASKED)
    begun = Began(id="id", model="m", dialect=dialect)
    return b"".join(encoder.encode(event) for event in (begun, *events))


def part(at, begun, *pieces, **more):
    return [PartBegan(at=at, part=begun), *(PartGrew(at=at, **piece) for piece in pieces), PartEnded(at=at)]


def test_an_answer_has_every_field_of_the_api():
    """Also those another dialect does not know."""
    body, dropped = answered(Text(text="Hi"), finish="stop", id="x", model="m")
    usage = {
        "input_tokens": 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 0,
    }
    assert body == MESSAGE | {
        "id": "x",
        "model": "m",
        "content": [{"type": "text", "text": "Hi"}],
        "usage": usage,
    }
    assert dropped == set()


@pytest.mark.parametrize(
    ("finish", "expected"),
    [
        ("stop", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "refusal"),
        ("refusal", "refusal"),
        ("pause", "pause_turn"),
        ("other", "end_turn"),
        (None, "end_turn"),
    ],
)
def test_every_finish_has_a_stop_reason(finish, expected):
    """In whole answers and in streams."""
    assert answered(finish=finish)[0]["stop_reason"] == expected
    ends = [Finished(finish=finish)] if finish else []
    assert accumulate(streamed(*ends, Ended()))["stop_reason"] == expected


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("pause_turn", "pause"),
        ("refusal", "refusal"),
        ("model_context_window_exceeded", "length"),
        ("a_new_reason", "other"),
        (None, None),
    ],
)
def test_every_stop_reason_has_a_finish_and_comes_back(reason, finish):
    """Those of later days too."""
    answer = messages.decode_answer(MESSAGE | {"stop_reason": reason})
    assert answer.candidates[0].finish == finish
    assert messages.encode_answer(answer, ASKED, Dropped())["stop_reason"] == reason


def test_a_call_makes_the_reason_tool_use():
    """Some providers say `stop` although they call."""
    call = ToolCall(id="a", name="b", arguments='{"x":1}')
    body, _ = answered(call, finish="stop")
    assert body["stop_reason"] == "tool_use"
    assert body["content"] == [{"type": "tool_use", "id": "a", "name": "b", "input": {"x": 1}}]


def test_thoughts_refusals_and_seals_are_shown():
    """In the blocks an Anthropic client knows, in order."""
    parts = (Reasoning(text="hm"), Reasoning(text="so", signature="s", sealed="z"), Refusal(text="No."))
    body, dropped = answered(*parts, finish="refusal")
    assert body["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "thinking", "thinking": "so", "signature": "s"},
        {"type": "redacted_thinking", "data": "z"},
        {"type": "text", "text": "No."},
    ]
    assert dropped == set()


def test_what_an_answer_cannot_show_is_named():
    """Media, another provider's own parts, further candidates and unknown fields."""
    dropped = Dropped()
    parts = [Media(kind="audio", data="AA"), Native(rest={"type": "web_search_call"})]
    answer = Answer(
        dialect="responses", candidates=[Candidate(parts=parts), Candidate()], rest={"system_fingerprint": "f"}
    )
    assert messages.encode_answer(answer, ASKED, dropped)["content"] == []
    assert dropped == {"audio", "web_search_call", "choices", "system_fingerprint"}


def test_usage_holds_every_token_once():
    """Sound and images count as input, thought as output."""
    usage = Usage(
        input=1,
        cache_read=2,
        cache_write_5m=4,
        cache_write_1h=8,
        input_audio=16,
        input_image=32,
        output=64,
        reasoning=128,
    )
    body, _ = answered(usage=usage, service_tier="default")
    assert body["usage"] == {
        "input_tokens": 1 + 16 + 32,
        "cache_creation_input_tokens": 4 + 8,
        "cache_read_input_tokens": 2,
        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 8},
        "output_tokens": 64 + 128,
        "output_tokens_details": {"thinking_tokens": 128},
        "service_tier": "standard",
    }


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 1, "output_tokens": 2},
        {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": None, "cache_creation": None},
        {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 0, "output_tokens_details": None},
        {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"thinking_tokens": 1, "more": 3}},
        {
            "input_tokens": 1,
            "output_tokens": 2,
            "service_tier": "standard",
            "server_tool_use": {"web_search_requests": 1},
        },
    ],
)
def test_every_way_to_write_usage_is_kept(usage):
    """Absent, null and zero stay what they were."""
    body = MESSAGE | {"usage": usage}
    assert messages.encode_answer(messages.decode_answer(body), ASKED, Dropped()) == body


def test_writes_to_the_cache_without_a_time_count_as_five_minutes():
    """And what the times do not explain does too, so that the sum is the wire's."""
    usage = {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 10}
    assert messages.decode_usage(usage).cache_write_5m == 10
    some = messages.decode_usage(usage | {"cache_creation": {"ephemeral_1h_input_tokens": 4}})
    assert (some.cache_write_5m, some.cache_write_1h) == (6, 4)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no"}},
        MESSAGE | {"type": "completion"},
        MESSAGE | {"content": None},
        MESSAGE | {"content": [{"type": "text"}]},
        MESSAGE | {"content": [{"type": "tool_use", "id": "a", "name": "b", "input": "{}"}]},
        MESSAGE | {"stop_reason": 1},
        MESSAGE | {"usage": {"input_tokens": "1"}},
        MESSAGE | {"usage": {"input_tokens": -1}},
    ],
)
def test_an_answer_of_another_shape_is_the_providers_fault(body):
    """It is never taken for an answer."""
    with pytest.raises(UpstreamProtocolError, match="Messages API"):
        messages.decode_answer(body)


def test_a_stream_of_another_dialect_follows_the_grammar():
    """Thought, text and two calls, with the usage that came last."""
    raw = streamed(
        *part(0, Reasoning(), {"text": "h"}, {"text": "m", "signature": "si"}, {"signature": "g"}),
        *part(1, Text(text=""), {"text": "Hi"}, {"text": "!"}),
        *part(2, ToolCall(id="a", name="f", arguments=""), {"text": '{"x"'}, {"text": ":1}"}),
        *part(3, ToolCall(id="b", name="g", arguments="")),
        Finished(finish="tool_calls"),
        Counted(usage=Usage(input=3, cache_read=2, output=5)),
        Ended(),
    )
    message = accumulate(raw)
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": "Hi!"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]
    assert message["stop_reason"] == "tool_use"
    assert (message["usage"]["input_tokens"], message["usage"]["cache_read_input_tokens"]) == (3, 2)
    assert message["usage"]["output_tokens"] == 5
    kinds = [event["type"] for event in frames(raw)]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])


def test_a_signature_goes_out_once():
    """SDKs keep the last `signature_delta` and not the sum."""
    raw = streamed(*part(0, Reasoning(), {"signature": "a"}, {"text": "t"}, {"signature": "b"}), Ended())
    deltas = [event["delta"] for event in frames(raw) if event["type"] == "content_block_delta"]
    assert [delta["signature"] for delta in deltas if delta["type"] == "signature_delta"] == ["ab"]


def test_a_seal_told_at_the_end_of_a_thought_becomes_a_block_of_its_own():
    """Indexes stay without a gap."""
    raw = streamed(
        *part(0, Reasoning(), {"text": "t"}, {"sealed": "z"}), *part(1, Text(text=""), {"text": "Hi"}), Ended()
    )
    assert accumulate(raw)["content"] == [
        {"type": "thinking", "thinking": "t", "signature": ""},
        {"type": "redacted_thinking", "data": "z"},
        {"type": "text", "text": "Hi"},
    ]


def test_a_signed_call_follows_an_empty_signed_thought():
    """So that the client brings the signature back."""
    call = ToolCall(id="a", name="b", arguments="", signature="sig")
    assert accumulate(streamed(*part(0, call, {"text": "{}"}), Ended()))["content"] == [
        {"type": "thinking", "thinking": "", "signature": "sig"},
        {"type": "tool_use", "id": "a", "name": "b", "input": {}},
    ]


def test_parts_the_api_has_no_block_for_leave_no_trace():
    """Nor do other candidates."""
    other = [PartBegan(at=0, part=Text(text=""), candidate=1), PartGrew(at=0, text="x", candidate=1)]
    native = part(0, Native(rest={"type": "web_search_call"}), {"text": "x"}, {"rest": {"status": "done"}})
    text = part(1, Text(text="", rest={"annotations": []}), {"text": "Hi", "rest": {"logprobs": []}})
    raw = streamed(*other, *native, *text, Ended())
    assert accumulate(raw)["content"] == [{"type": "text", "text": "Hi"}]


def test_a_part_that_is_not_ended_is_ended():
    """The grammar holds whatever comes."""
    raw = streamed(PartBegan(at=0, part=Text(text="")), PartBegan(at=1, part=Text(text="")), Ended(), Ended())
    assert len(accumulate(raw)["content"]) == 2


def test_text_goes_out_as_it_comes():
    """A piece is written before the next is known."""
    encoder = messages.Encoder(ASKED)
    encoder.encode(Began())
    assert b"message_start" in encoder.encode(PartBegan(at=0, part=Text(text="")))
    assert b'"text":"now"' in encoder.encode(PartGrew(at=0, text="now"))


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (Failed(message="Busy", kind="overloaded_error", status=529), "overloaded_error"),
        (Failed(message="Busy", kind="server_error", status=500), "api_error"),
        (Failed(message="Busy", kind="RESOURCE_EXHAUSTED", status=429), "rate_limit_error"),
        (Failed(message="Busy", status=422), "invalid_request_error"),
    ],
)
def test_a_failure_is_an_error_event_and_the_last(event, kind):
    """Of a type that Anthropic's SDKs know."""
    raw = streamed(event, Ended())
    assert frames(raw) == [{"type": "error", "error": {"type": kind, "message": "Busy"}}]


def read(raw):
    decoder = messages.Decoder()
    return decoder.feed(raw) + decoder.end()


def sse(*events):
    return b"".join(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events)


START = {"type": "message_start", "message": MESSAGE | {"stop_reason": None}}
TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
STOP = {"type": "message_stop"}


def test_an_error_inside_a_stream_is_a_failure_with_its_status():
    """After it nothing is expected."""
    decoder = messages.Decoder()
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    events = decoder.feed(sse(START, TEXT, error, STOP)) + decoder.end()
    assert events[-1] == Failed(message="Overloaded", kind="overloaded_error", status=529)


def test_pings_and_events_of_later_days_are_passed_over():
    """As the documentation asks."""
    decoder = messages.Decoder()
    events = decoder.feed(sse({"type": "ping"}, START, {"type": "ping"}, {"type": "new"}, STOP)) + decoder.end()
    assert [type(event) for event in events] == [Began, Counted, Ended]


def test_a_block_that_begins_with_content_grows_by_it():
    """Some providers of this API send a call whole."""
    decoder = messages.Decoder()
    call = {"type": "tool_use", "id": "a", "name": "b", "input": {"x": 1}}
    events = decoder.feed(sse(START, {"type": "content_block_start", "index": 0, "content_block": call}, STOP))
    assert events[2:] == [
        PartBegan(at=0, part=ToolCall(id="a", name="b", arguments="")),
        PartGrew(at=0, text='{"x":1}'),
        PartEnded(at=0),
        Ended(),
    ]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [START],
        [START, TEXT],
        [TEXT],
        [STOP],
        [START, START],
        [START, TEXT, TEXT],
        [START, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}],
        [START, TEXT, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}}],
        [START, {"type": "content_block_stop", "index": 0}],
        [START, {"type": "content_block_start", "index": 0}],
        [{"type": "message_start"}],
        [1],
        [{}],
    ],
    ids=str,
)
def test_a_broken_stream_is_the_providers_fault(events):
    """Cut short, out of order or of another shape, it never passes for an answer."""
    with pytest.raises(UpstreamProtocolError):
        read(sse(*events))


def test_bytes_that_are_no_json_are_the_providers_fault():
    """A proxy's page, for example."""
    with pytest.raises(UpstreamProtocolError, match="not JSON"):
        messages.Decoder().feed(b"data: <html>\n\n")
