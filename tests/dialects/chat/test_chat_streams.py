"""Streams of every recorded provider that speaks chat completions."""

import random
from collections.abc import Iterable
from typing import Any

import pytest
from openai.lib.streaming.chat._completions import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from fixtures.chat_wire import accumulated, chunks
from fixtures.recorded import Exchange, exchanges
from gatewright.dialects import chat
from gatewright.dialects.conversation import Reasoning, Refusal, Text, ToolCall
from gatewright.dialects.stream import (
    Began,
    Counted,
    Ended,
    Event,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
)
from gatewright.errors import UpstreamProtocolError

OWN_APIS = ("cohere", "cohere-v1", "ollama")
STREAMS = exchanges(api="chat", stream=True, but=OWN_APIS)
UNTERMINATED = ("writer", "perplexity")
"""Providers that end a stream without `[DONE]`."""


def _events(pieces: Iterable[bytes]) -> list[Event]:
    decoder = chat.Decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.end()


def _request(exchange: Exchange) -> Any:
    request = chat.decode_request(exchange.request)
    request.stream_usage = True
    return request


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_recorded_stream_is_the_same_however_it_is_cut(exchange: Exchange) -> None:
    """A stream cut at random bytes gives the events of the whole one."""
    whole = _events([exchange.raw])
    seeded = random.Random(exchange.name)
    for _ in range(4):
        at = sorted(seeded.sample(range(len(exchange.raw)), min(40, len(exchange.raw))))
        pieces = [exchange.raw[a:b] for a, b in zip([0, *at], [*at, len(exchange.raw)], strict=True)]
        assert _events(pieces) == whole


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_recorded_stream_keeps_the_order_of_events(exchange: Exchange) -> None:
    """An answer begins once, its parts follow each other, and it ends once, or fails."""
    events = _events([exchange.raw])
    assert isinstance(events[0], Began)
    assert isinstance(events[-1], Failed if "stream_error" in exchange.features else Ended)
    assert sum(isinstance(event, Began | Ended) for event in events) == (1 if isinstance(events[-1], Failed) else 2)
    told: dict[int, int | None] = {}
    seen: dict[int, int] = {}
    for event in events:
        if isinstance(event, PartBegan):
            assert told.get(event.candidate) is None
            assert event.at == seen.get(event.candidate, -1) + 1
            told[event.candidate] = seen[event.candidate] = event.at
        elif isinstance(event, PartGrew):
            assert told[event.candidate] == event.at
        elif isinstance(event, PartEnded):
            assert told[event.candidate] == event.at
            told[event.candidate] = None
        elif isinstance(event, Finished):
            assert told.get(event.candidate) is None


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_recorded_stream_says_what_its_chunks_say(exchange: Exchange) -> None:
    """Text, thoughts, calls, finish reasons and usage of the events are those of the chunks."""
    wanted = accumulated(exchange.raw)
    events = _events([exchange.raw])
    for index in [key for key in wanted if isinstance(key, int)]:
        delta = wanted[index]["delta"]
        parts = _parts(events, index)
        assert "".join(part.text for part in parts if isinstance(part, Text)) == delta.get("content", "")
        assert "".join(part.text for part in parts if isinstance(part, Refusal)) == delta.get("refusal", "")
        thoughts = delta.get("reasoning") or delta.get("reasoning_content") or ""
        assert "".join(part.text for part in parts if isinstance(part, Reasoning)) == thoughts
        calls = [(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolCall)]
        assert calls == [
            (call["id"], call["function"]["name"], call["function"].get("arguments", ""))
            for call in delta.get("tool_calls", [])
        ]
        if not isinstance(events[-1], Failed):
            finished = [event for event in events if isinstance(event, Finished) and event.candidate == index]
            assert [event.finish for event in finished] == [wanted[index]["finish_reason"]]
    counted = [event.usage.total for event in events if isinstance(event, Counted)]
    usage = wanted["usage"] or wanted.get("x_groq", {}).get("usage")
    assert counted[-1:] == ([usage["total_tokens"]] if usage else [])


def _parts(events: list[Event], candidate: int) -> list[Any]:
    parts: dict[int, Any] = {}
    for event in events:
        if isinstance(event, PartBegan) and event.candidate == candidate:
            parts[event.at] = event.part
        elif isinstance(event, PartGrew) and event.candidate == candidate:
            part = parts[event.at]
            if isinstance(part, ToolCall):
                part.arguments += event.text
            else:
                part.text += event.text
    return list(parts.values())


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_recorded_stream_comes_out_with_the_same_content(exchange: Exchange) -> None:
    """Decoded and encoded in its own dialect, a stream gives a client the same object."""
    encoder = chat.Encoder(_request(exchange))
    made = b"".join(encoder.encode(event) for event in _events([exchange.raw]))
    wanted, got = accumulated(exchange.raw), accumulated(made)
    if not wanted["usage"] and got["usage"]:
        # Groq's own place for usage: a client that asks is told in OpenAI's.
        assert got.pop("usage") == wanted["x_groq"]["usage"]
        wanted.pop("usage")
    assert got == wanted
    assert made.endswith(b"data: [DONE]\n\n") or "stream_error" in exchange.features


@pytest.mark.parametrize("exchange", exchanges(api="chat", stream=True, but=OWN_APIS))
def test_openai_s_own_client_accumulates_a_stream_of_another_dialect(exchange: Exchange) -> None:
    """Events of any dialect become a stream of which OpenAI's client makes the same answer."""
    events = _events([exchange.raw])
    if isinstance(events[-1], Failed):
        return
    assert isinstance(events[0], Began)
    events[0].dialect = "another"
    encoder = chat.Encoder(_request(exchange))
    made = b"".join(encoder.encode(event) for event in events)
    state: Any = ChatCompletionStreamState()
    for chunk in chunks(made):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk, strict=True))
    answer = state.current_completion_snapshot
    wanted = accumulated(exchange.raw)
    for choice in answer.choices:
        delta = wanted[choice.index]["delta"]
        assert (choice.message.content or "") == delta.get("content", "")
        assert choice.finish_reason == wanted[choice.index]["finish_reason"]
        calls = [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or []]
        assert calls == [
            (call["id"], call["function"]["name"], call["function"].get("arguments", ""))
            for call in delta.get("tool_calls", [])
        ]


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_recorded_stream_that_breaks_off_is_no_answer(exchange: Exchange) -> None:
    """Cut before its last finish reason, a stream is refused at its end."""
    first = exchange.raw.find(b'"finish_reason":"')
    cut = exchange.raw.rfind(b"data:", 0, first) if first > 0 else exchange.raw.rfind(b"data:")
    decoder = chat.Decoder()
    decoder.feed(exchange.raw[:cut])
    with pytest.raises(UpstreamProtocolError, match="broke off"):
        decoder.end()


def test_a_stream_without_usage_asked_shows_none() -> None:
    """Usage that the provider counts is hidden from a client that did not ask."""
    encoder = chat.Encoder(chat.decode_request({"model": "m", "messages": [], "stream": True}))
    raw = (
        b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\ndata: [DONE]\n\n'
    )
    assert b"usage" not in b"".join(encoder.encode(event) for event in _events([raw]))
