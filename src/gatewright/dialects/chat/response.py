"""Whole answers.

Shape: OpenAI API reference, "The chat completion object"
(https://platform.openai.com/docs/api-reference/chat/object).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from gatewright.dialects.chat.annotations import decode_annotation, encode_annotations
from gatewright.dialects.chat.finish import decode_finish, encode_finish
from gatewright.dialects.chat.media import decode_image, encode_media
from gatewright.dialects.chat.nested import closed, opened, restored
from gatewright.dialects.chat.parts import (
    decode_call,
    decode_content,
    decode_legacy_call,
    decode_thoughts,
    encode_calls,
    encode_content,
    encode_legacy_call,
    encode_thoughts,
    only_text,
)
from gatewright.dialects.chat.request import NAME
from gatewright.dialects.chat.tiers import fitting_tier
from gatewright.dialects.chat.usage import decode_usage, encode_usage
from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Dropped,
    Media,
    Native,
    Part,
    Reasoning,
    Refusal,
    Request,
    Rest,
    Text,
    ToolCall,
)
from gatewright.dialects.fields import Fields, provider_fault, to_text
from gatewright.dialects.freetext import as_custom, custom_tools
from gatewright.dialects.logprobs import decode_scores, encode_scores

_OBJECT = "chat.completion"

providers = provider_fault("the Chat Completions API")
"""Makes the error of an answer."""


def decode_answer(body: Mapping[str, Any]) -> Answer:
    """A provider's body as an answer.

    Raises:
        UpstreamProtocolError: when it is not one.
    """
    found = Fields(body, "", providers)
    answer = Answer(dialect=NAME, rest=found.left)
    answer.form = {key: found.left.get(key, msgspec.UNSET) for key in ("id", "model") if not found.left.get(key)}
    answer.id = found.get("id", str) or ""
    answer.model = found.get("model", str) or ""
    answer.created = found.get("created", int)
    if found.left.get("service_tier"):
        answer.service_tier = found.get("service_tier", str)
    if found.left.get("object") == _OBJECT:
        del found.left["object"]
    else:
        answer.form["object"] = found.left.pop("object", msgspec.UNSET)
    if not (isinstance(choices := found.left.get("choices"), list) and choices):
        raise found.wrong("choices", "a list of at least one")
    answer.candidates = [_decode_choice(one, answer) for one in found.objects("choices")]
    usage = found.get("usage", dict)
    if usage is not None:
        answer.usage = decode_usage(usage)
    return answer


def _decode_choice(found: Fields, answer: Answer) -> Candidate:
    message = opened(found, "message")
    if message is None:
        raise found.wrong("message", "an object")
    candidate = Candidate(rest=found.left)
    form = candidate.form
    form["index"] = found.left.pop("index", msgspec.UNSET)
    form["role"] = message.left.pop("role", msgspec.UNSET)
    thoughts = decode_thoughts(message, form)
    content = _decode_content(message, candidate)
    _decode_beside(found, message, content, form)
    refusal = message.left.get("refusal")
    if isinstance(refusal, str) and refusal:
        content.append(Refusal(text=message.need("refusal", str), form={"as": "refusal"}))
    made_id = f"call_{answer.id}_{form['index'] or 0}"
    calls = [decode_call(one, f"{made_id}_{at}") for at, one in enumerate(message.objects("tool_calls"))]
    legacy = decode_legacy_call(message, made_id)
    candidate.parts = [*thoughts, *content, *_decode_media(message), *calls, *([] if legacy is None else [legacy])]
    _decode_finish(found, candidate)
    closed(found, "message", message)
    return candidate


def _decode_beside(choice: Fields, message: Fields, content: list[Part], form: Rest) -> None:
    """Take what the text cites, and how likely its tokens were, if the content is one text."""
    texts = [part for part in content if isinstance(part, Text)]
    if len(texts) != 1:
        return
    texts[0].citations = [decode_annotation(one) for one in message.items("annotations")]
    logprobs = choice.left.get("logprobs")
    if isinstance(logprobs, dict) and (scores := decode_scores(logprobs.get("content"))):
        texts[0].scores = scores
        form["logprobs"] = choice.left.pop("logprobs")
        if refusal := logprobs.get("refusal"):
            choice.left["logprobs.refusal"] = refusal


def _decode_content(message: Fields, candidate: Candidate) -> list[Part]:
    value = message.left.get("content")
    if isinstance(value, dict) and value:
        # Cloudflare gives an answer in JSON as JSON.
        candidate.form["content"] = message.left.pop("content")
        return [Text(text=to_text(value))]
    parts, bare = decode_content(message)
    candidate.form["bare"] = bare
    return parts


def _decode_media(message: Fields) -> list[Part]:
    """Take what an answer has besides text: images as OpenRouter writes them, and OpenAI's sound."""
    media: list[Part] = [decode_image(one) for one in message.objects("images")]
    audio = message.left.get("audio")
    if isinstance(audio, dict) and audio.get("data"):
        inner = Fields(message.left.pop("audio"), message.path("audio"), message.fault)
        media.append(Media(kind="audio", data=inner.need("data", str), rest=inner.left, form={"as": "audio"}))
    return media


def _decode_finish(found: Fields, candidate: Candidate) -> None:
    candidate.form["finish_reason"] = found.left.get("finish_reason", msgspec.UNSET)
    wire = found.get("finish_reason", str)
    found.left.pop("finish_reason", None)
    candidate.finish = decode_finish(wire or "", called=any(isinstance(part, ToolCall) for part in candidate.parts))


def encode_answer(answer: Answer, request: Request, dropped: Dropped) -> dict[str, Any]:
    """An answer as a client's body.

    Args:
        answer: of any dialect.
        request: what the client asked.
        dropped: gets the fields that this API has no place for.
    """
    same = answer.dialect == NAME
    made: dict[str, Any] = {"id": answer.id, "object": _OBJECT, "model": answer.model}
    if answer.created is not None or not same:
        made["created"] = answer.created or 0
    if same:
        made["choices"] = [_encode_same(candidate, dropped) for candidate in answer.candidates]
    else:
        legacy, custom = wants_functions(request), custom_tools(request)
        made["choices"] = [
            _encode_candidate(_with_custom(candidate, custom), index, legacy, dropped)
            for index, candidate in enumerate(answer.candidates)
        ]
    tier = answer.service_tier if same else fitting_tier(answer.service_tier, dropped)
    if tier is not None:
        made["service_tier"] = tier
    if answer.usage is not None:
        made["usage"] = encode_usage(answer.usage, same=same)
        dropped.rest(answer.usage, same=same)
    whole = restored(made, dropped.rest(answer, same=same))
    return _said(whole | answer.form if same else whole)


def _said(made: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in made.items() if value is not msgspec.UNSET}


def wants_functions(request: Request) -> bool:
    """Whether a client asked in the form before tools, and so reads calls in it alone."""
    return any(tool.form.get("as") == "functions" for tool in request.tools)


def _with_custom(candidate: Candidate, names: frozenset[str]) -> Candidate:
    return replace(candidate, parts=[as_custom(part, names) for part in candidate.parts]) if names else candidate


def _encode_candidate(candidate: Candidate, index: int, legacy: bool, dropped: Dropped) -> dict[str, Any]:
    """A choice made of another dialect's candidate."""
    dropped.rest(candidate, same=False)
    for part in candidate.parts:
        if isinstance(part, Native):
            dropped.native(part)
        elif isinstance(part, Text | Refusal | Reasoning):
            dropped.rest(part, same=False)
    spoken = any(isinstance(part, Text) for part in candidate.parts)
    refusals = [part.text for part in candidate.parts if isinstance(part, Refusal)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": only_text(candidate.parts) if spoken else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    message |= encode_thoughts(candidate.parts, same=False)
    if annotations := encode_annotations(candidate.parts, same=False, dropped=dropped):
        message["annotations"] = annotations
    message |= _encode_media([part for part in candidate.parts if isinstance(part, Media)], dropped)
    calls = encode_calls(candidate.parts, same=False, dropped=dropped)
    if calls and legacy:
        message["function_call"] = calls[0].get("function")
    elif calls:
        message["tool_calls"] = calls
    finish = encode_finish(candidate.finish or "stop", legacy=legacy)
    scores = [score for part in candidate.parts if isinstance(part, Text) for score in part.scores]
    logprobs = {"content": encode_scores(scores), "refusal": None} if scores else None
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish}


def _encode_media(media: list[Media], dropped: Dropped) -> dict[str, Any]:
    """The fields of a message that hold images and sound."""
    made: dict[str, Any] = {}
    for part in media:
        if part.kind == "image":
            made.setdefault("images", []).append(encode_media(part, False, dropped))
        elif part.kind == "audio" and part.data is not None and "audio" not in made:
            made["audio"] = {"id": "", "expires_at": 0, "data": part.data, "transcript": ""}
        else:
            dropped.add(part.kind)
    return made


def _put_beside(message: dict[str, Any], part: Part, dropped: Dropped) -> None:
    """Put a part into the field of a message that it came in, if that is one of its own."""
    if isinstance(part, Refusal) and part.form.get("as") == "refusal":
        message["refusal"] = part.text
    elif isinstance(part, ToolCall) and part.form.get("as") == "function_call":
        message["function_call"] = encode_legacy_call(part)
    elif isinstance(part, Media) and part.form.get("as") == "audio":
        message["audio"] = {**part.rest, "data": part.data}
    elif isinstance(part, Media) and "images" in part.form:
        message.setdefault("images", []).append(encode_media(part, True, dropped))


def _encode_same(candidate: Candidate, dropped: Dropped) -> dict[str, Any]:
    """A choice as its provider wrote it."""
    form = candidate.form
    message: dict[str, Any] = {"role": form.get("role", "assistant")}
    content = encode_content(candidate.parts, same=True, dropped=dropped)
    if "content" in form:
        message["content"] = form["content"]
    elif form.get("bare"):
        message["content"] = only_text(candidate.parts)
    elif content:
        message["content"] = content
    message |= encode_thoughts(candidate.parts, same=True)
    message |= {key: form[key] for key in ("reasoning", "reasoning_content") if key in form}
    for part in candidate.parts:
        _put_beside(message, part, dropped)
    if calls := encode_calls(candidate.parts, same=True, dropped=dropped):
        message["tool_calls"] = calls
    if annotations := encode_annotations(candidate.parts, same=True, dropped=dropped):
        message["annotations"] = annotations
    made: dict[str, Any] = {"index": form.get("index", 0), "message": _said(message)}
    made["finish_reason"] = form.get("finish_reason", encode_finish(candidate.finish or "stop", legacy=False))
    if "logprobs" in form:
        made["logprobs"] = form["logprobs"]
    return restored(_said(made), candidate.rest, "message", "logprobs")
