"""What names lead to: asked once for all who ask at the same time, kept for a while."""

import asyncio
import itertools
import math
import socket
from dataclasses import dataclass, field
from typing import TypeVar

FRESH = 30.0
"""Seconds an answer serves. The system's resolver does not tell for how long it holds, so this is short."""

DENIED = 2.0
"""Seconds it is kept that a name leads nowhere."""

REMEMBERED = 1024
"""Most names, and most addresses that failed; the oldest are forgotten."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(slots=True)
class _Answer:
    asked: float
    until: float = math.inf
    coming: asyncio.Task[tuple[str, ...]] = field(init=False)


class Names:
    """The resolver of one event loop, with a memory for names and for addresses that fail."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._answers: dict[str, _Answer] = {}
        self._failed: dict[tuple[str, int], float] = {}

    async def find(self, host: str, *, since: float = -math.inf) -> tuple[str, ...]:
        """The numeric addresses of a name, IPv6 and IPv4 in turn as the resolver ranks them; none when it has none.

        Args:
            host: the name.
            since: loop time before which an answer is too old, though it would serve otherwise.
        """
        answer = self._answers.get(host)
        now = self._loop.time()
        if answer is None or answer.asked < since or answer.until <= now:
            answer = _Answer(now)
            answer.coming = self._loop.create_task(self._ask(host, answer))
            self._answers.pop(host, None)
            _remember(self._answers, host, answer)
        return await asyncio.shield(answer.coming)  # others wait for the same

    async def _ask(self, host: str, answer: _Answer) -> tuple[str, ...]:
        try:
            found = await self._loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        answer.until = self._loop.time() + (FRESH if found else DENIED)
        return _interleaved(list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found)))

    def failed(self, ip: str, port: int) -> None:
        """An address does not answer: for a while the others are tried before it."""
        self._failed.pop((ip, port), None)
        _remember(self._failed, (ip, port), self._loop.time() + FRESH)

    def works(self, ip: str, port: int) -> None:
        """An address answers."""
        self._failed.pop((ip, port), None)

    def is_doubtful(self, ip: str, port: int) -> bool:
        """Whether an address has failed lately."""
        return self._failed.get((ip, port), -math.inf) > self._loop.time()


def _interleaved(ips: list[str]) -> tuple[str, ...]:
    """The families in turn, beginning with the first one's (RFC 8305, section 4): one that is cut off costs little."""
    first = [ip for ip in ips if (":" in ip) == (":" in ips[0])]
    other = [ip for ip in ips if (":" in ip) != (":" in ips[0])]
    return tuple(ip for pair in itertools.zip_longest(first, other) for ip in pair if ip is not None)


def _remember(known: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    known[key] = value
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
