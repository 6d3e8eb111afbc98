"""No body and no bytes, however wrong, bring anything out of a decoder but our own errors."""

import contextlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gatewright.dialects import chat
from gatewright.dialects.conversation import Dropped, Request
from gatewright.errors import ClientError, UpstreamProtocolError

WORDS = (
    *("role", "user", "assistant", "tool", "function", "content", "type", "text", "image_url", "url", "file"),
    *("input_audio", "data", "format", "tool_calls", "tool_call_id", "id", "index", "name", "arguments", "refusal"),
    *("thinking", "reasoning", "reasoning_content", "reasoning_details", "reasoning.text", "reasoning.encrypted"),
    *("signature", "summary", "function_call", "audio", "images", "message", "delta", "finish_reason", "stop", "auto"),
    *("extra_content", "google", "thought_signature", "file_data", "data:a;base64,b", "json_schema", "schema", "error"),
    *("annotations", "url_citation", "start_index", "end_index", "logprobs", "token", "logprob", "custom", "input"),
    *("usage", "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "cached_tokens"),
)
TOP = (
    *("model", "messages", "tools", "tool_choice", "functions", "function_call", "response_format", "stop", "seed"),
    *("stream_options", "reasoning", "thinking", "n", "max_tokens", "choices", "usage", "id", "object", "error"),
    *("service_tier", "x_groq", "created"),
)


def _inside(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(WORDS), children, max_size=6)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=3),
    _inside,
    max_leaves=24,
)
bodies = st.dictionaries(st.sampled_from(TOP), values, max_size=4)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "tool", "system", "function"])},
        optional={
            "content": values,
            "tool_calls": values,
            "tool_call_id": st.just("1"),
            "function_call": values,
            "reasoning_details": values,
            "reasoning": values,
        },
    ),
    max_size=3,
)


@given(bodies, messages)
def test_a_request_is_understood_or_refused(body: dict[str, Any], said: list[dict[str, Any]]) -> None:
    """A body is a request that comes out as it came in and can be translated, or its field is named."""
    body = {**body, "model": "m", "messages": said}
    with contextlib.suppress(ClientError):
        request = chat.decode_request(body)
        assert json.dumps(chat.encode_request(request, "m", Dropped()), sort_keys=True) == json.dumps(
            body, sort_keys=True
        )
        request.dialect = "another"
        json.dumps(chat.encode_request(request, "m", Dropped()))


@given(bodies, messages)
def test_an_answer_is_understood_or_refused(body: dict[str, Any], said: list[dict[str, Any]]) -> None:
    """A provider's body is an answer that can be encoded, or it is the provider's failure."""
    body = {**body, "choices": [{"message": one} for one in said]}
    with contextlib.suppress(UpstreamProtocolError):
        answer = chat.decode_answer(body)
        request = Request(dialect=chat.NAME, model="m")
        json.dumps(chat.encode_answer(answer, request, Dropped()))
        answer.dialect = "another"
        json.dumps(chat.encode_answer(answer, request, Dropped()))


@settings(max_examples=40)
@given(st.lists(st.tuples(bodies, messages), max_size=3), st.booleans(), st.integers(20, 200))
def test_a_stream_is_understood_or_refused(
    chunks: list[tuple[dict[str, Any], list[dict[str, Any]]]], done: bool, size: int
) -> None:
    """Chunks of any shape are events that can be encoded, or the provider's failure."""
    shown = [{**body, "choices": [{"delta": one, "index": 0} for one in said]} for body, said in chunks]
    raw = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in shown) + b"data: [DONE]\n\n" * done
    decoder, encoder = chat.Decoder(), chat.Encoder(Request(dialect=chat.NAME, model="m", stream_usage=True))
    with contextlib.suppress(UpstreamProtocolError):
        for at in range(0, len(raw), size):
            for event in decoder.feed(raw[at : at + size]):
                encoder.encode(event)
        for event in decoder.end():
            encoder.encode(event)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused(data: bytes) -> None:
    """Random bytes are no stream."""
    decoder = chat.Decoder()
    with contextlib.suppress(UpstreamProtocolError):
        decoder.feed(data)
        decoder.end()
