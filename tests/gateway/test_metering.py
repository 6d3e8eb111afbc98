"""Usage read beside an answer that is passed through, however it is cut; and the event that nobody asked for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.dialects.eventstream import event
from gatewright.errors import UpstreamProtocolError
from gatewright.gateway.metering import MAX_USAGE, SCALES, Meter
from gatewright.gateway.streaming import Passing

OPENAI = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
RESPONSES = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
ANTHROPIC = {"input_tokens": 9, "output_tokens": 4}
GEMINI = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}
OLLAMA = {"prompt_eval_count": 9, "eval_count": 4}

COHERE = {"billed_units": {"input_tokens": 1}, "tokens": {"input_tokens": 9, "output_tokens": 4}}
CONVERSE = {"inputTokens": 9, "outputTokens": 4, "totalTokens": 13}
WHOLE = {
    "chat": {"choices": [], "usage": OPENAI},
    "completions": {"choices": [], "usage": OPENAI},
    "moderations": {"results": [], "usage": OPENAI},
    "messages": {"content": [], "usage": ANTHROPIC},
    "responses": {"output": [], "usage": RESPONSES},
    "compact": {"output": [], "usage": RESPONSES},
    "images": {"data": [], "usage": RESPONSES},
    "image_edits": {"data": [], "usage": RESPONSES},
    "transcriptions": {"text": "", "usage": RESPONSES | {"type": "tokens"}},
    "generate_content": {"candidates": [], "usageMetadata": GEMINI},
    "cohere": {"message": {}, "usage": COHERE},
    "converse": {"output": {}, "usage": CONVERSE},
    "ollama_chat": {"done": True, **OLLAMA},
    "ollama_generate": {"done": True, **OLLAMA},
}
PROMPTS = {
    "embeddings": {"data": [], "usage": {"prompt_tokens": 9, "total_tokens": 9}},
    "embed_content": {"embedding": {}, "usageMetadata": {"promptTokenCount": 9}},
    "batch_embed_contents": {"embeddings": [], "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}},
    "ollama_embed": {"embeddings": [], "prompt_eval_count": 9},
    "rerank": {"results": [], "usage": {"total_tokens": 9, "cost": 0.1}},
}


def sse(*events, last=b""):
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + last


# A text that says "usage": {…} is no usage: its quotes are escaped.
SAID = {"text": '"usage": {"prompt_tokens": 77}, "usageMetadata": {}, "eval_count": 7, "done": true, é'}
DONE = b"data: [DONE]\n\n"
STREAMS = {
    "chat": sse({"choices": [SAID], "usage": None}, {"choices": [], "usage": OPENAI}, last=DONE),
    "messages": sse(
        {"type": "message_start", "message": {"usage": ANTHROPIC | {"output_tokens": 1}}},
        SAID,
        {"type": "message_delta", "usage": {"input_tokens": None, "output_tokens": 4}},
        {"type": "message_stop"},
    ),
    "responses": sse(
        {"type": "response.created", "response": {"usage": None}},
        SAID,
        {"type": "response.completed", "response": {"usage": RESPONSES}},
    ),
    "generate_content": sse(
        {"usageMetadata": GEMINI | {"candidatesTokenCount": 1}},
        {"candidates": [{"content": SAID, "finishReason": "STOP"}], "usageMetadata": GEMINI},
    ),
    "cohere": sse({"type": "content-delta", "delta": SAID}, {"type": "message-end", "delta": {"usage": COHERE}}),
    "converse": event("contentBlockDelta", json.dumps({"delta": SAID}).encode())
    + event("messageStop", b'{"stopReason":"end_turn"}')
    + event("metadata", json.dumps({"usage": CONVERSE}).encode()),
    "ollama_chat": json.dumps({"message": SAID, "done": False}).encode()
    + b"\n"
    + json.dumps(WHOLE["ollama_chat"]).encode(),
}


def cuts(raw):
    """Where a body may be cut: any number of places."""
    return st.lists(st.integers(0, len(raw)), max_size=12).map(sorted)


def pieces(raw, places):
    return [raw[begin:end] for begin, end in zip([0, *places], [*places, len(raw)], strict=True)]


def counted(meter):
    return None if meter.usage is None else (meter.usage.prompt, meter.usage.answer)


@pytest.mark.parametrize("operation", SCALES)
def test_a_whole_answer_tells_its_usage(operation):
    """Of every operation that has a scale."""
    meter = Meter(operation)
    meter.whole(json.dumps((WHOLE | PROMPTS)[operation]).encode())
    assert counted(meter) == ((9, 0) if operation in PROMPTS else (9, 4))


@pytest.mark.parametrize(
    "body",
    [b"", b"[1]", b'{"usage"', b'{"usage": 3}', b'{"usage": {"prompt_tokens": "x"}}', b'{"a": "\xff"}', b'"usage"'],
)
@pytest.mark.parametrize("operation", SCALES)
def test_what_tells_no_usage_is_no_failure(operation, body):
    """An answer that is passed through is none of our business."""
    meter = Meter(operation)
    meter.whole(body, is_json=False)
    meter.feed(body)
    assert counted(meter) in (None, (0, 0))


@pytest.mark.parametrize("body", [b"", b'{"usage"', b'{"a": nothing}', b'data: {"a": 1}', b'{"usage": {}} {}'])
@pytest.mark.parametrize("operation", SCALES)
def test_an_answer_that_says_it_is_json_and_is_not_is_refused(operation, body):
    """While its usage is looked for, all of it is read."""
    with pytest.raises(UpstreamProtocolError, match="not JSON"):
        Meter(operation).whole(body)


@pytest.mark.parametrize("body", [b"[1]", b'{"usage": 3}', b'{"a": "\xff"}', b'"usage"', b"[" * 5000 + b"]" * 5000])
def test_json_of_any_kind_is_not_refused(body):
    """What it should be, its reader knows."""
    meter = Meter("chat")
    meter.whole(body)
    assert meter.usage is None


def test_a_long_answer_without_usage_is_not_read():
    """It may be a picture."""
    Meter("images").whole(b'{"data": [' + b"x" * MAX_USAGE + b"]}")


def test_ranking_that_counts_searches_tells_no_tokens():
    """Cohere's own answer."""
    meter = Meter("rerank")
    meter.whole(b'{"results": [], "meta": {"billed_units": {"search_units": 1}}}')
    assert meter.usage is None


@pytest.mark.parametrize("operation", STREAMS)
@given(data=st.data())
def test_a_stream_tells_its_usage_and_its_end_however_it_is_cut(operation, data):
    """What a text quotes is not counted, and a later count adds to the first or takes its place."""
    raw = STREAMS[operation]
    meter = Meter(operation)
    for piece in pieces(raw, data.draw(cuts(raw))):
        meter.feed(piece)
    assert counted(meter) == (9, 4)
    assert meter.ended


@pytest.mark.parametrize("operation", STREAMS)
def test_a_stream_byte_by_byte_tells_its_usage(operation):
    """And that it is complete not before its end."""
    raw = STREAMS[operation]
    meter = Meter(operation)
    for at in range(len(raw) // 2):
        meter.feed(raw[at : at + 1])
    assert not meter.ended
    for at in range(len(raw) // 2, len(raw)):
        meter.feed(raw[at : at + 1])
    assert (counted(meter), meter.ended) == ((9, 4), True)


@pytest.mark.parametrize("endless", [b" ", b'{"a":', b'"a', b"1"])
def test_usage_without_an_end_is_not_kept(endless):
    """Memory is bounded, and what comes after is read again."""
    meter = Meter("chat")
    meter.feed(b'data: {"usage": {"a": ')
    for _ in range(2 * MAX_USAGE // 1000):
        meter.feed(endless * (1000 // len(endless)))
        assert len(meter._pending) <= MAX_USAGE + 1000
    meter.feed(b"\n\n" + STREAMS["chat"])
    assert counted(meter) == (9, 4)


def test_a_name_without_an_end_is_not_kept():
    """Blanks after the name of usage are no usage."""
    meter = Meter("chat")
    meter.feed(b'data: {"usage"')
    for _ in range(2 * MAX_USAGE // 1000):
        meter.feed(b" " * 1000)
        assert len(meter._pending) <= MAX_USAGE + 1000


def test_nothing_is_read_of_an_operation_without_a_scale():
    """Such a stream counts as complete."""
    meter = Meter("speech")
    meter.whole(b'{"usage": {"prompt_tokens": 1}}')
    meter.feed(STREAMS["chat"])
    assert (meter.usage, meter.ended) == (None, True)


SHOWN = [
    {"choices": [{"index": 0, "delta": SAID}], "usage": None},
    {"choices": [], "prompt_filter_results": []},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": OPENAI},
]
USAGE = {"id": "c", "choices": [], "usage": OPENAI}


@pytest.mark.parametrize("line", [b"\n", b"\r\n"])
@pytest.mark.parametrize("dense", [True, False])
@given(data=st.data())
def test_only_the_event_of_usage_is_hidden_however_a_stream_is_cut(line, dense, data):
    """All other bytes are those that came; a comment, too, and what is left at the end."""
    separators = (",", ":") if dense else None

    def written(events):
        told = [b"data: " + json.dumps(event, separators=separators).encode() + line * 2 for event in events]
        return b": ping" + line * 2 + b"".join(told) + b"data: [DONE]" + line

    raw = written([*SHOWN, USAGE])
    hider = Passing(Meter("chat"), hides=True)
    shown = b"".join([*map(hider.feed, pieces(raw, data.draw(cuts(raw)))), hider.end()])
    assert shown == written(SHOWN)


def test_what_is_no_event_of_usage_is_not_held_back():
    """An event that is longer goes on as it comes: memory is bounded."""
    hider = Passing(Meter("chat"), hides=True)
    raw = b"data: " + b"x" * (3 * MAX_USAGE) + b"\n"
    shown = b""
    for at in range(0, len(raw), 1000):
        shown += hider.feed(raw[at : at + 1000])
        assert at + 1000 - len(shown) <= MAX_USAGE + 1000
    assert shown + hider.end() == raw
