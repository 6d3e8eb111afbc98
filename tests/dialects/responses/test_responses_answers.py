"""How answers and their streams translate to and from OpenAI's Responses API."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response

from gatewright.dialects import responses
from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Dropped,
    Media,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from gatewright.dialects.stream import (
    Began,
    Counted,
    Ended,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
)
from gatewright.errors import ClientError, UpstreamError, UpstreamProtocolError

ASKED = responses.decode_request(
    {
        "model": "m",
        "instructions": "Be brief.",
        "input": "hi",
        "temperature": 0.5,
        "tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "web_search"}],
        "tool_choice": "required",
    }
)
BARE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": []}


def encode(*parts, finish="stop", **fields):
    answer = Answer(dialect="another", id="abc", model="m", candidates=[Candidate(parts=list(parts), finish=finish)])
    for name, value in fields.items():
        setattr(answer, name, value)
    dropped = Dropped()
    wire = responses.encode_answer(answer, ASKED, dropped)
    Response.model_validate(wire)
    return wire, dropped


def event(_kind, **fields):
    return b"event: " + _kind.encode() + b"\ndata: " + msgspec.json.encode({**fields, "type": _kind}) + b"\n\n"


def decode(*events):
    decoder = responses.Decoder()
    return decoder.feed(b"".join(events)) + decoder.end()


def written(*events, request=ASKED):
    encoder = responses.Encoder(request)
    raw = b"".join(encoder.encode(one) for one in events)
    wire = [msgspec.json.decode(line[6:]) for line in raw.splitlines() if line.startswith(b"data: ")]
    names = [line[7:].decode() for line in raw.splitlines() if line.startswith(b"event: ")]
    assert names == [one["type"] for one in wire]
    assert [one["sequence_number"] for one in wire] == list(range(len(wire)))
    return wire


def part(at, kind, *texts, **last):
    return [
        PartBegan(at=at, part=kind),
        *(PartGrew(at=at, text=text) for text in texts),
        *([PartGrew(at=at, **last)] if last else []),
        PartEnded(at=at),
    ]


def test_an_answer_repeats_what_was_asked():
    """As OpenAI's own does, with the ids made from the answer's own."""
    wire, _ = encode(Text(text="hello"), ToolCall(id="c", name="f", arguments=""), finish="tool_calls", created=7)
    assert (wire["id"], wire["created_at"], wire["status"]) == ("resp_abc", 7, "completed")
    assert (wire["instructions"], wire["temperature"], wire["tool_choice"]) == ("Be brief.", 0.5, "required")
    assert [tool["type"] for tool in wire["tools"]] == ["function", "web_search"]
    message, call = wire["output"]
    assert message == {
        "id": "msg_abc_0",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}],
    }
    assert call == {
        "id": "fc_abc_0",
        "type": "function_call",
        "status": "completed",
        "call_id": "c",
        "name": "f",
        "arguments": "{}",
    }


def test_odd_ids_become_plain_ones():
    """OpenAI takes at most 64 letters, digits, dashes and underscores; the same answer always has the same id."""
    first, second = (encode(Text(text="x"), id="gen/" + "é" * 99)[0]["id"] for _ in range(2))
    assert first == second
    assert first.isascii()
    assert len(first) < 64


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("stop", "completed", None),
        ("stop_sequence", "completed", None),
        ("pause", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("refusal", "incomplete", "content_filter"),
    ],
)
def test_how_an_answer_ended(finish, status, reason):
    """By status, and by a reason where it is not complete."""
    wire, _ = encode(Text(text="x"), finish=finish)
    assert wire["status"] == status
    assert (wire["incomplete_details"] or {}).get("reason") == reason
    assert wire["output"][0]["status"] == status


def test_a_refusal_in_words_is_a_complete_answer():
    """Its words tell."""
    wire, _ = encode(Refusal(text="no"), finish="refusal")
    assert wire["status"] == "completed"
    assert wire["output"][0]["content"] == [{"type": "refusal", "refusal": "no"}]
    assert responses.decode_answer(wire).candidates[0].finish == "refusal"


def test_pictures_are_generated_images_and_sounds_are_named():
    """The one item this API has for a picture; it has none for a sound."""
    picture = Media(kind="image", media_type="image/png", data="QQ==")
    wire, dropped = encode(picture, Media(kind="audio", data="QQ=="))
    assert [(item["type"], item["result"]) for item in wire["output"]] == [("image_generation_call", "QQ==")]
    assert dropped == {"audio"}
    (back,) = responses.decode_answer(wire).candidates[0].parts
    assert (back.kind, back.data, back.media_type) == ("image", "QQ==", "image/png")


def test_signatures_of_other_providers_come_back_with_the_next_turn():
    """They travel in the one field that clients must send back unchanged."""
    thought = Reasoning(text="hm", signature="sig.nature")
    wire, _ = encode(thought, ToolCall(id="c.1", name="f", arguments="{}", signature="c2ln"), finish="tool_calls")
    request = responses.decode_request({"model": "m", "input": wire["output"]})
    first, call = request.messages[0].parts
    assert (first.text, first.signature, first.sealed) == ("hm", "sig.nature", None)
    assert (call.id, call.signature) == ("c.1", "c2ln")
    events = [
        Began(id="abc"),
        *part(0, Reasoning(), "hm", signature="sig.nature"),
        *part(1, ToolCall(id="c.1", name="f", arguments=""), "{}", signature="c2ln"),
        Finished(finish="tool_calls"),
        Ended(),
    ]
    assert written(*events)[-1]["response"]["output"] == wire["output"]


def test_more_than_one_answer_and_stop_texts_are_named():
    """This API has neither."""
    candidates = [Candidate(parts=[], finish="stop_sequence", stop_text="x"), Candidate()]
    assert encode(candidates=candidates)[1] == {"n", "stop_sequence"}


def test_usage_of_another_dialect():
    """All buckets count in the totals."""
    usage = Usage(input=1, cache_read=2, cache_write_5m=4, cache_write_1h=8, output=16, reasoning=32, output_audio=64)
    assert responses.encode_usage(usage, Dropped(), same=False) == {
        "input_tokens": 15,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 12},
        "output_tokens": 112,
        "output_tokens_details": {"reasoning_tokens": 32},
        "total_tokens": 127,
    }


def test_usage_without_details_stays_without():
    """A provider that tells less is not made to tell more."""
    for wire in (
        {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        {"input_tokens": 1, "input_tokens_details": None, "output_tokens": 2, "output_tokens_details": {}},
    ):
        assert responses.encode_usage(responses.decode_usage(wire), Dropped(), same=True) == wire


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**BARE, "output": None},
        {**BARE, "output": [1]},
        {**BARE, "output": [{"type": "message", "role": "assistant"}]},
        {**BARE, "output": [{"type": "function_call", "name": "f"}]},
        {**BARE, "usage": {"input_tokens": "many"}},
        {**BARE, "id": 1},
    ],
)
def test_an_answer_of_another_shape_is_the_providers_fault(body):
    """It is a protocol error, not the client's."""
    with pytest.raises(UpstreamProtocolError):
        responses.decode_answer(body)


def test_a_failed_answer_is_the_providers_failure():
    """Its words reach the client."""
    with pytest.raises(UpstreamError, match="overloaded"):
        responses.decode_answer({**BARE, "status": "failed", "error": {"code": "x", "message": "overloaded"}})


def test_a_stream_is_told_as_openai_tells_it():
    """Every event of the grammar, in order."""
    events = written(
        Began(id="abc", model="m", created=7),
        *part(0, Reasoning(), "h", "m", sealed="sealed"),
        *part(1, Text(text=""), "hel", "lo"),
        *part(2, Refusal(text=""), "no"),
        *part(3, ToolCall(id="c", name="f", arguments="")),
        Counted(usage=Usage(input=1, output=2)),
        Finished(finish="tool_calls"),
        Ended(),
    )
    assert [one["type"].removeprefix("response.") for one in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    response = events[-1]["response"]
    Response.model_validate(response)
    assert [item["type"] for item in response["output"]] == ["reasoning", "message", "function_call"]
    assert response["output"][0]["encrypted_content"] == "sealed"
    assert response["output"][2]["arguments"] == "{}"
    assert response["usage"]["total_tokens"] == 3


def test_a_stream_says_the_same_as_the_whole_answer():
    """The last event is the answer that would have come whole."""
    whole, _ = encode(
        Reasoning(text="hm", sealed="s"),
        Text(text="hello"),
        ToolCall(id="c", name="f", arguments="{}"),
        finish="length",
    )
    events = written(
        Began(id="abc", model="m"),
        *part(0, Reasoning(), "hm", sealed="s"),
        *part(1, Text(text=""), "hello"),
        *part(2, ToolCall(id="c", name="f", arguments=""), "{}"),
        Finished(finish="length"),
        Ended(),
    )
    assert events[-1]["type"] == "response.incomplete"
    assert events[-1]["response"] == whole


def test_a_failure_ends_a_stream_twice():
    """As an event of its own, and as the response's end, since clients look for either."""
    *_, error, failed = written(Began(id="abc"), Failed(message="slow down", kind="overloaded", status=429))
    assert (error["type"], error["code"], error["message"]) == ("error", "overloaded", "slow down")
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slow down"}
    assert [one["type"] for one in written(Failed(message="x"))] == ["error"]


@pytest.mark.parametrize(
    "told",
    [
        event("error", code="rate_limit_exceeded", message="slow down", param=None),
        event("error", error={"code": "rate_limit_exceeded", "message": "slow down"}),
        event("response.failed", response={"error": {"code": "rate_limit_exceeded", "message": "slow down"}}),
        b'data: {"error": {"code": "rate_limit_exceeded", "message": "slow down"}}\n\n',
    ],
)
def test_a_failure_inside_a_stream(told):
    """However a provider says it, nothing follows it."""
    begun = event("response.created", response=BARE)
    *_, last = decode(begun, told, event("response.completed", response=BARE))
    assert last == Failed(message="slow down", kind="rate_limit_exceeded", status=429)


def test_a_stream_without_an_end_is_not_an_answer():
    """Half an answer must not pass for a whole one."""
    for told in ([], [event("response.created", response=BARE)], [b"data: [DONE]\n\n"]):
        with pytest.raises(UpstreamProtocolError):
            decode(*told)


@pytest.mark.parametrize(
    "told",
    [
        b"data: {\n\n",
        b"data: 1\n\n",
        b"data: \xff\n\n",
        event("response.output_text.delta", output_index="0", delta="x"),
        event("response.output_text.delta", output_index=0),
        event("response.output_item.added", item=None),
        event("response.completed", response=[]),
        event("response.completed", response={"output": {"a": 1}}),
        event("response.completed", response={"usage": 1}),
    ],
)
def test_events_of_another_shape_are_the_providers_fault(told):
    """They are protocol errors."""
    with pytest.raises(UpstreamProtocolError):
        decode(told)


def test_items_that_are_mixed_come_one_after_the_other():
    """Two calls told at once: the second waits for the first."""

    def call(index, **fields):
        return {
            "type": "function_call",
            "id": f"fc_{index}",
            "call_id": f"c{index}",
            "name": "f",
            "arguments": "",
        } | fields

    events = decode(
        event("response.created", response=BARE),
        *(event("response.output_item.added", output_index=index, item=call(index)) for index in (0, 1)),
        event("response.function_call_arguments.delta", output_index=1, delta="[1"),
        event("response.function_call_arguments.delta", output_index=0, delta="[0"),
        event("response.function_call_arguments.delta", output_index=1, delta="]"),
        event("response.output_item.done", output_index=1, item=call(1, arguments="[1]")),
        event("response.output_item.done", output_index=0, item=call(0, arguments="[0]")),
        event("response.completed", response=BARE),
    )
    parts = [one for one in events if isinstance(one, PartBegan | PartGrew | PartEnded)]
    assert [(type(one), one.at, getattr(one, "text", "")) for one in parts] == [
        (PartBegan, 0, ""),
        (PartGrew, 0, "[0"),
        (PartGrew, 0, "]"),
        (PartEnded, 0, ""),
        (PartBegan, 1, ""),
        (PartGrew, 1, "[1"),
        (PartGrew, 1, "]"),
        (PartEnded, 1, ""),
    ]


def test_pieces_of_a_thought_stay_apart():
    """Several summaries are one thought with blank lines between, and several again in this dialect."""
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": t} for t in ("one", "two")]}
    events = decode(
        event("response.created", response=BARE),
        event("response.output_item.added", output_index=0, item=item | {"summary": []}),
        event("response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta="one"),
        event("response.reasoning_summary_text.delta", output_index=0, summary_index=1, delta="two"),
        event("response.output_item.done", output_index=0, item=item),
        event("response.completed", response=BARE | {"output": [item]}),
    )
    assert "".join(one.text for one in events if isinstance(one, PartGrew)) == "one\n\ntwo"
    assert responses.decode_answer(BARE | {"output": [item]}).candidates[0].parts[0].text == "one\n\ntwo"
    told = written(*events)
    assert told[-1]["response"]["output"] == [item]
    assert [one["summary_index"] for one in told if one["type"] == "response.reasoning_summary_part.done"] == [0, 1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def words(text):
    return st.sampled_from(text.split())


KIND = words(
    "message function_call function_call_output reasoning image_generation_call input_text refusal output_text "
    "input_image input_file input_audio function json_schema allowed_tools x user assistant data:a/b;base64,QQ=="
)
FIELD = words(
    "type role content text id call_id name arguments output summary result format encrypted_content refusal image_url "
    "file_data file_id input_audio data mode tools schema item part response delta output_index content_index error "
    "usage input_tokens"
)
SHAPED = st.recursive(
    JSON | KIND,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELD, inner, max_size=6),
    max_leaves=20,
)
OF_REQUEST = words("model input instructions tools tool_choice text reasoning include stream store")
OF_ANSWER = words("id model output usage status error incomplete_details created_at")
EVENTS = words(
    "created completed failed output_item.added output_item.done content_part.added content_part.done "
    "output_text.delta output_text.done refusal.delta reasoning_text.delta reasoning_summary_text.done "
    "function_call_arguments.delta function_call_arguments.done"
)


@given(st.dictionaries(OF_REQUEST, SHAPED))
def test_any_request_is_translated_or_refused(body):
    """Nothing but our own error escapes, and what is taken can be written again, for either kind of target."""
    try:
        request = responses.decode_request(body)
    except ClientError:
        return
    responses.encode_request(request, "m", Dropped())
    responses.stateful(request)
    responses.Encoder(request).encode(Began())
    request.dialect = "another"
    responses.encode_request(request, "m", Dropped())


@given(st.dictionaries(OF_ANSWER, SHAPED))
def test_any_answer_is_translated_or_refused(body):
    """The same for answers: their errors are the provider's."""
    try:
        answer = responses.decode_answer({"id": "a", "model": "m", **body})
    except UpstreamError:
        return
    responses.encode_answer(answer, ASKED, Dropped())
    answer.dialect = "another"
    Response.model_validate(responses.encode_answer(answer, ASKED, Dropped()))


@given(st.lists(st.tuples(EVENTS, st.dictionaries(FIELD, SHAPED)), max_size=6), st.booleans())
def test_any_stream_is_translated_or_refused(told, own):
    """And for streams, in either dialect."""
    encoder = responses.Encoder(ASKED)
    try:
        for one in decode(*(event(f"response.{kind}", **fields) for kind, fields in told)):
            if isinstance(one, Began):
                one.dialect = responses.NAME if own else "another"
            encoder.encode(one)
    except UpstreamError:
        return


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_are_refused(pieces):
    """No stream is complete without its last event."""
    decoder = responses.Decoder()
    try:
        events = [event for piece in pieces for event in decoder.feed(piece)]
        events += decoder.end()
    except UpstreamProtocolError:
        return
    assert isinstance(events[-1], Failed)
