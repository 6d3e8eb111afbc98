"""What was asked, understood as far as routing needs: which operation, of which endpoint, streamed or whole.

Everything here is pass-through: of the body only its top level is looked at, and `model` is the one field that changes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from gatewright.dialects import toplevel
from gatewright.errors import ClientError
from gatewright.gateway.exchange import Headers

# Header fields of the client that say which version or trial of the provider's API the body is written for.
_VERSIONS = frozenset({b"anthropic-version", b"anthropic-beta", b"openai-beta"})
ANTHROPIC_VERSION = (b"anthropic-version", b"2023-06-01")
"""Sent when the client named none; Anthropic requires one (https://docs.anthropic.com/en/api/versioning)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came.

    Attributes:
        body: the whole body.
        params: the path's parameters.
        query: query string.
        headers: header fields.
    """

    body: bytes
    params: Mapping[str, str]
    query: bytes = b""
    headers: Headers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request understood.

    Attributes:
        operation: key of `Target.paths`.
        endpoint: name of the endpoint.
        fields: the body, split at its top level.
        raw: the body as it came.
        stream: whether the client asked for a stream.
        names_model: whether the body names the model; else the path does.
        headers: the client's header fields that go to the provider.
        query: query string for the provider, with its `?`.
    """

    operation: str
    endpoint: str
    fields: toplevel.Fields
    raw: bytes
    stream: bool = False
    names_model: bool = True
    headers: Headers = ()
    query: bytes = b""

    def body_for(self, model: str) -> bytes:
        """The body to send to a target.

        Args:
            model: the target's own model name.
        """
        return toplevel.join(self.fields, model=model) if self.names_model else toplevel.join(self.fields)


Parse = Callable[[Asked], Call]


def by_model(operation: str, *, streams: bool = True) -> Parse:
    """A body whose `model` is an endpoint's name.

    Args:
        operation: key of `Target.paths`.
        streams: whether `stream: true` may be asked for.
    """

    def parse(asked: Asked) -> Call:
        fields = toplevel.split(asked.body)
        endpoint = toplevel.text(fields, "model")
        if endpoint is None:
            raise ClientError("Missing required 'model' parameter in request body")
        stream = toplevel.flag(fields, "stream")
        if stream and not streams:
            raise ClientError(f"stream=true is not supported on '{operation}': its answer comes whole.")
        headers = _versions(asked.headers, operation)
        return Call(
            operation=operation, endpoint=endpoint, fields=fields, raw=asked.body, stream=stream, headers=headers
        )

    return parse


def by_path(operation: str) -> Parse:
    """A Gemini method: the path names the endpoint, and whether to stream; `alt=sse` goes on to the provider."""

    def parse(asked: Asked) -> Call:
        alt = [(name, value) for name, value in parse_qsl(asked.query.decode("latin-1")) if name == "alt"]
        return Call(
            operation=operation,
            endpoint=asked.params["endpoint"],
            fields=toplevel.split(asked.body),
            raw=asked.body,
            stream=operation.startswith("stream_"),
            names_model=False,
            query=b"?" + urlencode(alt).encode("ascii") if alt else b"",
        )

    return parse


def unified_chat(asked: Asked) -> Call:
    """MLflow's unified chat completion: `messages` must be there."""
    call = by_model("chat")(asked)
    _check_messages(call.fields)
    return call


def chat_or_embeddings(asked: Asked) -> Call:
    """MLflow's invocation: the endpoint is in the path, and the body's shape tells chat from embeddings."""
    fields = toplevel.split(asked.body)
    endpoint = asked.params["endpoint"]
    if "messages" in fields:
        _check_messages(fields)
        return Call(
            operation="chat", endpoint=endpoint, fields=fields, raw=asked.body, stream=toplevel.flag(fields, "stream")
        )
    if "input" in fields:
        return Call(operation="embeddings", endpoint=endpoint, fields=fields, raw=asked.body)
    raise ClientError("Invalid request: payload format must be either chat or embeddings")


def _check_messages(fields: toplevel.Fields) -> None:
    if not re.match(rb"\[\s*[^\s\]]", bytes(fields.get("messages", b""))):
        raise ClientError("Invalid chat payload: 'messages' must be a list of at least 1 item.")


def _versions(headers: Headers, operation: str) -> Headers:
    found = tuple(field for field in headers if field[0] in _VERSIONS)
    if operation in ("messages", "count_tokens") and all(name != ANTHROPIC_VERSION[0] for name, _ in found):
        found = (*found, ANTHROPIC_VERSION)
    return found
