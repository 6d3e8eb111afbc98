"""Whatever bytes or values come, only errors of ours escape the decoders of Ollama's API."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.dialects.conversation import Dropped, Request
from gatewright.dialects.ollama import chat as ollama_chat
from gatewright.dialects.ollama import generate as ollama_generate
from gatewright.errors import ClientError, UpstreamProtocolError

BOTH = pytest.mark.parametrize("dialect", [ollama_chat, ollama_generate])
WORDS = st.sampled_from(
    [
        "role",
        "content",
        "thinking",
        "images",
        "tool_calls",
        "id",
        "function",
        "name",
        "index",
        "arguments",
        "tool_name",
        "tool_call_id",
        "message",
        "messages",
        "response",
        "prompt",
        "system",
        "image",
        "done",
        "done_reason",
        "model",
        "created_at",
        "prompt_eval_count",
        "eval_count",
        "logprobs",
        "token",
        "logprob",
        "top_logprobs",
        "bytes",
        "options",
        "stop",
        "num_predict",
        "think",
        "format",
        "json",
        "tools",
        "parameters",
        "stream",
        "error",
        "user",
        "assistant",
        "tool",
        "low",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | WORDS | st.text(max_size=4)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=8
)
ARGUMENTS = st.dictionaries(WORDS, VALUES, max_size=2)
CALLS = st.fixed_dictionaries(
    {"function": VALUES | st.fixed_dictionaries({"name": WORDS}, optional={"arguments": ARGUMENTS, "index": VALUES})},
    optional={"id": VALUES, "type": VALUES},
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "Assistant", "tool"]) | WORDS},
    optional={
        "content": st.text(max_size=3) | VALUES,
        "thinking": st.text(max_size=3) | VALUES,
        "images": st.lists(WORDS, max_size=2) | VALUES,
        "tool_calls": st.lists(CALLS, max_size=2) | VALUES,
        "tool_name": WORDS | VALUES,
        "tool_call_id": VALUES,
    },
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("prompt", "system", "images", "tools", "think", "format", "options", "stream"), VALUES)
    | {"messages": st.lists(MESSAGES, max_size=4), "model": WORDS},
)
ANSWERS = st.fixed_dictionaries(
    {"message": MESSAGES | VALUES},
    optional=dict.fromkeys(("response", "thinking", "image", "model", "done_reason", "eval_count", "logprobs"), VALUES)
    | {"done": st.booleans() | VALUES, "created_at": st.just("2026-08-07T06:08:14Z") | VALUES},
)


@BOTH
@given(body=VALUES | REQUESTS)
def test_any_request_is_read_or_refused(dialect, body):
    """And what was read can be written again, as it was."""
    with contextlib.suppress(ClientError):
        request = dialect.decode_request(body)
        assert dialect.encode_request(request, request.model, Dropped()) == body


@BOTH
@given(body=VALUES | ANSWERS)
def test_any_answer_is_read_or_refused(dialect, body):
    """And what was read can be written again, as it was."""
    with contextlib.suppress(UpstreamProtocolError):
        answer = dialect.decode_answer(body)
        assert dialect.encode_answer(answer, Request(dialect=dialect.NAME, model=""), Dropped()) == body


@BOTH
@given(lines=st.lists(ANSWERS | VALUES, max_size=6))
def test_any_stream_is_read_or_refused(dialect, lines):
    """And what was read can be written again."""
    decoder, encoder = dialect.Decoder(), dialect.Encoder(Request(dialect=dialect.NAME, model=""))
    with contextlib.suppress(UpstreamProtocolError):
        for line in lines:
            for event in decoder.feed(json.dumps(line).encode() + b"\n"):
                encoder.encode(event)
        decoder.end()


@BOTH
@given(raw=st.binary())
def test_any_bytes_are_read_or_refused(dialect, raw):
    """Framing included."""
    decoder = dialect.Decoder()
    with contextlib.suppress(UpstreamProtocolError):
        decoder.feed(raw)
        decoder.end()


def test_depth_is_bounded():
    """Arguments inside arguments, as deep as the parser of bodies lets through, do no harm."""
    deep = {}
    for _ in range(900):
        deep = {"a": deep}
    message = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": deep}}]}
    with contextlib.suppress(ClientError):
        ollama_chat.decode_request({"messages": [message]})
    with contextlib.suppress(UpstreamProtocolError):
        ollama_chat.decode_answer({"message": message})
    with contextlib.suppress(UpstreamProtocolError):
        ollama_chat.Decoder().feed(json.dumps({"message": message}).encode() + b"\n")
