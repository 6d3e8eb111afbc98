"""A request: `generateContent` and `streamGenerateContent`.

Gemini API reference, "Generating content" (https://ai.google.dev/api/generate-content); Vertex AI's differs in fields
that only stand in `rest`. The model and whether to stream are in the URL, not in the body.
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Dropped, Message, Part, Request, Role, Text, ToolResult
from gatewright.dialects.generate_content.calls import CallIds, names
from gatewright.dialects.generate_content.config import decode_config, encode_config, modern
from gatewright.dialects.generate_content.fields import Fields, restored
from gatewright.dialects.generate_content.parts import Target, decode_part, encode_parts
from gatewright.dialects.generate_content.tiers import from_google, to_google
from gatewright.dialects.generate_content.tools import decode_choice, decode_tools, encode_choice, encode_tools
from gatewright.errors import ClientError

NAME = "generate_content"
_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "tool"}
_WIRE = {"user": "user", "tool": "user", "assistant": "model"}


def decode_request(body: Mapping[str, Any]) -> Request:
    """A request in this dialect.

    Raises:
        ClientError: when it is not what the API says; names the field.
    """
    fields = Fields(body, "", ClientError)
    request = Request(dialect=NAME, model="")
    if isinstance(model := fields.peek("model"), str):
        fields.get("model", str)
        fields.form["named"] = True
        request.model = model
    ids = CallIds("")
    request.messages = _system(fields, ids)
    if not fields.has("contents"):
        raise fields.wrong("contents", "a list")
    request.messages += [_message(content, ids) for content in fields.objects("contents")]
    own_tools = decode_tools(fields, request)
    request.choice = decode_choice(fields)
    decode_config(fields, request)
    if tier := fields.label("serviceTier"):
        request.service_tier = from_google(tier)
    request.rest, request.form = fields.rest() | own_tools, fields.form
    return request


def _system(fields: Fields, ids: CallIds) -> list[Message]:
    inner = fields.within("systemInstruction")
    if inner is None:
        return []
    parts = _parts(inner, ids)
    if role := inner.label("role"):
        inner.keep("role", role)
    return [Message(role="system", parts=parts)]


def _message(fields: Fields, ids: CallIds) -> Message:
    parts = _parts(fields, ids)
    fields.absent("role")
    given = fields.get("role", str)
    role = _ROLES.get(given or "user")
    if role is None:
        raise fields.wrong("role", "user, model or function")
    if given is not None and given != _WIRE[role]:
        fields.keep("role", given)
    if role != "assistant":
        only_results = bool(parts) and all(isinstance(part, ToolResult) for part in parts)
        role = "tool" if only_results else "user"
    return Message(role=role, parts=parts, rest=fields.rest(), form=fields.form)


def _parts(fields: Fields, ids: CallIds) -> list[Part]:
    fields.absent("parts")
    return [part for inner in fields.objects("parts") for part in decode_part(inner, ids)]


def encode_request(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    """A request for a model.

    System prompts become `systemInstruction`, wherever they stand in the conversation: Gemini has no other place for
    them. Turns of one role that follow each other become one, as Gemini wants all results of a turn's calls together.

    Args:
        request: in any dialect.
        model: the target's name of the model; what some fields are depends on it.
        dropped: takes the names of what cannot be said.

    Raises:
        ClientError: when a tool result answers no call.
    """
    same = request.dialect == NAME
    target = Target(same, dropped, modern(model), names(request.messages))
    rest = dropped.rest(request, same=same)
    system = [message for message in request.messages if message.role in ("system", "developer")]
    others = [message for message in request.messages if message.role not in ("system", "developer")]
    body: dict[str, Any] = {"model": model} if same and "named" in request.form else {}
    if not same:
        for message in request.messages:
            dropped.rest(message, same=False)
        # Gemini answers nothing without a content.
        system, others = (system, others) if others else ([], system)
    body["contents"] = _own_contents(others, target) if same else _contents(others, target)
    if system:
        parts = [part for message in system for part in encode_parts(message.parts, target)]
        body["systemInstruction"] = {"parts": parts}
    if tools := encode_tools(request, dropped, same=same):
        body["tools"] = tools
    if choice := encode_choice(request, dropped, same=same):
        body["toolConfig"] = choice
    if config := encode_config(request, model, dropped, same=same):
        body["generationConfig"] = config
    if tier := _tier(request, dropped, same=same):
        body["serviceTier"] = tier
    if not same:
        dropped.update(["user"] if request.user else [])
        return body
    return restored(body, request.form, {name: value for name, value in rest.items() if not name.startswith("tools.")})


def _own_contents(messages: list[Message], target: Target) -> list[dict[str, Any]]:
    contents = []
    for message in messages:
        body = {"parts": encode_parts(message.parts, target), "role": _WIRE[message.role]}
        if not body["parts"] and "parts" in message.form:
            del body["parts"]
        contents.append(restored(body, {**message.form, "parts": "parts"}, message.rest))
    return contents


def _contents(messages: list[Message], target: Target) -> list[dict[str, Any]]:
    turns: list[tuple[str, list[Part]]] = []
    for message in messages:
        role = _WIRE.get(message.role, "user")
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(message.parts)
        else:
            turns.append((role, list(message.parts)))
    contents = []
    for role, parts in turns:
        # Results first: Gemini looks for them right after the calls.
        parts.sort(key=lambda part: not isinstance(part, ToolResult))
        texts = [part for part in parts if isinstance(part, Text)]  # what stands beside them is an answer's alone
        target.dropped.update(["citations"] if any(text.citations for text in texts) else [])
        target.dropped.update(["logprobs"] if any(text.scores for text in texts) else [])
        if written := encode_parts(parts, target):
            contents.append({"role": role, "parts": written})
    return contents or [{"role": "user", "parts": [{"text": " "}]}]


def _tier(request: Request, dropped: Dropped, *, same: bool) -> str | None:
    tier = request.service_tier
    if tier is None or (tier == "auto" and not same):
        return None
    wire = to_google(tier)
    if wire is None and not same:
        dropped.add("service_tier")
    return wire or (tier if same else None)
