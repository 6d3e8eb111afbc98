"""A stream that is passed through goes on in whole events, so that an error can end it at any time."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.errors import UpstreamProtocolError
from gatewright.gateway.metering import Meter
from gatewright.gateway.streaming import EVENT_ENDS, Passing

FORMS = {
    "LF": (EVENT_ENDS, b"data: 1\n\n"),
    "CR LF": (EVENT_ENDS, b"data: 1\r\n\r\n"),
    "CR": (EVENT_ENDS, b"data: 1\r\r"),
    "lines": ((b"\n",), b'{"a": 1}\n'),
    "lines of CR LF": ((b"\n",), b'{"a": 1}\r\n'),
}


def passed(ends, pieces):
    """What goes on for each piece, and at the end."""
    passing = Passing(Meter(""), ends)
    return [passing.feed(piece) for piece in pieces], passing.end()


@pytest.mark.parametrize(("ends", "event"), FORMS.values(), ids=FORMS)
@given(cuts=st.sets(st.integers(1, 40)))
def test_whole_events_go_on_however_they_are_cut(ends, event, cuts):
    """As soon as they are whole, and none in part, whatever ends their lines."""
    raw = event * 5
    bounds = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    shown, left = passed(ends, [raw[low:high] for low, high in itertools.pairwise(bounds)])
    whole = [event * (high // len(event)) for high in bounds[1:]]
    assert list(itertools.accumulate(shown)) == whole
    assert left == b""


def test_ends_of_lines_may_be_mixed():
    """A blank line is one though the line before it ends in another way."""
    shown, left = passed(EVENT_ENDS, [b"data: 1\n", b"\r\ndata: 2\r\n\n", b"data: 3\n"])
    assert (shown, left) == ([b"", b"data: 1\n\r\ndata: 2\r\n\n", b""], b"data: 3\n")


@pytest.mark.parametrize("last", [b"data: 1\n", b"data: 1\r\n", b"data: 1\r", b"data: [DONE]"])
def test_a_last_event_that_lacks_its_blank_line_goes_on_at_the_end(last):
    """As providers leave it out."""
    assert passed(EVENT_ENDS, [b"data: 0\n\n", last]) == ([b"data: 0\n\n", b""], last)


@pytest.mark.parametrize(("ends", "event"), FORMS.values(), ids=FORMS)
def test_a_stream_that_ends_within_a_line_is_refused(ends, event):
    """What is left of it never goes on."""
    with pytest.raises(UpstreamProtocolError, match="in the middle of an event"):
        passed(ends, [event, event[:5]])
