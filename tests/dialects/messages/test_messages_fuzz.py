"""Whatever bytes or values come, only errors of ours escape the decoders of the Messages API."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.dialects import messages
from gatewright.dialects.conversation import Dropped, Request
from gatewright.errors import ClientError, UpstreamProtocolError

WORDS = st.sampled_from(
    [
        "type",
        "text",
        "thinking",
        "signature",
        "redacted_thinking",
        "data",
        "tool_use",
        "id",
        "name",
        "input",
        "tool_result",
        "tool_use_id",
        "content",
        "is_error",
        "image",
        "document",
        "search_result",
        "source",
        "base64",
        "url",
        "file",
        "media_type",
        "title",
        "role",
        "user",
        "assistant",
        "system",
        "messages",
        "tools",
        "input_schema",
        "tool_choice",
        "auto",
        "tool",
        "any",
        "thinking",
        "enabled",
        "disabled",
        "adaptive",
        "budget_tokens",
        "output_config",
        "output_format",
        "format",
        "json_schema",
        "schema",
        "effort",
        "low",
        "metadata",
        "user_id",
        "stop_sequences",
        "max_tokens",
        "usage",
        "input_tokens",
        "output_tokens",
        "cache_creation",
        "output_tokens_details",
        "message",
        "stop_reason",
        "model",
        "index",
        "delta",
        "text_delta",
        "content_block",
        "error",
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | WORDS | st.text(max_size=4)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=8
)
BLOCKS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["text", "image", "document", "search_result", "thinking", "tool_use", "tool_result", "x"]
        )
    },
    optional=dict.fromkeys(
        ("text", "source", "thinking", "signature", "data", "id", "name", "input", "tool_use_id", "content"), VALUES
    ),
)
REQUESTS = st.fixed_dictionaries(
    {"messages": st.lists(st.fixed_dictionaries({"role": WORDS, "content": VALUES | st.lists(BLOCKS)}), max_size=3)},
    optional=dict.fromkeys(
        ("system", "tools", "tool_choice", "thinking", "output_config", "metadata", "service_tier"), VALUES
    ),
)
KINDS = (
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
)
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from((*KINDS, "error", "ping"))},
    optional={
        "index": st.integers(-1, 2),
        "message": st.just({}) | VALUES,
        "content_block": BLOCKS,
        "delta": VALUES | st.just({"type": "text_delta", "text": "x"}),
        "usage": VALUES,
        "error": VALUES,
    },
)


@given(VALUES | REQUESTS)
def test_any_request_is_read_or_refused(body):
    """And what was read can be written again, and is what it was."""
    with contextlib.suppress(ClientError):
        request = messages.decode_request(body)
        again = messages.encode_request(request, request.model, Dropped())
        assert messages.decode_request(again) == request


@given(VALUES | st.fixed_dictionaries({"type": st.just("message"), "content": st.lists(BLOCKS)}))
def test_any_answer_is_read_or_refused(body):
    """And what was read can be written again."""
    with contextlib.suppress(UpstreamProtocolError):
        answer = messages.decode_answer(body)
        messages.encode_answer(answer, Request(dialect="messages", model=""), Dropped())


@given(st.lists(EVENTS | VALUES, max_size=8))
def test_any_stream_is_read_or_refused(events):
    """And what was read can be written again."""
    start = {"type": "message_start", "message": {}}
    decoder, encoder = messages.Decoder(), messages.Encoder(Request(dialect="messages", model=""))
    with contextlib.suppress(UpstreamProtocolError):
        for event in (start, *events):
            for found in decoder.feed(b"data: " + json.dumps(event).encode() + b"\n\n"):
                encoder.encode(found)
        decoder.end()


@given(st.binary())
def test_any_bytes_are_read_or_refused(raw):
    """Framing included."""
    decoder = messages.Decoder()
    with contextlib.suppress(UpstreamProtocolError):
        decoder.feed(raw)
        decoder.end()


def test_depth_is_bounded():
    """Results inside results, as deep as the parser of bodies lets through, are refused and do no harm."""
    block = {"type": "text", "text": ""}
    for _ in range(450):
        block = {"type": "tool_result", "tool_use_id": "a", "content": [block]}
    with pytest.raises(ClientError, match="too deeply"):
        messages.decode_request({"messages": [{"role": "user", "content": [block]}]})
    with pytest.raises(UpstreamProtocolError, match="too deeply"):
        messages.decode_answer({"type": "message", "content": [block]})
    start = b'data: {"type":"message_start","message":{}}\n\n'
    event = {"type": "content_block_start", "index": 0, "content_block": block}
    with pytest.raises(UpstreamProtocolError, match="too deeply"):
        messages.Decoder().feed(start + b"data: " + json.dumps(event).encode() + b"\n\n")
