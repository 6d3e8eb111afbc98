"""What was asked, understood as far as routing needs: which operation, of which endpoint, streamed or whole.

Of a body only its top level is looked at here; what becomes of it is in `body.py`, for what is passed through, and in
`translate.py`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from urllib.parse import parse_qsl, unquote, unquote_plus, urlencode

from gatewright.dialects import multipart, toplevel
from gatewright.errors import ClientError
from gatewright.gateway.body import Body, FormBody, GeminiBody, JsonBody, RawBody
from gatewright.gateway.exchange import Headers

# Header fields of the client that say which version or trial of the provider's API the body is written for.
_VERSIONS = frozenset({b"anthropic-version", b"anthropic-beta", b"openai-beta"})
ANTHROPIC_VERSION = (b"anthropic-version", b"2023-06-01")
"""Sent when the client named none; Anthropic requires one (https://docs.anthropic.com/en/api/versioning)."""
STRICT = b"x-gatewright-strict"
"""Header field by which a client asks to be refused rather than served with something left out."""
_ON = frozenset({b"1", b"true", b"yes", b"on"})
_TOLD = _VERSIONS | {STRICT}
_ALIASES = frozenset(map("".join, product(*zip("model", "MODEL", strict=True)))) - {"model"}

RAW = "raw"
"""The operation of calls whose path the client chooses: every target serves it, and nothing in it is understood."""
_UP = re.compile(r"(?:^|[/\\])\.{1,2}(?:[/\\;]|$)")  # some servers drop what follows a `;` in a segment


@dataclass(slots=True)
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

    def header(self, name: bytes) -> bytes:
        """The first header field of a name in lower case; empty when there is none."""
        return next((value for known, value in self.headers if known == name), b"")

    @property
    def strict(self) -> bool:
        """Whether the client asks to be refused rather than served with something left out."""
        return self.header(STRICT).strip().lower() in _ON


@dataclass(slots=True)
class Call:
    """A request understood.

    Attributes:
        operation: key of `Access.ways`.
        endpoint: name of the endpoint.
        body: the body.
        stream: whether the client asked for a stream.
        headers: the client's header fields that go to the provider.
        query: query string for the provider, without its `?`.
        array: whether a stream is wanted as one JSON array, as Gemini gives it when not asked for events.
        strict: whether to be refused rather than served with something left out.
        path: of a raw call, the path below the provider's base address.
    """

    operation: str
    endpoint: str
    body: Body
    stream: bool = False
    headers: Headers = ()
    query: bytes = b""
    array: bool = False
    strict: bool = False
    path: str = ""

    @property
    def betas(self) -> tuple[str, ...]:
        """Values of the client's `anthropic-beta` header fields."""
        given = [value.decode("latin-1") for name, value in self.headers if name == b"anthropic-beta"]
        return tuple(one.strip() for value in given for one in value.split(",") if one.strip())


Parse = Callable[[Asked], Call]


def by_model(operation: str, *, streams: bool = True, unless: bool = False) -> Parse:
    """A body whose `model` is an endpoint's name.

    Args:
        operation: key of `Access.ways`.
        streams: whether `stream: true` may be asked for.
        unless: whether a body that does not say is answered by a stream.
    """

    def parse(asked: Asked) -> Call:
        fields = _fields(asked)
        endpoint = toplevel.text(fields, "model")
        if endpoint is None:
            raise ClientError("Missing required 'model' parameter in request body")
        stream = toplevel.flag(fields, "stream") or (unless and toplevel.value(fields, "stream") is None)
        if stream and not streams:
            raise ClientError(f"stream=true is not supported on '{operation}': its answer comes whole.")
        headers, strict = _told(asked.headers, operation)
        return Call(operation, endpoint, JsonBody(fields, asked.body), stream, headers, strict=strict)

    return parse


def by_path(operation: str, *, streams: bool = False) -> Parse:
    """A Gemini method: the path names the endpoint, and whether to stream; `alt=sse` asks for events.

    Args:
        operation: key of `Access.ways`.
        streams: whether the answer is a stream.
    """

    def parse(asked: Asked) -> Call:
        alt = [(name, value) for name, value in parse_qsl(asked.query.decode("latin-1")) if name == "alt"]
        return Call(
            operation=operation,
            endpoint=asked.params["endpoint"],
            body=GeminiBody(toplevel.split(asked.body), asked.body, names_model=False),
            stream=streams,
            query=urlencode(alt).encode("ascii"),
            array=streams and ("alt", "sse") not in alt,
            strict=asked.strict,
        )

    return parse


def by_place(operation: str, *, streams: bool = False) -> Parse:
    """A method whose path names the endpoint, and whether to stream; the body has no place for either.

    Args:
        operation: key of `Access.ways`.
        streams: whether the answer is a stream.
    """

    def parse(asked: Asked) -> Call:
        return Call(
            operation=operation,
            endpoint=asked.params["endpoint"],
            body=JsonBody(toplevel.split(asked.body), asked.body, names_model=False),
            stream=streams,
            strict=asked.header(STRICT) in _ON,
        )

    return parse


def by_form(operation: str) -> Parse:
    """A form with files whose field `model` is an endpoint's name.

    Args:
        operation: key of `Access.ways`.
    """

    def parse(asked: Asked) -> Call:
        content_type = asked.header(b"content-type")
        form = multipart.split(asked.body, content_type)
        endpoint = form.text("model")
        if endpoint is None:
            raise ClientError("Missing required 'model' field in the form")
        stream = form.text("stream") in ("true", "True", "1") if "stream" in form.places else False
        return Call(operation=operation, endpoint=endpoint, body=FormBody(form, content_type), stream=stream)

    return parse


def raw(asked: Asked) -> Call:
    """A call to any path of the provider, with a body that is passed through as it is.

    Raises:
        ClientError: when the path leads out of the provider's base address.
    """
    path = asked.params["path"]
    # The server has decoded the path once; a provider may decode what was encoded twice.
    if _UP.search(path) or _UP.search(unquote(path)):
        raise ClientError("The path must not hold '.' or '..' segments: it stays under the provider's base address.")
    content_type = asked.header(b"content-type") or b"application/octet-stream"
    return Call(
        operation=RAW,
        endpoint=asked.params["endpoint"],
        body=RawBody(asked.body, content_type),
        headers=_told(asked.headers, RAW)[0],
        query=_without_key(asked.query),
        path=path,
    )


def unified_chat(asked: Asked) -> Call:
    """MLflow's unified chat completion: `messages` must be there."""
    call = by_model("chat")(asked)
    _check_messages(toplevel.split(asked.body))
    return call


def chat_or_embeddings(asked: Asked) -> Call:
    """MLflow's invocation: the endpoint is in the path, and the body's shape tells chat from embeddings."""
    fields = _fields(asked)
    body, strict = JsonBody(fields, asked.body), asked.strict
    endpoint = asked.params["endpoint"]
    if "messages" in fields:
        _check_messages(fields)
        stream = toplevel.flag(fields, "stream")
        return Call(operation="chat", endpoint=endpoint, body=body, stream=stream, strict=strict)
    if "input" in fields:
        return Call(operation="embeddings", endpoint=endpoint, body=body, strict=strict)
    raise ClientError("Invalid request: payload format must be either chat or embeddings")


def deployed(asked: Asked) -> Call:
    """A prediction of MLflow's deployments client: as an invocation, and completions as well."""
    fields = _fields(asked)
    if "prompt" not in fields:
        return chat_or_embeddings(asked)
    stream = toplevel.flag(fields, "stream")
    body = JsonBody(fields, asked.body)
    return Call(operation="completions", endpoint=asked.params["endpoint"], body=body, stream=stream)


def _fields(asked: Asked) -> toplevel.Fields:
    """A body that names the model, and in one way only: providers written in Go take `Model` for `model` too."""
    fields = toplevel.split(asked.body)
    if not _ALIASES.isdisjoint(fields):
        other = next(name for name in fields if name in _ALIASES)
        raise ClientError(f"{other!r} can be taken for a second 'model': leave it out.")
    return fields


def _check_messages(fields: toplevel.Fields) -> None:
    if not re.match(rb"\[\s*[^\s\]]", bytes(fields.get("messages", b""))):
        raise ClientError("Invalid chat payload: 'messages' must be a list of at least 1 item.")


def _told(headers: Headers, operation: str) -> tuple[Headers, bool]:
    """The versions that the body is written for, and whether the call is strict; in one pass over the header fields."""
    found: Headers = ()
    strict = False
    for field in headers:
        if field[0] in _TOLD:
            if field[0] == STRICT:
                strict = field[1].strip().lower() in _ON
            else:
                found = (*found, field)
    if operation in ("messages", "count_tokens") and all(name != ANTHROPIC_VERSION[0] for name, _ in found):
        found = (*found, ANTHROPIC_VERSION)
    return found, strict


def _without_key(query: bytes) -> bytes:
    """A query string without the `key` that authenticates to us."""
    return b"&".join(part for part in query.split(b"&") if part and _name(part) != "key")


def _name(part: bytes) -> str:
    """The name of a parameter as whoever reads the query string takes it."""
    return unquote_plus(part.partition(b"=")[0].decode("latin-1"))
