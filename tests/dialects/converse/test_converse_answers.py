"""Answers and streams of other dialects as a Bedrock client gets them, and what Bedrock must not send."""

import json

import msgspec
import pytest
from botocore.exceptions import EventStreamError

from fixtures.converse_wire import accumulate, events, framed, parsed
from gatewright.dialects import bedrock, converse, eventstream
from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Citation,
    Dropped,
    Media,
    Native,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    Usage,
)
from gatewright.dialects.stream import Began, Counted, Ended, Failed, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import UpstreamProtocolError

ASKED = Request(dialect="converse", model="endpoint")
BODY = {"output": {"message": {"role": "assistant", "content": []}}, "stopReason": "end_turn"}


def answered(*parts, **fields):
    """The body a Bedrock client gets for an answer of another dialect, and what was dropped."""
    dropped = Dropped()
    shown = {key: fields.pop(key) for key in ("finish", "stop_text") if key in fields}
    answer = Answer(dialect="chat", candidates=[Candidate(parts=list(parts), **shown)], **fields)
    body = converse.encode_answer(answer, ASKED, dropped)
    parsed(msgspec.json.encode(body))
    return body, dropped


def content(*parts):
    return answered(*parts)[0]["output"]["message"]["content"]


def streamed(*found, dialect="chat"):
    """The bytes a Bedrock client gets for events."""
    encoder = converse.Encoder(ASKED)
    return b"".join(encoder.encode(event) for event in (Began(id="id", dialect=dialect), *found))


def part(at, begun, *pieces):
    return [PartBegan(at=at, part=begun), *(PartGrew(at=at, **piece) for piece in pieces), PartEnded(at=at)]


def wire(*found):
    """A stream of Bedrock's."""
    return b"".join(framed(kind, json.dumps(event).encode()) for kind, event in found)


def decoded(*found):
    decoder = converse.Decoder()
    return decoder.feed(wire(*found)) + decoder.end()


def delta(index, **told):
    return ("contentBlockDelta", {"contentBlockIndex": index, "delta": told})


def stop(index):
    return ("contentBlockStop", {"contentBlockIndex": index})


START = ("messageStart", {"role": "assistant"})
STOP = ("messageStop", {"stopReason": "end_turn"})


def test_an_answer_has_every_field_of_the_api():
    """Also those another dialect does not know."""
    body, dropped = answered(Text(text="Hi"), finish="stop", id="x", model="m")
    counts = ("inputTokens", "outputTokens", "totalTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    assert body == {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
        "stopReason": "end_turn",
        "usage": dict.fromkeys(counts, 0),
        "metrics": {"latencyMs": 0},
    }
    assert dropped == set()


@pytest.mark.parametrize(
    ("finish", "expected"),
    [
        ("stop", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "content_filtered"),
        ("refusal", "content_filtered"),
        ("pause", "end_turn"),
        ("other", "end_turn"),
        (None, "end_turn"),
    ],
)
def test_every_finish_has_a_stop_reason(finish, expected):
    """In whole answers and in streams."""
    assert answered(finish=finish)[0]["stopReason"] == expected
    ends = [Finished(finish=finish)] if finish else []
    assert accumulate(streamed(*ends, Ended()))["stopReason"] == expected


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("tool_use", "tool_calls"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("model_context_window_exceeded", "length"),
        ("malformed_tool_use", "other"),
        ("a_new_reason", "other"),
    ],
)
def test_every_stop_reason_has_a_finish_and_comes_back(reason, finish):
    """Those of later days too, whole and streamed."""
    answer = converse.decode_answer(BODY | {"stopReason": reason})
    assert answer.candidates[0].finish == finish
    assert converse.encode_answer(answer, ASKED, Dropped())["stopReason"] == reason
    found = decoded(START, ("messageStop", {"stopReason": reason}), ("metadata", {}))
    assert [event.finish for event in found if isinstance(event, Finished)] == [finish]
    again = streamed(*found[1:], dialect="converse")
    assert accumulate(again)["stopReason"] == reason


def test_a_call_makes_the_reason_tool_use():
    """Some providers say `stop` although they call; a signed call follows an empty signed thought."""
    call = ToolCall(id="a", name="b", arguments='{"x":1}', signature="s")
    body, _ = answered(call, finish="stop")
    assert body["stopReason"] == "tool_use"
    thought, use = body["output"]["message"]["content"]
    assert thought == {"reasoningContent": {"reasoningText": {"text": "", "signature": "s"}}}
    assert use == {"toolUse": {"toolUseId": "a", "name": "b", "input": {"x": 1}}}
    (again,) = converse.decode_answer(body).candidates[0].parts
    assert (again.arguments, again.signature) == ('{"x":1}', "s")


def test_thoughts_refusals_images_and_citations_are_shown():
    """In the blocks a Bedrock client knows, in order."""
    cited = Text(
        text="c", citations=[Citation(url="https://x", title="t", quote="q"), Citation(document=1, source="s")]
    )
    parts = (Reasoning(text="hm"), Reasoning(sealed="AAAA"), Refusal(text="No."), cited)
    assert content(*parts, Media(kind="image", media_type="image/png", data="AAAA")) == [
        {"reasoningContent": {"reasoningText": {"text": "hm"}}},
        {"reasoningContent": {"redactedContent": "AAAA"}},
        {"text": "No."},
        {
            "citationsContent": {
                "content": [{"text": "c"}],
                "citations": [
                    {"title": "t", "sourceContent": [{"text": "q"}], "location": {"web": {"url": "https://x"}}},
                    {"source": "s", "location": {"documentChar": {"documentIndex": 1}}},
                ],
            }
        },
        {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
    ]


def test_what_an_answer_cannot_show_is_named():
    """Seals that a client would break, other candidates, stop texts, unknown tiers and another provider's parts."""
    dropped = Dropped()
    parts = [Reasoning(sealed="a_b-"), Native(rest={"type": "web_search_call"})]
    answer = Answer(
        dialect="responses",
        candidates=[Candidate(parts=parts, stop_text="x"), Candidate()],
        service_tier="scale",
        rest={"system_fingerprint": "f"},
    )
    assert converse.encode_answer(answer, ASKED, dropped)["output"]["message"]["content"] == []
    names = {"reasoning", "web_search_call", "choices", "stop_sequence", "service_tier", "system_fingerprint"}
    assert dropped == names


def test_citations_of_an_answer_belong_to_the_words_before_them():
    """A block without words cites the text before it; where in a document it is from is this API's own."""
    web = {"citationsContent": {"citations": [{"location": {"web": {"url": "https://x", "domain": "x"}}}]}}
    place = {"documentPage": {"documentIndex": 2, "start": 1, "end": 3}}
    told = {"citationsContent": {"content": [{"text": "b"}], "citations": [{"title": "t", "location": place}]}}
    body = {"output": {"message": {"content": [{"text": "a"}, web, told]}}, "stopReason": "end_turn"}
    answer = converse.decode_answer(body)
    first, second = answer.candidates[0].parts
    assert (first.text, [one.url for one in first.citations]) == ("a", ["https://x"])
    assert (second.text, second.citations[0].document, second.citations[0].title) == ("b", 2, "t")
    assert second.citations[0].rest == {"documentPage": {"start": 1, "end": 3}}
    assert converse.encode_answer(answer, ASKED, Dropped()) == body


def test_usage_holds_every_token_once():
    """Sound and images count as input, thought as output; each cache's time is told."""
    usage = Usage(input=1, cache_read=2, cache_write_5m=4, cache_write_1h=8, input_audio=16, output=32, reasoning=64)
    body, _ = answered(usage=usage)
    assert body["usage"] == {
        "inputTokens": 17,
        "outputTokens": 96,
        "totalTokens": 127,
        "cacheReadInputTokens": 2,
        "cacheWriteInputTokens": 12,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 4}, {"ttl": "1h", "inputTokens": 8}],
    }
    again = converse.decode_usage(body["usage"])
    assert (again.cache_write_5m, again.cache_write_1h, again.total) == (4, 8, 127)


@pytest.mark.parametrize(
    "body",
    [
        {"message": "no"},
        BODY | {"stopReason": None},
        {"output": {"message": {"content": None}}, "stopReason": "end_turn"},
        {"output": {"message": {"content": [{"text": 1}]}}, "stopReason": "end_turn"},
        BODY | {"usage": {"inputTokens": -1}},
        BODY | {"usage": {"outputTokens": "1"}},
        BODY | {"serviceTier": "x"},
    ],
)
def test_an_answer_of_another_shape_is_the_providers_fault(body):
    """It is never taken for an answer."""
    with pytest.raises(UpstreamProtocolError, match="Converse API"):
        converse.decode_answer(body)


def test_a_stream_of_another_dialect_follows_the_grammar():
    """Thought, text, a call, a call of free text and an empty text, with the usage that came last."""
    raw = streamed(
        *part(0, Reasoning(), {"text": "h"}, {"text": "m", "signature": "si"}, {"signature": "g"}),
        *part(1, Text(text=""), {"text": "Hi"}, {"text": "!", "citations": [Citation(url="https://x")]}),
        *part(2, ToolCall(id="a", name="f", arguments="", signature="s"), {"text": '{"x"'}, {"text": ":1}"}),
        *part(3, ToolCall(id="b", name="g", arguments="", custom=True), {"text": "4 +"}, {"text": " 4"}),
        *part(4, Text(text="")),
        *part(5, Reasoning(sealed="AAAA")),
        *part(6, Native(rest={"type": "x"}), {"text": "lost"}),
        *part(7, Media(kind="image", media_type="image/png", data="AAAA")),
        PartBegan(at=0, part=Text(text=""), candidate=1),
        Finished(finish="stop"),
        Counted(usage=Usage(input=3, cache_read=2, output=5)),
        Ended(),
    )
    whole = accumulate(raw)
    assert whole["content"] == [
        {"reasoningContent": {"text": "hm", "signature": "sig"}},
        {"text": "Hi!", "citations": [{"location": {"web": {"url": "https://x"}}}]},
        {"reasoningContent": {"signature": "s"}},
        {"toolUse": {"toolUseId": "a", "name": "f", "input": '{"x":1}'}},
        {"toolUse": {"toolUseId": "b", "name": "g", "input": '{"input":"4 + 4"}'}},
        {"text": ""},
        {"reasoningContent": {"redactedContent": b"\0\0\0"}},
        {"image": {"format": "png", "source": {"bytes": b"\0\0\0"}}},
    ]
    assert whole["stopReason"] == "tool_use"
    assert (whole["usage"]["inputTokens"], whole["usage"]["totalTokens"]) == (3, 10)


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (Failed(message="No.", status=429), "throttlingException"),
        (Failed(message="No.", status=400), "validationException"),
        (Failed(message="No.", status=404), "validationException"),
        (Failed(message="No.", status=529), "internalServerException"),
        (Failed(message="No.", kind="modelStreamErrorException", status=429), "modelStreamErrorException"),
    ],
)
def test_an_error_becomes_an_exception_of_the_stream(failed, kind):
    """Which botocore raises for its caller; nothing follows."""
    raw = streamed(failed, Ended())
    with pytest.raises(EventStreamError, match=rf"\({kind}\).*No\."):
        events(raw)
    (_, frame) = eventstream.FrameReader().feed(raw)
    assert bedrock.failure(frame).kind == kind


@pytest.mark.parametrize(
    ("kind", "told", "status"),
    [
        ("throttlingException", {"message": "slow"}, 429),
        ("modelStreamErrorException", {"message": "x", "originalMessage": "slow", "originalStatusCode": 503}, 503),
        ("aNewException", {"message": "slow"}, 500),
    ],
)
def test_an_exception_of_the_stream_is_told(kind, told, status):
    """Before or after the first event; nothing follows, and the end is no other error."""
    raw = framed(kind, json.dumps(told).encode(), "exception")
    for begun in (b"", wire(START)):
        decoder = converse.Decoder()
        found = decoder.feed(begun + raw + wire(STOP))
        assert found[-1] == Failed(message="slow", kind=kind, status=status)
        assert decoder.end() == []


def test_an_image_of_a_stream_is_told_when_it_is_whole():
    """Its pieces are bytes of their own."""
    begun = ("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}})
    pieces = [delta(0, image={"source": {"bytes": piece}}) for piece in ("YQ==", "YmM=")]
    found = decoded(START, begun, *pieces, stop(0), STOP, ("metadata", {}))
    media = [event.part for event in found if isinstance(event, PartBegan)]
    assert [(one.media_type, one.data) for one in media] == [("image/png", "YWJj")]


def test_an_image_of_a_stream_has_a_limit(monkeypatch):
    """So that it cannot fill the memory."""
    monkeypatch.setattr("gatewright.dialects.converse.decoder.MAX_IMAGE", 2)
    begun = ("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}})
    with pytest.raises(UpstreamProtocolError, match="more than 2 bytes"):
        decoded(START, begun, delta(0, image={"source": {"bytes": "YWJj"}}))


def test_a_block_that_is_not_ended_is_ended():
    """By the next one, or by the end; events of later days are passed over."""
    found = decoded(START, delta(0, text="a"), delta(1, text="b"), ("new", {}), STOP, ("metadata", {}))
    kinds = [type(event) for event in found]
    assert kinds == [Began, PartBegan, PartGrew, PartEnded, PartBegan, PartGrew, PartEnded, Finished, Ended]


def test_a_stream_without_metadata_is_complete():
    """`messageStop` ends the answer; only the usage is missing."""
    assert isinstance(decoded(START, STOP)[-1], Ended)


@pytest.mark.parametrize(
    "found",
    [
        [],
        [START],
        [START, delta(0, text="a"), stop(0)],
        [STOP],
        [START, START],
        [START, STOP, delta(0, text="a")],
        [START, delta(0, text="a"), stop(0), delta(0, text="a")],
        [START, delta(0, toolUse={"input": "{}"})],
        [START, delta(None, text="a")],
        [START, delta(0, text=1)],
        [START, ("messageStop", {})],
        [START, STOP, ("metadata", {"usage": {"inputTokens": -1}})],
    ],
)
def test_a_stream_of_another_grammar_is_the_providers_fault(found):
    """Cut, out of order, or of other fields."""
    with pytest.raises(UpstreamProtocolError):
        decoded(*found)
