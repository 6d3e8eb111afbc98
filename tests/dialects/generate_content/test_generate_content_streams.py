"""Streams of Gemini's API, read and written."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.dialects.conversation import Native, Reasoning, Request, Text, ToolCall, Usage
from gatewright.dialects.generate_content import NAME, Decoder, Encoder
from gatewright.dialects.generate_content.elements import ArrayReader
from gatewright.dialects.sse import MAX_EVENT
from gatewright.dialects.stream import Began, Counted, Ended, Failed, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import UpstreamProtocolError


def chunk(*parts, **more):
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, **more}], "responseId": "r"}


def sse(*chunks):
    return b"".join(b"data: " + msgspec.json.encode(one) + b"\r\n\r\n" for one in chunks)


def read(raw):
    decoder = Decoder()
    return decoder.feed(raw) + decoder.end()


def write(*events, array=False):
    encoder = Encoder(Request(dialect=NAME, model=""), array=array)
    return [encoder.encode(event) for event in events]


def test_texts_of_a_kind_go_on_and_others_begin():
    """Thought, text, text, call, text."""
    events = read(
        sse(
            chunk({"text": "Hm", "thought": True}),
            chunk({"text": ".", "thought": True}, {"text": "A"}),
            chunk({"text": "B"}, {"functionCall": {"name": "f", "args": {"a": 1}, "id": "c"}}),
            chunk({"text": ""}),
            chunk({"text": "C"}, finishReason="STOP"),
        )
    )
    assert [event for event in events if not isinstance(event, Began | Ended)] == [
        PartBegan(at=0, part=Reasoning()),
        PartGrew(at=0, text="Hm"),
        PartGrew(at=0, text="."),
        PartEnded(at=0),
        PartBegan(at=1, part=Text(text="")),
        PartGrew(at=1, text="A"),
        PartGrew(at=1, text="B"),
        PartEnded(at=1),
        PartBegan(at=2, part=ToolCall(id="c", name="f", arguments="", form={"functionCall.": "functionCall"})),
        PartGrew(at=2, text='{"a":1}'),
        PartEnded(at=2),
        PartBegan(at=3, part=Text(text="")),
        PartGrew(at=3, text="C"),
        PartEnded(at=3),
        Finished(finish="tool_calls"),
    ]


def test_candidates_have_parts_of_their_own():
    """Two answers whose pieces come in turns."""
    both = [
        {"candidates": [{"index": at, "content": {"parts": [{"text": f"{at}{text}"}]}, **more} for at in (0, 1)]}
        for text, more in (("a", {}), ("b", {"finishReason": "MAX_TOKENS"}))
    ]
    events = read(sse(*both))
    grown = [(event.candidate, event.at, event.text) for event in events if isinstance(event, PartGrew)]
    assert grown == [(0, 0, "0a"), (1, 0, "1a"), (0, 0, "0b"), (1, 0, "1b")]
    assert [event.candidate for event in events if isinstance(event, Finished)] == [0, 1]


def test_a_finish_reason_in_every_chunk_ends_the_answer_once():
    """Some models write it so."""
    events = read(sse(*(chunk({"text": text}, finishReason="STOP") for text in "abc")))
    assert sum(isinstance(event, Finished) for event in events) == 1
    assert "".join(event.text for event in events if isinstance(event, PartGrew)) == "abc"


def test_a_blocked_prompt_is_filtered():
    """Its stream has no candidates and is complete."""
    wire = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}
    events = read(sse(wire))
    assert [type(event) for event in events] == [Began, Counted, Finished, Ended]
    assert events[2].finish == "content_filter"
    assert msgspec.json.decode(b"".join(write(*events))[6:]) == wire


@pytest.mark.parametrize("wrap", [b"data: %s\r\n\r\n", b"[%s]", b"%s", b"[{},%s"])
def test_an_error_in_a_stream_is_an_error(wrap):
    """In each form, also as the whole body; nothing follows it."""
    error = b'{"error":{"code":503,"message":"Overloaded.","status":"UNAVAILABLE","details":[1]}}'
    decoder = Decoder()
    events = decoder.feed(wrap % error)
    assert events[-1] == Failed(message="Overloaded.", kind="UNAVAILABLE", status=503, rest={"details": [1]})
    assert decoder.feed(b"anything") == decoder.end() == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"<html></html>",
        b"data: {\n\n",
        b"data: []\n\n",
        b"data: {}\n\n",
        sse(chunk({"text": "a"})),
        sse(chunk({"text": "a"}, finishReason="STOP"))[:-20],
        b'[{"candidates":[{"finishReason":"STOP"}]}',
        b"[1]",
        b'["a"]',
        b"[]",
        b"[{}]x",
        b"[{}][",
        b"{}{}",
        b'[{"a":[}]}]',
        b"data: " + b'{"a":' * 5000 + b"\n\n",
    ],
)
def test_what_is_no_whole_stream_is_refused(raw):
    """As the provider's fault, at the latest when the bytes have ended."""
    with pytest.raises(UpstreamProtocolError):
        read(raw)


def test_calls_without_ids_have_those_of_the_whole_answer():
    """The first chunk's `responseId` makes them; they differ within an answer."""
    call = {"functionCall": {"name": "f", "args": {}}}
    one = [event.part.id for event in read(sse(chunk(call, call, finishReason="STOP"))) if isinstance(event, PartBegan)]
    two = [
        event.part.id
        for event in read(sse(chunk(call), chunk(call, finishReason="STOP")))
        if isinstance(event, PartBegan)
    ]
    assert one == two
    assert len(set(one)) == 2


STRANGE = [{"text": 'a "quoted" \\ [brace} {'}, {}, {"deep": [[{"a": "]"}], {}]}, {"é": "\U0001f600\\"}]


@given(
    elements=st.lists(st.sampled_from(STRANGE), max_size=5),
    between=st.sampled_from([b",", b",\r\n", b" , "]),
    cuts=st.lists(st.integers(0, 300), max_size=20),
)
def test_an_array_has_the_same_elements_however_it_is_cut(elements, between, cuts):
    """Brackets and quotes in strings count for nothing."""
    raw = b"[" + between.join(msgspec.json.encode(one) for one in elements) + b"\n]\n"
    bounds = sorted({0, len(raw), *(at for at in cuts if at < len(raw))})
    reader = ArrayReader()
    found = [one for low, high in itertools.pairwise(bounds) for one in reader.feed(raw[low:high])]
    reader.end()
    assert [msgspec.json.decode(one) for one in found] == elements


def test_an_endless_element_is_refused():
    """Memory stays bounded."""
    reader = ArrayReader()
    reader.feed(b'[{"a":"' + b"x" * (MAX_EVENT - 100))
    with pytest.raises(UpstreamProtocolError, match="longer than"):
        reader.feed(b"x" * 100)


FOREIGN = (
    Began(dialect="other", id="r", model="m", rest={"object": "x"}),
    Counted(usage=Usage(input=2)),
    PartBegan(at=0, part=Reasoning()),
    PartGrew(at=0, text="Hm."),
    PartGrew(at=0, signature="s1"),
    PartGrew(at=0, signature="s2"),
    PartEnded(at=0),
    PartBegan(at=1, part=Text(text="", rest={"annotations": []})),
    PartGrew(at=1, text="Hi"),
    PartEnded(at=1),
    PartBegan(at=2, part=Native(rest={"type": "x"})),
    PartEnded(at=2),
    PartBegan(at=3, part=ToolCall(id="c", name="f", arguments="")),
    PartGrew(at=3, text='{"a":'),
    PartGrew(at=3, text="1}"),
    PartEnded(at=3),
    Finished(finish="tool_calls", rest={"logprobs": 1}),
    Counted(usage=Usage(input=2, output=3)),
    Ended(),
)


def foreign_chunks():
    head = {"modelVersion": "m", "responseId": "r"}

    def said(part):
        return {"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}], **head}

    return [
        said({"text": "Hm.", "thought": True}),
        said({"text": "", "thoughtSignature": "s1s2", "thought": True}),
        said({"text": "Hi"}),
        said({"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}),
        {
            "candidates": [{"finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 3, "totalTokenCount": 5},
            **head,
        },
    ]


def test_a_stream_of_another_dialect_is_written_piece_by_piece():
    """Text as it comes, a call when it is whole, the end with the counts."""
    written = [one for one in write(*FOREIGN) if one]
    assert all(one.startswith(b"data: ") and one.endswith(b"\n\n") for one in written)
    assert [msgspec.json.decode(one[6:]) for one in written] == foreign_chunks()


def test_a_stream_is_written_as_an_array_too():
    """One JSON document, an element a chunk."""
    written = b"".join(write(*FOREIGN, array=True))
    assert msgspec.json.decode(written) == foreign_chunks()
    assert Decoder().feed(written)


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (Failed(message="Busy.", kind="overloaded_error", status=503), "UNAVAILABLE"),
        (Failed(message="Busy.", kind="RESOURCE_EXHAUSTED", status=429), "RESOURCE_EXHAUSTED"),
        (Failed(message="Busy.", status=529), "INTERNAL"),
    ],
)
def test_an_error_is_written_in_googles_words(failed, kind):
    """As an event, and as the last element of the array."""
    error = {"error": {"code": failed.status, "message": "Busy.", "status": kind}}
    assert msgspec.json.decode(write(failed)[0][6:]) == error
    begun = [Began(), PartBegan(at=0, part=Text(text="")), PartGrew(at=0, text="a"), failed]
    assert msgspec.json.decode(b"".join(write(*begun, array=True)))[-1] == error


TOKENS = [
    b"data: ",
    b"\n",
    b"\n\n",
    b"[",
    b"]",
    b",",
    b"{",
    b"}",
    b'"',
    b"\\",
    b"{}",
    b'{"candidates":',
    b'{"error":1}',
]
CHUNKS = [sse(chunk({"text": "a"})), sse(chunk({"text": "b"}, finishReason="STOP")), b"\xff", b"\xef\xbb\xbf"]
PIECES = st.sampled_from(TOKENS + CHUNKS)


@given(st.lists(PIECES | st.binary(max_size=4), max_size=12))
def test_only_our_own_error_escapes(pieces):
    """Any bytes are a stream or the provider's fault."""
    decoder = Decoder()
    try:
        events = [event for piece in pieces for event in decoder.feed(piece)] + decoder.end()
    except UpstreamProtocolError:
        return
    assert isinstance(events[-1], Ended | Failed)
