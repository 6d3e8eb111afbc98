"""Streamed answers: a provider's bytes to events.

Shape: OpenAI API reference, "The chat completion chunk object"
(https://platform.openai.com/docs/api-reference/chat/streaming); `data: [DONE]` ends a stream. Writer and Perplexity
leave that out and close after the last `finish_reason`.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from gatewright.dialects.chat.annotations import decode_annotation
from gatewright.dialects.chat.errors import decode_failure
from gatewright.dialects.chat.finish import decode_finish
from gatewright.dialects.chat.media import decode_image
from gatewright.dialects.chat.parts import THOUGHTS
from gatewright.dialects.chat.pieces import Calls, dicts, kept, thought_pieces
from gatewright.dialects.chat.request import NAME
from gatewright.dialects.chat.response import providers
from gatewright.dialects.chat.usage import decode_usage
from gatewright.dialects.conversation import Citation, Part, Refusal, Rest, Text
from gatewright.dialects.fields import Fields
from gatewright.dialects.logprobs import decode_scores
from gatewright.dialects.sse import SSEReader
from gatewright.dialects.stream import Began, Counted, Ended, Event, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import UpstreamProtocolError

_DONE = b"[DONE]"

# `obfuscation` and `p` are padding against eavesdroppers; `message` says again what the deltas said.
_CHUNK = frozenset(("id", "object", "created", "model", "choices", "usage", "obfuscation", "p"))
_CHOICE = frozenset(("index", "delta", "finish_reason", "message"))
_DELTA = frozenset(
    (
        *("role", "content", "refusal", "tool_calls", "function_call", "reasoning_details", "images", "annotations"),
        *THOUGHTS,
    )
)


class Decoder:
    """A provider's stream to events.

    What only this dialect understands is in an event's `rest`: `chunk`, `choice` and `delta`, each as on the wire.
    """

    def __init__(self) -> None:
        self._reader = SSEReader()
        self._candidates: dict[int, _Candidate] = {}
        self._began = False
        self._over = False
        self._shared: Rest = {}  # what chunks said last beside their choices
        self._kept: Rest = {}  # what waits for an event to go with

    def feed(self, data: bytes) -> list[Event]:
        """The events that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are no chunks of an answer.
        """
        events: list[Event] = []
        for one in self._reader.feed(data):
            events += self._read(one.data)
        return events

    def end(self) -> list[Event]:
        """The events left when the bytes have ended.

        Raises:
            UpstreamProtocolError: when the stream was not complete.
        """
        events: list[Event] = []
        for one in self._reader.end():
            events += self._read(one.data)
        if self._over:
            return events
        if not self._candidates or not all(one.finish for one in self._candidates.values()):
            raise UpstreamProtocolError("Its stream broke off.")
        return events + self._close()

    def _read(self, data: bytes) -> list[Event]:
        if self._over:
            return []
        if data.strip() == _DONE:
            return self._close()
        try:
            chunk = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamProtocolError("An event of its stream is not JSON.") from None
        if not isinstance(chunk, dict):
            raise UpstreamProtocolError("An event of its stream is not an object.")
        failure = decode_failure(chunk)
        if failure is not None:
            self._over = True
            return [failure]
        return self._chunk(chunk)

    def _chunk(self, chunk: dict[str, Any]) -> list[Event]:
        if not self._began:
            # Told by the beginning.
            self._shared["service_tier"] = chunk.get("service_tier") or self._shared.get("service_tier")
        for key, value in chunk.items():
            if key not in _CHUNK and value is not None and self._shared.get(key) != value:
                self._shared[key] = self._kept[key] = value
        choices = dicts(chunk.get("choices"))
        events: list[Event] = []
        usage = _usage(chunk)
        if not self._began and (choices or usage is not None):
            self._began = True
            events.append(_began(chunk, self._shared["service_tier"]))
        for choice in choices:
            events += self._choice(choice, chunk.get("id"))
        if usage is not None:
            events.append(Counted(usage=decode_usage(usage)))
        if events and self._kept:
            events[0].rest["chunk"] = self._kept
            self._kept = {}
        return events

    def _choice(self, choice: dict[str, Any], answer: Any) -> list[Event]:
        index = choice.get("index")
        index = index if isinstance(index, int) else 0
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(index, f"call_{answer}_{index}")
        delta = choice.get("delta")
        events = list(candidate.read(delta if isinstance(delta, dict) else {}, choice))
        kept(candidate.kept, "choice", {key: value for key, value in choice.items() if key not in _CHOICE})
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            candidate.finish = finish
            events += candidate.close()
        if events and candidate.kept:
            events[0].rest.update(candidate.kept)
            candidate.kept = {}
        return events

    def _close(self) -> list[Event]:
        """The stream is complete. Why each answer ended is told here: providers tell it early, or twice."""
        if not self._candidates:
            raise UpstreamProtocolError("Its stream ended without an answer.")
        self._over = True
        events: list[Event] = []
        for candidate in self._candidates.values():
            events += candidate.close()
            candidate.calls.check()
            kept(candidate.kept, "delta", {"annotations": [one.form["wire"] for one in candidate.cited]})
            finish = decode_finish(candidate.finish, called=candidate.calls.any)
            told = {"finish_reason": candidate.finish} if candidate.finish else {}
            events.append(Finished(finish=finish, candidate=candidate.index, rest=candidate.kept, form=told))
        ended = Ended()
        if self._kept:
            ended.rest["chunk"] = self._kept
        return [*events, ended]


def _began(chunk: dict[str, Any], tier: Any) -> Began:
    name, model, created = chunk.get("id"), chunk.get("model"), chunk.get("created")
    return Began(
        id=name if isinstance(name, str) else "",
        model=model if isinstance(model, str) else "",
        created=created if isinstance(created, int) else None,
        dialect=NAME,
        service_tier=tier if isinstance(tier, str) and tier else None,
    )


def _usage(chunk: dict[str, Any]) -> dict[str, Any] | None:
    """A chunk's usage; Groq's own place for it is used by requests that did not ask."""
    usage = chunk.get("usage")
    if not isinstance(usage, dict):
        own = chunk.get("x_groq")
        usage = own.get("usage") if isinstance(own, dict) else None
    return usage if isinstance(usage, dict) else None


def _score(grew: PartGrew, choice: dict[str, Any]) -> None:
    """Give a piece of text the scores of its choice."""
    logprobs = choice.get("logprobs")
    if isinstance(logprobs, dict) and (scores := decode_scores(logprobs.get("content"))):
        grew.scores = scores
        grew.form["logprobs"] = choice.pop("logprobs")


class _Candidate:
    """One answer of the stream: the part that is being told, and how many were.

    Attributes:
        index: its place among the answers.
        calls: its tool calls.
        finish: why it ended, in the provider's word; empty until it has.
        kept: what waits for an event to go with.
        cited: what is cited by a text that has not begun.
    """

    def __init__(self, index: int, made_id: str) -> None:
        self.index = index
        self.calls = Calls(made_id)
        self.finish = ""
        self.kept: Rest = {}
        self.cited: list[Citation] = []
        self._said = self._before = 0  # characters of text, and those before the text that is being told
        self._open: object = None  # what is being told: None for nothing
        self._at = -1

    def read(self, delta: dict[str, Any], choice: dict[str, Any]) -> Iterator[Event]:
        """The events of a delta; what is told of its choice is taken out of that."""
        rest = {key: value for key, value in delta.items() if key not in _DELTA}
        for key, part, text, signature, sealed in thought_pieces(delta):
            yield from self._tell(key, part)
            if text or signature or sealed:
                yield PartGrew(at=self._at, text=text, signature=signature, sealed=sealed, candidate=self.index)
        content = delta.get("content")
        texts = [(content, Text(text=""))] if isinstance(content, str) else []
        texts += [(one["text"], Text(text="")) for one in dicts(content) if isinstance(one.get("text"), str)]
        refusal = delta.get("refusal")
        told: list[tuple[str, Part]] = [*texts, *([(refusal, Refusal(text=""))] if isinstance(refusal, str) else [])]
        for text, part in told:
            if text:
                yield from self._tell(type(part), part)
                grew = PartGrew(at=self._at, text=text, candidate=self.index)
                if isinstance(part, Text):
                    self._said += len(text)
                    _score(grew, choice)
                yield grew
        if found := delta.get("annotations"):
            self.cited += [decode_annotation(one) for one in (found if isinstance(found, list) else [found])]
        if self.cited and self._open is Text:
            yield from self._cite()
        for one in dicts(delta.get("images")):
            image = decode_image(Fields(one, "delta.images", providers))
            yield from self._tell(object(), image)
        yield from self._call(delta, rest)
        kept(self.kept, "delta", rest)

    def _call(self, delta: dict[str, Any], rest: Rest) -> Iterator[Event]:
        for call, arguments in self.calls.read(delta, rest):
            if call.name and not call.told:
                call.told = True
                yield from self._tell(call, call.part())
            if not call.told or not arguments:
                continue
            if self._open is not call:
                raise UpstreamProtocolError("Its stream goes back to a tool call that it had left.")
            yield PartGrew(at=self._at, text=arguments, candidate=self.index)

    def _tell(self, what: object, part: Part) -> Iterator[Event]:
        """Begin a part, unless it is the one that is being told."""
        if self._open == what:
            return
        yield from self.close()
        if what is Text:
            self._before = self._said
        self._at += 1
        self._open = what
        yield PartBegan(at=self._at, part=part, candidate=self.index)

    def _cite(self) -> Iterator[Event]:
        """What the open text cites; what cites an earlier one, which has ended, stays."""
        here = [one for one in self.cited if one.start is None or one.start >= self._before]
        self.cited = [one for one in self.cited if one not in here]
        for one in here:
            if one.start is not None and one.end is not None:
                one.start, one.end = one.start - self._before, one.end - self._before
        if here:
            form = {"annotations": [one.form["wire"] for one in here]}
            yield PartGrew(at=self._at, candidate=self.index, citations=here, form=form)

    def close(self) -> Iterator[Event]:
        """End the part that is being told."""
        if self._open is not None:
            self._open = None
            yield PartEnded(at=self._at, candidate=self.index)
