"""The recorded traffic of Anthropic's Messages API, of Anthropic and of Bedrock."""

import json
import random

import msgspec
import pytest

from fixtures.messages_wire import accumulate, frames, unframed
from fixtures.recorded import exchanges
from gatewright.dialects import messages
from gatewright.dialects.conversation import Dropped, Reasoning, Text, ToolCall
from gatewright.dialects.stream import Began, Counted, Ended, Failed, Finished, PartBegan, PartEnded, PartGrew

API = "messages"


def wire(exchange):
    """A recorded stream as server-sent bytes."""
    framed = exchange.headers.get("content-type", "").startswith("application/vnd.amazon.eventstream")
    return unframed(exchange.raw) if framed else exchange.raw


def decoded(raw, cuts=()):
    decoder, events, begin = messages.Decoder(), [], 0
    for cut in (*cuts, len(raw)):
        events += decoder.feed(raw[begin:cut])
        begin = cut
    return events + decoder.end()


@pytest.mark.parametrize("exchange", exchanges(api=API, error=None))
def test_a_recorded_request_survives_its_own_dialect(exchange):
    """Decoding and encoding gives the original body, field by field."""
    dropped = Dropped()
    request = messages.decode_request(exchange.request)
    assert messages.encode_request(request, exchange.request.get("model", ""), dropped) == exchange.request
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=False))
def test_a_recorded_answer_survives_its_own_dialect(exchange):
    """Decoding and encoding gives the original body, field by field."""
    dropped = Dropped()
    request = messages.decode_request(exchange.request)
    answer = messages.decode_answer(exchange.answer)
    assert messages.encode_answer(answer, request, dropped) == exchange.answer
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=False))
def test_recorded_usage_sums_to_the_totals_of_the_wire(exchange):
    """The buckets hold each token once."""
    found, usage = exchange.answer["usage"], messages.decode_answer(exchange.answer).usage
    cached = [found.get(f"cache_{what}_input_tokens") or 0 for what in ("read", "creation")]
    assert usage.prompt == found["input_tokens"] + sum(cached)
    assert usage.answer == found["output_tokens"]
    assert usage.cache_read == cached[0]
    assert usage.cache_write_5m + usage.cache_write_1h == cached[1]
    assert usage.cache_write_1h == (found.get("cache_creation") or {}).get("ephemeral_1h_input_tokens", 0)


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_a_recorded_stream_means_the_same_however_it_is_cut(exchange):
    """Bytes may be split anywhere."""
    raw = wire(exchange)
    whole, chance = decoded(raw), random.Random(exchange.name)
    for _ in range(10):
        cuts = sorted(chance.randrange(len(raw)) for _ in range(chance.randrange(1, 40)))
        assert decoded(raw, cuts) == whole
    assert decoded(raw, range(1, len(raw))) == whole


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_a_recorded_stream_survives_its_own_dialect(exchange):
    """Decoded and encoded, it accumulates to the same final message."""
    raw = wire(exchange)
    encoder = messages.Encoder(messages.decode_request(exchange.request))
    again = b"".join(encoder.encode(event) for event in decoded(raw))
    expected, found = accumulate(raw), accumulate(again)
    expected.get("error", {}).pop("details", None)  # our own events have no place for it; it was null
    assert found == expected


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_the_events_of_a_recorded_stream_hold_what_the_wire_says(exchange):
    """Texts, thoughts, calls, the reason and the usage are those of the accumulated message."""
    events, message = decoded(wire(exchange)), accumulate(wire(exchange))
    if "error" in message:
        assert [type(event) for event in events] == [Failed]
        assert (events[0].kind, events[0].message) == (message["error"]["type"], message["error"]["message"])
        return
    parts = {}
    for event in events:
        if isinstance(event, PartBegan):
            parts[event.at] = event.part
        elif isinstance(event, PartGrew):
            part = parts[event.at]
            if isinstance(part, ToolCall):
                part.arguments += event.text
            elif isinstance(part, Text | Reasoning):
                part.text += event.text
            if isinstance(part, Reasoning) and event.signature:
                part.signature = (part.signature or "") + event.signature
    told = {
        "text": [part.text for part in parts.values() if isinstance(part, Text)],
        "thinking": [
            (part.text, part.signature) for part in parts.values() if isinstance(part, Reasoning) and not part.sealed
        ],
        "redacted_thinking": [part.sealed for part in parts.values() if isinstance(part, Reasoning) and part.sealed],
        "tool_use": [(part.id, part.name, part.arguments) for part in parts.values() if isinstance(part, ToolCall)],
    }
    blocks = message["content"]
    assert told["text"] == [block["text"] for block in blocks if block["type"] == "text"]
    assert told["thinking"] == [(b["thinking"], b["signature"]) for b in blocks if b["type"] == "thinking"]
    assert told["redacted_thinking"] == [block["data"] for block in blocks if block["type"] == "redacted_thinking"]
    calls = [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    assert [(name, tool, json.loads(said or "{}")) for name, tool, said in told["tool_use"]] == calls
    finished = [event for event in events if isinstance(event, Finished)]
    assert [event.form["stop_reason"] for event in finished] == [message["stop_reason"]]
    counted = [event.usage for event in events if isinstance(event, Counted)]
    assert (counted[-1].input, counted[-1].answer) == (
        message["usage"]["input_tokens"],
        message["usage"]["output_tokens"],
    )


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_the_events_of_a_recorded_stream_come_in_order(exchange):
    """It begins once, parts do not overlap, every part ends, and the end is last."""
    events = decoded(wire(exchange))
    if isinstance(events[0], Failed):
        return
    assert isinstance(events[0], Began)
    assert isinstance(events[-1], Ended)
    assert [type(event) for event in events].count(Began) == 1
    opened, seen = None, []
    for event in events:
        if isinstance(event, PartBegan):
            assert opened is None
            opened = event.at
            seen.append(event.at)
        elif isinstance(event, PartGrew):
            assert event.at == opened
        elif isinstance(event, PartEnded):
            assert event.at == opened
            opened = None
    assert opened is None
    assert seen == list(range(len(seen)))


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_the_official_sdk_reads_a_stream_of_ours_as_it_reads_the_recorded_one(exchange):
    """Both accumulate to the same message in Anthropic's own client, or tell the same error."""
    reader = pytest.importorskip("anthropic.lib.streaming._messages", reason="Anthropic's SDK is not installed")
    raw = wire(exchange)
    events = decoded(raw)
    encoder = messages.Encoder(messages.decode_request(exchange.request))
    again = b"".join(encoder.encode(event) for event in events)
    if isinstance(events[0], Failed):  # there is no message to accumulate: the error is what must come through
        assert again.startswith(b"event: error\n")
        assert msgspec.json.encode(events[0].message) in again
    else:
        assert sdk(reader, again) == sdk(reader, raw)


def sdk(reader, raw):
    snapshot, buffers = None, {}
    for event in frames(raw):
        if event["type"] != "ping":
            snapshot = reader.accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)
    return snapshot.to_dict(warnings=False)
