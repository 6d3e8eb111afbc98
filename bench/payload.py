"""What is asked and answered: one small chat, long prompts, and streams whose chunks carry the time they were sent."""

import json
import re
from typing import Any

MODEL = "gpt-4o"
"""What a contestant's OpenAI-compatible target is called."""

CLAUDE = "claude-sonnet-4-5"
"""What its Anthropic target is called."""

CHUNKS = 50
"""Text chunks of a stream."""

PACE = 0.02
"""Seconds from one chunk to the next."""

IDLE = "stay idle"
"""A prompt that makes the mock stop after the first chunk, until the client leaves."""

STAMP = re.compile(rb"t(\d{8,20})t")
"""A chunk's text: the sender's monotonic clock in nanoseconds. Sender and receiver share a machine, and so a clock."""

_WORDS = "You are a helpful assistant. Answer in one short sentence."
_ANSWER = "The capital of France is Paris, on the river Seine in the north of the country."
_EVENT_STREAM = b"text/event-stream; charset=utf-8"


def chat(model: str, *, stream: bool = False, size: int = 0, prompt: str = "What is the capital of France?") -> bytes:
    """The body of a chat request.

    Args:
        model: what to ask for.
        stream: whether the answer is streamed.
        size: pad the prompt until the body has at least so many bytes.
        prompt: what the user says.
    """
    user = prompt + " word" * (size // 5)
    messages = [{"role": "system", "content": _WORDS}, {"role": "user", "content": user}]
    body: dict[str, Any] = {"model": model, "messages": messages, "max_tokens": 100, "temperature": 0.5}
    return json.dumps(body | ({"stream": True} if stream else {})).encode()


def openai_answer() -> bytes:
    """A whole chat completion."""
    message = {"role": "assistant", "content": _ANSWER}
    usage = {"prompt_tokens": 27, "completion_tokens": 18, "total_tokens": 45}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    head = {"id": "chatcmpl-bench", "object": "chat.completion", "created": 1_700_000_000, "model": MODEL}
    return json.dumps(head | {"choices": choices, "usage": usage}).encode()


def anthropic_answer() -> bytes:
    """A whole message of Anthropic's."""
    head = {"id": "msg_bench", "type": "message", "role": "assistant", "model": CLAUDE}
    content = [{"type": "text", "text": _ANSWER}]
    usage = {"input_tokens": 27, "output_tokens": 18}
    end = {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
    return json.dumps(head | {"content": content} | end).encode()


def models() -> bytes:
    """The list of models; some gateways look a provider's up before they use it."""
    rows = [{"id": name, "object": "model", "created": 1, "owned_by": "bench"} for name in (MODEL, CLAUDE)]
    return json.dumps({"object": "list", "data": rows}).encode()


def openai_chunk(text: str) -> bytes:
    """One event of a streamed chat completion; the last one is `openai_end`."""
    return _data(_openai_choice({"content": text}, None))


def openai_end() -> bytes:
    """How a streamed chat completion ends."""
    return _data(_openai_choice({}, "stop")) + b"data: [DONE]\n\n"


def anthropic_start() -> bytes:
    """How a streamed message begins."""
    message = json.loads(anthropic_answer()) | {"content": [], "stop_reason": None}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return _event({"type": "message_start", "message": message}) + _event(block)


def anthropic_chunk(text: str) -> bytes:
    """One text event of a streamed message."""
    return _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


def anthropic_end() -> bytes:
    """How a streamed message ends."""
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}}
    usage = {"usage": {"output_tokens": 50}}
    return _event({"type": "content_block_stop", "index": 0}) + _event(delta | usage) + _event({"type": "message_stop"})


def answer_head(length: int) -> bytes:
    """The head of a whole JSON answer."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % length


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: " + _EVENT_STREAM + b"\r\ntransfer-encoding: chunked\r\n\r\n"
"""The head of a streamed answer."""


def framed(piece: bytes) -> bytes:
    """A piece of a body in HTTP's chunked coding; empty ends the body."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _openai_choice(delta: dict[str, str], reason: str | None) -> dict[str, Any]:
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": MODEL}
    return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _event(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\n".encode() + _data(value)
