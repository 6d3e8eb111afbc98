"""Of a stream that is passed through, the first event decides whether it is given on."""

import json

import pytest

from gatewright.errors import UpstreamProtocolError
from gatewright.gateway.conversations import LINES, SSE
from gatewright.gateway.opening import LARGEST, Opening

QUIET = b": connected\n\nevent: ping\ndata: {}\n\ndata:\n\n"
FIRST = b'data: {"a": 1}\n\n'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 1000])
def test_what_says_nothing_is_passed_over_however_it_is_cut(size):
    """All that was read goes on, the quiet beginning too."""
    opening = Opening(SSE)
    raw = QUIET + FIRST
    told = [opening.feed(raw[at : at + size]) for at in range(0, len(raw), size)]
    assert [one for one in told if one] == [b'{"a": 1}']
    assert opening.read == raw


def test_an_event_without_its_blank_line_counts_when_the_stream_has_ended():
    """Providers leave the last one out."""
    opening = Opening(SSE)
    assert (opening.feed(b"data: [DONE]\n"), opening.end()) == (b"", b"[DONE]")


def test_the_first_line_of_a_stream_of_lines_counts_when_it_is_whole():
    """Blank ones do not."""
    opening = Opening(LINES)
    line = json.dumps({"error": "x"}).encode()
    assert [opening.feed(piece) for piece in (b"\n", line[:4], line[4:] + b"\n")] == [b"", b"", line]


def test_a_line_that_is_the_last_counts_without_its_end():
    """The stream has ended."""
    opening = Opening(LINES)
    assert (opening.feed(b" {} "), opening.end()) == (b"", b"{}")


@pytest.mark.parametrize("media", [SSE, LINES])
def test_a_first_event_without_an_end_is_refused(media):
    """Memory is bounded."""
    opening = Opening(media)
    assert opening.feed(b"x" * LARGEST) == b""
    with pytest.raises(UpstreamProtocolError, match="not whole"):
        opening.feed(b"x")
