"""An exchange over ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gatewright.errors import ClientError, TooLargeError
from gatewright.gateway.exchange import Headers, Pieces

CONTROLS = bytes({*range(0x20), 0x7F} - {0x09})
"""What no header field may hold: it could end the field, or the head."""

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGoneError(ClientError):
    """The client closed the connection before it had sent its whole request; nobody reads an answer."""

    status, code = 499, "CLIENT_LEFT"


class ASGIExchange:
    """One ASGI request; see `gateway/exchange.py` for the contract. To be closed when it is over.

    Args:
        scope: the connection scope.
        receive: gives the body.
        send: takes the answer.
        max_body: largest body in bytes.

    Attributes:
        gone: whether the client has left before its answer was complete.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body: int) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: Headers = scope["headers"]
        self._receive = receive
        self._send = send
        self._max_body = max_body
        self._watch: asyncio.Task[None] | None = None
        self._held = 0  # bytes of the body that there is room for
        self.started = False
        self.gone = False

    def announced(self) -> int:
        """Bytes of the body as the head tells, or 0.

        Raises:
            TooLargeError: over the limit.
        """
        self._held = announced(self.headers, self._max_body)
        return self._held

    async def body(self, hold: Callable[[int], None]) -> bytes:
        """The whole request body. From then on the calling task is cancelled when the client leaves.

        Raises:
            TooLargeError: over the limit; as soon as that is known.
            ClientGoneError: when it never came whole.
        """
        pieces: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGoneError("The connection was closed before the request had come whole.")
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > self._max_body:
                raise too_large(self._max_body)
            if size > self._held:
                hold(size - self._held)
                self._held = size
            more = message.get("more_body", False)
        # ASGI tells that the client has left only after the body was read.
        self._watch = asyncio.create_task(self._cancel_when_gone(asyncio.current_task()))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _cancel_when_gone(self, serving: asyncio.Task[Any] | None) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if serving is not None:
            serving.cancel()

    def close(self) -> None:
        """Watch for the client no more."""
        if self._watch is not None:
            self._watch.cancel()

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer at once."""
        await self.start(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self._send({"type": "http.response.body", "body": body})

    async def start(self, status: int, headers: Headers) -> None:
        """Begin an answer of unknown length."""
        if any(value.translate(None, CONTROLS) != value for _, value in headers):
            raise ValueError("A header field of an answer holds a control character.")
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers]})

    async def write(self, chunk: bytes) -> None:
        """Send a piece of it."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def relay(self, pieces: Pieces, given: Callable[[bytes], bytes]) -> None:
        """Send what is made of each piece."""
        async for piece in pieces:
            chunk = given(piece)
            if chunk:
                await self.write(chunk)

    async def end(self) -> None:
        """Complete it."""
        await self._send({"type": "http.response.body", "body": b""})


def announced(headers: Headers, max_body: int) -> int:
    """The length of a body as its head tells, before a byte of it is read; 0 when it does not.

    Raises:
        TooLargeError: when `content-length` is over the limit.
    """
    found = next((value for name, value in headers if name == b"content-length"), b"")
    length = int(found) if found.isdigit() else 0
    if length > max_body:
        raise too_large(max_body)
    return length


def too_large(max_body: int) -> TooLargeError:
    """The error for a body over the limit."""
    return TooLargeError(f"The request body is over the limit of {max_body} bytes (GATEWRIGHT_MAX_BODY).")
