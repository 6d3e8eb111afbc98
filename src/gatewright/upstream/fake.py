"""A client without sockets: plays literal answers through the real `Response`."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatewright.errors import GatewrightError, UnavailableError, UpstreamRefusedError
from gatewright.snapshot.address import Address
from gatewright.snapshot.model import Access
from gatewright.upstream.request import Headers as GivenHeaders
from gatewright.upstream.request import Request
from gatewright.upstream.response import Headers, Response

REMEMBERED = 1024
"""Requests a fake keeps for whoever asks; older ones are forgotten."""


MINTED = ((b"authorization", b"Bearer minted-token"),)
"""What the fake sends for any identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is played back.

    Attributes:
        status: HTTP status.
        headers: names in lower case.
        body: in order: bytes to deliver, seconds to pause, or an error that ends the body.
    """

    status: int = 200
    headers: Headers = ((b"content-type", b"application/json"),)
    body: Sequence[bytes | float | GatewrightError] = ()


Play = Callable[[Request], Answer | GatewrightError]


def in_turn(*answers: Answer | GatewrightError) -> Play:
    """Play each answer once, in order; after the last one the provider is unreachable."""
    rest = iter(answers)
    return lambda _: next(rest, UpstreamRefusedError("The fake provider has no answer left."))


class FakeClient:
    """Stands in for `Client`.

    Args:
        play: chooses the answer to a request; an error is raised by `send`.

    Attributes:
        requests: the last requests, oldest first.
        aborted: how many answers were given up before their end.
    """

    def __init__(self, play: Play) -> None:
        self._play = play
        self._closed = False
        self.requests: deque[Request] = deque(maxlen=REMEMBERED)
        self.aborted = 0

    async def call(self, access: Access, method: bytes, path: bytes, headers: GivenHeaders, body: bytes) -> Response:
        """As `send`, with the access's credential headers; every identity is given the same token."""
        credential = access.headers if access.identity is None else MINTED
        response = await self.send(access.address, method, path, (*credential, *headers), body)
        response.credential = credential
        return response

    async def send(self, address: Address, method: bytes, path: bytes, headers: GivenHeaders, body: bytes) -> Response:
        """Remember the request and begin to play its answer."""
        if self._closed:
            raise UnavailableError("Gatewright is shutting down. Send the request again.")
        request = Request(address, method, path, tuple(headers), body)
        self.requests.append(request)
        answer = self._play(request)
        if isinstance(answer, GatewrightError):
            raise answer
        return _Player(self, answer).response

    async def close(self) -> None:
        """Refuse further requests."""
        self._closed = True


class _Player:
    """The source of one played body; keeps the pauses of the script and those the reader asks for."""

    def __init__(self, client: FakeClient, answer: Answer) -> None:
        self.loop = asyncio.get_running_loop()
        self.response = Response(answer.status, answer.headers, self)
        self._client = client
        self._steps = iter(answer.body)
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._play()

    def _play(self) -> None:
        self._timer = None
        while not self._paused:
            step = next(self._steps, None)
            if isinstance(step, bytes):
                self.response.feed(step)
            elif isinstance(step, int | float):
                self._timer = self.loop.call_later(step, self._play)
                return
            else:
                self.response.finish(step)
                return

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        if self._timer is None:
            self._play()

    def abort(self) -> None:
        self._client.aborted += 1
        self._steps = iter(())
        if self._timer is not None:
            self._timer.cancel()
