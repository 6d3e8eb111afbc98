"""The recorded traffic of Ollama's own API."""

import json
import random

import ollama
import pytest

from fixtures.meaning import of_answer, of_events
from fixtures.recorded import exchanges
from gatewright.dialects import chat, messages
from gatewright.dialects.conversation import Dropped
from gatewright.dialects.ollama import chat as ollama_chat
from gatewright.dialects.stream import PartBegan, PartGrew

RECORDED = {"api": "chat", "providers": ("ollama",)}


def decoded(raw, cuts=()):
    decoder, events, begin = ollama_chat.Decoder(), [], 0
    for cut in (*cuts, len(raw)):
        events += decoder.feed(raw[begin:cut])
        begin = cut
    return events + decoder.end()


def lines(raw):
    return [json.loads(line) for line in raw.splitlines()]


def accumulated(found):
    """The lines of a stream as one answer, by hand."""
    whole = dict(found[-1])
    texts = {name: "".join(one["message"].get(name) or "" for one in found) for name in ("content", "thinking")}
    calls = [call for one in found for call in one["message"].get("tool_calls") or ()]
    whole["message"] = {"role": "assistant", **texts, "calls": calls}
    return whole


@pytest.mark.parametrize("exchange", exchanges(**RECORDED, error=None))
def test_a_recorded_request_survives_its_own_dialect(exchange):
    """Decoding and encoding gives the original body, field by field."""
    dropped = Dropped()
    request = ollama_chat.decode_request(exchange.request)
    assert ollama_chat.encode_request(request, exchange.request["model"], dropped) == exchange.request
    assert dropped == set()
    assert request.stream is exchange.request["stream"]


@pytest.mark.parametrize("exchange", exchanges(**RECORDED, stream=False))
def test_a_recorded_answer_survives_its_own_dialect(exchange):
    """Decoding and encoding gives the original body, field by field."""
    dropped = Dropped()
    request = ollama_chat.decode_request(exchange.request)
    answer = ollama_chat.decode_answer(exchange.answer)
    assert ollama_chat.encode_answer(answer, request, dropped) == exchange.answer
    assert dropped == set()
    assert answer.usage.prompt == exchange.answer.get("prompt_eval_count", 0)
    assert answer.usage.answer == exchange.answer["eval_count"]


@pytest.mark.parametrize("exchange", exchanges(**RECORDED, stream=True))
def test_a_recorded_stream_means_the_same_however_it_is_cut(exchange):
    """Bytes may be split anywhere."""
    whole, chance = decoded(exchange.raw), random.Random(exchange.name)
    for _ in range(10):
        cuts = sorted(chance.randrange(len(exchange.raw)) for _ in range(chance.randrange(1, 40)))
        assert decoded(exchange.raw, cuts) == whole
    assert decoded(exchange.raw, range(1, len(exchange.raw))) == whole


@pytest.mark.parametrize("exchange", exchanges(**RECORDED, stream=True))
def test_a_recorded_stream_survives_its_own_dialect_line_by_line(exchange):
    """Each line is what it was, and Ollama's SDK takes it."""
    encoder = ollama_chat.Encoder(ollama_chat.decode_request(exchange.request))
    again = b"".join(encoder.encode(event) for event in decoded(exchange.raw))
    assert lines(again) == lines(exchange.raw)
    assert [ollama.ChatResponse(**line).done for line in lines(again)][-2:] == [False, True]


@pytest.mark.parametrize("exchange", exchanges(**RECORDED, stream=True))
def test_the_events_of_a_recorded_stream_hold_what_the_wire_says(exchange):
    """Text, thought, the reason and the counts are those of the lines."""
    whole, found = accumulated(lines(exchange.raw)), of_events(decoded(exchange.raw))
    assert (found.text, found.thought) == (whole["message"]["content"], whole["message"]["thinking"])
    assert found.finish == whole["done_reason"]
    assert (found.prompt, found.answer) == (whole["prompt_eval_count"], whole["eval_count"])


@pytest.mark.parametrize("exchange", exchanges(**RECORDED, stream=False))
@pytest.mark.parametrize("client", [chat, messages])
def test_a_recorded_answer_means_the_same_to_clients_of_other_dialects(exchange, client):
    """Text, calls, finish and counts; of the thought what the dialect has a place for."""
    answer = ollama_chat.decode_answer(exchange.answer)
    request = ollama_chat.decode_request(exchange.request)
    dropped = Dropped()
    told, said = of_answer(client.decode_answer(client.encode_answer(answer, request, dropped))), of_answer(answer)
    assert (told.text, told.calls, told.finish) == (said.text, said.calls, said.finish)
    assert (told.prompt, told.answer) == (said.prompt, said.answer)
    assert dropped <= {"signature", "reasoning"}


@pytest.mark.parametrize("exchange", exchanges(**RECORDED, stream=False))
@pytest.mark.parametrize("provider", [chat, messages])
def test_a_recorded_request_can_be_asked_of_providers_of_other_dialects(exchange, provider):
    """Texts, tools, calls and results arrive."""
    request = ollama_chat.decode_request(exchange.request)
    asked = provider.decode_request(provider.encode_request(request, "m", Dropped()))
    wanted = [part for message in request.messages for part in message.parts]
    found = [part for message in asked.messages for part in message.parts]
    assert [type(part) for part in found] == [type(part) for part in wanted]
    assert [getattr(part, "id", None) for part in found] == [getattr(part, "id", None) for part in wanted]
    assert [tool.name for tool in asked.tools] == [tool.name for tool in request.tools]


@pytest.mark.parametrize("exchange", exchanges(**RECORDED, stream=True))
def test_a_recorded_stream_has_parts_that_grow(exchange):
    """Every line with a piece is one event."""
    events = decoded(exchange.raw)
    told = [one["message"] for one in lines(exchange.raw)[:-1]]
    assert len([event for event in events if isinstance(event, PartGrew)]) == len(told)
    kinds = {type(event.part).__name__ for event in events if isinstance(event, PartBegan)}
    assert kinds == {"Text"} | ({"Reasoning"} if "thinking" in told[0] else set())
