"""Answers between Gemini's API and every other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Dropped,
    Media,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    Usage,
)
from gatewright.dialects.generate_content import NAME, decode_answer, decode_usage, encode_answer, encode_usage
from gatewright.dialects.generate_content.usage import COUNTS
from gatewright.errors import UpstreamProtocolError

ASKED = Request(dialect=NAME, model="")


def answered(parts, reason="STOP", **more):
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason}], **more}


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "other"),
        ("A_REASON_OF_NEXT_YEAR", "other"),
    ],
)
def test_finish_reasons_are_read_and_written_again(reason, finish):
    """Also those that the model knows only as one of several."""
    body = answered([{"text": "Hi"}], reason)
    answer = decode_answer(body)
    assert answer.candidates[0].finish == finish
    assert encode_answer(answer, ASKED, Dropped()) == body


def test_a_blocked_prompt_is_an_answer_that_was_filtered():
    """It has no candidate on the wire, and has none again."""
    body = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 5}}
    answer = decode_answer(body)
    assert [(one.finish, one.parts) for one in answer.candidates] == [("content_filter", [])]
    assert answer.usage.total == 5
    assert encode_answer(answer, ASKED, Dropped()) == body


def test_calls_without_ids_get_their_own_in_every_answer():
    """The same for the same answer; different in different answers, since clients join them in one conversation."""
    call = {"functionCall": {"name": "f", "args": {"a": 1}}}

    def ids(**more):
        body = answered([call, call], **more)
        answer = decode_answer(body)
        assert answer.candidates[0].finish == "tool_calls"
        assert encode_answer(answer, ASKED, Dropped()) == body
        return [part.id for part in answer.candidates[0].parts]

    assert ids(responseId="a") == ids(responseId="a")
    assert len({*ids(responseId="a"), *ids(responseId="b"), *ids(), *ids(modelVersion="m")}) == 8


def test_counts_are_taken_apart_by_kind():
    """Cached sound and film are in the cache's bucket, the tools' prompt in the prompt's."""
    wire = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "toolUsePromptTokenCount": 7,
        "candidatesTokenCount": 30,
        "thoughtsTokenCount": 20,
        "totalTokenCount": 157,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 50},
            {"modality": "AUDIO", "tokenCount": 20},
            {"modality": "VIDEO", "tokenCount": 30},
        ],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 15}, {"modality": "TEXT", "tokenCount": 25}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 10}],
    }
    usage = decode_usage(wire)
    counts = Usage(input=32, cache_read=40, input_audio=5, input_image=30, output=20, output_image=10, reasoning=20)
    counts.rest, counts.form = usage.rest, usage.form
    assert usage == counts
    assert usage.total == 157
    assert encode_usage(usage, Dropped(), same=True) == wire


@given(
    st.dictionaries(
        st.sampled_from([*COUNTS, "toolUsePromptTokenCount"]),
        st.integers(0, 1000) | st.none(),
    ),
    st.lists(st.tuples(st.sampled_from(["TEXT", "AUDIO", "IMAGE", "VIDEO", "DOCUMENT"]), st.integers(0, 1000))),
)
def test_counts_never_overlap_nor_get_lost(counts, details):
    """Whatever the details say; and they are written as they were read."""
    wire = counts | {"promptTokensDetails": [{"modality": kind, "tokenCount": count} for kind, count in details]}
    usage = decode_usage(wire)
    names = ("promptTokenCount", "toolUsePromptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    assert usage.total == sum(counts.get(name) or 0 for name in names)
    buckets = (usage.input, usage.cache_read, usage.input_audio, usage.input_image, usage.output, usage.reasoning)
    assert min(buckets) >= 0
    assert encode_usage(usage, Dropped(), same=True) == wire


def test_an_answer_of_another_dialect_is_written():
    """Text, refusal, thought, call, image, counts; what Gemini cannot say is named."""
    parts = [
        Reasoning(text="Hm.", signature="s"),
        Text(text="Hi", rest={"annotations": [1]}),
        Refusal(text="No."),
        ToolCall(id="c", name="f", arguments='{"a":1}'),
        Media(kind="image", data="AA==", media_type="image/png"),
    ]
    usage = Usage(input=3, cache_read=2, cache_write_5m=1, output=4, reasoning=5, input_audio=6)
    answer = Answer(
        dialect="other",
        id="r",
        model="m",
        created=0,
        candidates=[
            Candidate(parts=parts, finish="tool_calls"),
            Candidate(parts=[Text(text="x")], finish="stop_sequence", stop_text="y"),
        ],
        usage=usage,
        service_tier="default",
    )
    dropped = Dropped()
    assert encode_answer(answer, ASKED, dropped) == {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [
                        {"text": "Hm.", "thought": True, "thoughtSignature": "s"},
                        {"text": "Hi"},
                        {"text": "No."},
                        {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}},
                        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
                    ],
                },
                "finishReason": "STOP",
                "index": 0,
            },
            {"content": {"role": "model", "parts": [{"text": "x"}]}, "finishReason": "STOP", "index": 1},
        ],
        "usageMetadata": {
            "promptTokenCount": 12,
            "cachedContentTokenCount": 2,
            "candidatesTokenCount": 4,
            "thoughtsTokenCount": 5,
            "totalTokenCount": 21,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 6}, {"modality": "AUDIO", "tokenCount": 6}],
            "serviceTier": "standard",
        },
        "modelVersion": "m",
        "createTime": "1970-01-01T00:00:00Z",
        "responseId": "r",
    }
    assert dropped == {"annotations", "stop_sequence", "cache_creation"}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"choices": []},
        {"candidates": "x"},
        {"candidates": [1]},
        {"candidates": [{"content": {"parts": [{"text": 1}]}}]},
        {"candidates": [{"finishReason": 1}]},
        {"usageMetadata": {"promptTokenCount": 1, "thoughtsTokenCount": "x"}},
        {"responseId": 1},
    ],
)
def test_what_is_no_answer_is_refused(body):
    """As the provider's fault."""
    with pytest.raises(UpstreamProtocolError):
        decode_answer(body)


NAMES = st.sampled_from(
    """
    candidates content parts role text thought thoughtSignature functionCall name args id inlineData data
    mimeType finishReason index usageMetadata promptTokenCount totalTokenCount promptTokensDetails modality
    tokenCount promptFeedback blockReason responseId createTime serviceTier other
    """.split()  # noqa: SIM905 - forty lines otherwise
)
LEAVES = st.sampled_from([None, True, 0, -1, 7, 1.5, "", "model", "STOP", "TEXT", "2026-01-01T00:00:00Z", "99999"])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))


@given(st.dictionaries(NAMES, VALUES), st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=3))
def test_only_our_own_error_escapes(body, parts):
    """Any JSON is an answer or the provider's fault; an answer is written as it came, and for other dialects."""
    for wire in (body, body | {"candidates": [{"content": {"parts": parts}}]}):
        try:
            answer = decode_answer(wire)
        except UpstreamProtocolError:
            continue
        assert encode_answer(answer, ASKED, Dropped()) == wire
        answer.dialect = "other"
        assert encode_answer(answer, ASKED, Dropped())["candidates"]


@pytest.mark.parametrize("tools", ["7", [7], {"n": 7}, 1.5])
def test_a_count_of_tools_that_is_no_count_comes_out_as_it_went_in(tools):
    """It is not among the counts, and not a fault of ours."""
    wire = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5, "toolUsePromptTokenCount": tools}
    assert encode_usage(decode_usage(wire), Dropped(), same=True) == wire
