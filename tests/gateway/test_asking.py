"""One call of one target: what is read of its answer before any of it is given on."""

import base64
import json

import pytest

from fixtures.converse_wire import framed
from fixtures.exchange import make_target
from gatewright.errors import UpstreamProtocolError, UpstreamStatusError
from gatewright.gateway.asking import ask
from gatewright.gateway.body import JSON, JsonBody
from gatewright.gateway.conversations import FRAMES, LINES, SSE
from gatewright.gateway.metering import Meter
from gatewright.gateway.streaming import Passing, Unframing
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


async def asked(media, *pieces, operation="none", streamed=True, **sent):
    """What a target answers to a call; its operation may be one of which nothing is known."""
    upstream = FakeClient(in_turn(Answer(headers=((b"content-type", media),), body=pieces)))
    sending = Sending(b"/", (), b"{}", Meter(""), media=media, **sent)
    call = Call(operation=operation, endpoint="ep", body=JsonBody({}, b"{}"), stream=streamed)
    return await ask(upstream, make_target("one"), sending, call, 1, 0.0)


@pytest.mark.parametrize(("media", "piece"), WHOLE.values(), ids=WHOLE)
async def test_what_is_whole_in_a_stream_shows_that_the_stream_lives(media, piece):
    """A stream is held to a floor, and each thing in it that is whole counts, pings too; an empty mark always would."""
    mark = (await asked(media, piece, b"rest", fed=True)).response.mark
    assert mark
    assert mark in piece


async def test_a_stream_that_nobody_asked_for_is_held_to_a_floor_too():
    """Of a raw call only the answer tells what it is."""
    assert (await asked(SSE, b"data: 1\n\n", operation=RAW, streamed=False)).response.mark == b"\n"


async def test_an_answer_that_is_whole_is_held_to_no_floor():
    """Blank lines may come before it for long."""
    assert (await asked(JSON, b"\n", b"{}", streamed=False)).response.mark == b""


def event(**fields):
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def chunk(data):
    """An event of Anthropic's stream as Bedrock frames it."""
    return framed("chunk", json.dumps({"bytes": base64.b64encode(json.dumps(data).encode()).decode()}).encode())


SLOW = b'{"message": "Slow down."}'
START = {"type": "message_start", "message": {"content": []}}
EARLY = {
    "chat": (
        SSE,
        [event(choices=[{"index": 0, "delta": {"role": "assistant"}}]), event(error={"message": "x", "code": 503})],
        {"stream": lambda: Passing(Meter("chat"))},
        (503, {"error": {"message": "x", "code": 503}}),
    ),
    "Responses": (
        SSE,
        [
            event(type="response.created", sequence_number=0, response={"status": "in_progress"}),
            event(
                type="response.failed",
                sequence_number=1,
                response={"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "x"}},
            ),
        ],
        {"stream": lambda: Passing(Meter("responses"))},
        (429, {"error": {"code": "rate_limit_exceeded", "message": "x"}}),
    ),
    "an array": (
        JSON,
        [b'[{"error": {"code": 503,', b' "message": "x", "status": "UNAVAILABLE"}}', b"]"],
        {},
        (503, {"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}}),
    ),
    "frames": (
        FRAMES,
        [framed("messageStart", b'{"role": "assistant"}'), framed("throttlingException", SLOW, "exception")],
        {},
        (429, {"type": "error", "__type": "ThrottlingException", "message": "Slow down.", "status_code": 429}),
    ),
    "framed events": (
        FRAMES,
        [chunk(START), framed("throttlingException", SLOW, "exception")],
        {"stream": lambda: Unframing(Meter("messages")), "content_type": SSE},
        (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down."}}),
    ),
}


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("media", "pieces", "sent", "told"), EARLY.values(), ids=EARLY)
async def test_an_error_before_anything_was_said_is_that_of_the_attempt(media, pieces, sent, told, together):
    """With the status that it means; its body is as the provider writes errors that are no event."""
    with pytest.raises(UpstreamStatusError) as caught:
        await asked(media, *([b"".join(pieces)] if together else pieces), **sent)
    assert (caught.value.status, json.loads(caught.value.body)) == told
    assert caught.value.inside


async def test_what_says_nothing_goes_on_with_what_says_something():
    """In one piece, and the rest follows as it comes."""
    words = event(type="content_block_start", content_block={})
    answer = await asked(SSE, event(**START), words, 0.01, b"rest")
    assert answer.body == event(**START) + words


@pytest.mark.parametrize(
    ("media", "piece"),
    [(SSE, event(**START)), (SSE, b": ping\n\n"), (JSON, b"[]"), (FRAMES, framed("messageStart", b"{}"))],
)
async def test_a_stream_that_ends_before_it_has_said_anything_is_a_failed_attempt(media, piece):
    """Whatever it has begun with."""
    with pytest.raises(UpstreamProtocolError, match="before saying anything"):
        await asked(media, piece)


async def test_a_raw_stream_that_begins_with_an_error_is_given_on():
    """It is for the client to read."""
    error = event(error={"message": "x"})
    assert (await asked(SSE, error, operation=RAW, streamed=False)).body == error
