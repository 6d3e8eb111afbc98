"""Answers: the `response` object, whole or as it grows in a stream.

Shapes: OpenAI API reference, "The response object" (https://platform.openai.com/docs/api-reference/responses/object).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Dropped,
    Finish,
    Part,
    Refusal,
    Request,
    Text,
    ToolCall,
)
from gatewright.dialects.fields import Fields
from gatewright.dialects.freetext import as_custom, custom_tools
from gatewright.dialects.logprobs import encode_scores
from gatewright.dialects.responses.annotations import encode_annotation
from gatewright.dialects.responses.content import Wire, encode_part
from gatewright.dialects.responses.items import add_item, encode_alone, stands_alone
from gatewright.dialects.responses.request import encode_options, encode_request, foreign_tier
from gatewright.dialects.responses.usage import decode_usage, encode_usage
from gatewright.dialects.responses.wire import NAME, providers
from gatewright.errors import UpstreamError

_INCOMPLETE: dict[str, Finish] = {"max_output_tokens": "length", "content_filter": "content_filter"}
_REASONS: dict[Finish, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}

# What an answer repeats of its request, and what it says when the request did not.
_ECHO: Wire = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": None,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,48}", re.ASCII)


@dataclass(slots=True)
class Ids:
    """Makes up the ids of an answer's items; the same answer always has the same.

    Attributes:
        core: the answer's own id, in what OpenAI takes as a part of one (64 letters, digits, `_` and `-` at most).
    """

    core: str
    _count: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, answer_id: str) -> "Ids":
        """Those of the answer of a provider."""
        plain = answer_id.removeprefix("resp_")
        return cls(plain if _PLAIN_ID.fullmatch(plain) else hashlib.sha256(answer_id.encode()).hexdigest()[:40])

    @property
    def answer(self) -> str:
        """The answer's."""
        return f"resp_{self.core}"

    def item(self, kind: str) -> str:
        """The next item's, of a type."""
        prefix = {"message": "msg", "function_call": "fc", "custom_tool_call": "ctc", "reasoning": "rs"}.get(kind, "ig")
        number = self._count[prefix] = self._count.get(prefix, -1) + 1
        return f"{prefix}_{self.core}_{number}"


def decode_answer(body: Mapping[str, Any]) -> Answer:
    """A provider's answer.

    Raises:
        UpstreamProtocolError: when it is not this dialect's.
        UpstreamError: when it says that the provider failed.
    """
    fields = Fields(body, "", providers)
    if fields.has("status") and fields.checked("status", fields.peek("status"), str) == "failed":
        raise UpstreamError(f"It answered that it failed: {problem_of(fields.peek('error'))[0]}")
    parts: list[Part] = []
    for index, entry in enumerate(fields.need("output", list)):
        add_item(parts, Fields(entry, f"output[{index}]", providers))
    answer = Answer(
        dialect=NAME,
        id=fields.need("id", str),
        model=fields.need("model", str),
        usage=decode_usage(fields.pop("usage")) if fields.has("usage") else None,
        service_tier=fields.get("service_tier", str),
        form=fields.left,
    )
    created = fields.get("created_at", float)
    if created is not None:
        answer.created = int(created)
        if isinstance(created, float):
            answer.form["created_at"] = created
    answer.candidates = [Candidate(parts=parts, finish=finish_of(answer.form, parts))]
    return answer


def encode_answer(answer: Answer, request: Request, dropped: Dropped) -> Wire:
    """An answer for a client.

    Args:
        answer: the answer, of any dialect.
        request: what the client asked; an answer repeats parts of it.
        dropped: takes the names of what this API cannot express.
    """
    same = answer.dialect == NAME
    if len(answer.candidates) > 1:
        dropped.add("n")
    candidate = answer.candidates[0] if answer.candidates else Candidate()
    usage = {} if answer.usage is None else {"usage": encode_usage(answer.usage, dropped, same=same)}
    ending = end(candidate.finish, candidate.parts)
    if same:
        known: Wire = {"id": answer.id, "model": answer.model} | usage
        known |= {} if answer.service_tier is None else {"service_tier": answer.service_tier}
        known |= {} if answer.created is None else {"created_at": answer.created}
        output = encode_output(candidate.parts, dropped, same=True, ids=None)
        kept = finish_of(answer.form, candidate.parts) == candidate.finish
        return answer.form | known | {"output": output} | answer.rest | ({} if kept else ending)
    dropped.rest(answer, same=False)
    dropped.rest(candidate, same=False)
    if candidate.stop_text is not None:
        dropped.add("stop_sequence")
    ids = Ids.of(answer.id)
    out = opening(request, ids, answer.model, answer.created) | usage | ending
    out |= foreign_tier(answer.service_tier, dropped)
    custom = custom_tools(request)
    out["output"] = encode_output([as_custom(part, custom) for part in candidate.parts], dropped, same=False, ids=ids)
    if ending["status"] == "incomplete" and out["output"] and out["output"][-1]["type"] == "message":
        out["output"][-1]["status"] = "incomplete"
    return out


def opening(request: Request, ids: Ids, model: str, created: int | None) -> Wire:
    """A response object of which nothing is said yet, with every field that OpenAI's SDK requires."""
    ignored = Dropped()
    own = request.dialect == NAME
    asked = encode_options(request, ignored) if own else {}
    first = encode_request(Request(dialect=NAME, model=model, messages=request.messages[:1]), model, ignored)
    echo = _ECHO | {name: asked[name] for name in _ECHO if asked.get(name) is not None}
    return {
        "id": ids.answer,
        "object": "response",
        "created_at": created or 0,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "store": False,
        "usage": None,
    } | (echo | ({"instructions": first.get("instructions")} if own else {}))


def end(finish: Finish | None, parts: Sequence[Part]) -> Wire:
    """`status` and `incomplete_details` of an answer that ended."""
    if finish == "refusal" and not any(isinstance(part, Refusal) for part in parts):
        finish = "content_filter"  # nothing in the answer would tell
    reason = None if finish is None else _REASONS.get(finish)
    status = "in_progress" if finish is None else "completed" if reason is None else "incomplete"
    return {"status": status, "incomplete_details": None if reason is None else {"reason": reason}}


def finish_of(response: Wire, parts: Sequence[Part]) -> Finish | None:
    """Why an answer ended; None while it has not.

    Args:
        response: the wire's, with `status` and `incomplete_details`.
        parts: what was said.
    """
    status = response.get("status", "completed")
    if status in ("in_progress", "queued"):
        return None
    if status != "completed":
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return _INCOMPLETE.get(reason, "other") if isinstance(reason, str) else "other"
    if any(isinstance(part, ToolCall) for part in parts):
        return "tool_calls"
    return "refusal" if any(isinstance(part, Refusal) for part in parts) else "stop"


def encode_output(parts: Sequence[Part], dropped: Dropped, *, same: bool, ids: Ids | None) -> list[Wire]:
    """The items of an answer; without `ids` those of the wire it came from."""
    output: list[Wire] = []
    message: Wire | None = None
    for part in parts:
        if stands_alone(part, assistant=True):
            message = None
            items = encode_alone(part, dropped, same=same, answer=True)
            output += items if ids is None else [dress(item, ids) for item in items]
            continue
        if message is None or (same and "item" in part.form):
            fields = part.form.get("item") if same else None
            message = {**fields} if fields else open_message(ids)
            message["content"] = []
            output.append(message)
        content = encode_content(part, dropped, same=same)
        if content is not None:
            message["content"].append(content)
    return output


def encode_content(part: Part, dropped: Dropped, *, same: bool) -> Wire | None:
    """A content part of a message of an answer, with every field that OpenAI's SDK requires."""
    wire = encode_part(part, dropped, same=same, assistant=True)
    if same or wire is None or not isinstance(part, Text):
        return wire
    cited = (encode_annotation(one, len(part.text), dropped) for one in part.citations)
    annotations = [one for one in cited if one is not None]
    return {**wire, "annotations": annotations, "logprobs": encode_scores(part.scores)}


def open_message(ids: Ids | None) -> Wire:
    """A message item whose content follows."""
    made_up = {} if ids is None else {"id": ids.item("message")}
    return {**made_up, "type": "message", "role": "assistant", "status": "completed", "content": []}


def dress(item: Wire, ids: Ids) -> Wire:
    """An item of another dialect's answer, with id and status."""
    return {"id": ids.item(item["type"]), "status": "completed", **item}


def problem_of(error: Any) -> tuple[str, str]:
    """Message and code of an error object; providers leave out one, or write a string."""
    if not isinstance(error, dict):
        return (error if isinstance(error, str) else "no reason given"), ""
    message, code = error.get("message"), error.get("code") or error.get("type")
    return (message if isinstance(message, str) else "no reason given"), (code if isinstance(code, str) else "")
