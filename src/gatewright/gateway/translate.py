"""How a call goes to a target: passed through where the target speaks the client's dialect, else translated.

`CONVERSATIONS` is the one table of the dialects that are translated between: what a chat client, an Anthropic client, a
Gemini client and a Responses client ask can be answered by a target of any of them.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import msgspec

from gatewright.dialects import chat, generate_content, messages, responses
from gatewright.dialects.conversation import Answer, Dropped, Request
from gatewright.dialects.stream import Began, Counted, Event, Failed, StreamDecoder, StreamEncoder
from gatewright.errors import ClientError, UpstreamError, UpstreamProtocolError, UpstreamStatusError
from gatewright.gateway.exchange import Headers
from gatewright.gateway.signatures import MARK, Marker, settle
from gatewright.gateway.understand import ANTHROPIC_VERSION, Call
from gatewright.snapshot.model import Target

Pieces = AsyncIterator[bytes]
JSON, SSE = b"application/json", b"text/event-stream; charset=utf-8"


class Dialect(Protocol):
    """What a dialect's folder offers."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the folder
        """Its name; that of its operation."""
        ...

    def decode_request(self, body: Mapping[str, Any]) -> Request:
        """A client's body to a request; a ClientError names the field that is wrong."""
        ...

    def encode_request(self, request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
        """A request to a provider's body."""
        ...

    def decode_answer(self, body: Mapping[str, Any]) -> Answer:
        """A provider's body to an answer; an UpstreamProtocolError when it is none."""
        ...

    def encode_answer(self, answer: Answer, request: Request, dropped: Dropped) -> dict[str, Any]:
        """An answer to a client's body."""
        ...

    def Decoder(self) -> StreamDecoder:  # noqa: N802 - a class of the folder
        """Reads one provider's stream."""
        ...

    def Encoder(self, request: Request) -> StreamEncoder:  # noqa: N802 - a class of the folder
        """Writes one client's stream."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A dialect that is translated from and to.

    Attributes:
        dialect: its folder.
        whole: key of `Access.paths` for a whole answer.
        streamed: key of `Access.paths` for a streamed one.
        query: query string of a streamed request.
        headers: header fields its providers require.
    """

    dialect: Dialect
    whole: str
    streamed: str
    query: bytes = b""
    headers: Headers = ()


MESSAGES = Conversation(dialect=messages, whole="messages", streamed="messages", headers=(ANTHROPIC_VERSION,))
GEMINI = Conversation(
    dialect=generate_content, whole="generate_content", streamed="stream_generate_content", query=b"?alt=sse"
)
CHAT = Conversation(dialect=chat, whole="chat", streamed="chat")
RESPONSES = Conversation(dialect=responses, whole="responses", streamed="responses")

# In the order in which a target that speaks several is spoken to.
CONVERSATIONS = (MESSAGES, GEMINI, CHAT, RESPONSES)
_BY_OPERATION = {operation: one for one in CONVERSATIONS for operation in (one.whole, one.streamed)}


def serves(target: Target, operation: str) -> bool:
    """Whether a target can answer an operation, by itself or by translation."""
    return operation in target.access.paths or (
        operation in _BY_OPERATION and any(one.whole in target.access.paths for one in CONVERSATIONS)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One call as it goes to one target, and its answer as it goes to the client.

    Attributes:
        path: request target.
        headers: header fields besides the credential.
        body: request body.
        whole: a whole answer's body, as the client gets it.
        streamed: the pieces of a stream, as the client gets them.
        translated: whether the target speaks another dialect than the client.
        content_type: of the translated answer.
        dropped: what the translation has left out so far.
    """

    path: bytes
    headers: Headers
    body: bytes
    whole: Callable[[bytes], bytes] = bytes
    streamed: Callable[[Pieces], Pieces] = aiter
    translated: bool = False
    content_type: bytes = b""
    dropped: Dropped = field(default_factory=Dropped)


class Sender:
    """Makes what goes to each target of one call; the client's body is decoded once, and only when it must be.

    Args:
        call: what was asked.
    """

    __slots__ = ("_call", "_request")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._request: Request | None = None

    def to(self, target: Target) -> Sending:
        """The call as it goes to one target.

        Raises:
            ClientError: when the body is not the dialect's, or cannot be translated.
        """
        call = self._call
        path = target.access.paths.get(call.operation)
        client = _BY_OPERATION.get(call.operation)
        if client is None or (path is not None and MARK not in call.raw):
            path = target.access.paths[call.operation]
            return Sending(path=path + call.query, headers=call.headers, body=call.body_for(target.model))
        if path is not None:
            return self._translated(target, client, client)  # to take out what other providers signed
        return self._translated(target, client, next(one for one in CONVERSATIONS if one.whole in target.access.paths))

    def _translated(self, target: Target, client: Conversation, provider: Conversation) -> Sending:
        if self._request is None:
            self._request = _decoded(client, self._call)
        request, dropped = self._request, Dropped()
        # Usage is always asked for; an encoder shows it to a client that asked for it too.
        asked = replace(request, stream_usage=True) if request.stream and client is not provider else request
        asked = settle(asked, provider.dialect.NAME, dropped)
        if provider is CHAT:
            body = chat.encode_request(asked, target.model, dropped, thoughts=target.access.thoughts)
        else:
            body = provider.dialect.encode_request(asked, target.model, dropped)
        translation = _Translation(client, provider, request, dropped, self._call)
        operation, query = (provider.streamed, provider.query) if request.stream else (provider.whole, b"")
        return Sending(
            path=target.access.paths[operation] + query,
            headers=provider.headers,
            body=msgspec.json.encode(body),
            whole=translation.whole,
            streamed=translation.streamed,
            translated=True,
            content_type=translation.content_type,
            dropped=dropped,
        )


def _decoded(client: Conversation, call: Call) -> Request:
    try:
        body = msgspec.json.decode(msgspec.json.encode(call.fields))
    except (msgspec.DecodeError, RecursionError):
        raise ClientError("Invalid JSON payload: it is nested too deeply.") from None
    request = client.dialect.decode_request(body)
    request.stream = call.stream or request.stream  # a Gemini client says it in the path
    kept = responses.stateful(request) if client is RESPONSES else None
    if kept:
        raise ClientError(f"'{kept}' needs a provider that keeps state, which the one behind this endpoint does not.")
    return request


class _Translation:
    """One answer on its way back: from the provider's dialect to the client's."""

    def __init__(
        self, client: Conversation, provider: Conversation, request: Request, dropped: Dropped, call: Call
    ) -> None:
        self._client = client.dialect
        self._provider = provider.dialect
        self._request = request
        self._dropped = dropped
        self._marker = Marker(provider.dialect.NAME) if client is not provider else None
        # A Gemini client that does not ask for events gets its stream as one JSON array.
        self._array = client is GEMINI and call.query != b"?alt=sse"

    @property
    def content_type(self) -> bytes:
        """Of what the client gets."""
        return JSON if self._array or not self._request.stream else SSE

    def whole(self, body: bytes) -> bytes:
        """A whole answer, translated.

        Raises:
            UpstreamProtocolError: when it is not the provider's dialect.
        """
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamProtocolError("its answer is not JSON.") from None
        if not isinstance(found, dict):
            raise UpstreamProtocolError("its answer is not a JSON object.")
        answer = self._provider.decode_answer(found)
        answer.created = answer.created or int(time.time())
        if self._marker:
            self._marker.answer(answer)
        return msgspec.json.encode(self._client.encode_answer(answer, self._request, self._dropped))

    async def streamed(self, pieces: Pieces) -> Pieces:
        """A stream, translated as it comes.

        The head is held back until there is something to show for it, so that a provider that fails before that can
        be replaced by the next target. A failure after that becomes an event of the client's dialect.

        Raises:
            UpstreamError: when the provider fails before the first piece.
        """
        decoder, encoder = self._provider.Decoder(), self._encoder()
        held: list[bytes] = []
        shown = False
        try:
            async for events in _decoded_events(decoder, pieces):
                for event in events:
                    if isinstance(event, Failed) and not shown:
                        raise UpstreamStatusError(f"it failed: {event.message}", event.status, (), b"")
                    if isinstance(event, Began):
                        event.created = event.created or int(time.time())
                    shown = shown or not isinstance(event, Began | Counted)
                    held += map(encoder.encode, self._marker.events(event) if self._marker else (event,))
                if shown and any(held):
                    yield b"".join(held)
                    held.clear()
        except UpstreamError as problem:
            if not shown:
                raise
            held.append(encoder.encode(Failed(message=problem.public, kind=problem.code, status=problem.status)))
            yield b"".join(held)

    def _encoder(self) -> StreamEncoder:
        if self._array:
            return generate_content.Encoder(self._request, array=True)
        return self._client.Encoder(self._request)


async def _decoded_events(decoder: StreamDecoder, pieces: Pieces) -> AsyncIterator[list[Event]]:
    async for piece in pieces:
        yield decoder.feed(piece)
    yield decoder.end()
