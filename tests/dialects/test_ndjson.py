"""Newline-delimited JSON, however its bytes are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.dialects.ndjson import LineReader, write
from gatewright.dialects.sse import MAX_EVENT
from gatewright.errors import UpstreamProtocolError

LINE = st.binary(min_size=1, max_size=20).filter(lambda line: b"\n" not in line and line.strip() == line)


def read(pieces):
    reader = LineReader()
    return [line for piece in pieces for line in reader.feed(piece)] + reader.end()


@given(
    lines=st.lists(LINE, max_size=6),
    between=st.sampled_from([b"\n", b"\n\n", b"\n \n"]),
    last=st.booleans(),
    cuts=st.lists(st.integers(0, 150), max_size=12),
)
def test_lines_are_the_same_however_the_bytes_are_cut(lines, between, last, cuts):
    """Blank lines say nothing, and the last line may lack its end."""
    body = between.join(lines) + (b"\n" if last else b"")
    bounds = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    assert read([body[low:high] for low, high in itertools.pairwise(bounds)]) == lines


def test_a_line_written_is_a_line_read():
    """Each ends itself."""
    assert read([write(b"{}") + write(b'{"a":1}')]) == [b"{}", b'{"a":1}']


def test_an_endless_line_is_refused():
    """Memory stays bounded, whether its end ever comes or not."""
    with pytest.raises(UpstreamProtocolError, match="longer than"):
        read([b"x" * 65536] * (MAX_EVENT // 65536 + 2))
    with pytest.raises(UpstreamProtocolError, match="longer than"):
        read([b"x" * (MAX_EVENT + 1) + b"\n"])
