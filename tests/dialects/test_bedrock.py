"""What the streams of Amazon Bedrock tell in their frames."""

import base64
import json

import pytest

from fixtures.converse_wire import framed
from fixtures.messages_wire import accumulate, unframed
from fixtures.recorded import exchanges
from gatewright.dialects import eventstream, messages
from gatewright.dialects.bedrock import ChunksToEvents, Failure, failure
from gatewright.dialects.eventstream import FrameReader
from gatewright.errors import UpstreamProtocolError


def chunk(event):
    return framed("chunk", json.dumps({"bytes": base64.b64encode(event).decode(), "p": "abc"}).encode())


@pytest.mark.parametrize("exchange", exchanges(api="messages", providers=["bedrock"], stream=True))
def test_the_events_inside_a_recorded_stream_come_out_byte_for_byte(exchange):
    """As server-sent events that Anthropic's clients and our decoder read, however the bytes are cut."""
    expected = unframed(exchange.raw)
    for size in (len(exchange.raw), 1000, 1):
        reader = ChunksToEvents()
        pieces = [exchange.raw[at : at + size] for at in range(0, len(exchange.raw), size)]
        assert b"".join(map(reader.feed, pieces)) + reader.end() == expected
    decoder = messages.Decoder()
    encoder = messages.Encoder(messages.decode_request(exchange.request))
    again = b"".join(map(encoder.encode, decoder.feed(expected) + decoder.end()))
    assert accumulate(again) == accumulate(expected)


def test_an_event_over_several_lines_becomes_one_line():
    """A line feed would end the `data` field."""
    assert ChunksToEvents().feed(chunk(b'{\n "type": "ping"\n}')) == b'event: ping\ndata: {"type":"ping"}\n\n'


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("throttlingException", "rate_limit_error"),
        ("ThrottlingException", "rate_limit_error"),
        ("validationException", "invalid_request_error"),
        ("accessDeniedException", "permission_error"),
        ("internalServerException", "api_error"),
        ("modelTimeoutException", "timeout_error"),
        ("serviceUnavailableException", "api_error"),
        ("aNewException", "api_error"),
    ],
)
def test_an_exception_becomes_an_error_event(kind, expected):
    """Of Anthropic's type, with the exception's words; nothing follows."""
    reader = ChunksToEvents()
    raw = reader.feed(framed(kind, b'{"message":"No."}', "exception") + chunk(b'{"type":"ping"}'))
    assert raw.startswith(b"event: error\ndata: ")
    assert raw.count(b"\n\n") == 1
    body = json.loads(raw.split(b"data: ")[1])
    assert body == {"type": "error", "error": {"type": expected, "message": "No."}}
    decoder = messages.Decoder()
    (failed,) = decoder.feed(raw)
    assert failed.message == "No."


def test_the_status_of_the_model_is_told_where_the_exception_knows_it():
    """A `modelStreamErrorException` may bring the status and the words of the model's own error."""
    told = {"message": "m", "originalStatusCode": 429, "originalMessage": "slow down"}
    (frame,) = FrameReader().feed(framed("modelStreamErrorException", json.dumps(told).encode(), "exception"))
    assert failure(frame) == Failure("modelStreamErrorException", "slow down", 429)
    (bare,) = FrameReader().feed(eventstream.exception("modelStreamErrorException", "m"))
    assert failure(bare) == Failure("modelStreamErrorException", "m", 502)


def test_an_error_told_in_headers_is_told():
    """`:message-type` is `error` when there is no exception of the API for it."""
    headers = {":message-type": "error", ":error-code": "InternalError", ":error-message": "Oh no"}
    (frame,) = FrameReader().feed(eventstream.frame(headers, b""))
    assert failure(frame) == Failure("InternalError", "Oh no", 500)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'{"bytes":1}',
        b'{"bytes":"*"}',
        b'{"bytes":"e30="}',
        json.dumps({"bytes": "eyJ0eXBlIjoiYVxuYiJ9"}).encode(),
    ],
)
def test_a_chunk_without_an_event_is_the_providers_fault(payload):
    """No JSON, no base64, no type, or a type that would break the grammar."""
    with pytest.raises(UpstreamProtocolError, match="event stream is broken"):
        ChunksToEvents().feed(framed("chunk", payload))


def test_events_that_are_no_chunks_are_passed_over():
    """Kinds of later days."""
    assert ChunksToEvents().feed(framed("new", b"{}")) == b""
