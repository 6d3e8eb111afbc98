"""A request head like the one before on its connection, known without parsing it again.

A client's pool sends the same head for every request of a kind; only the length of the body differs. What the parser
made of the first one holds for each that is the same to the byte, its length aside.
"""

import re
from typing import Self

from gatewright.gateway.exchange import Headers

LARGEST = 4096
"""Bytes of a head that is remembered, at most; one is kept for each connection."""

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_DIGITS = 15
# What else says how a body is framed, or wants an answer of its own before the body.
_SPECIAL = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"trailer"})


class Template:
    """The head of one request that was parsed.

    Args:
        before: its bytes up to the digits of its length.
        after: those after them.
        first: its header fields before that of its length.
        rest: those after it.
    """

    __slots__ = ("_after", "_before", "_first", "_rest")

    def __init__(self, before: bytes, after: bytes, first: Headers, rest: Headers) -> None:
        self._before = before
        self._after = after
        self._first = tuple(first)
        self._rest = tuple(rest)

    @classmethod
    def of(cls, data: bytes, headers: Headers) -> Self | None:
        """That of a request; None when its body is not framed by one plain length, or its head is too long.

        Args:
            data: begins with the first byte of the request.
            headers: what the parser has read of it; names in lower case.
        """
        end = data.find(_END, 0, LARGEST) + len(_END)
        head = data[:end]
        # Whatever the parser has forgiven, as blank lines before the request, makes this more.
        if end < len(_END) or head.count(b"\n") != len(headers) + 2 or head.count(b"\r\n") != len(headers) + 2:
            return None
        places = [at for at, (name, _) in enumerate(headers) if name == b"content-length"]
        lengths = list(_LENGTH.finditer(head))
        if len(places) != 1 or len(lengths) != 1 or not _SPECIAL.isdisjoint(name for name, _ in headers):
            return None
        at, (begin, end) = places[0], lengths[0].span(1)
        return cls(head[:begin], head[end:], headers[:at], headers[at + 1 :])

    def read(self, data: bytes) -> tuple[Headers, int, int] | None:
        """The header fields of a request whose head is like this one, where its body begins and how long that is.

        None when its head is another one, or has not come whole.
        """
        before = self._before
        if not data.startswith(before):
            return None
        begin = len(before)
        end = data.find(b"\r", begin, begin + _DIGITS + 1)
        digits = data[begin:end]
        if end < 0 or not digits.isdigit() or not data.startswith(self._after, end):
            return None
        return (*self._first, (b"content-length", digits), *self._rest), end + len(self._after), int(digits)
