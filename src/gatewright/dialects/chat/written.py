"""Streamed answers: events to a client's bytes.

Shape: OpenAI API reference, "The chat completion chunk object". The role is in an answer's first delta, the finish
reason in its last choice, usage in a chunk of its own after that and only if asked for, and `data: [DONE]` is last.
"""

from typing import Any

import msgspec

from gatewright.dialects.chat.annotations import placed
from gatewright.dialects.chat.errors import encode_failure
from gatewright.dialects.chat.finish import encode_finish
from gatewright.dialects.chat.media import encode_media
from gatewright.dialects.chat.parts import detail
from gatewright.dialects.chat.request import NAME
from gatewright.dialects.chat.response import wants_functions
from gatewright.dialects.chat.tiers import fitting_tier
from gatewright.dialects.chat.usage import encode_usage
from gatewright.dialects.conversation import (
    Citation,
    Dropped,
    Media,
    Part,
    Reasoning,
    Refusal,
    Request,
    Rest,
    Text,
    ToolCall,
)
from gatewright.dialects.freetext import CustomCalls
from gatewright.dialects.logprobs import encode_scores
from gatewright.dialects.sse import write
from gatewright.dialects.stream import Began, Counted, Ended, Event, Failed, Finished, PartBegan, PartEnded, PartGrew

_DONE = b"[DONE]"


class _Told:
    """One answer as far as it is told.

    Attributes:
        begun: whether its role was told.
        calls: how many tool calls it has.
        thoughts: how many entries of `reasoning_details`.
        apart: what sets the next thought apart from the one before.
        part: the part that is being told; of a thought, all of it so far.
        said: characters of text, and `before` those before the text that is being told.
        cited: what that text cites; where a citation of all of it ends is known when it does.
        annotations: what the texts before it cite, to be told at the end.
    """

    __slots__ = ("annotations", "apart", "before", "begun", "calls", "cited", "part", "said", "thoughts")

    def __init__(self) -> None:
        self.begun = False
        self.calls = 0
        self.thoughts = 0
        self.apart = ""
        self.part: Part | None = None
        self.said = self.before = 0
        self.cited: list[Citation] = []
        self.annotations: list[dict[str, Any]] = []


class Encoder:
    """Events to a client's stream.

    Args:
        request: what the client asked.
    """

    def __init__(self, request: Request) -> None:
        self._usage_asked = bool(request.stream_usage)
        self._legacy = wants_functions(request)
        self._custom = CustomCalls(request)
        self._same = False
        self._head: dict[str, Any] = {}
        self._scalars: Rest = {}
        self._usage: dict[str, Any] | None = None
        self._told: dict[int, _Told] = {}

    def encode(self, event: Event) -> bytes:
        """The bytes of one event; often none."""
        return b"".join(map(self._write, self._custom.events(event)))

    def _write(self, event: Event) -> bytes:
        if isinstance(event, Began):
            return self._began(event)
        if isinstance(event, Counted):
            self._usage = encode_usage(event.usage, same=self._same)
            return self._beside(event)
        if isinstance(event, Failed):
            return write(msgspec.json.encode(encode_failure(event, same=self._same)))
        if isinstance(event, Ended):
            return self._ended(event)
        told = self._told.setdefault(event.candidate, _Told())
        if isinstance(event, Finished):
            finish = encode_finish(event.finish, legacy=self._legacy)
            if self._same:
                finish = event.form.get("finish_reason", finish)
            # All at once: OpenAI's SDK joins lists of several deltas only by an `index`, which annotations have not.
            delta = {"annotations": told.annotations} if told.annotations else {}
            return self._choice(event, event.candidate, delta, finish)
        if isinstance(event, PartBegan):
            return self._choice(event, event.candidate, self._part_began(event, told))
        if isinstance(event, PartEnded):
            return self._choice(event, event.candidate, self._part_ended(told))
        return self._choice(event, event.candidate, self._part_grew(event, told))

    def _began(self, event: Began) -> bytes:
        self._same = event.dialect == NAME
        self._head = {
            "id": event.id,
            "object": "chat.completion.chunk",
            "created": event.created or 0,
            "model": event.model,
        }
        tier = event.service_tier if self._same else fitting_tier(event.service_tier, Dropped())
        if tier is not None:
            self._head["service_tier"] = tier
        self._told[0] = _Told()
        return self._choice(event, 0, {"content": None})

    def _ended(self, event: Ended) -> bytes:
        made = self._beside(event)
        if self._usage_asked and self._usage is not None:
            made += self._chunk([], {}, usage=self._usage)
        return made + write(_DONE)

    def _beside(self, event: Event) -> bytes:
        """A chunk for what stood beside the choices, when there is any."""
        shared = event.rest.get("chunk") if self._same else None
        return self._chunk([], shared) if shared else b""

    def _choice(self, event: Event, index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        """A chunk of one choice; none when there is nothing to say."""
        rest = event.rest if self._same else {}
        told = self._told.setdefault(index, _Told())
        delta |= rest.get("delta", {})
        scores = event.scores if isinstance(event, PartGrew) else []
        if not (delta or finish or rest or scores):
            return b""
        if not told.begun:
            told.begun = True
            delta = {"role": "assistant", **delta}
        choice = {"index": index, "delta": delta, "finish_reason": finish, **rest.get("choice", {})}
        if scores:
            own = event.form.get("logprobs") if self._same else None
            choice["logprobs"] = own or {"content": encode_scores(scores), "refusal": None}
        return self._chunk([choice], rest.get("chunk", {}))

    def _chunk(self, choices: list[dict[str, Any]], shared: Rest, **more: Any) -> bytes:
        self._scalars |= {key: value for key, value in shared.items() if not isinstance(value, dict | list)}
        return write(msgspec.json.encode({**self._head, **self._scalars, **shared, "choices": choices, **more}))

    def _part_began(self, event: PartBegan, told: _Told) -> dict[str, Any]:
        part = told.part = event.part
        if isinstance(part, ToolCall):
            told.calls += 1
            return self._call(part, told)
        if isinstance(part, Media):
            # No dialect but this one has a place for sound in pieces, and there it is in the rest.
            return {"images": [encode_media(part, self._same, Dropped())]} if part.kind == "image" else {}
        if isinstance(part, Reasoning):
            told.part = Reasoning(text=part.text, signature=part.signature, sealed=part.sealed, form=part.form)
            return self._thought(part, told, part.text, "", "") if part.text else {}
        if isinstance(part, Text):
            told.before, told.cited = told.said, []
            return {"content": part.text}
        return {"refusal": part.text} if isinstance(part, Refusal) else {}

    def _call(self, part: ToolCall, told: _Told) -> dict[str, Any]:
        if part.custom:
            custom = {"name": part.name, "input": part.arguments}
            return {"tool_calls": [{"index": told.calls - 1, "id": part.id, "type": "custom", "custom": custom}]}
        function = {"name": part.name, "arguments": part.arguments}
        if self._legacy:
            return {"function_call": function} if told.calls == 1 else {}
        made: dict[str, Any] = {"index": told.calls - 1, "id": part.id, "type": "function", "function": function}
        if part.signature is not None:
            made["extra_content"] = {"google": {"thought_signature": part.signature}}
        return {"tool_calls": [made]}

    def _part_grew(self, event: PartGrew, told: _Told) -> dict[str, Any]:
        part = told.part
        if isinstance(part, ToolCall):
            if part.custom:
                return {"tool_calls": [{"index": told.calls - 1, "custom": {"input": event.text}}]}
            if self._legacy:
                return {"function_call": {"arguments": event.text}} if told.calls == 1 else {}
            return {"tool_calls": [{"index": told.calls - 1, "function": {"arguments": event.text}}]}
        if isinstance(part, Reasoning):
            part.text += event.text
            part.signature = (part.signature or "") + event.signature if event.signature else part.signature
            part.sealed = event.sealed or part.sealed
            return self._thought(part, told, event.text, event.signature, event.sealed)
        if isinstance(part, Text):
            told.said += len(event.text)
            made: dict[str, Any] = {"content": event.text} if event.text else {}
            if not self._same:
                told.cited += event.citations
            elif event.citations:
                made["annotations"] = event.form["annotations"]
            return made
        return {"refusal": event.text} if isinstance(part, Refusal) and event.text else {}

    def _thought(self, part: Reasoning, told: _Told, text: str, signature: str, sealed: str) -> dict[str, Any]:
        """A piece of a thought in the form its provider has for it, or the one that most have."""
        kind = part.form.get("as") if self._same else None
        if kind == "reasoning_details":
            fields = part.form["fields"]
            named = {"summary" if fields.get("type") == "reasoning.summary" else "text": text}
            made = named | {"signature": signature, "data": sealed}
            entry = {**fields, **{key: value for key, value in made.items() if value}}
            return {"reasoning": text, "reasoning_details": [entry]} if text else {"reasoning_details": [entry]}
        if not text:
            return {}
        if kind == "thinking":
            return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}
        if kind is None:
            text, told.apart = told.apart + text, ""
        return {kind or "reasoning_content": text}

    def _part_ended(self, told: _Told) -> dict[str, Any]:
        """What is only known of a complete part: a thought is signed or sealed, to come back with the next turn."""
        part, told.part = told.part, None
        if isinstance(part, Text):
            told.annotations += placed(told.cited, told.before, told.said - told.before, Dropped())
        if not isinstance(part, Reasoning):
            return {}
        told.apart = "\n\n" if part.text else told.apart
        if self._same and part.form.get("as"):
            return {}
        entries = detail(part, told.thoughts)
        told.thoughts += len(entries)
        return {"reasoning_details": entries} if entries else {}
