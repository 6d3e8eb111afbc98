"""How long an upstream is waited for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds. They are checked by a sweep and may pass by a tenth, at most by a second.

    Attributes:
        connect: to get a connection: waiting for a free one, DNS, TCP and TLS together.
        first_byte: from the request sent to the first byte of the answer.
        idle: without progress while a body is sent or received; a paused reader does not count.
        total: from `send` to the last byte.
        keep_alive: how long a connection is kept without a request.
        lifetime: how long a connection takes new requests, so that a name that leads elsewhere by now is followed.
        floor: bytes a second that are progress in a stream (`Response.mark`) though nothing in it gets whole; 0 when
            any byte is. What does get whole is progress however little it is: while a model thinks, servers send a
            comment of three bytes every 15 or 30 seconds.
    """

    connect: float = 10.0
    first_byte: float = 300.0
    idle: float = 120.0
    total: float = 900.0
    keep_alive: float = 55.0
    lifetime: float = 600.0
    floor: float = 100.0
