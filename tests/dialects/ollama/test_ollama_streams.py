"""Streams of Ollama's API, read and written."""

import json

import pytest
from ollama import ChatResponse, GenerateResponse

from fixtures.meaning import of_events
from gatewright.dialects import chat, messages
from gatewright.dialects.conversation import Media, Reasoning, Request, Text, TokenScore, ToolCall, Usage
from gatewright.dialects.ollama import chat as ollama_chat
from gatewright.dialects.ollama import generate as ollama_generate
from gatewright.dialects.stream import Began, Counted, Ended, Failed, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import UpstreamProtocolError

HEAD = {"model": "m", "created_at": "2026-08-07T06:08:14.73237Z", "done": False}
LAST = {**HEAD, "done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 4, "total_duration": 5}
SCORES = [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}]


def said(head=HEAD, **message):
    return head | {"message": {"role": "assistant", "content": "", **message}}


def wire(*lines):
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def read(raw, dialect=ollama_chat):
    decoder = dialect.Decoder()
    return decoder.feed(raw) + decoder.end()


def written(events, dialect=ollama_chat):
    """The lines of a stream, each of which the SDK reads."""
    encoder = dialect.Encoder(Request(dialect=dialect.NAME, model=""))
    raw = b"".join(encoder.encode(event) for event in events)
    found = [json.loads(line) for line in raw.splitlines()]
    kind = ChatResponse if dialect is ollama_chat else GenerateResponse
    for line in found:
        kind.model_validate(line, strict=True)
    assert b"\n\n" not in raw
    assert raw.endswith(b"\n")
    return found


CALLS = [
    {"id": "c", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}},
    {"id": "d", "function": {"index": 1, "name": "g", "arguments": {}}},
]


def test_pieces_of_a_kind_go_on_and_others_begin():
    """Thought, text, calls in one line, text again."""
    events = read(
        wire(
            said(thinking="H"),
            said(thinking="m"),
            said(content="A", logprobs=None),
            said(content="B", tool_calls=CALLS),
            said(content=""),
            said(LAST, content="C"),
        )
    )
    told = [event for event in events if isinstance(event, PartBegan | PartGrew | PartEnded)]
    assert [(type(event).__name__, event.at, getattr(event, "text", "")) for event in told] == [
        ("PartBegan", 0, ""),
        ("PartGrew", 0, "H"),
        ("PartGrew", 0, "m"),
        ("PartEnded", 0, ""),
        ("PartBegan", 1, ""),
        ("PartGrew", 1, "A"),
        ("PartGrew", 1, "B"),
        ("PartEnded", 1, ""),
        ("PartBegan", 2, ""),
        ("PartGrew", 2, '{"a":1}'),
        ("PartEnded", 2, ""),
        ("PartBegan", 3, ""),
        ("PartGrew", 3, "{}"),
        ("PartEnded", 3, ""),
        ("PartBegan", 4, ""),
        ("PartGrew", 4, "C"),
        ("PartEnded", 4, ""),
    ]
    kinds = [type(event.part) for event in told if isinstance(event, PartBegan)]
    assert kinds == [Reasoning, Text, ToolCall, ToolCall, Text]
    found = of_events(events)
    assert (found.finish, found.prompt, found.answer) == ("tool_calls", 3, 4)


@pytest.mark.parametrize(
    ("dialect", "lines"),
    [
        (
            ollama_chat,
            (
                said(thinking="Hm"),
                said(content="Hi", more=1) | {"logprobs": SCORES, "remote_model": "r"},
                said(tool_calls=CALLS[:1]),
                said(LAST),
            ),
        ),
        (
            ollama_generate,
            (
                HEAD | {"response": "", "thinking": "Hm"},
                HEAD | {"response": "Hi", "logprobs": [{"token": "Hi", "logprob": -1}]},
                LAST | {"response": "", "context": [1, 2]},
            ),
        ),
        (ollama_generate, (HEAD | {"response": "Hi"}, {"response": "", "done": True, "created_at": "x"})),
    ],
)
def test_a_stream_survives_its_own_dialect_line_by_line(dialect, lines):
    """Also what only it understands; a call's line has the time of the first, as its event has none."""
    again = written(read(wire(*lines), dialect), dialect)
    expected = [
        line | {"created_at": "2026-08-07T06:08:14Z"} if "tool_calls" in line.get("message", ()) else line
        for line in lines
    ]
    assert again == expected


def test_scores_stay_with_their_piece():
    """And those of a line without one with the end."""
    events = read(wire(said(content="Hi") | {"logprobs": SCORES}, said(LAST) | {"logprobs": SCORES}))
    grown = [event.scores for event in events if isinstance(event, PartGrew)]
    assert grown == [[TokenScore(token="Hi", logprob=-0.5, bytes=[72, 105])]]
    assert [event.rest for event in events if isinstance(event, Finished)] == [{"logprobs": SCORES}]


def test_what_stands_in_a_line_that_says_nothing_is_kept():
    """It goes with the next piece, or with the end."""
    events = read(wire(said() | {"a": 1}, said(content="x") | {"b": 2}, said() | {"c": 3}, said(LAST) | {"d": 4}))
    rests = [event.rest for event in events if isinstance(event, PartGrew | Finished)]
    assert rests == [{"a": 1, "b": 2}, {"c": 3, "d": 4}]


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_an_error_in_a_stream_is_an_error(ending):
    """Nothing follows it, whether its line ends or not."""
    raw = wire(said(content="a")) + b'{"error":"the model crashed","hint":1}' + ending
    events = read(raw)
    assert events[-1] == Failed(message="the model crashed", rest={"hint": 1})
    assert read(wire({"error": {"message": "x"}}))[-1].message == '{"message":"x"}'
    assert read(raw.rstrip() + b"\n" + wire(said(LAST)))[-1] == events[-1]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        wire(said(content="a")),
        wire(said(content="a"), said(LAST))[:-20],
        b"<html></html>\n",
        b"[]\n",
        b"{}\n",
        b"\xff\n",
        b'{"message":' + b"[" * 5000 + b"\n",
        wire(said(content=1)),
        wire(said(LAST) | {"eval_count": "4"}),
        wire(said(tool_calls=[{}])),
    ],
)
def test_what_is_no_whole_stream_is_refused(raw):
    """As the provider's fault, at the latest when the bytes have ended."""
    with pytest.raises(UpstreamProtocolError):
        read(raw)


EVENTS = [
    Began(id="a", model="m", created=1786082894, dialect="other"),
    Counted(usage=Usage(input=1)),
    PartBegan(at=0, part=Reasoning()),
    PartGrew(at=0, text="Hm"),
    PartGrew(at=0, signature="s"),
    PartEnded(at=0),
    PartBegan(at=1, part=Text(text="")),
    PartGrew(at=1, text="Hi", scores=[TokenScore(token="Hi", logprob=-0.5)]),
    PartGrew(at=0, text="another answer", candidate=1),
    PartEnded(at=1),
    PartBegan(at=2, part=ToolCall(id="c", name="f", arguments="")),
    PartGrew(at=2, text='{"a"'),
    PartGrew(at=2, text=":1}"),
    PartEnded(at=2),
    PartBegan(at=3, part=ToolCall(id="d", name="g", arguments="")),
    PartEnded(at=3),
    PartBegan(at=4, part=Media(kind="image", data="iVBORw0KGgo=")),
    PartEnded(at=4),
    Finished(finish="length", candidate=1),
    Finished(finish="tool_calls"),
    Counted(usage=Usage(input=3, output=4)),
    Ended(),
]


def test_a_stream_of_another_dialect_is_one_that_the_sdk_reads():
    """A piece is a line, a call is one when it is whole, and the last line has the reason and the counts.

    The SDK fails on images.
    """
    lines = written(EVENTS)
    head = {"model": "m", "created_at": "2026-08-07T06:08:14Z", "done": False}
    assert lines == [
        said(head, thinking="Hm"),
        said(head, content="Hi") | {"logprobs": SCORES},
        said(head, tool_calls=CALLS[:1]),
        said(head, tool_calls=CALLS[1:]),
        said(head),
        said(head | {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 4}),
    ]


def test_a_generated_stream_of_another_dialect_is_one_that_the_sdk_reads():
    """Images have a place; calls, which have none, leave no text."""
    lines = written(EVENTS, ollama_generate)
    assert "".join(line["response"] for line in lines) == "Hi"
    assert "".join(line.get("thinking", "") for line in lines) == "Hm"
    assert [line["image"] for line in lines if "image" in line] == ["iVBORw0KGgo="]
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]


def test_a_failure_is_a_line_of_its_own():
    """On which the SDK raises."""
    encoder = ollama_chat.Encoder(Request(dialect="ollama_chat", model=""))
    assert encoder.encode(Failed(message="It broke.")) == b'{"error":"It broke."}\n'


@pytest.mark.parametrize("other", [chat, messages])
def test_streams_mean_the_same_in_other_dialects_and_back(other):
    """From Ollama to another dialect's client, and from that dialect's provider to an Ollama client."""
    events = read(wire(said(content="Hi"), said(content=" you"), said(tool_calls=CALLS[:1]), said(LAST)))
    there = other.Encoder(Request(dialect=other.NAME, model="m", stream=True, stream_usage=True))
    decoder = other.Decoder()
    told = decoder.feed(b"".join(there.encode(event) for event in events)) + decoder.end()
    back = read(wire(*written(told)))
    assert of_events(events) == of_events(told) == of_events(back)
