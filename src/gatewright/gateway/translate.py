"""How a call goes to a target: passed through where the target speaks the client's dialect, else translated."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote

import msgspec

from gatewright.dialects import chat, responses
from gatewright.dialects.conversation import Dropped, Request
from gatewright.errors import ClientError
from gatewright.gateway.answering import Answering, Streaming, encoder
from gatewright.gateway.body import JSON, JsonBody, counting, fitted
from gatewright.gateway.conversations import CHAT, CONVERSATIONS, FRAMES, LINES, RESPONSES, SSE, WIRES, Wire, spoken
from gatewright.gateway.exchange import Headers
from gatewright.gateway.metering import Meter
from gatewright.gateway.signatures import MARK, settle
from gatewright.gateway.streaming import EVENT_ENDS, Passing, Transform, Unframing
from gatewright.gateway.transcript import Transcript, going_on
from gatewright.gateway.understand import ANTHROPIC_VERSION, RAW, Call
from gatewright.snapshot.model import Target, Way


class StrictError(ClientError):
    """A strict call to a target that cannot express all of it; another target may."""


@dataclass(slots=True)
class Sending:
    """One call as it goes to one target, and its answer as it goes to the client.

    Attributes:
        path: request target.
        headers: header fields besides the credential.
        body: request body.
        whole: makes of a whole answer's body what the client gets; None for the same.
        stream: makes what makes of a stream what the client gets; None for the same.
        media: content type a stream of this target has.
        translated: whether the target speaks another dialect than the client.
        content_type: of the answer as the client gets it; empty for the provider's own.
        dropped: what the translation has left out so far.
        meter: reads the usage of the answer.
        fed: whether it reads by itself, so that pieces need not be given to it.
        transcript: what the client is told of a stream that another target may go on with; None where none may.
    """

    path: bytes
    headers: Headers
    body: bytes
    meter: Meter
    whole: Callable[[bytes], bytes] | None = None
    stream: Callable[[], Transform] | None = None
    media: bytes = SSE
    translated: bool = False
    content_type: bytes = b""
    dropped: Dropped = field(default_factory=Dropped)
    fed: bool = False
    transcript: Transcript | None = None


class Sender:
    """Makes what goes to each target of one call; the client's body is decoded once, and only when it must be.

    Args:
        call: what was asked.
        request_id: names an answer whose provider names none.
        strict: whether a target is refused that cannot express all of it.
        continued: whether a target is to go on with a stream of another one that breaks off, where that can be done.
    """

    __slots__ = ("_call", "_continued", "_request", "_request_id", "_strict", "_transcript")

    def __init__(self, call: Call, request_id: str, *, strict: bool = False, continued: bool = False) -> None:
        self._call = call
        self._request_id = request_id
        self._strict = strict or call.strict
        self._request: Any = None
        self._transcript: Transcript | None = None
        self._continued = continued and self._can_be_continued()

    def follow(self, transcript: Transcript) -> None:
        """From here on, targets are asked to go on with what the client was told."""
        self._transcript = transcript

    def to(self, target: Target) -> Sending:
        """The call as it goes to one target.

        Raises:
            ClientError: when the body is not the dialect's, or cannot be translated.
            StrictError: when something would be left out of a strict call.
        """
        call, access = self._call, target.access
        if call.operation == RAW:
            return self._raw(target)
        way = access.ways.get(call.operation)
        client = WIRES.get(call.operation)
        if way is not None and not (self._continued or (client in CONVERSATIONS and _marked(call))):
            return self._passed(target, way)
        # The client's own dialect is decoded and encoded too: to take out what other providers signed, or to know what
        # was said.
        provider = client if way is not None else spoken(access, call.operation)
        if client is None or provider is None:
            raise AssertionError("a target is planned for only when it serves the operation")
        way = access.ways[provider.operation]
        if client in CONVERSATIONS:
            return self._conversing(target, client, provider, way)
        return self._translated(target, client, provider, way)

    def _raw(self, target: Target) -> Sending:
        """A call to a path of the client's choice, below that of the provider."""
        call = self._call
        path = f"{target.access.address.path.rpartition('/')[0]}/{quote(call.path, safe=_IN_A_PATH)}"
        headers = _headers(call.headers, call.body.content_type, ANY)
        return Sending(_queried(path.encode("ascii"), call.query), headers, call.body.sent("", _PLAIN, ()), Meter(RAW))

    def _passed(self, target: Target, way: Way) -> Sending:
        call = self._call
        asking = counting(call.body) if way.asks_usage and call.stream else None
        body = (asking or call.body).sent(target.model, way, call.betas if way.betas else ())
        meter = Meter(call.operation)
        path = _queried(_path(way, stream=call.stream), call.query)
        given, content_type = _fitting(call.headers, way), call.body.content_type
        if not call.stream:
            return Sending(path, _headers(given, content_type, ANY), body, meter)
        wire = WIRES.get(call.operation)
        media = FRAMES if way.framed else JSON if call.array else SSE if wire is None else wire.media
        sending = Sending(path, _headers(given, content_type, media), body, meter, media=media)
        if way.framed:
            sending.stream, sending.content_type = partial(Unframing, meter), SSE
        elif not call.array and media != FRAMES:
            ends = (b"\n",) if media == LINES else EVENT_ENDS
            sending.stream = partial(Passing, meter, ends, hides=asking is not None)
        return sending

    def _conversing(self, target: Target, client: Wire, provider: Wire, way: Way) -> Sending:
        if self._request is None:
            self._request = _conversation(client, self._call)
        request: Request = self._request
        own = client is provider
        dropped, lost = Dropped(), Dropped()
        transcript, asked = self._told(client, request)
        if request.stream and (way.asks_usage or not own):  # an encoder shows it to a client that asked for it too
            asked = replace(asked, stream_usage=True)
        asked = settle(asked, provider.dialect.NAME, dropped)
        if provider is CHAT:
            body = chat.encode_request(asked, target.model, lost, thoughts=target.access.thoughts)
        else:
            body = provider.dialect.encode_request(asked, target.model, lost)
        self._check(lost, target)
        dropped |= lost
        meter = Meter("")
        named = (self._request_id, target.model)
        streaming = Streaming(
            client,
            provider,
            request,
            dropped,
            meter,
            named=named,
            array=self._call.array,
            credential=target.access.headers,
            transcript=transcript,
        )
        framed = way.framed and bool(request.stream)
        media = FRAMES if framed else provider.media
        return Sending(
            path=_queried(_path(way, stream=bool(request.stream)), provider.query if request.stream else b""),
            headers=_headers(
                _fitting(self._call.headers if own else provider.headers, way), JSON, media if request.stream else ANY
            ),
            body=msgspec.json.encode(fitted(body, way, self._call.betas if own else ())),
            meter=meter,
            fed=True,
            whole=streaming.whole,
            stream=(lambda: Unframing(streaming.stream())) if framed else streaming.stream,
            media=media,
            translated=not own,
            content_type=streaming.content_type,
            dropped=dropped,
            transcript=transcript,
        )

    def _can_be_continued(self) -> bool:
        """Whether the answer is one stream of events that we read, and what goes on with it may be any text.

        Of an answer in a shape that must hold, nobody can go on with a half. Sound has no place among the events.
        """
        client = WIRES.get(self._call.operation)
        if not self._call.stream or client not in CONVERSATIONS:
            return False
        try:
            self._request = request = _conversation(client, self._call)
        except ClientError:
            return False  # it is for the target's own dialect only
        return request.candidates in (None, 1) and request.output is None and "modalities" not in request.rest

    def _told(self, client: Wire, request: Request) -> tuple[Transcript | None, Request]:
        """What the client is told of the answer is noted in, and what is asked."""
        before = self._transcript
        if before is not None:
            if not before.open:
                raise ClientError("Nobody can go on with this answer any more.")
            before.follow()
            return before, going_on(request, before.text)
        if not self._continued:
            return None, request
        return Transcript(encoder(client, request, array=self._call.array), client.dialect.NAME), request

    def _translated(self, target: Target, client: Wire, provider: Wire, way: Way) -> Sending:
        if self._request is None:
            self._request = client.dialect.decode_request(_decoded(self._call))
            self._request.model = self._request.model or self._call.endpoint  # Gemini's clients name it in the path
        dropped, meter = Dropped(), Meter("")
        body = provider.dialect.encode_request(self._request, target.model, dropped)
        self._check(dropped, target)
        return Sending(
            path=way.path,
            headers=_headers(provider.headers, JSON, ANY),
            body=msgspec.json.encode(fitted(body, way)),
            meter=meter,
            fed=True,
            whole=Answering(client, provider, self._request, dropped, meter).whole,
            translated=True,
            content_type=JSON,
            dropped=dropped,
        )

    def _check(self, lost: Dropped, target: Target) -> None:
        if self._strict and lost:
            names = ", ".join(sorted(lost))
            raise StrictError(f"{target.provider}/{target.model} cannot express {names}, and this call is strict.")


ANY = b"*/*"
"""Asks for an answer of whatever content type."""
_PLAIN = Way(path=b"")
_IN_A_PATH = "/:@!$&'()*+,;=~"  # RFC 3986, section 3.3


def _path(way: Way, *, stream: bool) -> bytes:
    return way.streamed if stream and way.streamed else way.path


def _queried(path: bytes, query: bytes) -> bytes:
    """A request target with one more query string; it may have one of its own."""
    return path + (b"&" if b"?" in path else b"?") + query if query else path


def _fitting(headers: Headers, way: Way) -> Headers:
    """The version headers, but for those whose values this way wants in the body."""
    if not (way.betas or way.adds):
        return headers
    moved = {b"anthropic-beta"} if way.betas else set()
    if ANTHROPIC_VERSION[0].decode().replace("-", "_") in way.adds:
        moved.add(ANTHROPIC_VERSION[0])
    return tuple(one for one in headers if one[0] not in moved)


@lru_cache(maxsize=1024)
def _headers(given: Headers, content_type: bytes, accept: bytes) -> Headers:
    return (*given, (b"content-type", content_type), (b"accept", accept))


def _marked(call: Call) -> bool:
    return isinstance(call.body, JsonBody) and MARK in call.body.raw


def _decoded(call: Call) -> dict[str, object]:
    if not isinstance(call.body, JsonBody):
        raise ClientError("This body cannot be translated: it is no JSON.")
    try:
        found: dict[str, object] = msgspec.json.decode(call.body.raw)
    except RecursionError:
        raise ClientError("Invalid JSON payload: it is nested too deeply.") from None
    except msgspec.DecodeError as problem:
        raise ClientError(f"Invalid JSON payload: {problem}.") from None
    return found


def _conversation(client: Wire, call: Call) -> Request:
    request: Request = client.dialect.decode_request(_decoded(call))
    request.stream = call.stream or request.stream  # a Gemini client says it in the path
    kept = responses.stateful(request) if client is RESPONSES else None
    if kept:
        raise ClientError(f"'{kept}' needs a provider that keeps state, which the one behind this endpoint does not.")
    return request
