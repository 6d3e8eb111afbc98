"""Whatever bytes or values come, only errors of ours escape the decoders of Cohere's API."""

import contextlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.damage import damaged
from fixtures.recorded import exchanges
from gatewright.dialects import cohere
from gatewright.dialects.conversation import Dropped, Request
from gatewright.errors import ClientError, UpstreamProtocolError

WORDS = st.sampled_from(
    (
        *("type", "text", "thinking", "image_url", "url", "detail", "document", "data", "id", "role", "user", "tool"),
        *(
            "content",
            "tool_plan",
            "tool_calls",
            "function",
            "name",
            "arguments",
            "citations",
            "sources",
            "start",
            "end",
        ),
        *("content_index", "TEXT_CONTENT", "PLAN", "tool_output", "tool_call_id", "title", "signature", "sealed"),
        *("json_object", "json_schema", "schema", "enabled", "disabled", "token_budget", "REQUIRED", "NONE", "mode"),
        *("usage", "tokens", "billed_units", "input_tokens", "output_tokens", "cached_tokens", "COMPLETE", "ERROR"),
        *("message", "delta", "index", "finish_reason", "logprobs", "token_ids", "error", "data:image/png;base64,aa"),
    )
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=4)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=8
)
BLOCKS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "thinking", "image_url", "document", "x"])},
    optional=dict.fromkeys(("text", "thinking", "image_url", "document", "signature"), VALUES),
)
SOURCES = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "document", "tool_output"), VALUES)))
CITATIONS = st.fixed_dictionaries(
    {}, optional={"start": VALUES, "end": VALUES, "sources": SOURCES, "type": VALUES, "content_index": VALUES}
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system", "x"])},
    optional={
        "content": VALUES | st.lists(BLOCKS, max_size=3),
        "tool_plan": VALUES,
        "tool_calls": VALUES,
        "tool_call_id": VALUES,
        "citations": VALUES | st.lists(CITATIONS, max_size=2),
    },
)
REQUESTS = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGES, max_size=3)},
    optional=dict.fromkeys(
        (
            *("tools", "tool_choice", "thinking", "response_format", "documents", "citation_options"),
            *("strict_tools", "stop_sequences", "max_tokens", "p", "k"),
        ),
        VALUES,
    ),
)
ANSWERS = st.fixed_dictionaries(
    {"message": MESSAGES}, optional=dict.fromkeys(("id", "finish_reason", "usage", "logprobs"), VALUES)
)
KINDS = (
    *("content-start", "content-delta", "content-end", "tool-plan-delta", "tool-call-start", "tool-call-delta"),
    *("tool-call-end", "citation-start", "citation-end", "message-end", "debug", "message-start"),
)
PIECES = st.fixed_dictionaries(
    {},
    optional={
        "content": BLOCKS,
        "tool_plan": VALUES,
        "tool_calls": VALUES | st.just({"id": "a", "function": {"name": "b", "arguments": ""}}),
        "citations": CITATIONS,
    },
)
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        "index": st.integers(-1, 2),
        "delta": VALUES | st.fixed_dictionaries({"message": PIECES}, optional={"usage": VALUES, "error": VALUES}),
        "logprobs": VALUES,
    },
)
START = {"type": "message-start", "id": "a", "delta": {"message": {"role": "assistant"}}}


def read_stream(events):
    decoder, encoder = cohere.Decoder(), cohere.Encoder(Request(dialect="cohere", model=""))
    with contextlib.suppress(UpstreamProtocolError):
        for event in events:
            for found in decoder.feed(b"data: " + json.dumps(event).encode() + b"\n\n"):
                encoder.encode(found)
        decoder.end()


@given(VALUES | REQUESTS)
def test_any_request_is_read_or_refused(body):
    """And what was read can be written again, and is what it was."""
    with contextlib.suppress(ClientError):
        request = cohere.decode_request(body)
        again = cohere.encode_request(request, request.model, Dropped())
        assert cohere.decode_request(again) == request


@given(VALUES | ANSWERS)
def test_any_answer_is_read_or_refused(body):
    """And what was read can be written again, and is what it was."""
    with contextlib.suppress(UpstreamProtocolError):
        answer = cohere.decode_answer(body)
        again = cohere.encode_answer(answer, Request(dialect="cohere", model=""), Dropped())
        assert cohere.decode_answer(again) == answer


@given(st.lists(EVENTS | VALUES, max_size=8))
def test_any_stream_is_read_or_refused(events):
    """And what was read can be written again."""
    read_stream([START, *events])


@given(st.binary())
def test_any_bytes_are_read_or_refused(raw):
    """Framing included."""
    decoder = cohere.Decoder()
    with contextlib.suppress(UpstreamProtocolError):
        decoder.feed(raw)
        decoder.end()


@pytest.mark.parametrize("exchange", exchanges(api="chat", providers=("cohere",)))
def test_damaged_recordings_are_read_or_refused(exchange):
    """Requests, answers and events that are nearly right."""
    chance = random.Random(exchange.name)
    for _ in range(100):
        with contextlib.suppress(ClientError):
            request = cohere.decode_request(damaged(exchange.request, chance))
            cohere.encode_request(request, "m", Dropped())
        if exchange.stream:
            lines = [line[5:] for line in exchange.raw.decode().split("\n") if line.startswith("data:")]
            events = [json.loads(line) for line in lines if "[DONE]" not in line]
            read_stream(damaged(events[:3] + events[-6:], chance))
        else:
            with contextlib.suppress(UpstreamProtocolError):
                answer = cohere.decode_answer(damaged(exchange.answer, chance))
                cohere.encode_answer(answer, Request(dialect="cohere", model=""), Dropped())


def test_depth_is_bounded():
    """Data nested deeper than can be written as text is refused and does no harm."""
    deep = {"text": "x"}
    for _ in range(5000):
        deep = {"a": deep}
    body = {"content": [{"type": "document", "document": {"data": deep}}]}
    with pytest.raises(ClientError, match="too deeply"):
        cohere.decode_request({"messages": [{"role": "user", **body}]})
    with pytest.raises(UpstreamProtocolError, match="too deeply"):
        cohere.decode_answer({"message": body})
