"""Requests: `POST /v1/responses`.

Shapes: OpenAI API reference, "Create a model response"
(https://platform.openai.com/docs/api-reference/responses/create).
"""

from collections.abc import Mapping
from typing import Any, cast, get_args

from gatewright.dialects.conversation import Dropped, Effort, Message, Native, OutputFormat, Request, Text
from gatewright.dialects.fields import Fields
from gatewright.dialects.responses.content import Wire
from gatewright.dialects.responses.items import decode_input, encode_messages
from gatewright.dialects.responses.tools import decode_tools, encode_tools, hosted
from gatewright.dialects.responses.wire import NAME, picked
from gatewright.errors import ClientError

# The wire's name, ours, and what it is.
_FIELDS: tuple[tuple[str, str, type], ...] = (
    ("max_output_tokens", "max_tokens", int),
    ("temperature", "temperature", float),
    ("top_p", "top_p", float),
    ("top_logprobs", "top_logprobs", int),
    ("service_tier", "service_tier", str),
    ("user", "user", str),
    ("stream", "stream", bool),
)
_NESTED = ("reasoning", "text")  # objects of which we know a part; the others are `rest["reasoning.summary"]`, …

# Values that ask for what happens anyway, so that no other dialect loses them.
_DEFAULTS: Wire = {"store": False, "background": False, "truncation": "disabled"}
_LOGPROBS = "message.output_text.logprobs"
_INCLUDED = frozenset({_LOGPROBS, "reasoning.encrypted_content"})

# Fields whose meaning the provider holds, and the values that do not use it.
_STATEFUL = ("previous_response_id", "conversation", "prompt", "store", "background")

# Parameters this API does not have, by the name most clients know them by.
_MISSING = {
    "stop": "stop",
    "seed": "seed",
    "top_k": "top_k",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
_FEWEST_TOKENS = 16
# OpenAI's tiers, and Anthropic's words for one of them.
_TIERS = {name: name for name in ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")} | {
    "standard": "default",
    "standard_only": "default",
}
# The most tokens of thought that still count as an effort; OpenAI's effort is a word only.
_EFFORT_TOKENS: tuple[tuple[int, Effort], ...] = ((0, "none"), (2048, "low"), (12288, "medium"))


def decode_request(body: Mapping[str, Any]) -> Request:
    """A client's request.

    Raises:
        ClientError: when a field has the wrong shape, naming it.
    """
    # A stored prompt may name the model.
    fields = Fields(body, "", ClientError)
    request = Request(dialect=NAME, model=fields.get("model", str) or "")
    for name, field, kind in _FIELDS:
        setattr(request, field, fields.get(name, kind))
    _decode_messages(request, fields)
    decode_tools(request, fields)
    _decode_reasoning(request, fields)
    _decode_text(request, fields)
    include = fields.peek("include")
    if isinstance(include, list):
        request.logprobs = True if _LOGPROBS in include else None
        if all(isinstance(name, str) and name in _INCLUDED for name in include):
            request.form["include"] = fields.pop("include")
    for name, value in fields.left.items():
        if name == "model":
            continue  # the target's takes its place, whatever it was
        place = request.form if name in _DEFAULTS and value == _DEFAULTS[name] else request.rest
        place[name] = value
    return request


def encode_request(request: Request, model: str, dropped: Dropped) -> Wire:
    """A request for a provider.

    Args:
        request: the request, of any dialect.
        model: the provider's name of the model.
        dropped: takes the names of what this API cannot express.
    """
    same = request.dialect == NAME
    instructions, messages = _split(request.messages) if same else (None, request.messages)
    items = encode_messages(messages, dropped, same=same)
    out: Wire = {"model": model} if model else {}
    if instructions is not None:
        out["instructions"] = instructions
    kind = request.form.get("input") if same else None
    if kind == "text" and len(items) == 1 and isinstance(items[0].get("content"), str):
        out["input"] = items[0]["content"]
    elif kind != "absent" or items:
        out["input"] = items
    return out | encode_options(request, dropped)


def encode_options(request: Request, dropped: Dropped) -> Wire:
    """All of a request but its model and messages."""
    same = request.dialect == NAME
    out = {name: value for name, field, _ in _FIELDS if (value := getattr(request, field)) is not None}
    out |= encode_tools(request, dropped, same=same)
    if same:
        reasoning = {} if request.effort is None else {"effort": request.effort}
        formats = request.form.get("text", {}) | _encode_format(request.output, dropped, same=True)
        out |= {name: value for name, value in (("reasoning", reasoning), ("text", formats)) if value}
        for name, value in (request.rest | picked(request.form, (*_DEFAULTS, "include"))).items():
            parent, dot, child = name.partition(".")
            if dot and parent in _NESTED:
                out[parent] = {**out.get(parent, {}), child: value}
            elif not hosted(name) and (value is not None or name not in out):
                out[name] = value
        return out
    dropped.rest(request, same=False)
    out |= foreign_tier(out.pop("service_tier", None), dropped)
    return out | _foreign_options(request, out, dropped)


def foreign_tier(tier: str | None, dropped: Dropped) -> Wire:
    """`service_tier` for what another dialect calls a tier."""
    if tier is not None and tier not in _TIERS:
        dropped.add("service_tier")
    return {"service_tier": _TIERS[tier]} if tier in _TIERS else {}


def stateful(request: Request) -> str | None:
    """The field that makes a request impossible for a target of another dialect; None when there is none.

    Only the provider that holds the conversation, the stored prompt or the item can serve such a request, and only one
    that stores answers can be asked to.
    """
    if request.dialect != NAME:
        return None
    for name in _STATEFUL:
        if request.rest.get(name) not in (None, False):
            return name
    natives = (part for message in request.messages for part in message.parts if isinstance(part, Native))
    if any(part.rest.get("type", "item_reference") in ("item_reference", None) for part in natives):
        return "input (item_reference)"
    return None


def _decode_messages(request: Request, body: Fields) -> None:
    instructions = body.get("instructions", str)
    if instructions is not None:
        # Instructions stand before the conversation.
        first = Message(role="system", parts=[Text(text=instructions)], bare=True, form={"instructions": True})
        request.messages.append(first)
    if isinstance(body.peek("input"), str):
        request.form["input"] = "text"
        request.messages.append(Message(role="user", parts=[Text(text=body.need("input", str))], bare=True))
    elif body.has("input"):
        request.messages += decode_input(body.need("input", list), body.fault)
    else:
        request.form["input"] = "absent"


def _split(messages: list[Message]) -> tuple[str | None, list[Message]]:
    """The instructions, and the messages after them."""
    if messages and "instructions" in messages[0].form:
        return "".join(part.text for part in messages[0].parts if isinstance(part, Text)), messages[1:]
    return None, messages


def _decode_reasoning(request: Request, body: Fields) -> None:
    """Take `reasoning`; an empty one says nothing and is left."""
    reasoning = None if body.peek("reasoning") == {} else body.within("reasoning")
    if reasoning is None:
        return
    effort = reasoning.get("effort", str)
    if effort in get_args(Effort):
        request.effort = cast("Effort", effort)
    elif effort is not None:
        reasoning.left["effort"] = effort
    request.rest |= {f"reasoning.{name}": value for name, value in reasoning.left.items()}


def _decode_text(request: Request, body: Fields) -> None:
    """Take `text`; an empty one says nothing and is left."""
    settings = None if body.peek("text") == {} else body.within("text")
    if settings is None:
        return
    given = settings.peek("format")
    shape = Fields(given or {}, settings.path("format"), body.fault)
    kind = shape.need("type", str) if given else None
    if kind in ("json_schema", "json_object"):
        settings.pop("format")
        request.output = OutputFormat(
            schema=shape.get("schema", dict) if kind == "json_schema" else None,
            name=shape.get("name", str),
            strict=shape.get("strict", bool),
            rest=shape.left,
            form={"type": kind},
        )
    elif kind == "text":
        request.form["text"] = {"format": settings.pop("format")}
    request.rest |= {f"text.{name}": value for name, value in settings.left.items()}


def _encode_format(output: OutputFormat | None, dropped: Dropped, *, same: bool) -> Wire:
    if output is None:
        return {}
    rest = dropped.rest(output, same=same)
    if (output.form.get("type") if same else None) == "json_object" or (output.schema is None and not same):
        return {"format": {"type": "json_object", **rest}}
    said = {"name": output.name, "schema": output.schema, "strict": output.strict}
    shape = {name: value for name, value in said.items() if value is not None}
    return {"format": ({} if same else {"name": "response"}) | {"type": "json_schema"} | shape | rest}


def _foreign_options(request: Request, said: Wire, dropped: Dropped) -> Wire:
    """What a request of another dialect says in words of this one."""
    out: Wire = {"store": False}  # storing is the default here, and no other dialect asks for it
    dropped.update(name for field, name in _MISSING.items() if getattr(request, field) not in (None, []))
    if (request.candidates or 1) > 1:
        dropped.add("n")
    tokens = said.get("max_output_tokens")
    if tokens is not None and tokens < _FEWEST_TOKENS:
        dropped.add("max_tokens")
        out["max_output_tokens"] = _FEWEST_TOKENS
    effort = request.effort
    if effort is None and request.thinking_tokens is not None:
        budget = request.thinking_tokens
        # Gemini's -1 leaves it to the model.
        effort = next((word for most, word in _EFFORT_TOKENS if budget <= most), "high") if budget >= 0 else None
    if effort is not None:
        out["reasoning"] = {"effort": effort}
    if request.output is not None:
        out["text"] = _encode_format(request.output, dropped, same=False)
    if request.logprobs:
        out["include"] = [_LOGPROBS]
    return out
