"""Answers and streams of other dialects as Cohere's clients get them, and what a provider must not send."""

import json

import pytest

from fixtures.cohere_wire import accumulate, frames
from gatewright.dialects import cohere
from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Citation,
    Dropped,
    Media,
    Native,
    Reasoning,
    Refusal,
    Text,
    TokenScore,
    ToolCall,
    Usage,
)
from gatewright.dialects.openai import error_message
from gatewright.dialects.stream import Began, Counted, Ended, Failed, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import UpstreamProtocolError

ASKED = cohere.decode_request(
    {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "documents": [{"id": "mine", "data": "d"}, "e"]}
)
SOURCE = {"type": "document", "id": "d", "document": {"title": "T", "snippet": "words", "url": "https://e.com"}}
WHOLE = {
    "id": "a",
    "message": {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Red."}],
        "citations": [
            {
                "start": 0,
                "end": 3,
                "text": "Red",
                "sources": [SOURCE, SOURCE],
                "type": "TEXT_CONTENT",
                "content_index": 1,
            },
            {"start": 0, "end": 2, "text": "Hm", "sources": [SOURCE], "type": "THINKING_CONTENT", "content_index": 0},
        ],
    },
    "finish_reason": "COMPLETE",
    "logprobs": [{"text": "Red.", "token_ids": [1, 2], "logprobs": [-0.5, -0.25]}],
    "usage": {"billed_units": {"input_tokens": 1.0}, "tokens": {"input_tokens": 3.0, "output_tokens": 4}},
}
START = {"type": "message-start", "id": "a", "delta": {"message": {"role": "assistant"}}}
END = {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}


def answered(*parts, **fields):
    """The body a Cohere client gets for an answer of another dialect, and what was dropped."""
    dropped = Dropped()
    shown = {key: fields.pop(key) for key in ("finish", "stop_text") if key in fields}
    answer = Answer(dialect="chat", candidates=[Candidate(parts=list(parts), **shown)], **fields)
    return cohere.encode_answer(answer, ASKED, dropped), dropped


def streamed(*events, dialect="chat"):
    """The bytes a Cohere client gets for events."""
    encoder = cohere.Encoder(ASKED)
    return b"".join(encoder.encode(event) for event in (Began(id="id", dialect=dialect), *events))


def part(at, begun, *pieces, **more):
    return [PartBegan(at=at, part=begun), *(PartGrew(at=at, **piece) for piece in pieces), PartEnded(at=at)]


def decoded(*events):
    decoder = cohere.Decoder()
    raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return decoder.feed(raw) + decoder.end()


def test_an_answer_survives_its_own_dialect_with_citations_and_scores():
    """Those of a thought too, which other dialects are told they lose."""
    dropped = Dropped()
    answer = cohere.decode_answer(WHOLE)
    assert cohere.encode_answer(answer, ASKED, dropped) == WHOLE
    assert dropped == set()
    text = answer.candidates[0].parts[1]
    assert [(one.title, one.quote, one.url, one.start, one.end) for one in text.citations] == 2 * [
        ("T", "words", "https://e.com", 0, 3)
    ]
    assert [(one.token, one.logprob) for one in text.scores] == [("Red.", -0.75)]
    assert list(answer.candidates[0].rest) == ["citations"]


def test_an_answer_of_another_dialect_has_every_field_of_the_api():
    """What it has no place for is named."""
    usage = Usage(input=1, cache_read=2, input_image=4, output=8, reasoning=16)
    body, dropped = answered(
        Reasoning(text="Hm.", signature="sig"),
        Reasoning(sealed="sealed"),
        Text(text="Hi"),
        Refusal(text="No"),
        Media(kind="image", data="aa"),
        Media(kind="audio", data="aa"),
        Native(rest={"type": "n"}),
        ToolCall(id="c", name="f", arguments=""),
        id="x",
        model="m",
        finish="stop",
        stop_text="s",
        service_tier="flex",
        usage=usage,
    )
    tokens = {"input_tokens": 7, "output_tokens": 24}
    assert body == {
        "id": "x",
        "message": {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "thinking", "thinking": "", "sealed": "sealed"},
                {"type": "text", "text": "Hi"},
                {"type": "text", "text": "No"},
            ],
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        "finish_reason": "TOOL_CALL",
        "usage": {
            "billed_units": tokens,
            "tokens": tokens | {"image_tokens": 4, "reasoning_tokens": 16},
            "cached_tokens": 2,
        },
    }
    assert dropped == {"image", "audio", "n", "stop_sequence", "service_tier"}


def test_a_thought_that_another_provider_signed_comes_back():
    """A client that sends the message on as it came gives back what the next turn needs."""
    call = ToolCall(id="c", name="f", arguments="{}", signature="own")
    body, _ = answered(Reasoning(text="Hm.", signature="sig"), Reasoning(sealed="sealed"), call)
    thought, sealed, again = cohere.decode_request({"model": "m", "messages": [body["message"]]}).messages[0].parts
    assert (thought.text, thought.signature, sealed.sealed, again.signature) == ("Hm.", "sig", "sealed", "own")


def test_a_citation_names_the_document_as_the_client_did():
    """By its id, or its place where it has none; a page by its address."""
    found = [
        Citation(document=0, quote="d", start=0, end=2),
        Citation(document=1),
        Citation(url="https://e.com", title="T"),
    ]
    body, dropped = answered(Text(text="."), Text(text="Hi there", citations=found))
    assert body["message"]["citations"] == [
        {
            "start": start,
            "end": end,
            "text": text,
            "sources": [{"type": "document", "id": name, "document": document}],
            "type": "TEXT_CONTENT",
            "content_index": 1,
        }
        for start, end, text, name, document in (
            (0, 2, "Hi", "mine", {"text": "d"}),
            (0, 8, "Hi there", "doc:1", {}),
            (0, 8, "Hi there", "https://e.com", {"title": "T", "url": "https://e.com"}),
        )
    ]
    assert dropped == set()


def test_scores_of_another_dialect_are_shown():
    """The ids of tokens are not known, and the likeliest others have no place."""
    scores = [
        TokenScore(token="H", logprob=-1.0, top=[TokenScore(token="J", logprob=-2.0)]),
        TokenScore(token="i", logprob=-0.5),
    ]
    body, dropped = answered(Text(text="Hi", scores=scores))
    assert body["logprobs"] == [
        {"text": "H", "token_ids": [], "logprobs": [-1.0]},
        {"text": "i", "token_ids": [], "logprobs": [-0.5]},
    ]
    assert dropped == {"top_logprobs"}


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("stop", "COMPLETE"),
        ("stop_sequence", "STOP_SEQUENCE"),
        ("length", "MAX_TOKENS"),
        ("tool_calls", "TOOL_CALL"),
        ("content_filter", "ERROR"),
        ("refusal", "COMPLETE"),
        ("pause", "COMPLETE"),
        ("other", "COMPLETE"),
        (None, "COMPLETE"),
    ],
)
def test_every_finish_has_a_reason(finish, reason):
    """In whole answers and in streams."""
    assert answered(finish=finish)[0]["finish_reason"] == reason
    ends = [Finished(finish=finish)] if finish else []
    assert accumulate(streamed(*ends, Ended()))["finish_reason"] == reason


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop_sequence"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("ERROR", "other"),
        ("TIMEOUT", "other"),
        ("A_NEW_ONE", "other"),
    ],
)
def test_every_reason_has_a_finish_and_comes_back(reason, finish):
    """Those of later days too."""
    answer = cohere.decode_answer(WHOLE | {"finish_reason": reason})
    assert answer.candidates[0].finish == finish
    assert cohere.encode_answer(answer, ASKED, Dropped())["finish_reason"] == reason


def test_usage_holds_each_token_once():
    """Images may lie in the cache, counts may be missing, and what is billed serves where nothing else is told."""
    found = {
        "tokens": {"input_tokens": 10, "output_tokens": 5, "image_tokens": 6, "reasoning_tokens": 2},
        "cached_tokens": 8,
    }
    usage = cohere.decode_usage(found)
    assert (usage.input, usage.cache_read, usage.input_image, usage.output, usage.reasoning) == (0, 8, 2, 3, 2)
    assert cohere.encode_usage(usage, same=True, dropped=Dropped()) == found
    billed = cohere.decode_usage({"billed_units": {"input_tokens": 3, "output_tokens": 4, "search_units": 1}})
    assert (billed.prompt, billed.answer) == (3, 4)
    assert cohere.decode_usage({}).total == 0
    with pytest.raises(UpstreamProtocolError, match=r"usage.tokens.input_tokens must be a number of tokens"):
        cohere.decode_usage({"tokens": {"input_tokens": -1}})


def test_a_stream_of_another_dialect_is_the_grammar_of_the_api():
    """Blocks, calls and citations are counted each for itself, and a call without arguments gets an empty object."""
    score = TokenScore(token="Hi", logprob=-1.0)
    raw = streamed(
        *part(0, Reasoning(), {"text": "Hm."}, {"signature": "sig"}),
        *part(1, Text(text=""), {"text": "Hi", "scores": [score]}, {"citations": [Citation(document=0, quote="d")]}),
        *part(2, Media(kind="image"), {"text": "x"}),
        *part(3, ToolCall(id="c", name="f", arguments="")),
        *part(4, ToolCall(id="d", name="g", arguments=""), {"text": '{"x"'}, {"text": ":1}"}),
        PartBegan(at=0, part=Text(text=""), candidate=1),
        Finished(finish="stop"),
        Counted(usage=Usage(input=1, output=2)),
        Ended(),
    )
    source = {"type": "document", "id": "mine", "document": {"text": "d"}}
    scored = {"text": "Hi", "token_ids": [], "logprobs": [-1.0]}
    tokens = {"input_tokens": 1, "output_tokens": 2}
    assert accumulate(raw) == {
        "id": "id",
        "message": {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "text", "text": "Hi", "logprobs": [scored]},
            ],
            "tool_plan": "",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "d", "type": "function", "function": {"name": "g", "arguments": '{"x":1}'}},
            ],
            "citations": [{"start": 0, "end": 2, "sources": [source], "type": "TEXT_CONTENT", "content_index": 1}],
        },
        "finish_reason": "TOOL_CALL",
        "usage": {"billed_units": tokens, "tokens": tokens, "cached_tokens": 0},
    }
    assert raw.endswith(b"data: [DONE]\n\n")


def test_a_failure_ends_a_stream_as_the_api_does():
    """Even before it began, and nothing follows."""
    encoder = cohere.Encoder(ASKED)
    raw = encoder.encode(Failed(message="It broke.", kind="OVERLOADED"))
    assert [event["type"] for event in frames(raw)] == ["message-start", "message-end"]
    expected = {"finish_reason": "ERROR", "usage": {}, "error": "It broke.", "error_type": "OVERLOADED"}
    assert accumulate(raw).items() >= expected.items()
    assert encoder.encode(Ended()) == b""


def test_a_citation_after_the_end_of_its_text_is_still_its_own():
    """A text is open until the next part begins."""
    cited = {
        "type": "citation-start",
        "index": 0,
        "delta": {"message": {"citations": {"start": 0, "end": 1, "sources": [SOURCE]}}},
    }
    begun = {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text"}}}}
    events = decoded(
        START, begun, {"type": "content-end", "index": 0}, cited, {"type": "citation-end", "index": 0}, END
    )
    kinds = [type(event) for event in events]
    assert kinds == [Began, PartBegan, PartGrew, PartEnded, Finished, Ended]
    assert events[2].citations[0].quote == "words"


def test_citations_of_plans_and_thoughts_come_back():
    """They stand beside the part, for the model has no place for them."""
    plan = {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "Go."}}}
    wire = {"start": 0, "end": 2, "sources": [], "type": "PLAN"}
    cited = {"type": "citation-start", "index": 0, "delta": {"message": {"citations": wire}}}
    events = decoded(START, plan, cited, {"type": "citation-end", "index": 0}, END)
    encoder = cohere.Encoder(ASKED)
    message = accumulate(b"".join(encoder.encode(event) for event in events))["message"]
    assert (message["tool_plan"], message["citations"]) == ("Go.", [wire])


def test_blocks_and_events_of_later_days_do_no_harm():
    """Blocks not known come back, events not known are passed over."""
    block = {"type": "hologram", "size": 3}
    begun = {"type": "content-start", "index": 0, "delta": {"message": {"content": block}}}
    more = {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"pixels": "ab"}}}}
    ended = {"type": "content-end", "index": 0}
    events = decoded(
        START, {"type": "debug", "prompt": "p"}, begun, more, ended, {"type": "news"}, END, {"type": "late"}
    )
    encoder = cohere.Encoder(ASKED)
    message = accumulate(b"".join(encoder.encode(event) for event in events))["message"]
    assert message["content"] == [block | {"pixels": "ab"}]


@pytest.mark.parametrize(
    ("end", "message", "kind"),
    [
        ({"finish_reason": "ERROR", "error": "no", "error_type": "BAD"}, "no", "BAD"),
        ({"finish_reason": "ERROR"}, "the generation failed", ""),
        ({"finish_reason": "TIMEOUT", "error": "late"}, "late", ""),
    ],
)
def test_an_error_inside_a_stream_is_a_failure(end, message, kind):
    """However it is told."""
    assert decoded(START, {"type": "message-end", "delta": end})[-1] == Failed(message=message, kind=kind)
    assert decoded({"message": "too many requests"}) == [Failed(message="too many requests")]


TEXT = {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}
MORE = {"type": "content-delta", "index": 1, "delta": {"message": {"content": {"text": "a"}}}}


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([], "broke off before message-end"),
        ([START, TEXT], "broke off before message-end"),
        ([TEXT], "content-start is out of order"),
        ([START, START], "message-start is out of order"),
        ([START, MORE], "is of a part that is not open"),
        ([START, TEXT, MORE], "is of a part that is not open"),
        ([START, {"type": "message-end", "delta": {}}], "finish_reason is required"),
        ([START, [1]], "event must be an object"),
        ([START, TEXT | {"delta": {"message": {"content": 1}}}], "content must be an object"),
    ],
)
def test_what_breaks_the_grammar_is_refused(events, why):
    """With the reason."""
    with pytest.raises(UpstreamProtocolError, match=why):
        decoded(*events)


@pytest.mark.parametrize(
    "body", [{}, {"message": "no"}, {"message": {"content": [{"type": "text"}]}}, {"message": {"tool_calls": [{}]}}]
)
def test_a_body_that_is_no_answer_is_refused(body):
    """An error's, for one."""
    with pytest.raises(UpstreamProtocolError, match=r"not one of Cohere's Chat API"):
        cohere.decode_answer(body)


def test_the_words_of_an_error_are_read():
    """Its body is `message` alone, beside an id."""
    assert error_message(b'{"id":"a","message":"invalid api token"}') == "invalid api token"


def test_a_stream_without_an_answer_is_whole():
    """The grammar holds even where nothing was said."""
    assert accumulate(streamed(Ended()))["message"]["content"] == []
