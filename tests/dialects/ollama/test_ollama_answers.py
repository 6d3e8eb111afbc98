"""Answers of Ollama's API, read, written, and translated."""

import pytest
from ollama import ChatResponse, GenerateResponse

from fixtures.meaning import of_answer
from gatewright.dialects import chat, messages
from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Citation,
    Dropped,
    Media,
    Reasoning,
    Request,
    Text,
    TokenScore,
    ToolCall,
    Usage,
)
from gatewright.dialects.ollama import chat as ollama_chat
from gatewright.dialects.ollama import generate as ollama_generate
from gatewright.errors import UpstreamProtocolError

ASKED = Request(dialect="ollama_chat", model="m")
HEAD = {"model": "m", "created_at": "2026-08-07T06:08:14.73237Z", "done": True}
COUNTS = {"prompt_eval_count": 3, "eval_count": 4, "total_duration": 5}
CALL = {"function": {"name": "f", "arguments": {"a": 1}}}
SCORES = [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": [{"token": "Yo", "logprob": -2.5}]}]


def said(**message):
    return HEAD | {"message": {"role": "assistant", **message}}


def encoded(dialect=ollama_chat, **answer):
    """The body for an Ollama client of another dialect's answer, as the SDK reads it, and what it lacks."""
    dropped = Dropped()
    body = dialect.encode_answer(Answer(dialect="other", **answer), ASKED, dropped)
    kind = ChatResponse if dialect is ollama_chat else GenerateResponse
    return kind.model_validate(body, strict=True), set(dropped)


@pytest.mark.parametrize(
    "body",
    [
        said(content="Hi") | COUNTS | {"done_reason": "stop", "logprobs": SCORES},
        said(content="") | {"done_reason": "load"},
        said(content="Hi", thinking="Hm", images=["iVBORw0KGgo="]) | {"eval_count": 4, "remote_model": "r"},
        said(tool_calls=[CALL, CALL], extra=1) | {"done_reason": "length"},
        {"message": {"content": "Hi"}},
    ],
)
def test_whatever_form_an_answer_has_it_is_put_back(body):
    """Of other versions of the server, and of other servers."""
    dropped = Dropped()
    assert ollama_chat.encode_answer(ollama_chat.decode_answer(body), ASKED, dropped) == body
    assert dropped == set()


@pytest.mark.parametrize(
    "body",
    [
        HEAD | COUNTS | {"response": "Hi", "thinking": "Hm", "context": [1, 2], "logprobs": SCORES},
        HEAD | {"response": "", "done_reason": "load"},
        HEAD | {"image": "iVBORw0KGgo=", "done_reason": "stop"},
        HEAD | {"response": "Hi", "thinking": ""},
    ],
)
def test_whatever_form_a_generated_answer_has_it_is_put_back(body):
    """Text, thoughts and images."""
    dropped = Dropped()
    assert ollama_generate.encode_answer(ollama_generate.decode_answer(body), ASKED, dropped) == body
    assert dropped == set()


def test_an_answer_says_what_the_wire_says():
    """Thought, text with its scores, calls, finish, counts and time; durations are no loss to another dialect."""
    answer = ollama_chat.decode_answer(
        said(content="Hi", thinking="Hm", tool_calls=[CALL]) | COUNTS | {"logprobs": SCORES}
    )
    thought, text, call = answer.candidates[0].parts
    assert (thought.text, text.text, call.name, call.arguments) == ("Hm", "Hi", "f", '{"a":1}')
    top = [TokenScore(token="Yo", logprob=-2.5)]
    assert text.scores == [TokenScore(token="Hi", logprob=-0.5, bytes=[72, 105], top=top)]
    assert (answer.candidates[0].finish, answer.usage.input, answer.usage.output) == ("tool_calls", 3, 4)
    assert (answer.model, answer.created, answer.rest) == ("m", 1786082894, {})


def test_calls_without_ids_get_some_that_differ():
    """Within an answer and between answers, and the same again for the same answer."""
    ids = [
        part.id
        for text in ("a", "b")
        for part in ollama_chat.decode_answer(said(content=text, tool_calls=[CALL, CALL])).candidates[0].parts
        if isinstance(part, ToolCall)
    ]
    again = ollama_chat.decode_answer(said(content="a", tool_calls=[CALL, CALL])).candidates[0].parts
    assert len(set(ids)) == 4
    assert [part.id for part in again[1:]] == ids[:2]


@pytest.mark.parametrize(
    ("body", "finish"),
    [({"done": True}, "stop"), ({"done_reason": "length"}, "length"), ({"done_reason": "unload"}, "other"), ({}, None)],
)
def test_why_an_answer_ended_is_told(body, finish):
    """Older servers give no reason."""
    assert ollama_generate.decode_answer({"response": "x", **body}).candidates[0].finish == finish


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"error": "no"},
        {"message": "x", "response": 1},
        said(content=1) | {"thinking": 1},
        said(tool_calls=[{"function": {}}]) | {"image": {}},
        said(content="x") | {"eval_count": "4"},
        said(content="x") | {"model": 3},
    ],
)
@pytest.mark.parametrize("dialect", [ollama_chat, ollama_generate])
def test_what_is_no_answer_is_the_providers_fault(dialect, body):
    """Whatever is wrong with it."""
    with pytest.raises(UpstreamProtocolError, match="not one of Ollama's API"):
        dialect.decode_answer(body)


def test_an_answer_of_another_dialect_is_one_that_the_sdk_reads():
    """Text, thought, calls, counts; what has no place is told as lost, images among it, on which the SDK fails."""
    found, dropped = encoded(
        model="m",
        created=1786082894,
        candidates=[
            Candidate(
                parts=[
                    Reasoning(text="Hm", signature="s"),
                    Text(text="Hi", scores=[TokenScore(token="Hi", logprob=-0.5)]),
                    Text(text=" you", citations=[Citation(url="https://example.com")]),
                    Media(kind="image", data="iVBORw0KGgo="),
                    ToolCall(id="c", name="f", arguments='{"a":1}'),
                    ToolCall(id="d", name="g", arguments="broken"),
                ],
                finish="tool_calls",
                stop_text="x",
            ),
            Candidate(),
        ],
        usage=Usage(input=1, cache_read=2, output=3, reasoning=4),
        service_tier="priority",
    )
    assert (found.model, found.created_at) == ("m", "2026-08-07T06:08:14Z")
    assert (found.message.content, found.message.thinking) == ("Hi you", "Hm")
    assert [(call.function.name, call.function.arguments) for call in found.message.tool_calls] == [
        ("f", {"a": 1}),
        ("g", {"arguments": "broken"}),
    ]
    assert found.logprobs[0].token == "Hi"
    assert (found.done, found.done_reason) == (True, "stop")
    assert (found.prompt_eval_count, found.eval_count) == (3, 7)
    assert dropped == {
        "choices",
        "citations",
        "completion_tokens_details",
        "images",
        "prompt_tokens_details",
        "service_tier",
        "signature",
        "stop_sequence",
    }


def test_a_generated_answer_of_another_dialect_is_one_that_the_sdk_reads():
    """There is no place for calls."""
    image = Media(kind="image", data="iVBORw0KGgo=")
    parts = [Reasoning(text="Hm"), Text(text="Hi"), image, ToolCall(id="c", name="f", arguments="{}")]
    found, dropped = encoded(ollama_generate, model="m", candidates=[Candidate(parts=parts, finish="length")])
    assert (found.response, found.thinking, found.image) == ("Hi", "Hm", "iVBORw0KGgo=")
    assert found.done_reason == "length"
    assert dropped == {"tool_calls"}


@pytest.mark.parametrize("finish", ["content_filter", "refusal", "pause"])
def test_a_reason_that_ollama_has_no_word_for_is_told_as_lost(finish):
    """It has two."""
    found, dropped = encoded(candidates=[Candidate(finish=finish)])
    assert (found.done_reason, found.message.content, dropped) == ("stop", "", {"finish_reason"})


@pytest.mark.parametrize("provider", [chat, messages])
def test_answers_mean_the_same_in_other_dialects_and_back(provider):
    """From an Ollama provider to a client, and from that dialect's provider to an Ollama client."""
    answer = ollama_chat.decode_answer(said(content="Hi", tool_calls=[CALL | {"id": "c"}]) | COUNTS)
    there = provider.encode_answer(answer, Request(dialect=provider.NAME, model="m"), Dropped())
    read = provider.decode_answer(there)
    back = ollama_chat.decode_answer(ollama_chat.encode_answer(read, ASKED, Dropped()))
    assert of_answer(read) == of_answer(answer) == of_answer(back)
    assert [part.id for part in back.candidates[0].parts if isinstance(part, ToolCall)] == ["c"]
