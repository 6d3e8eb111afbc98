"""OpenAI's Responses API over recorded traffic of every provider that speaks it."""

import copy
import random

import msgspec
import pytest
from openai._models import construct_type_unchecked
from openai._types import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent

from fixtures.damage import damaged
from fixtures.recorded import exchanges
from fixtures.responses_wire import accumulated, events_of, final, unsealed
from gatewright.dialects import responses
from gatewright.dialects.conversation import Dropped, Reasoning, Refusal, Text, ToolCall
from gatewright.dialects.stream import Began, Counted, Ended, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import ClientError, UpstreamError

EVERY = exchanges(api="responses", error=None)
WHOLE = exchanges(api="responses", stream=False)
STREAMED = exchanges(api="responses", stream=True)


def asked(exchange):
    return responses.decode_request(exchange.request)


def decoded(pieces):
    decoder = responses.Decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.end()


def joined(events):
    """A stream's growth in one piece, so that cuts do not show."""
    grown = []
    for event in copy.deepcopy(events):
        if isinstance(event, PartGrew) and grown and isinstance(grown[-1], PartGrew) and not event.form:
            grown[-1].text += event.text
        else:
            grown.append(event)
    return grown


def written(request, events):
    encoder = responses.Encoder(request)
    return b"".join(encoder.encode(event) for event in events)


def foreign(events):
    """The same answer as if it came from another dialect."""
    events = copy.deepcopy(events)
    for event in events:
        event.rest, event.form = {}, {}
        if isinstance(event, Began):
            event.dialect = "another"
        if isinstance(event, PartBegan):
            event.part.rest, event.part.form = {}, {}
        if isinstance(event, Counted):
            event.usage.rest, event.usage.form = {}, {}
    return events


def said(parts):
    """What the parts of an answer say, without form."""
    return [
        (type(part).__name__, part.arguments if isinstance(part, ToolCall) else part.text)
        for part in parts
        if isinstance(part, Text | Refusal | ToolCall) or (isinstance(part, Reasoning) and part.text)
    ]


@pytest.mark.parametrize("exchange", EVERY)
def test_a_request_comes_back_as_it_was(exchange):
    """A decoded request encodes to the client's JSON."""
    dropped = Dropped()
    assert (
        responses.encode_request(asked(exchange), exchange.request.get("model", ""), dropped),
        dropped,
    ) == (exchange.request, set())


@pytest.mark.parametrize("exchange", EVERY)
def test_a_request_of_another_dialect_keeps_what_is_said(exchange):
    """Without its wire form a request still decodes to the same texts, calls and results."""
    request = asked(exchange)
    request.dialect = "another"
    again = responses.decode_request(responses.encode_request(request, "m", Dropped()))

    def content(one):
        parts = [part for message in one.messages for part in message.parts]
        return [
            getattr(part, "text", None) or getattr(part, "arguments", None) or getattr(part, "id", "")
            for part in parts
            if isinstance(part, Text | ToolCall) or type(part).__name__ == "ToolResult"
        ]

    assert content(again) == content(request)
    assert [tool.name for tool in again.tools] == [tool.name for tool in request.tools]
    assert (again.output and again.output.schema) == (request.output and request.output.schema)


@pytest.mark.parametrize("exchange", WHOLE)
def test_an_answer_comes_back_as_it_was(exchange):
    """A decoded answer encodes to the provider's JSON."""
    answer = responses.decode_answer(exchange.answer)
    assert responses.encode_answer(answer, asked(exchange), Dropped()) == exchange.answer


@pytest.mark.parametrize("exchange", WHOLE)
def test_an_answer_of_another_dialect_is_a_whole_response(exchange):
    """With everything of this dialect made up, the official SDK's type holds and the same is said."""
    answer = responses.decode_answer(exchange.answer)
    parts, finish = answer.candidates[0].parts, answer.candidates[0].finish
    answer.dialect = "another"
    wire = responses.encode_answer(answer, asked(exchange), Dropped())
    Response.model_validate(wire)
    again = responses.decode_answer(wire)
    assert said(again.candidates[0].parts) == said(parts)
    assert again.candidates[0].finish == finish
    assert again.usage.total == answer.usage.total


@pytest.mark.parametrize("exchange", WHOLE)
def test_usage_is_the_wires(exchange):
    """The buckets sum to the provider's totals."""
    wire = exchange.answer["usage"]
    usage = responses.decode_usage(wire)
    assert (usage.prompt, usage.answer, usage.total) == tuple(
        wire[name] for name in ("input_tokens", "output_tokens", "total_tokens")
    )
    assert usage.cache_read == wire["input_tokens_details"]["cached_tokens"]
    assert usage.reasoning == wire["output_tokens_details"]["reasoning_tokens"]


@pytest.mark.parametrize("exchange", STREAMED)
def test_cuts_do_not_show(exchange):
    """However the bytes are cut, the same events come."""
    whole = decoded([exchange.raw])
    chance = random.Random(exchange.name)
    for _ in range(10):
        cuts = sorted(chance.sample(range(len(exchange.raw)), 30))
        pieces = [exchange.raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(exchange.raw)], strict=True)]
        assert decoded(pieces) == whole


@pytest.mark.parametrize("exchange", STREAMED)
def test_a_stream_says_what_its_last_event_says(exchange):
    """Parts, finish and usage of the events are those of the final response."""
    answer = responses.decode_answer(final(exchange.raw))
    events = decoded([exchange.raw])
    parts = {event.at: copy.deepcopy(event.part) for event in events if isinstance(event, PartBegan)}
    for event in events:
        if isinstance(event, PartGrew):
            field = "arguments" if isinstance(parts[event.at], ToolCall) else "text"
            setattr(parts[event.at], field, getattr(parts[event.at], field) + event.text)
    assert said(parts.values()) == said(answer.candidates[0].parts)
    assert [event.finish for event in events if isinstance(event, Finished)] == [answer.candidates[0].finish]
    assert [event.usage for event in events if isinstance(event, Counted)] == [answer.usage]
    assert isinstance(events[0], Began)
    assert isinstance(events[-1], Ended)


@pytest.mark.parametrize("exchange", STREAMED)
def test_parts_come_one_after_the_other(exchange):
    """Each part begins when the one before it has ended."""
    steps = [event for event in decoded([exchange.raw]) if isinstance(event, PartBegan | PartEnded)]
    kinds = [(type(event), event.at) for event in steps]
    assert kinds == [(kind, at) for at in range(len(steps) // 2) for kind in (PartBegan, PartEnded)]


@pytest.mark.parametrize("exchange", STREAMED)
def test_a_stream_comes_back_to_the_same_response(exchange):
    """Decoded and encoded, the official SDK's accumulator gets the same final response."""
    raw = written(asked(exchange), decoded([exchange.raw]))
    assert unsealed(events_of(raw)[-1]["response"]) == unsealed(final(exchange.raw))
    state = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in events_of(raw):
        state.handle_event(construct_type_unchecked(type_=ResponseStreamEvent, value=event))
    assert state._completed_response.id == final(exchange.raw)["id"]


@pytest.mark.parametrize("exchange", STREAMED)
def test_a_stream_of_another_dialect_drives_the_official_sdk(exchange):
    """With everything of this dialect made up, each event is of the SDK's types and the same is said."""
    events = decoded([exchange.raw])
    raw = written(asked(exchange), foreign(events))
    response = accumulated(raw)
    original = responses.decode_answer(final(exchange.raw))
    again = responses.decode_answer(events_of(raw)[-1]["response"])
    assert said(again.candidates[0].parts) == said(original.candidates[0].parts)
    assert again.candidates[0].finish == original.candidates[0].finish
    assert again.usage.total == original.usage.total
    assert said(responses.decode_answer(response.to_dict(mode="json")).candidates[0].parts) == said(
        original.candidates[0].parts
    )


@pytest.mark.parametrize("exchange", STREAMED)
def test_what_a_provider_leaves_out_is_made_up_for(exchange):
    """Without deltas, or without anything but the last event, the same is said."""
    whole = joined(decoded([exchange.raw]))
    blocks = exchange.raw.split(b"\n\n")
    for left_out in ((b".delta",), (b".delta", b".done", b".added", b"response.in_progress")):
        kept = [block for block in blocks if not any(name in block.partition(b"\n")[0] for name in left_out)]
        events = joined(decoded([b"\n\n".join(kept)]))
        assert grown(events) == grown(whole), left_out


def grown(events):
    """Texts by kind of part."""
    parts = {event.at: [type(event.part).__name__] for event in events if isinstance(event, PartBegan)}
    for event in events:
        if isinstance(event, PartGrew):
            parts[event.at].append(event.text)
    return ["".join(part) for part in parts.values()]


@pytest.mark.parametrize("exchange", EVERY)
def test_damaged_requests_are_translated_or_refused(exchange):
    """What is taken comes back as it was, damage included."""
    chance = random.Random(exchange.name)
    for _ in range(10):
        body = damaged(exchange.request, chance)
        try:
            request = responses.decode_request(body)
        except ClientError:
            continue
        assert responses.encode_request(request, "m", Dropped()) == {**body, "model": "m"}
        request.dialect = "another"
        responses.encode_request(request, "m", Dropped())


@pytest.mark.parametrize("exchange", WHOLE)
def test_damaged_answers_are_translated_or_refused(exchange):
    """Only our own errors escape."""
    chance = random.Random(exchange.name)
    for _ in range(10):
        try:
            answer = responses.decode_answer(damaged(exchange.answer, chance))
        except UpstreamError:
            continue
        for dialect in (responses.NAME, "another"):
            answer.dialect = dialect
            responses.encode_answer(answer, asked(exchange), Dropped())


@pytest.mark.parametrize("exchange", STREAMED)
def test_damaged_streams_are_translated_or_refused(exchange):
    """Only our own errors escape, and what is given on is in order."""
    chance = random.Random(exchange.name)
    told = events_of(exchange.raw)
    told = told[:20] + told[-20:] if len(told) > 40 else told
    for number in range(10):
        raw = b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in damaged(told, chance))
        try:
            events = decoded([raw])
        except UpstreamError:
            continue
        steps = [(type(event), event.at) for event in events if isinstance(event, PartBegan | PartEnded)]
        if isinstance(events[-1], Ended):
            assert steps == [(kind, at) for at in range(len(steps) // 2) for kind in (PartBegan, PartEnded)]
        written(asked(exchange), foreign(events) if number % 2 else events)
