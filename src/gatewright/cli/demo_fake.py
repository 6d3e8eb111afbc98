"""A stand-in for a model where none can run: OpenAI's dialect, and always the same answer to the same question."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

NAME = "fake-1"

_ID = "chatcmpl-fake"
_DIMENSIONS = 8


def serve(port: int, key: str) -> None:
    """Serve chat completions, plain and streamed, and embeddings on a loopback port until SIGTERM.

    Args:
        port: where to listen.
        key: the API key that callers must send.
    """

    async def chat(request: Request) -> Response:
        return _chat(await request.json()) if _knows(request, key) else _REFUSED

    async def embeddings(request: Request) -> Response:
        return _embeddings(await request.json()) if _knows(request, key) else _REFUSED

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    routes = [
        Route("/health", health),
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/v1/embeddings", embeddings, methods=["POST"]),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="warning")


_REFUSED = JSONResponse({"error": {"message": "The key is not valid.", "type": "invalid_request_error"}}, 401)


def _knows(request: Request, key: str) -> bool:
    return request.headers.get("authorization") == f"Bearer {key}"


def _chat(asked: dict[str, Any]) -> Response:
    question = str(asked["messages"][-1]["content"])
    answer = f"There is no model here, so this is a fixed answer to: {question}"
    usage = _usage(question, answer)
    if asked.get("stream"):
        wanted = (asked.get("stream_options") or {}).get("include_usage")
        return StreamingResponse(_events(answer, usage if wanted else None), media_type="text/event-stream")
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
    return JSONResponse(_envelope("chat.completion", [choice]) | {"usage": usage})


def _events(answer: str, usage: dict[str, int] | None) -> Iterator[str]:
    words = [{"content": word if at == 0 else f" {word}"} for at, word in enumerate(answer.split(" "))]
    deltas: list[dict[str, str]] = [{"role": "assistant"}, *words, {}]
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}
        yield _event(_envelope("chat.completion.chunk", [choice]))
    if usage is not None:
        yield _event(_envelope("chat.completion.chunk", []) | {"usage": usage})
    yield "data: [DONE]\n\n"


def _embeddings(asked: dict[str, Any]) -> Response:
    texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
    data = [{"object": "embedding", "index": at, "embedding": _vector(str(text))} for at, text in enumerate(texts)]
    usage = _usage(" ".join(map(str, texts)), "")
    return JSONResponse({"object": "list", "model": NAME, "data": data, "usage": usage})


def _vector(text: str) -> list[float]:
    return [byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:_DIMENSIONS]]


def _usage(question: str, answer: str) -> dict[str, int]:
    prompt, completion = len(question.split()), len(answer.split())
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _envelope(kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": _ID, "object": kind, "created": 0, "model": NAME, "choices": choices}


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"
