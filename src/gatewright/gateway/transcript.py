"""One answer over several providers: what was said so far, and how what the next one says is joined to it. Pure.

The next provider is asked by an instruction, not by an assistant's message that it would have to complete: models of
Anthropic from Claude 4.6 on refuse such a prefill with a 400
(https://platform.claude.com/docs/en/about-claude/models/migration-guide), OpenAI's API has none and takes such a
message for a turn that is over, DeepSeek and vLLM want it marked, each in its own way
(https://api-docs.deepseek.com/guides/chat_prefix_completion, `continue_final_message` of
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html). An instruction is understood by all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from io import StringIO

from gatewright.dialects.conversation import Message, Native, Part, Reasoning, Request, Text, Usage
from gatewright.dialects.stream import (
    Began,
    Counted,
    Ended,
    Event,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
    StreamEncoder,
)
from gatewright.gateway.signatures import unproven
from gatewright.gateway.splice import Splice

LONGEST = 1 << 20
"""Characters of the longest text that is kept; an answer that is longer is not gone on with."""

INSTRUCTION = (
    "Your last message was cut off by a lost connection. Go on from its very last character, in the middle of a word or"
    " a line where it stops there, and begin with a space or a line break where one is due. Repeat nothing, introduce"
    " nothing, and do not mention this."
)
"""What the next provider is asked."""

_ONE_TURN = frozenset({"ollama_generate"})
_COUNTS = tuple(one.name for one in fields(Usage) if one.type is int)


def going_on(request: Request, said: str) -> Request:
    """What the next provider is asked: to go on with a text; where none was said, the same as the first.

    The request may itself end with the beginning of the answer.
    """
    if not said.strip():
        return request
    before, told = request.messages, Message(role="assistant", parts=[Text(text=said)], bare=True)
    if before and before[-1].role == "assistant" and before[-1].parts:
        *parts, last = before[-1].parts
        if isinstance(last, Text):
            told, before = replace(before[-1], parts=[*parts, Text(text=last.text + said)]), before[:-1]
    asked = Message(role="user", parts=[Text(text=INSTRUCTION)], bare=True)
    # Where a request has but one turn, its own form has no place for more.
    dialect = "" if request.dialect in _ONE_TURN else request.dialect
    return replace(request, dialect=dialect, messages=[*before, told, asked])


class Transcript:
    """What a client was told of an answer that several providers may give: a `StreamEncoder` of the events of all.

    The client sees one answer. The head is the first provider's. What was said is not said again, the next text goes on
    with the one that broke off, and further parts take the next places. A text that goes on has no citations any more,
    for their places are those of another text. What a provider thinks before it goes on with a text is not shown, and
    a thought that broke off ends. Usage is that of all providers who have told it, added up.

    Args:
        encoder: writes the client's stream.
        client: name of its dialect.
    """

    def __init__(self, encoder: StreamEncoder, client: str) -> None:
        self._encoder = encoder
        self._client = client
        self._origin = self._maker = ""  # dialects of the first provider, and of the one that speaks
        self._text, self._size = StringIO(), 0
        self._open: dict[int, Part] = {}  # parts that have not ended, by their place
        self._unproven: dict[int, str] = {}  # what must be known of thoughts without a signature
        self._parts = 0
        self._closed = False  # whether nobody can go on with it
        self._before: Usage | None = None  # of the providers before this one
        self._usage: Usage | None = None  # of this one
        self._heard = False  # whether this one has said anything
        self._joint: _Joint | None = None  # None for the first one

    @property
    def text(self) -> str:
        """All text that the client was told."""
        return self._text.getvalue()

    @property
    def open(self) -> bool:
        """Whether another provider can go on: nothing but texts and thoughts has begun, and nothing is over."""
        return not self._closed

    def follow(self) -> None:
        """The next provider is asked. It takes the place of one that was asked, and has said nothing."""
        if self._heard:
            self._before, self._heard = _sum(self._before, self._usage), False
        self._usage = None
        self._joint = _Joint(Splice(self.text))

    def encode(self, event: Event) -> bytes:
        """The bytes of one event; often none."""
        if self._joint is None:
            return self._tell(event)
        if getattr(event, "candidate", 0):
            return b""  # one answer was asked for
        return b"".join(map(self._tell, self._joined(event, self._joint)))

    def _tell(self, event: Event) -> bytes:
        """Tell the client of an event, and take note of it."""
        if isinstance(event, Began):
            self._origin = self._maker = event.dialect
        elif isinstance(event, Counted):
            self._usage = event.usage if self._joint is None else self._usage
        else:
            self._heard = True
            self._note(event)
        return self._encoder.encode(event)

    def _note(self, event: PartBegan | PartGrew | PartEnded | Finished | Failed | Ended) -> None:
        match event:
            case PartGrew():
                if event.signature:
                    self._unproven.pop(event.at, None)
                if isinstance(self._open.get(event.at), Text):
                    self._size += self._text.write(event.text)
                    self._closed = self._closed or self._size > LONGEST
            case PartBegan():
                self._open[event.at] = event.part
                self._parts = event.at + 1
                if isinstance(event.part, Reasoning):
                    self._unproven[event.at] = unproven(self._maker)
                self._closed = self._closed or bool(event.candidate) or not isinstance(event.part, Text | Reasoning)
            case PartEnded():
                self._open.pop(event.at, None)
                self._unproven.pop(event.at, None)
            case _:
                self._closed = True

    def _joined(self, event: Event, joint: "_Joint") -> Iterator[Event]:
        """What an event of a provider that goes on is for the client."""
        match event:
            case Began():
                self._maker = event.dialect
                joint.bare = self._origin == self._client != event.dialect
            case Counted():
                self._usage = event.usage
                told = _sum(self._before, event.usage) or event.usage
                yield Counted(usage=replace(told, rest={}, form={}) if joint.bare else told)
            case PartBegan():
                yield from self._begin(event, joint)
            case PartGrew():
                yield from self._grow(event, joint)
            case PartEnded():
                place = joint.places.pop(event.at, None)
                if place is not None:
                    yield PartEnded(at=place) if place == joint.merged else joint.fit(replace(event, at=place))
            case Finished() | Ended():
                yield from self._settle(joint)
                yield joint.fit(event)
            case Failed():
                yield event

    def _begin(self, event: PartBegan, joint: "_Joint") -> Iterator[Event]:
        part = event.part
        if isinstance(part, Text) and joint.splice is not None:
            joint.waiting = event  # until it is known what of it is new
        elif not (isinstance(part, Reasoning) and self._size) and not (isinstance(part, Native) and joint.bare):
            yield from self._settle(joint)
            place = joint.places[event.at] = self._parts
            yield joint.fit(replace(event, at=place))

    def _grow(self, event: PartGrew, joint: "_Joint") -> Iterator[Event]:
        place = joint.places.get(event.at)
        if place is not None:
            alone = PartGrew(at=place, text=event.text, scores=event.scores)
            yield joint.fit(alone if place == joint.merged else replace(event, at=place))
        elif joint.splice is not None and joint.waiting is not None and event.at == joint.waiting.at:
            text = joint.splice.feed(event.text)
            if text is not None:
                yield from self._say(text, joint.waiting, joint)

    def _say(self, text: str, began: PartBegan, joint: "_Joint") -> Iterator[Event]:
        """Tell what is new of the beginning of a text; from here on it is told as it comes."""
        place = next((at for at, part in self._open.items() if isinstance(part, Text)), None)
        if place is not None:
            joint.merged = place
        elif text:
            yield from self._end_all(joint)
            place = self._parts
            yield joint.fit(replace(began, at=place))
        else:
            joint.splice = Splice("")  # a text without words need not begin
            return
        joint.splice, joint.places[began.at] = None, place
        if text:
            yield PartGrew(at=place, text=text)

    def _settle(self, joint: "_Joint") -> Iterator[Event]:
        """Tell what is held back, and end what is open: something else follows."""
        if joint.splice is not None and joint.waiting is not None:
            text = joint.splice.end()
            if text:
                yield from self._say(text, joint.waiting, joint)
        joint.splice = None
        yield from self._end_all(joint)

    def _end_all(self, joint: "_Joint") -> Iterator[Event]:
        for place in [*self._open]:
            if mark := self._unproven.get(place):
                yield PartGrew(at=place, signature=mark)
            yield PartEnded(at=place)
        joint.places.clear()


@dataclass(slots=True)
class _Joint:
    """How the events of a provider that goes on become those of the answer.

    Attributes:
        splice: what of its text is held back; None when that is over.
        waiting: the beginning of the text part that is held back.
        places: of its parts that are open, the client's place by its own.
        merged: the client's place of the text that broke off and that it goes on with; negative for none.
        bare: whether the client's encoder takes what only its own dialect understands, and this is another.
    """

    splice: Splice | None
    waiting: PartBegan | None = None
    places: dict[int, int] = field(default_factory=dict)
    merged: int = -1
    bare: bool = False

    def fit(self, event: Event) -> Event:
        """An event without what only another dialect understands."""
        if not self.bare:
            return event
        event = replace(event, rest={}, form={})
        if isinstance(event, PartBegan):
            event.part = replace(event.part, rest={}, form={})
        elif isinstance(event, PartGrew):
            event.citations, event.scores = [], []
        return event


def _sum(before: Usage | None, usage: Usage | None) -> Usage | None:
    if before is None or usage is None:
        return before or usage
    return Usage(**{name: getattr(before, name) + getattr(usage, name) for name in _COUNTS})
