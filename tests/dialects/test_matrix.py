"""Every dialect to every other, over recorded traffic: what was asked and answered means the same afterwards."""

import copy
import random
from dataclasses import replace

import msgspec
import pytest

from fixtures.meaning import of_answer, of_events, of_request
from fixtures.recorded import exchanges
from gatewright.dialects import chat, generate_content, messages, responses
from gatewright.dialects.conversation import Dropped, ToolCall, ToolResult

DIALECTS = {"chat": chat, "messages": messages, "generate_content": generate_content, "responses": responses}
# These record another wire under the name of the operation.
OTHER_WIRES = {"cohere", "cohere-v1", "ollama"}

PAIRS = [
    pytest.param(spoken, client, id=f"{spoken} to {client}")
    for spoken in DIALECTS
    for client in DIALECTS
    if spoken != client
]


def recorded(spoken, **options):
    """The exchanges of a dialect; one test goes over all of them, so that a pair is a line of the report."""
    found = [param.values[0] for param in exchanges(api=spoken, but=OTHER_WIRES, **options)]
    if found[0] is None:
        pytest.skip("the recorded exchanges are not here; GATEWRIGHT_RECORDED names their folder")
    return [one for one in found if "amazon.eventstream" not in one.headers.get("content-type", "")]


def request_of(spoken, exchange):
    """What the exchange asked, or None where the recording cut the body."""
    if not exchange.request or "request_truncated" in exchange.features:
        return None
    return replace(DIALECTS[spoken].decode_request(copy.deepcopy(exchange.request)), stream=exchange.stream)


@pytest.mark.parametrize(("spoken", "client"), PAIRS)
def test_an_answer_means_the_same_in_the_clients_dialect(spoken, client):
    """Text, tool calls, finish reason and usage survive: provider's dialect, client's dialect, and read again."""
    theirs, ours = DIALECTS[spoken], DIALECTS[client]
    seen = 0
    for exchange in recorded(spoken, stream=False):
        answer = theirs.decode_answer(copy.deepcopy(exchange.answer))
        request = request_of(spoken, exchange)
        if request is None or len(answer.candidates) != 1:
            continue
        wire = ours.encode_answer(copy.deepcopy(answer), request, Dropped())
        again = ours.decode_answer(msgspec.json.decode(msgspec.json.encode(wire)))
        before, after = of_answer(answer), of_answer(again)
        assert (after.text, after.calls) == (before.text, before.calls), exchange.name
        assert finish_in(client, before) == finish_in(client, after), exchange.name
        if answer.usage is not None:
            assert (after.prompt, after.answer) == (before.prompt, before.answer), exchange.name
        seen += 1
    assert seen > 3


def finish_in(client, meaning):
    """Finish reasons as far as a dialect tells them apart.

    Chat has no word for a stop text, a pause or a refusal of its own; Gemini has none for tool calls.
    """
    same = {"stop_sequence": "stop", "pause": "stop", "other": "stop", "refusal": "content_filter"}
    if client in ("generate_content", "responses") or meaning.calls:
        same["tool_calls"] = "stop"
    return same.get(meaning.finish, meaning.finish)


@pytest.mark.parametrize(("spoken", "client"), PAIRS)
def test_a_stream_means_the_same_in_the_clients_dialect(spoken, client):
    """However the bytes are cut on both ways."""
    theirs, ours = DIALECTS[spoken], DIALECTS[client]
    cut = random.Random(7)
    seen = 0
    for exchange in recorded(spoken, stream=True):
        request = request_of(spoken, exchange)
        if request is None or "stream_error" in exchange.features:
            continue
        events = read(theirs.Decoder(), exchange.raw, cut)
        encoder = ours.Encoder(replace(request, stream_usage=True))
        wire = b"".join(encoder.encode(event) for event in copy.deepcopy(events))
        before, after = of_events(copy.deepcopy(events)), of_events(read(ours.Decoder(), wire, cut))
        assert (after.text, after.calls) == (before.text, before.calls), exchange.name
        assert finish_in(client, before) == finish_in(client, after), exchange.name
        assert (after.prompt, after.answer) == (before.prompt, before.answer), exchange.name
        seen += 1
    assert seen > 3


def read(decoder, body, cut):
    """The events of a stream that comes in pieces of random length."""
    events = []
    at = 0
    while at < len(body):
        size = cut.choice((1, 7, 60, 700))
        events += decoder.feed(body[at : at + size])
        at += size
    return events + decoder.end()


@pytest.mark.parametrize(("spoken", "target"), PAIRS)
def test_a_request_means_the_same_in_the_targets_dialect(spoken, target):
    """System prompts, texts, tool calls and results in order, tools, tool choice and parameters survive."""
    provider = DIALECTS[target]
    seen = 0
    for exchange in recorded(spoken, error=None):
        if exchange.status in (400, 422):
            continue  # the provider found fault with the request itself
        request = request_of(spoken, exchange)
        if request is None or not can_stand_alone(request):
            continue
        dropped = Dropped()
        wire = provider.encode_request(copy.deepcopy(request), "m", dropped)
        again = provider.decode_request(msgspec.json.decode(msgspec.json.encode(wire)))
        before, after = of_request(request), of_request(again)
        if "response_format" in dropped:  # told in words instead, at the end of the system prompt
            assert after.pop("system").startswith(before.pop("system")), exchange.name
        # A tool's answer that is no text is told in a turn of the user's, with these words in front.
        after["said"] = [one for one in after["said"] if not one[2].startswith("The result of tool call ")]
        for name in before:
            if name not in dropped:
                assert after[name] == before[name], (exchange.name, name, dropped)
        seen += 1
    assert seen > 3


def can_stand_alone(request):
    """Whether the conversation is all here: some go on from what a provider keeps, or hold only a system prompt."""
    roles = {message.role for message in request.messages}
    calls = {part.id for message in request.messages for part in message.parts if isinstance(part, ToolCall)}
    results = {part.id for message in request.messages for part in message.parts if isinstance(part, ToolResult)}
    return bool(roles - {"system", "developer"}) and results <= calls
