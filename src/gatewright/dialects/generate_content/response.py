"""An answer: `GenerateContentResponse`.

Gemini API reference, "GenerateContentResponse" (https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse).
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Dropped,
    Finish,
    Part,
    Refusal,
    Request,
    Rest,
    Text,
    ToolCall,
)
from gatewright.dialects.generate_content.calls import CallIds
from gatewright.dialects.generate_content.fields import Fields, providers, restored
from gatewright.dialects.generate_content.grounding import Grounding, take
from gatewright.dialects.generate_content.parts import Target, decode_part, encode_parts
from gatewright.dialects.generate_content.scores import RESULT, decode_scores, encode_scores
from gatewright.dialects.generate_content.tiers import from_google, to_google
from gatewright.dialects.generate_content.usage import counted, decode_usage, encode_usage

NAME = "generate_content"

# Of `finishReason`; any other is `other`.
_FINISH: dict[str, Finish] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
_WIRE = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
}
_TOP = ("candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId")


def decode_answer(body: Mapping[str, Any]) -> Answer:
    """A whole answer.

    A prompt that was blocked has no candidates on the wire and one here, that ended with `content_filter`.

    Raises:
        UpstreamProtocolError: when it is not what the API says.
    """
    fields = Fields(body, "", providers)
    if not any(fields.has(name) for name in _TOP):
        raise providers("it has no candidates.")
    answer = Answer(dialect=NAME, id=fields.label("responseId") or "", model=fields.label("modelVersion") or "")
    answer.created = created(fields)
    ids = CallIds(answer.id or digest(body))
    fields.absent("candidates")
    answer.candidates = [_candidate(one, at, ids) for at, one in enumerate(fields.objects("candidates"))]
    if not answer.candidates:
        finish: Finish = "content_filter" if blocked(fields) else "other"
        answer.candidates = [Candidate(finish=finish, form={"made": True})]
    usage = fields.peek("usageMetadata")
    if counted(usage):
        answer.usage = decode_usage(fields.get("usageMetadata", dict) or {})
        answer.service_tier = from_google(usage.get("serviceTier"))
    answer.rest, answer.form = fields.rest(), fields.form
    return answer


def digest(body: Any) -> str:
    """What tells an answer without an id from another."""
    return hashlib.blake2b(msgspec.json.encode(body), digest_size=16).hexdigest()


def created(fields: Fields) -> int | None:
    """`createTime` as seconds; None when it is not there or no time."""
    given = fields.peek("createTime")
    try:
        when = datetime.fromisoformat(given).timestamp() if isinstance(given, str) else None
    except (ValueError, OverflowError):
        return None
    if when is not None:
        fields.get("createTime", str)
        fields.keep("createTime", given)
        return int(when)
    return None


def blocked(fields: Fields) -> bool:
    """Whether the prompt was refused: `promptFeedback` names the reason."""
    feedback = fields.peek("promptFeedback")
    return isinstance(feedback, dict) and bool(feedback.get("blockReason"))


def _candidate(fields: Fields, at: int, ids: CallIds) -> Candidate:
    candidate = Candidate()
    fields.absent("content")
    if (content := fields.within("content")) is not None:
        content.absent("parts")
        content.absent("role")
        decoded = [(at, part) for at, one in enumerate(content.objects("parts")) for part in decode_part(one, ids)]
        candidate.parts = [part for _, part in decoded]
        _take_beside(fields, [(at, part) for at, part in decoded if isinstance(part, Text)])
        if (role := content.get("role", str)) not in ("model", None):
            content.keep("role", role)
    fields.absent("index")
    if (index := fields.get("index", int)) not in (at, None):
        fields.keep("index", index)
    fields.absent("finishReason")
    reason = fields.get("finishReason", str)
    candidate.finish = finish_of(reason, candidate.parts)
    if reason != finish_reason(candidate.finish):
        fields.keep("finishReason", reason)
    candidate.rest, candidate.form = fields.rest(), fields.form
    return candidate


def _take_beside(fields: Fields, texts: list[tuple[int, Text]]) -> None:
    """Take what the texts cite, and how likely their tokens were if there is but one."""
    take(fields, texts)
    if len(texts) == 1 and (scores := decode_scores(fields.peek(RESULT))):
        texts[0][1].scores = scores
        fields.keep(RESULT, fields.pop(RESULT))


def finish_of(reason: str | None, parts: list[Part]) -> Finish | None:
    """Why an answer ended. Gemini says STOP of one that calls tools, too."""
    if reason is None:
        return None
    finish = _FINISH.get(reason, "other")
    return "tool_calls" if finish == "stop" and any(isinstance(part, ToolCall) for part in parts) else finish


def finish_reason(finish: Finish | None) -> str | None:
    """`finishReason`."""
    return None if finish is None else _WIRE.get(finish, "OTHER")


def encode_answer(answer: Answer, request: Request, dropped: Dropped) -> dict[str, Any]:
    """A whole answer.

    Args:
        answer: in any dialect.
        request: what the client asked for.
        dropped: takes the names of what cannot be said.
    """
    del request  # all that the answer's form depends on is in the answer
    same = answer.dialect == NAME
    rest = dropped.rest(answer, same=same)
    shown = [one for one in answer.candidates if not (same and one.form.get("made"))]
    body: dict[str, Any] = {"candidates": [_encode_candidate(one, at, dropped, same) for at, one in enumerate(shown)]}
    if answer.usage is not None:
        body["usageMetadata"] = encode_usage(answer.usage, dropped, same=same)
        if not same and (tier := to_google(answer.service_tier)):
            body["usageMetadata"]["serviceTier"] = tier
    if not same and answer.service_tier is not None and to_google(answer.service_tier) is None:
        dropped.add("service_tier")
    if answer.model:
        body["modelVersion"] = answer.model
    if answer.created is not None:
        body["createTime"] = create_time(answer.created)
    if answer.id:
        body["responseId"] = answer.id
    if not same:
        return body
    if not shown and "candidates" in answer.form:
        del body["candidates"]
    return restored(body, {**answer.form, "candidates": answer.form.get("candidates") or "candidates"}, rest)


def create_time(seconds: int) -> str:
    """Seconds since the epoch as Google writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _encode_candidate(candidate: Candidate, at: int, dropped: Dropped, same: bool) -> dict[str, Any]:
    rest: Rest = dropped.rest(candidate, same=same)
    body: dict[str, Any] = {
        "content": {"parts": encode_parts(candidate.parts, Target(same, dropped)), "role": "model"},
        "finishReason": finish_reason(candidate.finish),
        "index": at,
    }
    if candidate.finish is None:
        del body["finishReason"]
    if not same:
        dropped.update(["stop_sequence"] if candidate.stop_text else [])
        grounding = Grounding(dropped)
        for part in candidate.parts:
            if isinstance(part, Text | Refusal):
                grounding.add(part.text, part.citations if isinstance(part, Text) else ())
        scores = [score for part in candidate.parts if isinstance(part, Text) for score in part.scores]
        return body | grounding.body() | encode_scores(scores)
    return restored(body, candidate.form, rest)
