"""Whatever bytes or values come, only errors of ours escape the decoders of Converse."""

import contextlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.converse_wire import framed
from fixtures.damage import damaged
from fixtures.recorded import exchanges
from gatewright.dialects import converse
from gatewright.dialects.conversation import Dropped, Request
from gatewright.errors import ClientError, UpstreamProtocolError

BLOCKS = ("text", "image", "document", "toolUse", "toolResult", "reasoningContent", "guardContent", "cachePoint")
MORE = ("citationsContent", "searchResult", "json", "video")
INSIDE = (
    "source",
    "bytes",
    "format",
    "name",
    "input",
    "toolUseId",
    "content",
    "status",
    "citations",
    "location",
    "web",
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=4)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from((*BLOCKS, *MORE, *INSIDE)), inner, max_size=4)
    ),
    max_leaves=8,
)
CONTENT = st.lists(st.dictionaries(st.sampled_from((*BLOCKS, *MORE)), VALUES, min_size=1, max_size=2), max_size=3)
TURN = st.fixed_dictionaries({"role": st.sampled_from(("user", "assistant", "system")), "content": CONTENT | VALUES})
FIELDS = ("toolConfig", "inferenceConfig", "additionalModelRequestFields", "outputConfig", "serviceTier")
REQUESTS = st.fixed_dictionaries(
    {"messages": st.lists(TURN, max_size=3)}, optional={"system": CONTENT} | dict.fromkeys(FIELDS, VALUES)
)
KINDS = ("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata")
DELTAS = st.dictionaries(st.sampled_from((*BLOCKS, "citation")), VALUES | st.text(max_size=3), max_size=2)
EVENTS = st.tuples(
    st.sampled_from(KINDS),
    st.fixed_dictionaries(
        {"contentBlockIndex": st.integers(-1, 2)},
        optional={"delta": DELTAS, "start": DELTAS, "stopReason": st.text(max_size=2), "usage": VALUES},
    )
    | VALUES,
)


@given(VALUES | REQUESTS)
def test_any_request_is_read_or_refused(body):
    """And what was read can be written again, and is what it was."""
    with contextlib.suppress(ClientError):
        request = converse.decode_request(body)
        assert converse.encode_request(request, "", Dropped()) == body


@given(CONTENT)
def test_any_answer_is_read_or_refused(content):
    """And what was read can be written again."""
    body = {"output": {"message": {"content": content}}, "stopReason": "end_turn"}
    with contextlib.suppress(UpstreamProtocolError):
        answer = converse.decode_answer(body)
        assert converse.encode_answer(answer, Request(dialect="converse", model=""), Dropped()) == body


@given(st.lists(EVENTS, max_size=8))
def test_any_stream_is_read_or_refused(events):
    """And what was read can be written again."""
    decoder, encoder = converse.Decoder(), converse.Encoder(Request(dialect="converse", model=""))
    with contextlib.suppress(UpstreamProtocolError):
        for kind, event in (("messageStart", {"role": "assistant"}), *events):
            for found in decoder.feed(framed(kind, json.dumps(event).encode())):
                encoder.encode(found)
        decoder.end()


@given(st.sampled_from(KINDS), st.binary(max_size=40))
def test_any_payload_is_read_or_refused(kind, payload):
    """JSON or not."""
    decoder = converse.Decoder()
    with contextlib.suppress(UpstreamProtocolError):
        decoder.feed(framed("messageStart", b"{}") + framed(kind, payload))
        decoder.end()


@pytest.mark.parametrize("exchange", exchanges(api="converse"))
def test_recorded_bodies_with_something_wrong_are_read_or_refused(exchange):
    """Requests and answers; what is read is written as it was."""
    chance = random.Random(exchange.name)
    for _ in range(60):
        request = damaged(exchange.request, chance)
        with contextlib.suppress(ClientError):
            assert converse.encode_request(converse.decode_request(request), "", Dropped()) == request
        if not exchange.stream:
            answer = damaged(exchange.answer, chance)
            with contextlib.suppress(UpstreamProtocolError):
                decoded = converse.decode_answer(answer)
                assert converse.encode_answer(decoded, Request(dialect="converse", model=""), Dropped()) == answer


def test_depth_is_bounded():
    """Results inside results, as deep as the parser of bodies lets through, are refused and do no harm."""
    block = {"text": ""}
    for _ in range(450):
        block = {"toolResult": {"toolUseId": "a", "content": [block]}}
    with pytest.raises(ClientError, match="too deeply"):
        converse.decode_request({"messages": [{"role": "user", "content": [block]}]})
    with pytest.raises(UpstreamProtocolError, match="too deeply"):
        converse.decode_answer({"output": {"message": {"content": [block]}}, "stopReason": "end_turn"})
