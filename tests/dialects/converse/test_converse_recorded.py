"""The recorded traffic of Bedrock's Converse and ConverseStream."""

import copy
import json
import random
import re

import msgspec
import pytest
from botocore.exceptions import EventStreamError

from fixtures.converse_wire import accumulate, events, parsed, problems
from fixtures.meaning import of_answer, of_events, of_request
from fixtures.recorded import exchanges
from gatewright.dialects import chat, converse, messages
from gatewright.dialects.bedrock import ChunksToEvents
from gatewright.dialects.conversation import Dropped, Request
from gatewright.dialects.stream import Began, Counted, Ended, Failed, Finished

API = "converse"


def decoded(raw, cuts=()):
    decoder, found, begin = converse.Decoder(), [], 0
    for cut in (*cuts, len(raw)):
        found += decoder.feed(raw[begin:cut])
        begin = cut
    return found + decoder.end()


def encoded(found):
    encoder = converse.Encoder(Request(dialect="converse", model=""))
    return b"".join(map(encoder.encode, found))


def has_document(case):
    """Whether a param's exchange holds a document, which some dialects give as text."""
    (exchange,) = case.values
    return exchange is not None and "document" in exchange.features


@pytest.mark.parametrize("exchange", exchanges(api=API, error=None))
def test_a_recorded_request_survives_its_own_dialect(exchange):
    """Decoding and encoding gives the original body, field by field, and leaves what it was given alone."""
    dropped, given = Dropped(), copy.deepcopy(exchange.request)
    request = converse.decode_request(given)
    assert converse.encode_request(request, "", dropped) == exchange.request
    assert given == exchange.request
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=False))
def test_a_recorded_answer_survives_its_own_dialect(exchange):
    """Decoding and encoding gives the original body, field by field."""
    dropped = Dropped()
    answer = converse.decode_answer(exchange.answer)
    assert converse.encode_answer(answer, converse.decode_request(exchange.request), dropped) == exchange.answer
    assert dropped == set()


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=False))
def test_recorded_usage_sums_to_the_totals_of_the_wire(exchange):
    """The buckets hold each token once."""
    found, usage = exchange.answer["usage"], converse.decode_answer(exchange.answer).usage
    read, written = (found.get(f"cache{what}InputTokens", 0) for what in ("Read", "Write"))
    assert usage.total == found["totalTokens"]
    assert usage.prompt == found["inputTokens"] + read + written
    assert (usage.answer, usage.cache_read) == (found["outputTokens"], read)
    assert usage.cache_write_5m + usage.cache_write_1h == written
    assert converse.encode_usage(converse.decode_usage(found), same=True, dropped=Dropped()) == found


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_a_recorded_stream_means_the_same_however_it_is_cut(exchange):
    """Bytes may be split anywhere."""
    whole, chance = decoded(exchange.raw), random.Random(exchange.name)
    for _ in range(5):
        cuts = sorted(chance.randrange(len(exchange.raw)) for _ in range(chance.randrange(1, 40)))
        assert decoded(exchange.raw, cuts) == whole
    assert decoded(exchange.raw, range(1, len(exchange.raw))) == whole


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_botocore_reads_a_stream_of_ours_as_it_reads_the_recorded_one(exchange):
    """Both accumulate to the same final message."""
    assert accumulate(encoded(decoded(exchange.raw))) == accumulate(exchange.raw)


@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_the_events_of_a_recorded_stream_hold_what_the_wire_says(exchange):
    """Texts, thoughts, calls, the reason and the usage are those of the accumulated message."""
    found, whole = decoded(exchange.raw), accumulate(exchange.raw)
    meaning = of_events(copy.deepcopy(found))
    assert isinstance(found[0], Began)
    assert isinstance(found[-1], Ended)
    blocks = whole["content"]
    assert meaning.text == "".join(block.get("text", "") for block in blocks)
    assert meaning.thought == "".join(block.get("reasoningContent", {}).get("text", "") for block in blocks)
    calls = [block["toolUse"] for block in blocks if "toolUse" in block and "type" not in block["toolUse"]]
    assert meaning.calls == [(call["name"], json.loads(call["input"] or "{}")) for call in calls]
    (finished,) = [event for event in found if isinstance(event, Finished)]
    assert finished.form["stopReason"] == whole["stopReason"]
    (counted,) = [event.usage for event in found if isinstance(event, Counted)]
    assert counted.total == whole["usage"]["totalTokens"]
    assert meaning.answer == whole["usage"]["outputTokens"]


@pytest.mark.parametrize("dialect", [chat, messages], ids=lambda one: one.NAME)
@pytest.mark.parametrize("exchange", exchanges(api=API, stream=False))
def test_a_recorded_answer_means_the_same_to_other_clients(exchange, dialect):
    """Text, thoughts, calls, the reason and the usage arrive; the provider's own tools do not."""
    answer = converse.decode_answer(exchange.answer)
    body = dialect.encode_answer(answer, converse.decode_request(exchange.request), Dropped())
    expected, found = of_answer(answer), of_answer(dialect.decode_answer(body))
    if dialect is messages and expected.finish == "content_filter":
        expected.finish = "refusal"  # the word it has for both
    assert found == expected


@pytest.mark.parametrize("dialect", [chat, messages], ids=lambda one: one.NAME)
@pytest.mark.parametrize("exchange", exchanges(api=API, stream=True))
def test_a_recorded_stream_means_the_same_to_other_clients(exchange, dialect):
    """As a whole answer does."""
    found = decoded(exchange.raw)
    request = converse.decode_request(exchange.request)
    request.stream_usage = True
    encoder, decoder = dialect.Encoder(request), dialect.Decoder()
    raw = b"".join(map(encoder.encode, copy.deepcopy(found)))
    expected, told = of_events(found), of_events(decoder.feed(raw) + decoder.end())
    if dialect is messages and expected.finish == "content_filter":
        expected.finish = "refusal"
    assert told == expected


@pytest.mark.parametrize("dialect", [chat, messages], ids=lambda one: one.NAME)
@pytest.mark.parametrize("exchange", [one for one in exchanges(api=API) if not has_document(one)])
def test_a_recorded_request_asks_the_same_of_other_providers(exchange, dialect):
    """Texts, calls, results, tools and parameters arrive."""
    request = converse.decode_request(exchange.request)
    dropped = Dropped()
    body = dialect.encode_request(request, "claude-3-7-sonnet", dropped)
    expected, found = of_request(request), of_request(dialect.decode_request(body))
    lost = {"response_format": "system", "temperature": "temperature", "top_p": "top_p"}
    for name in [field for reason, field in lost.items() if reason in dropped]:
        del expected[name], found[name]
    assert found == expected


OWN_APIS = ("cohere", "cohere-v1", "ollama")
DIALECTS = {"chat": chat, "messages": messages}
MODELS = ("us.anthropic.claude-sonnet-4-5-v1:0", "us.amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0")


def others(**which):
    """The recorded exchanges of both other dialects."""
    return [one for api in DIALECTS for one in exchanges(api=api, but=OWN_APIS, **which)]


@pytest.mark.parametrize("exchange", others())
def test_a_recorded_request_of_another_dialect_is_one_that_converse_accepts(exchange):
    """By botocore's validator of the service, and by the rules that only the service checks; calls and texts arrive."""
    request = DIALECTS[exchange.api].decode_request(exchange.request)
    asked = of_request(request)["said"]
    for model in MODELS:
        body = converse.encode_request(request, model, Dropped())
        assert problems(body, model) == ""
        roles = [turn["role"] for turn in body["messages"]]
        assert roles == [("user", "assistant")[at % 2] for at in range(len(roles))]
        blocks = [block for turn in body["messages"] for block in turn["content"]] + body.get("system", [])
        assert all(block["text"].strip() for block in blocks if "text" in block)
        if any("toolUse" in block or "toolResult" in block for block in blocks):
            assert body["toolConfig"]["tools"]
        said = of_request(converse.decode_request(body))["said"]
        assert [one for one in said if one[1] == "call"] == [one for one in asked if one[1] == "call"]
        texts = {one[2].rstrip() for one in said if one[1] == "text"}
        assert {one[2].rstrip() for one in asked if one[1] == "text"} - {""} <= texts


@pytest.mark.parametrize("exchange", others(stream=False))
def test_botocore_reads_a_recorded_answer_of_another_dialect(exchange):
    """With the same text, calls and usage."""
    dialect = DIALECTS[exchange.api]
    answer = dialect.decode_answer(exchange.answer)
    body = converse.encode_answer(answer, dialect.decode_request(exchange.request), Dropped())
    expected = of_answer(answer)
    found = parsed(msgspec.json.encode(body))
    blocks = found["output"]["message"]["content"]
    spoken = [one for block in blocks for one in block.get("citationsContent", {}).get("content", [block])]
    assert "".join(block.get("text", "") for block in spoken) == expected.text
    calls = [block["toolUse"] for block in blocks if "toolUse" in block]
    assert [(call["name"], call["input"]) for call in calls] == expected.calls
    assert found["usage"]["totalTokens"] == expected.prompt + expected.answer
    again = of_answer(converse.decode_answer(body))
    assert (again.text, again.thought) == (expected.text, expected.thought)


@pytest.mark.parametrize("exchange", others(stream=True))
def test_botocore_reads_a_recorded_stream_of_another_dialect(exchange):
    """With the same text, thoughts and calls, or the same error."""
    decoder, raw = DIALECTS[exchange.api].Decoder(), exchange.raw
    if exchange.headers.get("content-type", "").startswith("application/vnd.amazon.eventstream"):
        raw = ChunksToEvents().feed(raw)
    found = decoder.feed(raw) + decoder.end()
    again = encoded(copy.deepcopy(found))
    if isinstance(found[-1], Failed):
        with pytest.raises(EventStreamError, match=re.escape(found[-1].message[:40])):
            events(again)
        return
    expected, blocks = of_events(found), accumulate(again)["content"]
    assert "".join(block.get("text", "") for block in blocks) == expected.text
    calls = [block["toolUse"] for block in blocks if "toolUse" in block]
    assert [(call["name"], json.loads(call.get("input") or "{}")) for call in calls] == expected.calls
    assert "".join(block.get("reasoningContent", {}).get("text", "") for block in blocks) == expected.thought
