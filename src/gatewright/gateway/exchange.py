"""The seam to the server: one HTTP request and the means to answer it. No HTTP library is known past here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

Headers = Sequence[tuple[bytes, bytes]]
"""Header fields in order; names in lower case."""


class Pieces(Protocol):
    """A body on its way: its pieces are read once, one by one or all as they come."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def pour(self, take: Callable[[bytes], bool], ready: Callable[[], Awaitable[None]]) -> None:
        """Give every piece away in the turn of the loop in which it comes, until the end.

        Args:
            take: takes a piece; False when it can take no more for now.
            ready: returns when it can.

        Raises:
            GatewrightError: that of the body, or of `take`.
        """
        ...


class Exchange(Protocol):
    """One request under way. Exactly one answer is written: `respond`, or `start`, any `write`s and `end`.

    Attributes:
        method: upper case.
        path: percent-decoded path.
        query: query string as it came.
        headers: request header fields.
        started: whether a byte of an answer went to the client.
        gone: whether the client has left before its answer was complete.
    """

    method: str
    path: str
    query: bytes
    headers: Headers
    started: bool
    gone: bool

    def announced(self) -> int:
        """Bytes of the request body, as far as its head, or what is already here, tells; else 0.

        Raises:
            TooLargeError: over the limit of the settings.
        """
        ...

    async def body(self, hold: Callable[[int], None]) -> bytes:
        """The whole request body.

        Args:
            hold: told of bytes beyond those that were announced, as they come; it may refuse them.

        Raises:
            TooLargeError: over the limit of the settings.
            GatewrightError: that of `hold`.
        """
        ...

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer at once; the length is added."""
        ...

    async def start(self, status: int, headers: Headers) -> None:
        """Begin an answer of unknown length."""
        ...

    async def write(self, chunk: bytes) -> None:
        """Send a piece of it; waits while the client reads slowly."""
        ...

    async def relay(self, pieces: Pieces, given: Callable[[bytes], bytes]) -> None:
        """Send what is made of each piece, as it comes, until they end; waits while the client reads slowly.

        Args:
            pieces: from the provider.
            given: makes of one what is sent; often nothing.

        Raises:
            GatewrightError: that of the pieces, or of `given`.
        """
        ...

    async def end(self) -> None:
        """Complete it."""
        ...
