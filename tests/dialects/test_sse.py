"""Server-sent events, however their bytes are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.dialects.sse import MAX_EVENT, ServerSentEvent, SSEReader, write
from gatewright.errors import UpstreamProtocolError

LINE = st.binary(max_size=20).filter(lambda line: not {10, 13} & set(line))


def read(pieces):
    reader = SSEReader()
    return [event for piece in pieces for event in reader.feed(piece)] + reader.end()


@given(
    events=st.lists(st.tuples(LINE, st.lists(LINE, min_size=1, max_size=3)), max_size=5),
    newline=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    cuts=st.lists(st.integers(0, 200), max_size=12),
)
def test_events_are_the_same_however_the_bytes_are_cut(events, newline, cuts):
    """Names and data come out as they went in, with every kind of line end."""
    body = b""
    for name, lines in events:
        body += b": a comment" + newline + b"event: " + name + newline
        body += b"".join(b"data: " + line + newline for line in lines) + newline
    bounds = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces = [body[low:high] for low, high in itertools.pairwise(bounds)]
    assert read(pieces) == [ServerSentEvent(name, b"\n".join(lines)) for name, lines in events]


def test_what_is_left_is_the_event_whose_end_has_not_come():
    """Without the white space around it; nothing after an end."""
    reader = SSEReader()
    told = [(reader.feed(piece), reader.left)[1] for piece in (b"data: 1\n\n", b"\n", b'{"error":', b" {}}\n", b"\n")]
    assert told == [b"", b"", b'{"error":', b'{"error": {}}', b""]


def test_the_last_event_may_lack_its_blank_line():
    """Providers leave it out."""
    assert read([b"data: 1\n\ndata: 2\n"]) == [ServerSentEvent(b"", b"1"), ServerSentEvent(b"", b"2")]


def test_comments_and_unknown_fields_are_no_events():
    """Keep-alive comments, ids and retry times."""
    assert read([b": ping\n\nid: 1\nretry: 5\n\ndata:x\n\n"]) == [ServerSentEvent(b"", b"x")]


def test_an_endless_event_is_refused():
    """Memory stays bounded."""
    with pytest.raises(UpstreamProtocolError, match="longer than"):
        read([b"x" * 65536] * (MAX_EVENT // 65536 + 2))


def test_an_event_written_is_an_event_read():
    """With and without a name."""
    assert read([write(b"{}", b"ping") + write(b"[DONE]")]) == [
        ServerSentEvent(b"ping", b"{}"),
        ServerSentEvent(b"", b"[DONE]"),
    ]
