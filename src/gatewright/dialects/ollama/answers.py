"""Answers of /api/chat and /api/generate: one JSON object, or the lines of a stream, of which the last is `done`.

They differ in where they have what is said; that is their `Shape`. Source: "Generate a chat message" and "Generate a
response" (https://docs.ollama.com/api/chat, https://docs.ollama.com/api/generate). Durations are not told of an answer
that another API made: nobody measured them.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Dropped,
    Finish,
    Message,
    Part,
    Request,
    Text,
    TokenScore,
    ToolCall,
    Usage,
)
from gatewright.dialects.fields import Fields
from gatewright.dialects.logprobs import decode_scores, encode_scores
from gatewright.dialects.ollama.calls import CallIds
from gatewright.dialects.ollama.wire import difference, providers, restored, seconds, timestamp

COUNTS = ("prompt_eval_count", "eval_count")
"""Fields that count tokens."""

DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
"""Fields that tell how long it took, in nanoseconds."""

_FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Where the answers of a dialect have what is said, and how they are read and written.

    Attributes:
        name: of the dialect.
        fields: the fields it is in.
        read: takes it from an answer or a line of one.
        write: the fields of it; the number is that of its first call among those of the answer.
    """

    name: str
    fields: tuple[str, ...]
    read: Callable[[Fields, CallIds], Message]
    write: Callable[[Message, Dropped, bool, int], dict[str, Any]]

    def decode_answer(self, body: Mapping[str, Any]) -> Answer:
        """A provider's body to an answer.

        Raises:
            UpstreamProtocolError: when it is not one of this API.
        """
        try:
            return self._answer(body)
        except RecursionError:
            raise providers("it is nested too deeply.") from None

    def _answer(self, body: Mapping[str, Any]) -> Answer:
        fields = Fields(body, "", providers)
        message = self.read(fields, CallIds(digest(msgspec.json.encode(body))))
        text = next((part for part in message.parts if isinstance(part, Text)), None)
        if text is not None:
            text.scores = take_scores(fields)
        candidate = Candidate(
            parts=message.parts,
            finish=decode_finish(fields, message.parts),
            rest=message.rest,
            form=message.form | {"bare": message.bare},
        )
        answer = Answer(
            dialect=self.name,
            model=fields.get("model", str) or "",
            created=seconds(fields.get("created_at", str)),
            candidates=[candidate],
            usage=take_usage(fields),
            rest=fields.left,
        )
        answer.form = difference(body, self._encoded(answer, candidate, Dropped(), same=True))
        return answer

    def encode_answer(self, answer: Answer, request: Request, dropped: Dropped) -> dict[str, Any]:  # noqa: ARG002 - every dialect's
        """An answer to a client's body.

        Args:
            answer: of any dialect; of several candidates the first is shown.
            request: what the client asked.
            dropped: told what this API cannot express.
        """
        same = answer.dialect == self.name
        candidate = answer.candidates[0] if answer.candidates else Candidate()
        if same:
            return restored(self._encoded(answer, candidate, dropped, same=True), answer.form)
        for node in (answer, candidate):
            dropped.rest(node, same=False)
        told = {
            "choices": len(answer.candidates) > 1,
            "stop_sequence": candidate.stop_text is not None,
            "service_tier": answer.service_tier not in (None, "default"),
            "finish_reason": candidate.finish in ("content_filter", "refusal", "pause"),
        }
        dropped.update(name for name, lost in told.items() if lost)
        return self._encoded(answer, candidate, dropped, same=False)

    def _encoded(self, answer: Answer, candidate: Candidate, dropped: Dropped, *, same: bool) -> dict[str, Any]:
        message = Message(role="assistant", parts=candidate.parts, bare=True)
        if same:
            message.bare, message.rest, message.form = candidate.form["bare"], candidate.rest, candidate.form
        body = head(answer.model, answer.created) | self.write(message, dropped, same, 0)
        body |= {"done": True, "done_reason": done_reason(candidate.finish)}
        texts = [part for part in candidate.parts if isinstance(part, Text)]
        if scores := [score for text in texts for score in text.scores]:
            body["logprobs"] = encode_scores(scores)
        if answer.usage is not None:
            body |= encode_usage(answer.usage, dropped, same=same)
        return body | answer.rest if same else body


def digest(body: bytes) -> str:
    """What tells an answer, which has no id, from another."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def head(model: str, created: int | None) -> dict[str, Any]:
    """How an answer, or a line of one, begins."""
    return {"model": model, "created_at": timestamp(created or 0)}


def decode_finish(fields: Fields, parts: Iterable[Part]) -> Finish | None:
    """Take `done` and `done_reason`; older servers give no reason. Ollama says `stop` of one that calls tools, too."""
    done, reason = fields.get("done", bool), fields.get("done_reason", str)
    if not done and reason is None:
        return None
    finish = _FINISHES.get(reason or "stop", "other")
    return "tool_calls" if finish == "stop" and any(isinstance(part, ToolCall) for part in parts) else finish


def done_reason(finish: Finish | None) -> str:
    """`done_reason`; there are but these two of an answer."""
    return "length" if finish == "length" else "stop"


def take_usage(fields: Fields) -> Usage | None:
    """Take the counts, and how long it took; None when nothing is counted."""
    for name in DURATIONS:
        fields.pop(name)
    found = {name: value for name in COUNTS if (value := fields.pop(name)) is not None}
    return decode_usage(found) if found else None


def decode_usage(wire: Mapping[str, Any]) -> Usage:
    """Counts in buckets; `eval_count` counts thoughts too, and does not say how many.

    Args:
        wire: an object with the counts, which a server that took the whole prompt from its cache leaves out.

    Raises:
        UpstreamProtocolError: when a count is not a number.
    """
    fields = Fields(wire, "", providers)
    prompt, answer = (max(0, fields.get(name, int) or 0) for name in COUNTS)
    usage = Usage(input=prompt, output=answer)
    said = {name: wire[name] for name in COUNTS if name in wire}
    usage.form = difference(said, encode_usage(usage, Dropped(), same=True))
    return usage


def encode_usage(usage: Usage, dropped: Dropped, *, same: bool) -> dict[str, Any]:
    """Counts as fields of an answer.

    Args:
        usage: the counts.
        dropped: takes the names of what cannot be said.
        same: whether they come from this dialect.
    """
    made = dict(zip(COUNTS, (usage.prompt, usage.answer), strict=True))
    if same:
        return restored(made, usage.form)
    dropped.rest(usage, same=False)
    if usage.prompt > usage.input:
        dropped.add("prompt_tokens_details")
    if usage.answer > usage.output:
        dropped.add("completion_tokens_details")
    return made


def take_scores(fields: Fields) -> list[TokenScore]:
    """Take `logprobs`, which are as OpenAI's; what is none is left."""
    scores = decode_scores(fields.peek("logprobs"))
    if scores:
        fields.pop("logprobs")
    return scores
