"""Of a stream that is passed through, its first words decide whether it is given on."""

import json

import pytest

from fixtures.converse_wire import framed
from gatewright.errors import UpstreamProtocolError, UpstreamStatusError
from gatewright.gateway.body import JSON
from gatewright.gateway.conversations import FRAMES, LINES, SSE
from gatewright.gateway.opening import LARGEST, MOST, Opening

QUIET = b": connected\n\nevent: ping\ndata: {}\n\ndata:\n\n"


def event(**fields):
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def chunk(*deltas, **fields):
    """One chunk of a chat."""
    return event(
        choices=[{"index": at, "delta": delta, "finish_reason": None} for at, delta in enumerate(deltas)], **fields
    )


def refuse(found, text):
    if "error" in (found.get("type"), *found):
        raise UpstreamStatusError(text.decode(), 500, (), text)


def opened(media, *pieces):
    """What goes on after each piece."""
    opening = Opening(media, refuse)
    return [opening.feed(piece) for piece in pieces]


SAYS = event(a=1)
ROLE = chunk({"role": "assistant", "content": "", "refusal": None})

SILENT = {
    "comments and pings": QUIET,
    "a message's start": b"event: message_start\n" + event(type="message_start", message={"content": []}),
    "a ping": event(type="ping"),
    "a response's start": event(type="response.created") + event(type="response.in_progress"),
    "roles": ROLE + chunk({"role": "assistant"}, {"role": "assistant", "content": None, "tool_calls": []}),
    "filters": event(choices=[], prompt_filter_results=[{"prompt_index": 0}]),
    "Cohere's start": event(type="message-start", delta={}),
}


@pytest.mark.parametrize("silent", SILENT.values(), ids=SILENT)
@pytest.mark.parametrize("size", [1, 3, 16, 10_000])
def test_what_says_nothing_is_held_back_however_it_is_cut(silent, size):
    """All that was held goes on as it came, with what says something at its end."""
    raw = silent + SAYS
    *before, last = opened(SSE, *(raw[at : at + size] for at in range(0, len(raw), size)))
    assert before == [b""] * len(before)
    assert last == raw


SPOKEN = {
    "words": chunk({"content": "Hi"}),
    "a thought": chunk({"role": "assistant", "content": "", "reasoning_content": "Hm"}),
    "a tool": chunk({"role": "assistant", "tool_calls": [{"index": 0}]}),
    "one of two choices": chunk({"role": "assistant"}, {"content": "Hi"}),
    "an end": event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]),
    "a text": event(choices=[{"index": 0, "text": ""}]),
    "progress": event(choices=[], prompt_progress={"total": 9}),
    "a block": event(type="content_block_start", content_block={"type": "thinking", "thinking": ""}),
    "an item": event(type="response.output_item.added", item={"type": "reasoning"}),
    "odd types": event(type=["ping"]),
    "odd choices": event(choices=["x"]),
    "no object": b"data: 1\n\n",
    "an end alone": b"data: [DONE]\n\n",
}


@pytest.mark.parametrize("spoken", SPOKEN.values(), ids=SPOKEN)
def test_nothing_that_says_something_is_delayed(spoken):
    """It goes on in the piece in which it came."""
    assert opened(SSE, ROLE, spoken) == [b"", ROLE + spoken]


def test_a_stream_that_says_little_for_long_is_given_on():
    """Memory is bounded: some repeat long instructions in each event."""
    repeated = event(type="response.in_progress", response={"instructions": "x" * (LARGEST // 2)})
    assert opened(SSE, repeated, repeated) == [b"", repeated * 2]


def test_a_stream_that_says_nothing_often_is_given_on():
    """It tells the client that it lives."""
    assert opened(SSE, *[ROLE] * (MOST + 1)) == [b""] * MOST + [ROLE * (MOST + 1)]


@pytest.mark.parametrize("media", [SSE, LINES])
def test_a_first_event_without_an_end_is_refused(media):
    """Memory is bounded."""
    opening = Opening(media, refuse)
    assert opening.feed(b"x" * LARGEST) == b""
    with pytest.raises(UpstreamProtocolError, match="not whole"):
        opening.feed(b"x")


ERROR = b'{"error": {"message": "Overloaded"}}'
FAILS = {
    "at first": (SSE, [b"data: " + ERROR + b"\n\n"]),
    "after a role": (SSE, [ROLE, b"data: " + ERROR + b"\n\n"]),
    "behind a start": (SSE, [event(type="message_start") + b"event: error\n" + event(type="error", error={})]),
    "a line": (LINES, [b"\n", ERROR[:9], ERROR[9:] + b"\n"]),
    "an element": (JSON, [b"[", ERROR[:9], ERROR[9:]]),
    "an object": (JSON, [ERROR]),
    "an exception": (FRAMES, [framed("throttlingException", b'{"message": "Slow"}', "exception")]),
    "after the start": (
        FRAMES,
        [framed("messageStart", b"{}"), framed("modelStreamErrorException", b"{}", "exception")],
    ),
}


@pytest.mark.parametrize(("media", "pieces"), FAILS.values(), ids=FAILS)
def test_an_error_before_anything_was_said_is_refused(media, pieces):
    """Nothing of it has gone on."""
    opening = Opening(media, refuse)
    assert [opening.feed(piece) for piece in pieces[:-1]] == [b""] * (len(pieces) - 1)
    with pytest.raises(UpstreamStatusError):
        opening.feed(pieces[-1])


def test_an_exception_is_told_as_amazon_writes_its_errors():
    """With its kind and its words."""
    with pytest.raises(UpstreamStatusError) as caught:
        opened(FRAMES, framed("throttlingException", b'{"message": "Slow"}', "exception"))
    told = json.loads(caught.value.body)
    assert told == {"type": "error", "__type": "ThrottlingException", "message": "Slow", "status_code": 429}


WHOLE = {
    "a line": (LINES, b"\n{}\n"),
    "an element": (JSON, b'[{"candidates": []}'),
    "frames": (FRAMES, framed("messageStart", b"{}") + framed("contentBlockDelta", b"{}")),
}


@pytest.mark.parametrize(("media", "raw"), WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_other_streams_go_on_with_their_first_words_too(media, raw, size):
    """However they are cut."""
    *before, last = opened(media, *(raw[at : at + size] for at in range(0, len(raw), size)))
    assert (set(before) <= {b""}, last) == (True, raw)


@pytest.mark.parametrize(
    ("media", "raw"), [(SSE, b"data: {no}\n\n"), (LINES, b"no\n"), (JSON, b"<html>[{}"), (FRAMES, bytes(100))]
)
def test_what_is_not_of_its_content_type_is_refused(media, raw):
    """It is no answer."""
    with pytest.raises(UpstreamProtocolError):
        opened(media, raw)


ENDS = {
    "an event without its blank line": (SSE, b"data: [DONE]\n", True),
    "a line without its end": (LINES, b" {} ", True),
    "a role alone": (SSE, ROLE, False),
    "a start alone": (FRAMES, framed("messageStart", b"{}"), False),
    "an empty array": (JSON, b"[]", False),
    "nothing": (SSE, QUIET, False),
}


@pytest.mark.parametrize(("media", "raw", "says"), ENDS.values(), ids=ENDS)
def test_a_stream_that_ends_has_said_something_or_not(media, raw, says):
    """Providers leave out the blank line of the last event; what has said nothing is no answer."""
    opening = Opening(media, refuse)
    assert (opening.feed(raw), opening.end()) == (b"", raw if says else b"")


@pytest.mark.parametrize(("media", "raw"), [(JSON, b'[{"candi'), (FRAMES, framed("messageStart", b"{}")[:-1])])
def test_a_stream_that_is_cut_before_it_says_anything_is_refused(media, raw):
    """As one that has broken off."""
    opening = Opening(media, refuse)
    assert opening.feed(raw) == b""
    with pytest.raises(UpstreamProtocolError):
        opening.end()
