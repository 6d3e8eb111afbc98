"""The recorded traffic of Cohere's v2 chat API."""

import json
import random

import httpx
import pytest

from fixtures import meaning
from fixtures.cohere_wire import accumulate, frames
from fixtures.recorded import exchanges
from gatewright.dialects import chat, cohere, generate_content, messages, responses
from gatewright.dialects.conversation import Dropped, Reasoning, Request, Text
from gatewright.dialects.stream import Counted, Failed, Finished, PartBegan, PartGrew

PROVIDER = {"api": "chat", "providers": ("cohere",)}
NOT_CHAT = ("cohere", "cohere-v1", "ollama")  # whose `chat` is another API
OTHERS = (chat, messages, generate_content, responses)


def decoded(raw, cuts=(), dialect=cohere):
    decoder, events, begin = dialect.Decoder(), [], 0
    for cut in (*cuts, len(raw)):
        events += decoder.feed(raw[begin:cut])
        begin = cut
    return events + decoder.end()


def encoded(events, request, dialect=cohere):
    encoder = dialect.Encoder(request)
    return b"".join(encoder.encode(event) for event in events)


def official(raw, *, stream):
    """What Cohere's own client makes of an answer."""
    sdk = pytest.importorskip("cohere", reason="Cohere's SDK is not installed")
    kind = "text/event-stream" if stream else "application/json"
    answer = httpx.MockTransport(lambda _: httpx.Response(200, content=raw, headers={"content-type": kind}))
    with httpx.Client(transport=answer) as http:
        client = sdk.ClientV2(api_key="none", base_url="http://127.0.0.1", httpx_client=http)
        asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        if stream:
            return [event.dict() for event in client.chat_stream(**asked)]
        return client.chat(**asked).dict()


@pytest.mark.parametrize("exchange", exchanges(**PROVIDER, error=None))
def test_a_recorded_request_survives_its_own_dialect(exchange):
    """Decoding and encoding gives the original body, field by field."""
    dropped = Dropped()
    request = cohere.decode_request(exchange.request)
    assert cohere.encode_request(request, exchange.request["model"], dropped) == exchange.request
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(**PROVIDER, stream=False))
def test_a_recorded_answer_survives_its_own_dialect(exchange):
    """Decoding and encoding gives the original body, field by field."""
    dropped = Dropped()
    request = cohere.decode_request(exchange.request)
    answer = cohere.decode_answer(exchange.answer)
    assert cohere.encode_answer(answer, request, dropped) == exchange.answer
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(**PROVIDER, stream=False))
def test_recorded_usage_sums_to_the_totals_of_the_wire(exchange):
    """The buckets hold each token once."""
    found, usage = exchange.answer["usage"], cohere.decode_answer(exchange.answer).usage
    assert (usage.prompt, usage.answer) == (found["tokens"]["input_tokens"], found["tokens"]["output_tokens"])
    assert usage.cache_read == found.get("cached_tokens", 0)
    assert usage.reasoning == found["tokens"].get("reasoning_tokens", 0)


@pytest.mark.parametrize("exchange", exchanges(**PROVIDER, stream=False, where="citations"))
def test_recorded_citations_are_of_the_words_they_name(exchange):
    """Places are in the text of the part, and each has its source."""
    texts = [part for part in cohere.decode_answer(exchange.answer).candidates[0].parts if isinstance(part, Text)]
    found = [(part, one) for part in texts for one in part.citations]
    wires = exchange.answer["message"]["citations"]
    assert [one.source for _, one in found] == [source["id"] for wire in wires for source in wire["sources"]]
    for part, one in found:
        assert 0 <= one.start < one.end <= len(part.text) + 1
    assert [(one.start, one.end) for _, one in found] == [(wire["start"], wire["end"]) for wire in wires]


@pytest.mark.parametrize("exchange", exchanges(**PROVIDER, stream=True))
def test_a_recorded_stream_means_the_same_however_it_is_cut(exchange):
    """Bytes may be split anywhere."""
    whole, chance = decoded(exchange.raw), random.Random(exchange.name)
    for _ in range(10):
        cuts = sorted(chance.randrange(len(exchange.raw)) for _ in range(chance.randrange(1, 40)))
        assert decoded(exchange.raw, cuts) == whole
    assert decoded(exchange.raw, range(1, len(exchange.raw))) == whole


@pytest.mark.parametrize("exchange", exchanges(**PROVIDER, stream=True))
def test_a_recorded_stream_survives_its_own_dialect(exchange):
    """Decoded and encoded, it is the same events; only the failed one ends without the tokens nobody counted."""
    again = encoded(decoded(exchange.raw), cohere.decode_request(exchange.request))
    assert accumulate(again) == accumulate(exchange.raw)
    assert [event["type"] for event in frames(again)] == [event["type"] for event in frames(exchange.raw)]
    assert again.endswith(b"\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize("exchange", exchanges(**PROVIDER, stream=True))
def test_the_events_of_a_recorded_stream_hold_what_the_wire_says(exchange):
    """Texts, plans, calls, citations, the reason and the usage are those of the accumulated answer."""
    events, answer = decoded(exchange.raw), accumulate(exchange.raw)
    message, said = answer["message"], meaning.of_events(events)
    assert said.text == "".join(block["text"] for block in message["content"])
    assert said.thought == message["tool_plan"]
    calls = [(call["function"]["name"], call["function"]["arguments"]) for call in message["tool_calls"]]
    assert said.calls == [(name, json.loads(arguments)) for name, arguments in calls]
    cited = [one.source for event in events if isinstance(event, PartGrew) for one in event.citations]
    assert cited == [source["id"] for wire in message["citations"] for source in wire["sources"]]
    if "error" in answer:
        assert isinstance(events[-1], Failed)
        assert (events[-1].message, events[-1].kind) == (answer["error"], answer["error_type"])
        return
    assert [event.form["finish_reason"] for event in events if isinstance(event, Finished)] == [answer["finish_reason"]]
    usage = next(event.usage for event in events if isinstance(event, Counted))
    tokens = answer["usage"]["tokens"]
    assert (usage.prompt, usage.answer) == (tokens["input_tokens"], tokens["output_tokens"])


@pytest.mark.parametrize("exchange", exchanges(**PROVIDER))
def test_the_official_client_reads_our_answer_as_the_recorded_one(exchange):
    """Whole or streamed, its objects are the same."""
    request = cohere.decode_request(exchange.request)
    if exchange.stream:
        again = encoded(decoded(exchange.raw), request)
        found, expected = official(again, stream=True), official(exchange.raw, stream=True)
        assert len(found) == len(expected) > 3
    else:
        body = cohere.encode_answer(cohere.decode_answer(exchange.answer), request, Dropped())
        found = official(json.dumps(body).encode(), stream=False)
        expected = official(exchange.raw, stream=False)
    assert found == expected


@pytest.mark.parametrize("dialect", OTHERS, ids=lambda one: one.NAME)
@pytest.mark.parametrize("exchange", exchanges(**PROVIDER, stream=False))
def test_a_recorded_answer_reaches_clients_of_other_dialects(exchange, dialect):
    """What it says, calls, and counts is the same after the translation."""
    answer = cohere.decode_answer(exchange.answer)
    before = meaning.of_answer(answer)
    body = dialect.encode_answer(answer, Request(dialect=dialect.NAME, model="m"), Dropped())
    after = meaning.of_answer(dialect.decode_answer(json.loads(json.dumps(body))))
    assert after == before


@pytest.mark.parametrize("dialect", OTHERS, ids=lambda one: one.NAME)
@pytest.mark.parametrize("exchange", exchanges(**PROVIDER, stream=True))
def test_a_recorded_stream_reaches_clients_of_other_dialects(exchange, dialect):
    """What it says, calls, and counts is the same after the translation."""
    events = decoded(exchange.raw)
    raw = encoded(events, Request(dialect=dialect.NAME, model="m", stream=True, stream_usage=True), dialect)
    if isinstance(events[-1], Failed):
        assert json.dumps(events[-1].message)[1:-1].encode() in raw
        return
    assert meaning.of_events(decoded(raw, dialect=dialect)) == meaning.of_events(events)


@pytest.mark.parametrize("dialect", OTHERS, ids=lambda one: one.NAME)
@pytest.mark.parametrize("exchange", exchanges(**PROVIDER))
def test_a_recorded_request_reaches_providers_of_other_dialects(exchange, dialect):
    """Texts, calls, results and tools are the same after the translation."""
    request = cohere.decode_request(exchange.request)
    body = dialect.encode_request(request, "m", Dropped())
    again = dialect.decode_request(json.loads(json.dumps({"model": "m"} | body)))
    before, after = meaning.of_request(request), meaning.of_request(again)
    assert after["said"] == before["said"]
    assert after["system"].startswith(before["system"])  # some ask for JSON in words
    assert [name for name, _, _ in after["tools"]] == [name for name, _, _ in before["tools"]]
    assert after["choice"] == before["choice"]


@pytest.mark.parametrize("exchange", exchanges(api="chat", but=NOT_CHAT, stream=False))
def test_a_recorded_chat_request_becomes_one_of_cohere(exchange):
    """The official types take it, and it means the same."""
    kept_and_same(chat.decode_request(exchange.request))


@pytest.mark.parametrize("exchange", exchanges(api="messages", stream=False))
def test_a_recorded_messages_request_becomes_one_of_cohere(exchange):
    """The official types take it, and it means the same."""
    kept_and_same(messages.decode_request(exchange.request))


def kept_and_same(request):
    types = pytest.importorskip("cohere.types", reason="Cohere's SDK is not installed")
    dropped = Dropped()
    body = cohere.encode_request(request, "command-a-plus-05-2026", dropped)
    for message in body["messages"]:
        named = {"user": "UserMessageV2", "system": "SystemMessageV2", "tool": "ToolMessageV2"}
        getattr(types, named.get(message["role"], "AssistantMessage")).model_validate(message)
        assert message.get("content") or message.get("tool_calls")
    for tool in body.get("tools", []):
        types.ToolV2.model_validate(tool)
        assert tool["function"]["parameters"]["type"] == "object"
    before, after = meaning.of_request(request), meaning.of_request(cohere.decode_request(body))
    # Texts of documents and words for failures are added; nothing said is lost.
    assert calls(after) == calls(before)
    assert texts(before) <= texts(after)
    assert before["system"] in after["system"] or not before["said"]


def calls(meant):
    return [one for one in meant["said"] if one[1] == "call"]


def texts(meant):
    return {one[2] for one in meant["said"] if one[1] == "text" and one[2].strip()}


@pytest.mark.parametrize("exchange", exchanges(api="messages", stream=False))
def test_a_recorded_messages_answer_reaches_cohere_clients(exchange):
    """What it says, thinks and calls is the same, and Cohere's own client reads it."""
    answer = messages.decode_answer(exchange.answer)
    body = cohere.encode_answer(answer, Request(dialect="cohere", model="m"), Dropped())
    after, before = meaning.of_answer(cohere.decode_answer(body)), meaning.of_answer(answer)
    assert (after.text, after.calls, after.thought) == (before.text, before.calls, before.thought)
    assert (after.prompt, after.answer) == (before.prompt, before.answer)
    read = official(json.dumps(body).encode(), stream=False)
    assert read["finish_reason"] == body["finish_reason"]
    assert len(read["message"]["content"]) == len(body["message"]["content"])


@pytest.mark.parametrize("exchange", exchanges(api="chat", but=NOT_CHAT, stream=True))
def test_a_recorded_chat_stream_reaches_cohere_clients(exchange):
    """What it says and calls is the same, and Cohere's own client reads every event."""
    events = decoded(exchange.raw, dialect=chat)
    raw = encoded(events, Request(dialect="cohere", model="m", stream=True))
    assert len(official(raw, stream=True)) == len(frames(raw))
    if isinstance(events[-1], Failed):
        assert accumulate(raw)["error"] == events[-1].message
        return
    after, before = meaning.of_events(decoded(raw)), meaning.of_events(events)
    assert (after.text, after.calls, after.thought) == (before.text, before.calls, before.thought)


@pytest.mark.parametrize("exchange", exchanges(api="messages", stream=True, providers=("anthropic",)))
def test_a_recorded_messages_stream_reaches_cohere_clients(exchange):
    """What it says, thinks and calls is the same, with the signatures of its thoughts."""
    events = decoded(exchange.raw, dialect=messages)
    raw = encoded(events, Request(dialect="cohere", model="m", stream=True))
    if isinstance(events[-1], Failed):
        assert accumulate(raw)["error"] == events[-1].message
        return
    after, before = meaning.of_events(decoded(raw)), meaning.of_events(events)
    assert (after.text, after.calls, after.thought) == (before.text, before.calls, before.thought)
    signed = [event.signature for event in events if isinstance(event, PartGrew) and event.signature]
    blocks = accumulate(raw)["message"]["content"]
    assert [block["signature"] for block in blocks if "signature" in block] == signed
    sealed = [
        event.part.sealed for event in events if isinstance(event, PartBegan) and isinstance(event.part, Reasoning)
    ]
    assert [block["sealed"] for block in blocks if "sealed" in block] == [one for one in sealed if one]
