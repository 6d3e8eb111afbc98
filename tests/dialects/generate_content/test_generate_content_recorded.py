"""Recorded exchanges with Gemini and Vertex AI: nothing is lost on the way in and out."""

import copy
import random

import msgspec
import pytest

from fixtures.gemini_wire import chunks, joined
from fixtures.recorded import exchanges
from gatewright.dialects.conversation import Candidate, Dropped, Media, Native, Reasoning, Request, Text, ToolCall
from gatewright.dialects.generate_content import (
    NAME,
    Decoder,
    Encoder,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from gatewright.dialects.stream import Began, Counted, Ended, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import UpstreamProtocolError

API = "generate_content"


def decoded(pieces):
    decoder = Decoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.end()


def cut(raw, seed):
    """The bytes in pieces of random sizes, many of them of one byte."""
    chance = random.Random(seed)
    pieces = []
    while raw:
        size = chance.choice([1, 1, 2, 3, 7, 50, 400])
        pieces.append(raw[:size])
        raw = raw[size:]
    return pieces


@pytest.mark.parametrize("exchange", exchanges(api=API, error=None))
def test_a_request_comes_out_as_it_went_in(exchange):
    """Decoded and encoded, every recorded request is the same JSON."""
    dropped = Dropped()
    given = copy.deepcopy(exchange.request)
    assert encode_request(decode_request(exchange.request), "any", dropped) == given
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=False))
def test_an_answer_comes_out_as_it_went_in(exchange):
    """Decoded and encoded, every recorded answer is the same JSON."""
    dropped = Dropped()
    given = copy.deepcopy(exchange.answer)
    assert encode_answer(decode_answer(exchange.answer), Request(dialect=NAME, model=""), dropped) == given
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=False))
def test_the_counts_of_an_answer_sum_to_what_it_says(exchange):
    """Buckets are the wire's counts, taken apart."""
    wire = exchange.answer["usageMetadata"]
    usage = decode_answer(exchange.answer).usage
    if "totalTokenCount" not in wire:
        assert usage is None
        return
    assert usage.total == wire["totalTokenCount"]
    assert usage.prompt == wire["promptTokenCount"] + wire.get("toolUsePromptTokenCount", 0)
    assert usage.cache_read == wire.get("cachedContentTokenCount", 0)
    assert usage.reasoning == wire.get("thoughtsTokenCount", 0)
    assert usage.answer == wire.get("candidatesTokenCount", 0) + usage.reasoning


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=False))
def test_text_and_calls_of_an_answer_are_the_wires(exchange):
    """Texts, names and arguments, taken from the wire by hand."""
    answer = decode_answer(exchange.answer)
    for wire, candidate in zip(exchange.answer.get("candidates", []), answer.candidates, strict=False):
        parts = wire["content"].get("parts", [])
        assert [part.text for part in candidate.parts if isinstance(part, Text)] == [
            part["text"]
            for part in parts
            if "text" in part and not part.get("thought") and (part["text"] or "thoughtSignature" not in part)
        ]
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        found = [part for part in candidate.parts if isinstance(part, ToolCall)]
        assert [(one.name, msgspec.json.decode(one.arguments)) for one in found] == [
            (one["name"], one["args"]) for one in calls
        ]
        assert len({one.id for one in found}) == len(calls)
        if calls:
            assert candidate.finish == "tool_calls"


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_a_stream_is_the_same_however_its_bytes_are_cut(exchange):
    """Ten seeded cuts give the events of the whole."""
    whole = decoded([exchange.raw])
    for seed in range(10):
        assert decoded(cut(exchange.raw, seed)) == whole


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_the_events_of_a_stream_say_what_its_chunks_say(exchange):
    """Text, thoughts, calls, finish and counts; and every part begins, grows and ends in order."""
    events = decoded([exchange.raw])
    assert isinstance(events[0], Began)
    assert isinstance(events[-1], Ended)
    whole, candidates = joined(chunks(exchange.raw))
    assert (events[0].id, events[0].model) == (whole.get("responseId", ""), whole.get("modelVersion", ""))
    for at, wire in candidates.items():
        found = collected(events, at)
        parts = wire["parts"]
        plain = [part for part in parts if "text" in part]
        text = "".join(part.text for part in found.parts if isinstance(part, Text))
        thought = "".join(part.text for part in found.parts if isinstance(part, Reasoning))
        assert text == "".join(part["text"] for part in plain if not part.get("thought"))
        assert thought == "".join(part["text"] for part in plain if part.get("thought"))
        signatures = [part.signature for part in found.parts if isinstance(part, Reasoning | ToolCall)]
        known = [part for part in parts if "text" in part or "functionCall" in part]
        assert [one for one in signatures if one] == [
            one["thoughtSignature"] for one in known if "thoughtSignature" in one
        ]
        calls = [part for part in found.parts if isinstance(part, ToolCall)]
        assert [(call.name, msgspec.json.decode(call.arguments)) for call in calls] == [
            (part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part
        ]
        assert wire["finishReason"] == "STOP"
        assert found.finish == ("tool_calls" if calls else "stop")
    counted = [event.usage for event in events if isinstance(event, Counted)]
    if "totalTokenCount" in whole["usageMetadata"]:
        assert counted[-1].total == whole["usageMetadata"]["totalTokenCount"]


def collected(events, at):
    """The candidate that events tell."""
    found = Candidate()
    open_ = False
    for event in events:
        if getattr(event, "candidate", None) != at:
            continue
        if isinstance(event, PartBegan):
            assert not open_
            assert event.at == len(found.parts)
            open_ = True
            found.parts.append(copy.deepcopy(event.part))
        elif isinstance(event, PartGrew):
            assert open_
            part = found.parts[event.at]
            if isinstance(part, ToolCall):
                part.arguments += event.text
            else:
                part.text += event.text
            if event.signature:
                part.signature = (part.signature or "") + event.signature
        elif isinstance(event, PartEnded):
            assert open_
            assert event.at == len(found.parts) - 1
            open_ = False
        elif isinstance(event, Finished):
            assert not open_
            found.finish = event.finish
    return found


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_a_stream_written_again_joins_to_the_same_answer(exchange, array):
    """In both forms of a stream, whichever it came in."""
    encoder = Encoder(Request(dialect=NAME, model="", stream=True), array=array)
    written = b"".join(encoder.encode(event) for event in decoded([exchange.raw]))
    assert written.startswith(b"[{" if array else b"data: ")
    assert joined(chunks(written)) == joined(chunks(exchange.raw))


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_a_stream_that_breaks_off_is_no_answer(exchange):
    """Without its last chunk, with the finishReason, and in the middle of one."""
    last = exchange.raw.rstrip().rfind(b'"finishReason"')
    with pytest.raises(UpstreamProtocolError):
        decoded([exchange.raw[:last]])


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=False, where="signature"))
def test_a_signature_survives_a_model_that_knows_only_thoughts(exchange):
    """Every signature is on a thought or a call, or in a part that only this dialect has."""
    parts = [part for one in decode_answer(exchange.answer).candidates for part in one.parts]
    wire = [part for one in exchange.answer.get("candidates", []) for part in one["content"].get("parts", [])]
    given = {part["thoughtSignature"] for part in wire if "thoughtSignature" in part}
    kept = {part.signature for part in parts if isinstance(part, Reasoning | ToolCall)}
    kept |= {part.rest.get("thoughtSignature") for part in parts if isinstance(part, Native)}
    assert given == kept - {None}


@pytest.mark.parametrize("exchange", exchanges(api=API, where="image"))
def test_images_reach_the_model_as_images(exchange):
    """Whether their bytes are in the body or lie elsewhere."""
    request = decode_request(exchange.request)
    inside = [part for message in request.messages for part in message.parts]
    inside += [part for result in inside for part in getattr(result, "parts", [])]
    media = [part for part in inside if isinstance(part, Media)]
    assert media
    assert all(sum(value is not None for value in (one.data, one.url, one.file_id)) == 1 for one in media)
