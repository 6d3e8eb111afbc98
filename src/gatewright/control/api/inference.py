"""What the OpenAPI document says of the data plane's routes.

Their bodies belong to the providers' own APIs and pass through, so only the fields that the gateway reads are named.
"""

import re
from typing import Any

_MESSAGES: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["role"],
        "properties": {"role": {"type": "string", "examples": ["user"]}, "content": {}},
    },
    "examples": [[{"role": "user", "content": "Say hello."}]],
}
_INPUT: dict[str, Any] = {"description": "A text, or a list of texts.", "examples": ["Say hello."]}
_STREAM: dict[str, Any] = {"type": "boolean", "default": False, "description": "Answer in server-sent events."}
_MODEL: dict[str, Any] = {"type": "string", "description": "Name of an endpoint of this gateway."}

_PROMPT: dict[str, Any] = {"description": "A text, or a list of texts.", "examples": ["Once upon a time"]}
_CONTENTS: dict[str, Any] = {
    "type": "array",
    "items": {"type": "object"},
    "examples": [[{"role": "user", "parts": [{"text": "Say hello."}]}]],
}
_CONTENT: dict[str, Any] = {"type": "object", "examples": [{"parts": [{"text": "Say hello."}]}]}
_TOKENS: dict[str, Any] = {"type": "integer", "minimum": 1, "examples": [256]}

_TURNS: dict[str, Any] = {
    "type": "array",
    "items": {"type": "object"},
    "examples": [[{"role": "user", "content": [{"text": "Say hello."}]}]],
}
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "examples": ["Say hello."]}
_TEXTS: dict[str, Any] = {"type": "array", "minItems": 1, "items": {}, "examples": [["Hello.", "Goodbye."]]}
_FILE: dict[str, Any] = {"type": "string", "format": "binary"}

# By the end of the path: the body's fields, and which of them are required. The first row that fits is it.
_BODIES: tuple[tuple[str, dict[str, Any], tuple[str, ...]], ...] = (
    ("/chat/completions", {"model": _MODEL, "messages": _MESSAGES, "stream": _STREAM}, ("model", "messages")),
    ("/completions", {"model": _MODEL, "prompt": _PROMPT, "stream": _STREAM}, ("model", "prompt")),
    ("/embeddings", {"model": _MODEL, "input": _INPUT}, ("model", "input")),
    ("/responses", {"model": _MODEL, "input": _INPUT, "stream": _STREAM}, ("model",)),
    ("/responses/compact", {"model": _MODEL, "input": _INPUT}, ("model",)),
    ("/moderations", {"model": _MODEL, "input": _INPUT}, ("model", "input")),
    ("/images/generations", {"model": _MODEL, "prompt": _PROMPT, "stream": _STREAM}, ("model", "prompt")),
    ("/rerank", {"model": _MODEL, "query": _TEXT, "documents": _TEXTS}, ("model", "query", "documents")),
    ("/images/edits", {"model": _MODEL, "image": _FILE, "prompt": _TEXT}, ("model", "image", "prompt")),
    ("/audio/transcriptions", {"model": _MODEL, "file": _FILE}, ("model", "file")),
    ("/audio/translations", {"model": _MODEL, "file": _FILE}, ("model", "file")),
    ("/audio/speech", {"model": _MODEL, "input": _INPUT}, ("model", "input")),
    (
        "/messages",
        {"model": _MODEL, "max_tokens": _TOKENS, "messages": _MESSAGES, "stream": _STREAM},
        ("model", "max_tokens", "messages"),
    ),
    ("/messages/count_tokens", {"model": _MODEL, "messages": _MESSAGES}, ("model", "messages")),
    ("/v2/chat", {"model": _MODEL, "messages": _MESSAGES, "stream": _STREAM}, ("model", "messages")),
    ("/v2/embed", {"model": _MODEL, "texts": _TEXTS, "input_type": _TEXT}, ("model", "input_type")),
    ("/converse", {"messages": _TURNS}, ("messages",)),
    ("/converse-stream", {"messages": _TURNS}, ("messages",)),
    ("/api/chat", {"model": _MODEL, "messages": _MESSAGES, "stream": _STREAM}, ("model", "messages")),
    ("/api/generate", {"model": _MODEL, "prompt": _PROMPT, "stream": _STREAM}, ("model",)),
    ("/api/embed", {"model": _MODEL, "input": _INPUT}, ("model", "input")),
    ("/api/embeddings", {"model": _MODEL, "prompt": _PROMPT}, ("model", "prompt")),
    ("/api/show", {"model": _MODEL}, ("model",)),
    ("/invocations", {"messages": _MESSAGES, "input": _INPUT, "stream": _STREAM}, ()),
    (":generateContent", {"contents": _CONTENTS}, ()),
    (":streamGenerateContent", {"contents": _CONTENTS}, ()),
    (":countTokens", {"contents": _CONTENTS}, ()),
    (":embedContent", {"content": _CONTENT}, ()),
    (":batchEmbedContents", {"requests": {"type": "array", "items": {"type": "object"}}}, ()),
)
_FAILURES = {
    "400": "The request cannot be served as it is.",
    "401": "No key was sent, or not a valid one.",
    "404": "No endpoint has this name.",
    "413": "The body is larger than the server allows.",
    "502": "The provider could not be reached, or its answer broke off.",
    "503": "The endpoint has no model that can be called now.",
    "504": "The provider did not answer in time.",
}


def inference(method: str, path: str, summary: str) -> dict[str, Any]:
    """The OpenAPI operation of one route."""
    body = next((found for found in _BODIES if path.endswith(found[0])), None)
    answers: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
    operation: dict[str, Any] = {
        "operationId": operation_id(method, path),
        "summary": summary,
        "tags": ["inference"],
        "responses": {"200": {"description": "The model's answer.", "content": answers}, **_failures(path)},
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if parameters:
        operation["parameters"] = parameters
    if method != "GET":
        fields, required = body[1:] if body else ({}, ())  # of any path of a provider nothing is known
        schema: dict[str, Any] = {"type": "object", "properties": fields, "additionalProperties": True}
        if required:
            schema["required"] = list(required)
        form = any(field is _FILE for field in fields.values())
        kind = "multipart/form-data" if form else "application/json" if body else "*/*"
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": schema if body else {}}}}
        if "stream" in fields or ":stream" in path:
            answers["text/event-stream"] = {}  # the events are those of the API whose path it is
        if ":stream" in path:
            answers["application/json"] = {"schema": {"type": "array", "items": {"type": "object"}}}
    return operation


def operation_id(method: str, path: str) -> str:
    """A name for an operation that has none of its own."""
    return method.lower() + "".join(word.title() for word in re.findall(r"[A-Za-z0-9]+", path))


def _failures(path: str) -> dict[str, Any]:
    """Errors come in the shape of the route's own API."""
    if path.startswith(("/gateway/", "/endpoints/", "/api/2.0/")):
        schema: dict[str, Any] = {"type": "object", "required": ["detail"], "properties": {"detail": {}}}
    elif path.startswith(("/v2/", "/cohere/", "/bedrock/")):
        schema = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
    elif path.startswith(("/api/", "/ollama/")):
        schema = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    else:
        error = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
        schema = {"type": "object", "required": ["error"], "properties": {"error": error}}
    content = {"application/json": {"schema": schema}}
    return {status: {"description": meaning, "content": content} for status, meaning in _FAILURES.items()}
