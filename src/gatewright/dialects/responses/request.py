"""Requests: `POST /v1/responses`.

Shapes: OpenAI API reference, "Create a model response"
(https://platform.openai.com/docs/api-reference/responses/create).
"""

from collections.abc import Mapping
from typing import Any, get_args

from gatewright.dialects.conversation import Dropped, Effort, Message, Native, OutputFormat, Request, Text
from gatewright.dialects.responses.content import Wire
from gatewright.dialects.responses.items import decode_input, encode_messages
from gatewright.dialects.responses.tools import decode_tools, encode_tools, hosted
from gatewright.dialects.responses.wire import NAME, mapping, optional, others, picked, text

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
_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
_NESTED = ("reasoning", "text")  # objects of which we know a part; the others are `rest["reasoning.summary"]`, …
_KNOWN = frozenset({"model", "instructions", "input", "include", *_TOOLS, *_NESTED, *(name for name, _, _ in _FIELDS)})

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
    request = Request(dialect=NAME, model=optional(body, "model", str) or "")
    for name, value in others(body, _KNOWN).items():
        if name == "model":
            continue  # the target's takes its place, whatever it was
        place = request.form if name in _DEFAULTS and value == _DEFAULTS[name] else request.rest
        place[name] = value
    for name, field, kind in _FIELDS:
        setattr(request, field, optional(body, name, kind))
    _decode_messages(request, body)
    decode_tools(request, body)
    _decode_reasoning(request, body.get("reasoning"))
    _decode_text(request, body.get("text"))
    include = body.get("include")
    if include is not None:
        known = isinstance(include, list) and all(isinstance(name, str) and name in _INCLUDED for name in include)
        (request.form if known else request.rest)["include"] = include
        request.logprobs = True if isinstance(include, list) and _LOGPROBS in include else None
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


def _decode_messages(request: Request, body: Mapping[str, Any]) -> None:
    instructions = optional(body, "instructions", str)
    if instructions is not None:
        # Instructions stand before the conversation.
        first = Message(role="system", parts=[Text(text=instructions)], bare=True, form={"instructions": True})
        request.messages.append(first)
    entries = body.get("input")
    if isinstance(entries, str):
        request.form["input"] = "text"
        request.messages.append(Message(role="user", parts=[Text(text=entries)], bare=True))
    elif entries is None:
        request.form["input"] = "absent"
    else:
        request.messages += decode_input(entries, "input")


def _split(messages: list[Message]) -> tuple[str | None, list[Message]]:
    """The instructions, and the messages after them."""
    if messages and "instructions" in messages[0].form:
        return "".join(part.text for part in messages[0].parts if isinstance(part, Text)), messages[1:]
    return None, messages


def _decode_reasoning(request: Request, value: Any) -> None:
    if value is None:
        return
    reasoning = mapping(value, "reasoning")
    effort = optional(reasoning, "effort", str, "reasoning.")
    known = effort in get_args(Effort)
    if known:
        request.effort = effort
    rest = others(reasoning, ("effort",) if known else ())
    request.rest |= {f"reasoning.{name}": value for name, value in rest.items()} if reasoning else {"reasoning": {}}


def _decode_text(request: Request, value: Any) -> None:
    if value is None:
        return
    settings = mapping(value, "text")
    shape = mapping(settings.get("format") or {}, "text.format")
    kind = text(shape, "type", "text.format.") if shape else None
    rest = others(settings, ("format",))
    if kind in ("json_schema", "json_object"):
        schema = shape.get("schema") if kind == "json_schema" else None
        request.output = OutputFormat(
            schema=None if schema is None else mapping(schema, "text.format.schema"),
            name=optional(shape, "name", str, "text.format."),
            strict=optional(shape, "strict", bool, "text.format."),
            rest=others(shape, ("type", "schema", "name", "strict")),
            form={"type": kind},
        )
    elif kind == "text":
        request.form["text"] = {"format": shape}
    elif "format" in settings:
        rest["format"] = settings["format"]
    request.rest |= {f"text.{name}": value for name, value in rest.items()} if settings else {"text": {}}


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
