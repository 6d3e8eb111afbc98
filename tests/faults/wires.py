"""The four dialects of the matrix, as clients ask in them and providers answer; from the vendors' pages, not our code.

- chat: https://platform.openai.com/docs/api-reference/chat-streaming
- responses: https://platform.openai.com/docs/api-reference/responses-streaming
- messages: https://docs.anthropic.com/en/docs/build-with-claude/streaming
- generateContent: https://ai.google.dev/api/generate-content
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

WORDS = 48
"""Words of an answer; in a stream each has an event of its own."""

AT = 1_700_000_000
MODEL = "m"
HI = "hi"


def text(speaker: str) -> str:
    """What a target says; it tells who has said it."""
    return "".join(f"{speaker}{number} " for number in range(WORDS))


def _pieces(speaker: str) -> Iterator[str]:
    return (f"{word} " for word in text(speaker).split())


def event(data: Any, name: str = "") -> bytes:
    """One server-sent event."""
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


@dataclass(frozen=True, kw_only=True, eq=False)
class Wire:
    """One dialect.

    Attributes:
        name: as the matrix names it.
        operation: as Gatewright names it.
        provider: one that speaks it.
        whole: an answer, by who speaks.
        events: the same in events, by who speaks; each is the bytes of one.
        ending: events at the end that say that the answer is over, and why.
        opens: events at the beginning that show nothing yet.
        error: the body of an error answer, by its status.
        failure: the body of an answer that says that the provider is overloaded, whatever its status.
        failed: the event of a stream that says so.
        overloaded: the HTTP status that means the same.
        failed_later: that event after others; empty for the same.
    """

    name: str
    operation: str
    provider: str
    path: str
    streamed: str
    asked: dict[str, Any]
    whole: Callable[[str], Any]
    events: Callable[[str], list[bytes]]
    ending: int
    opens: int
    error: Callable[[int], Any]
    failure: Any
    failed: bytes
    overloaded: int
    failed_later: bytes = b""

    def request(self, model: str, *, stream: bool, words: str = HI) -> tuple[str, bytes]:
        """Path and body by which a client says something."""
        path = (self.streamed if stream else self.path).replace("{model}", model)
        named = {} if "{model}" in self.path else {"model": model, "stream": stream}
        return path, json.dumps({**named, **self.asked}).replace(f'"{HI}"', json.dumps(words)).encode()


def _chat_chunk(delta: Any, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": AT, "model": MODEL, "choices": [choice]}
    return event(chunk)


def _chat_whole(speaker: str) -> Any:
    message = {"role": "assistant", "content": text(speaker), "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": AT,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": WORDS, "total_tokens": WORDS + 3},
    }


def _chat_events(speaker: str) -> list[bytes]:
    words = [_chat_chunk({"content": word}) for word in _pieces(speaker)]
    first = _chat_chunk({"role": "assistant", "content": "", "refusal": None})
    return [first, *words, _chat_chunk({}, "stop"), b"data: [DONE]\n\n"]


def _openai_error(status: int) -> Any:
    kind = {429: "rate_limit_error"}.get(status, "server_error")
    return {"error": {"message": "Not now.", "type": kind, "param": None, "code": kind}}


# As a router says that one of its own providers is overloaded; OpenAI itself has no such status.
_CHAT_FAILED = {"error": {"message": "Overloaded", "type": "overloaded_error", "code": 529}}

CHAT = Wire(
    name="chat",
    operation="chat",
    provider="openai",
    path="/v1/chat/completions",
    streamed="/v1/chat/completions",
    asked={"messages": [{"role": "user", "content": HI}]},
    whole=_chat_whole,
    events=_chat_events,
    ending=2,
    opens=1,
    error=_openai_error,
    failure=_CHAT_FAILED,
    failed=event(_CHAT_FAILED),
    overloaded=529,
)


def _response(speaker: str, status: str) -> Any:
    done = status == "completed"
    counts = {"input_tokens": 3, "output_tokens": WORDS, "total_tokens": WORDS + 3}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": AT,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": MODEL,
        "output": [_item(text(speaker), "completed")] if done else [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {**counts, **details} if done else None,
    }


def _item(words: str, status: str) -> Any:
    content = [{"type": "output_text", "text": words, "annotations": [], "logprobs": []}] if words else []
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}


def _responses_events(speaker: str) -> list[bytes]:
    at: dict[str, Any] = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    said = {"type": "output_text", "text": text(speaker), "annotations": [], "logprobs": []}
    found: list[tuple[str, Any]] = [
        ("response.created", {"response": _response(speaker, "in_progress")}),
        ("response.in_progress", {"response": _response(speaker, "in_progress")}),
        ("response.output_item.added", {"output_index": 0, "item": _item("", "in_progress")}),
        ("response.content_part.added", {**at, "part": {**said, "text": ""}}),
        *(("response.output_text.delta", {**at, "delta": word, "logprobs": []}) for word in _pieces(speaker)),
        ("response.output_text.done", {**at, "text": text(speaker), "logprobs": []}),
        ("response.content_part.done", {**at, "part": said}),
        ("response.output_item.done", {"output_index": 0, "item": _item(text(speaker), "completed")}),
        ("response.completed", {"response": _response(speaker, "completed")}),
    ]
    return [event({"type": kind, "sequence_number": at, **rest}, kind) for at, (kind, rest) in enumerate(found)]


# The page has `code` and `message` in the event itself; the API sends them in an `error` within it.
_RESPONSES_FAILED = {
    "error": {"type": "service_unavailable_error", "code": "server_is_overloaded", "message": "Overloaded"}
}

RESPONSES = Wire(
    name="responses",
    operation="responses",
    provider="openai",
    path="/v1/responses",
    streamed="/v1/responses",
    asked={"input": HI},
    whole=lambda speaker: _response(speaker, "completed"),
    events=_responses_events,
    ending=1,
    opens=4,
    error=_openai_error,
    failure=_RESPONSES_FAILED,
    failed=event({"type": "error", **_RESPONSES_FAILED, "sequence_number": 0}, "error"),
    overloaded=503,
)


def _message(content: Any, reason: str | None, tokens: int) -> Any:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": tokens},
    }


def _messages_events(speaker: str) -> list[bytes]:
    found: list[Any] = [
        {"type": "message_start", "message": _message([], None, 1)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
            for word in _pieces(speaker)
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": WORDS},
        },
        {"type": "message_stop"},
    ]
    return [event(one, one["type"]) for one in found]


def _anthropic_error(status: int) -> Any:
    kind = {429: "rate_limit_error", 529: "overloaded_error"}.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": "Not now."}, "request_id": None}


MESSAGES = Wire(
    name="messages",
    operation="messages",
    provider="anthropic",
    path="/v1/messages",
    streamed="/v1/messages",
    asked={"max_tokens": 100, "messages": [{"role": "user", "content": HI}]},
    whole=lambda speaker: _message([{"type": "text", "text": text(speaker)}], "end_turn", WORDS),
    events=_messages_events,
    ending=2,
    opens=2,
    error=_anthropic_error,
    failure=_anthropic_error(529),
    failed=event(_anthropic_error(529), "error"),
    overloaded=529,
)


def _content(words: str, finish: str | None, tokens: int) -> Any:
    candidate = {"content": {"parts": [{"text": words}], "role": "model"}, "index": 0}
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "usageMetadata": {
            "promptTokenCount": 3,
            "candidatesTokenCount": tokens,
            "totalTokenCount": tokens + 3,
        },
        "modelVersion": MODEL,
        "responseId": "r-1",
    }


def _gemini_events(speaker: str) -> list[bytes]:
    words = list(_pieces(speaker))
    last = len(words)
    return [event(_content(word, "STOP" if at == last else None, at)) for at, word in enumerate(words, 1)]


def _gemini_error(status: int) -> Any:
    kind = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}.get(status, "INTERNAL")
    return {"error": {"code": status, "message": "Not now.", "status": kind}}


GENERATE_CONTENT = Wire(
    name="generateContent",
    operation="generate_content",
    provider="gemini",
    path="/v1beta/models/{model}:generateContent",
    streamed="/v1beta/models/{model}:streamGenerateContent?alt=sse",
    asked={"contents": [{"role": "user", "parts": [{"text": HI}]}]},
    whole=lambda speaker: _content(text(speaker), "STOP", WORDS),
    events=_gemini_events,
    ending=1,
    opens=0,
    error=_gemini_error,
    failure=_gemini_error(503),
    failed=event(_gemini_error(503)),
    overloaded=503,
    # Once it has begun, the API writes an error line by line and not as an event: see google-genai's reader of streams.
    failed_later=json.dumps(_gemini_error(503), indent=2).encode() + b"\n",
)

WIRES = {wire.name: wire for wire in (CHAT, RESPONSES, MESSAGES, GENERATE_CONTENT)}


def wire_of(path: str) -> Wire:
    """The dialect of a request, by its path."""
    *_, last = path.partition("?")[0].split("/")
    return {"completions": CHAT, "responses": RESPONSES, "messages": MESSAGES}.get(last, GENERATE_CONTENT)
