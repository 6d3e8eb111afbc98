"""One call of one target: what is read of its answer before any of it is given on."""

import pytest

from fixtures.converse_wire import framed
from fixtures.exchange import make_target
from gatewright.gateway.asking import ask
from gatewright.gateway.body import JSON, JsonBody
from gatewright.gateway.conversations import FRAMES, LINES, SSE
from gatewright.gateway.metering import Meter
from gatewright.gateway.translate import Sending
from gatewright.gateway.understand import RAW, Call
from gatewright.upstream.fake import Answer, FakeClient, in_turn

WHOLE = {
    "an event": (SSE, b'data: {"choices": []}\n\n'),
    "a comment": (SSE, b":\n\n"),
    "a line": (LINES, b"{}\n"),
    "a blank line": (LINES, b"\n"),
    "a frame": (FRAMES, framed("chunk", b"{}")),
    "an exception": (FRAMES, framed("throttlingException", b"{}", "exception")),
    "an element": (JSON, b'[{"candidates": []}'),
}


async def asked(media, *pieces, stream=True, **sent):
    """What a target answers to a call of which nothing is known but whether it asks for a stream."""
    upstream = FakeClient(in_turn(Answer(headers=((b"content-type", media),), body=pieces)))
    sending = Sending(b"/", (), b"{}", Meter(""), media=media, **sent)
    call = Call(operation="none" if sent else RAW, endpoint="ep", body=JsonBody({}, b"{}"), stream=stream)
    return await ask(upstream, make_target("one"), sending, call, 1, 0.0)


@pytest.mark.parametrize(("media", "piece"), WHOLE.values(), ids=WHOLE)
async def test_what_is_whole_in_a_stream_shows_that_the_stream_lives(media, piece):
    """A stream is held to a floor, and each thing in it that is whole counts, pings too; an empty mark always would."""
    mark = (await asked(media, piece, b"rest", translated=True)).response.mark
    assert mark
    assert mark in piece


async def test_a_stream_that_nobody_asked_for_is_held_to_a_floor_too():
    """Of a raw call only the answer tells what it is."""
    assert (await asked(SSE, b"data: 1\n\n", stream=False)).response.mark == b"\n"


async def test_an_answer_that_is_whole_is_held_to_no_floor():
    """Blank lines may come before it for long."""
    assert (await asked(JSON, b"\n", b"{}", stream=False)).response.mark == b""
