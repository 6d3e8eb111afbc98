"""How long a request may take in all, whatever it waits for."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from gatewright.errors import ClientError, UpstreamTimeoutError
from gatewright.gateway.exchange import Headers

TIMEOUT = b"x-gatewright-timeout-ms"
"""Header field by which a client says how many milliseconds its request may take."""

_Done = TypeVar("_Done")

LONGEST = 86_400_000
"""Most milliseconds it may say."""


class OutOfTimeError(UpstreamTimeoutError):
    """The time of the request is over; no target is at fault."""

    def __init__(self) -> None:
        super().__init__("the time that the request has was over.")


def deadline(headers: Headers, timeout: float | None, arrived: float) -> float | None:
    """The time of the event loop at which a request is given up; None for never.

    Args:
        headers: its header fields.
        timeout: seconds its endpoint gives it; None for any. The client may give it less.
        arrived: when it came, as `time.perf_counter` tells it.

    Raises:
        ClientError: when the client says no number of milliseconds.
    """
    for name, value in headers:
        if name == TIMEOUT:
            asked = _seconds(value)
            timeout = asked if timeout is None else min(asked, timeout)
    if timeout is None:
        return None
    return asyncio.get_running_loop().time() + timeout - (time.perf_counter() - arrived)


async def within(ends: float | None, doing: Coroutine[Any, Any, _Done], late: UpstreamTimeoutError) -> _Done:
    """Do something until a time of the event loop, at most.

    Raises:
        UpstreamTimeoutError: `late`, when it was not done by then.
    """
    try:
        async with asyncio.timeout_at(ends):
            return await doing
    except TimeoutError:
        raise late from None


def _seconds(value: bytes) -> float:
    if not value.isdigit() or not 0 < len(value) < 10 or not 0 < int(value) <= LONGEST:
        raise ClientError(f"{TIMEOUT.decode()} must be a whole number of milliseconds from 1 to {LONGEST}.")
    return int(value) / 1000
