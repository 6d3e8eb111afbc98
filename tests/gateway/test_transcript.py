"""What a client was told over several providers: one answer, wherever the first one broke off and whatever follows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.meaning import of_events
from gatewright.dialects.conversation import (
    Citation,
    Dropped,
    Media,
    Message,
    Native,
    Reasoning,
    Refusal,
    Request,
    Text,
    TokenScore,
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
from gatewright.gateway.conversations import CONVERSATIONS
from gatewright.gateway.transcript import INSTRUCTION, LONGEST, Transcript, going_on

WORDS = [f"word{number} " for number in range(30)]
ALL = "".join(WORDS)
CLIENT = "chat"


class Told:
    """A client's encoder that keeps what it was told."""

    def __init__(self):
        self.events = []

    def encode(self, event):
        """Keep it; one byte stands for each event."""
        self.events.append(event)
        return b"."


def begun(*events, origin=CLIENT):
    """A transcript whose first provider said so much, and the encoder behind it."""
    encoder = Told()
    transcript = Transcript(encoder, CLIENT)
    for event in (Began(dialect=origin), *events):
        transcript.encode(event)
    return transcript, encoder


def followed(transcript, *events, origin=CLIENT):
    """The next provider says this."""
    transcript.follow()
    return [transcript.encode(event) for event in (Began(dialect=origin), *events)]


def text(*words, at=0):
    """A part of text that is not ended."""
    return [PartBegan(at=at, part=Text(text="")), *(PartGrew(at=at, text=word) for word in words)]


def whole(*words, at=0):
    """One that is."""
    return [*text(*words, at=at), PartEnded(at=at)]


END = [Finished(finish="stop"), Ended()]


@st.composite
def broken_answers(draw):
    """How many words each of some providers says, and where the next one begins again."""
    said, found = 0, []
    for _ in range(draw(st.integers(1, 4))):
        again = draw(st.sampled_from([said, 0, max(0, said - 4)])) if said else 0
        until = draw(st.integers(said, len(WORDS)))
        found.append((again, until, draw(st.booleans())))
        said = until
    return found


@given(broken_answers())
def test_an_answer_over_several_providers_is_one(legs):
    """Each word is there once, and every part ends."""
    transcript, encoder = None, None
    for again, until, thinks in [*legs, (legs[-1][1], len(WORDS), False)]:
        words = WORDS[again:until]
        said = text(*words, at=int(thinks)) if words else []
        thought = [PartBegan(at=0, part=Reasoning()), PartGrew(at=0, text="hm"), PartEnded(at=0)] if thinks else []
        if transcript is None:
            transcript, encoder = begun(*thought, *said)
        else:
            followed(transcript, *thought, *said)
    for event in END:
        transcript.encode(event)
    found = of_events(encoder.events)
    assert (found.text, found.finish) == (ALL, "stop")
    assert transcript.text == ALL


KINDS = st.lists(st.sampled_from(["text", "thought", "call", "refusal", "image"]), min_size=1, max_size=5)


def answer(leg, kinds):
    """The events of an answer with such parts, each with words of its own; text and calls are told what they say."""
    found, said, calls = [], [], []
    for at, kind in enumerate(kinds):
        part = {
            "text": Text(text=""),
            "thought": Reasoning(),
            "call": ToolCall(id=f"call_{leg}_{at}", name=f"f{leg}{at}", arguments=""),
            "refusal": Refusal(text=""),
            "image": Media(kind="image", media_type="image/png", data="aGk="),
        }[kind]
        words = [f"{kind} {leg}.{at}.{number} " for number in range(3)]
        words = {"call": ['{"a":', "1}"], "image": []}.get(kind, words)
        said += words if kind in ("text", "refusal") else []
        calls += [part.name] if kind == "call" else []
        found += [PartBegan(at=at, part=part), *(PartGrew(at=at, text=word) for word in words), PartEnded(at=at)]
    return [*found, *END], "".join(said), calls


@pytest.mark.parametrize("wire", CONVERSATIONS, ids=lambda wire: wire.operation)
@pytest.mark.parametrize("exact", [True, False], ids=["its own first", "another first"])
@given(KINDS, KINDS, st.integers(0, 20))
def test_every_encoder_writes_answers_that_are_joined(wire, exact, first, second, cut):
    """Whatever was said until then and follows, a client reads a whole answer with all that is new in it."""
    name = wire.dialect.NAME
    encoder = wire.dialect.Encoder(Request(dialect=name, model="m", stream=True))
    transcript = Transcript(encoder, name)
    began = Began(id="1", model="m", created=1, dialect=name if exact else "chat" if name != "chat" else "messages")
    events, _, _ = answer(1, first)
    shown = [transcript.encode(event) for event in (began, *events[: min(cut, len(events) - 2)])]
    if not transcript.open:
        return
    before = transcript.text
    events, said, calls = answer(2, second)
    shown += followed(transcript, *events, origin="cohere")
    decoder = wire.dialect.Decoder()
    found = of_events([*decoder.feed(b"".join(shown)), *decoder.end()])
    assert found.text == before + said
    assert [called for called, _ in found.calls] == ([] if wire.operation == "ollama_generate" else calls)


def test_the_head_is_that_of_the_first_provider():
    """And is shown once; the places of further parts go on from its last."""
    transcript, encoder = begun(*whole(*WORDS[:9]), *text(*WORDS[9:10], at=1))
    call = ToolCall(id="c", name="f", arguments="")
    followed(transcript, *whole(*WORDS[10:]), PartBegan(at=1, part=call), PartEnded(at=1), *END)
    assert sum(isinstance(event, Began) for event in encoder.events) == 1
    assert [event.at for event in encoder.events if isinstance(event, PartBegan)] == [0, 1, 2]
    assert [event.at for event in encoder.events if isinstance(event, PartEnded)] == [0, 1, 2]
    assert of_events(encoder.events).text == ALL


def test_a_second_candidate_of_the_next_provider_is_not_shown():
    """One answer was asked for, and is gone on with."""
    transcript, encoder = begun(*text(*WORDS[:9]))
    other = [replace(event, candidate=1) for event in (*whole("other"), Finished(finish="length"))]
    followed(transcript, *text(*WORDS[9:20]), *other, *(PartGrew(at=0, text=word) for word in WORDS[20:]), *END)
    found = of_events(encoder.events)
    assert (found.text, found.finish) == (ALL, "stop")


def test_a_text_after_one_that_had_ended_is_a_part_of_its_own():
    """Nothing of it begins before there is something new to say."""
    transcript, encoder = begun(*whole(*WORDS[:9]))
    assert b"".join(followed(transcript, *text(*WORDS[:9]))) == b""
    assert transcript.encode(PartGrew(at=0, text=WORDS[9])) == b".."
    transcript.encode(PartEnded(at=0))
    assert [event.at for event in encoder.events if isinstance(event, PartBegan)] == [0, 1]


def test_a_repeat_may_come_in_several_parts():
    """Providers that cite begin a part for each quotation."""
    transcript, encoder = begun(*text(*WORDS[:9]))
    followed(transcript, *whole(*WORDS[:4]), *whole(*WORDS[4:12], at=1), *whole(*WORDS[12:], at=2), *END)
    assert of_events(encoder.events).text == ALL


def test_usage_is_that_of_all_providers_who_told_it():
    """Of one that was asked and has said nothing it is not; each kind is added up."""
    first, second, third = Usage(input=3, output=1), Usage(input=9, cache_read=5), Usage(input=10, reasoning=2)
    transcript, encoder = begun(Counted(usage=first), *text(*WORDS[:9]))
    followed(transcript, Counted(usage=second))
    followed(transcript, Counted(usage=replace(third, input=1)), Counted(usage=third), *text(*WORDS[9:]), *END)
    counted = [event.usage for event in encoder.events if isinstance(event, Counted)]
    assert counted[-1] == Usage(input=13, output=1, reasoning=2)


def test_one_that_told_no_usage_before_leaves_that_of_the_next_as_it_is():
    """Fields that only its dialect knows are kept where the client speaks that."""
    usage = Usage(input=1, rest={"queue_time": 2}, form={"input": 1})
    for origin, kept in ((CLIENT, usage), ("messages", Usage(input=1))):
        transcript, encoder = begun(*text(*WORDS[:9]))
        followed(transcript, Counted(usage=usage), origin=origin)
        assert encoder.events[-1].usage == kept


def test_what_only_another_dialect_understands_is_left_out():
    """An encoder that puts back what its own dialect wrote must not take it for that."""
    cited = [Citation(url="https://example.com", form={"wire": {}})]
    scored = [TokenScore(token="!", logprob=-1.0)]
    transcript, encoder = begun(*text(*WORDS[:9]))
    native = [PartBegan(at=1, part=Native(rest={"type": "x"})), PartGrew(at=1, text="x"), PartEnded(at=1)]
    more = [
        PartBegan(at=2, part=Text(text="", form={"a": 1})),
        PartGrew(at=2, text="!", rest={"b": 1}, citations=cited, scores=scored),
    ]
    followed(transcript, *whole(*WORDS[9:]), *native, *more, Finished(finish="stop", form={"c": 1}), origin="messages")
    began, grew, ended, finished = encoder.events[-4:]
    assert began == PartBegan(at=1, part=Text(text=""))
    assert grew == PartGrew(at=1, text="!")
    assert (ended, finished) == (PartEnded(at=1), Finished(finish="stop"))


def test_a_client_of_another_dialect_gets_what_it_would_get():
    """Its encoder knows itself what it cannot show; citations are for all dialects."""
    cited = [Citation(url="https://example.com")]
    transcript, encoder = begun(*text(*WORDS[:9]), origin="messages")
    more = [PartBegan(at=1, part=Text(text="")), PartGrew(at=1, text="!", citations=cited)]
    followed(transcript, *whole(*WORDS[9:]), *more, origin="generate_content")
    assert encoder.events[-1] == PartGrew(at=1, text="!", citations=cited)


def test_a_text_that_goes_on_cites_nothing():
    """The places of what it cites are those of another text."""
    transcript, encoder = begun(*text(*WORDS[:9]))
    followed(transcript, *text(*WORDS[9:12]), PartGrew(at=0, text="x", citations=[Citation(url="u", start=0, end=3)]))
    assert encoder.events[-1] == PartGrew(at=0, text="x")


@pytest.mark.parametrize(
    ("origin", "signature", "proof"),
    [
        ("messages", "", ["gatewrightSignedByOpenAI"]),
        ("messages", "signed", []),
        ("chat", "", []),
    ],
)
def test_a_thought_that_broke_off_is_sent_back_to_nobody_who_signs(origin, signature, proof):
    """It has no signature, and would be refused."""
    thought = [PartBegan(at=0, part=Reasoning()), PartGrew(at=0, text="hm", signature=signature)]
    transcript, encoder = begun(*thought, origin=origin)
    followed(transcript, *text(ALL, at=0), *END, origin=origin)
    signed = [event.signature for event in encoder.events if isinstance(event, PartGrew) and event.at == 0]
    assert signed[1:] == proof
    assert of_events(encoder.events).text == ALL


@pytest.mark.parametrize(
    "event",
    [
        PartBegan(at=1, part=ToolCall(id="c", name="f", arguments="")),
        PartBegan(at=1, part=Refusal(text="")),
        PartBegan(at=1, part=Native()),
        PartBegan(at=1, part=Media(kind="image", data="")),
        PartBegan(at=0, part=Text(text=""), candidate=1),
        PartGrew(at=0, text="x" * LONGEST),
        Finished(finish="stop"),
        Failed(message="no"),
        Ended(),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_nobody_can_go_on_with_is_known(event):
    """What is not text cannot be asked for in halves, and a text cannot be kept for ever."""
    transcript, _ = begun(*text(*WORDS[:9]))
    assert transcript.open
    transcript.encode(event)
    assert not transcript.open


def test_what_is_asked_holds_what_was_said():
    """Where nothing was said, it is asked as it was."""
    asked = Request(dialect="chat", model="m", messages=[Message(role="user", parts=[Text(text="hi")])])
    assert going_on(asked, " \n") is asked
    *before, said, instruction = going_on(asked, "Hel").messages
    assert before == asked.messages
    assert (said.role, said.parts) == ("assistant", [Text(text="Hel")])
    assert (instruction.role, instruction.parts) == ("user", [Text(text=INSTRUCTION)])


BODIES = {
    "generate_content": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
    "converse": {"messages": [{"role": "user", "content": [{"text": "hi"}]}], "system": [{"text": "Be brief."}]},
    "responses": {"model": "m", "input": "hi"},
    "ollama_generate": {"model": "m", "prompt": "hi"},
}


@pytest.mark.parametrize("wire", CONVERSATIONS, ids=lambda wire: wire.operation)
def test_every_dialect_can_ask_for_more_of_its_own_answers(wire):
    """The conversation, what was said and the instruction are there, in this order."""
    usual = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    asked = wire.dialect.decode_request(BODIES.get(wire.operation, usual))
    body = wire.dialect.encode_request(going_on(asked, "Hel"), "m", Dropped())
    found = str(body)
    assert 0 < found.index("hi") < found.index("Hel") < found.index(INSTRUCTION)
    assert body.get("system") == BODIES.get(wire.operation, usual).get("system")


def test_a_beginning_that_the_client_has_written_itself_is_gone_on_with():
    """Its last message and what was said are one turn."""
    begin = Message(role="assistant", parts=[Text(text="{")], bare=True)
    asked = Request(dialect="chat", model="m", messages=[Message(role="user", parts=[]), begin])
    *_, said, _ = going_on(asked, '"a": ').messages
    assert (said.role, said.parts, said.bare) == ("assistant", [Text(text='{"a": ')], True)
