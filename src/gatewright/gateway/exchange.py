"""The seam to the server: one HTTP request and the means to answer it. No HTTP library is known past here."""

from collections.abc import Sequence
from typing import Protocol

Headers = Sequence[tuple[bytes, bytes]]
"""Header fields in order; names in lower case."""


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

    async def body(self) -> bytes:
        """The whole request body.

        Raises:
            TooLargeError: over the limit of the settings.
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

    async def end(self) -> None:
        """Complete it."""
        ...
