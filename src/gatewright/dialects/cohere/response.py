"""Answers of Cohere's v2 chat API (https://docs.cohere.com/reference/chat), in both directions."""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.cohere.citations import decode_score, encode_citations, encode_score
from gatewright.dialects.cohere.finish import decode_finish, encode_finish
from gatewright.dialects.cohere.parts import content_of, decode_spoken, encode_block, encode_call
from gatewright.dialects.cohere.spoken import encode_own
from gatewright.dialects.cohere.usage import decode_usage, encode_usage
from gatewright.dialects.cohere.wire import NAME, providers
from gatewright.dialects.conversation import Answer, Candidate, Dropped, Part, Request, Text, ToolCall
from gatewright.dialects.fields import Fields


def decode_answer(body: Mapping[str, Any]) -> Answer:
    """A provider's body to an answer; this API does not say which model answered.

    Raises:
        UpstreamProtocolError: when it is not an answer of this API.
    """
    try:
        return _answer(Fields(body, "", providers))
    except RecursionError:
        raise providers("it is nested too deeply.") from None


def _answer(fields: Fields) -> Answer:
    message = fields.inner("message")
    message.pop("role")
    parts, bare = decode_spoken(message)
    found, usage = fields.get("finish_reason", str), fields.get("usage", dict)
    candidate = Candidate(parts=parts, rest=message.left, form={"bare": bare})
    if found is not None:
        candidate.finish = decode_finish(found)
        candidate.form["finish_reason"] = found
    text = next((part for part in parts if isinstance(part, Text)), None)
    if text is not None:
        text.scores = [decode_score(one) for one in fields.objects("logprobs")]
    return Answer(
        dialect=NAME,
        id=fields.get("id", str) or "",
        candidates=[candidate],
        usage=None if usage is None else decode_usage(usage),
        rest=fields.left,
    )


def encode_answer(answer: Answer, request: Request, dropped: Dropped) -> dict[str, Any]:
    """An answer to a client's body.

    Args:
        answer: of any dialect; of several candidates the first is shown.
        request: what the client asked; it knows the ids of the documents that are cited.
        dropped: told what this API cannot express.
    """
    same = answer.dialect == NAME
    shown = answer.candidates[0] if answer.candidates else Candidate()
    body: dict[str, Any] = {"id": answer.id, **dropped.rest(answer, same=same)}
    if same:
        body["message"] = encode_own(shown.parts, shown.form.get("bare", False), shown.rest, dropped)
    else:
        dropped.rest(shown, same=False)
        body["message"] = _message(shown.parts, request, dropped)
        _note(answer, shown, dropped)
    called = any(isinstance(part, ToolCall) for part in shown.parts)
    own = shown.form.get("finish_reason") if same else None
    if not (same and shown.finish is None):
        body["finish_reason"] = own or encode_finish(shown.finish, called=called)
    if answer.usage is not None:
        body["usage"] = encode_usage(answer.usage, same=same, dropped=dropped)
    scores = [score for part in shown.parts if isinstance(part, Text) for score in part.scores]
    if scores:
        body["logprobs"] = [encode_score([score]) for score in scores]
    return body


def _note(answer: Answer, shown: Candidate, dropped: Dropped) -> None:
    """Name what this API has no word for."""
    told = {
        "choices": len(answer.candidates) > 1,
        "service_tier": answer.service_tier not in (None, "default"),
        "stop_sequence": shown.stop_text is not None,
        "top_logprobs": any(score.top for part in shown.parts if isinstance(part, Text) for score in part.scores),
    }
    dropped.update(name for name, lost in told.items() if lost)


def _message(parts: list[Part], request: Request, dropped: Dropped) -> dict[str, Any]:
    content: list[Part] = []
    blocks: list[dict[str, Any]] = []
    for part in content_of(parts, same=False):
        block = encode_block(part, same=False, dropped=dropped)
        if block is not None and block["type"] != "image_url":
            content.append(part)
            blocks.append(block)
        elif block is not None:
            dropped.add("image")  # an answer of this API shows none
    made: dict[str, Any] = {"role": "assistant", "content": blocks}
    calls = [encode_call(part, same=False, dropped=dropped) for part in parts if isinstance(part, ToolCall)]
    citations = encode_citations(content, request)
    if calls:
        made["tool_calls"] = calls
    if citations:
        made["citations"] = citations
    return made
