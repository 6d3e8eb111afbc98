"""Requests.

Shape: OpenAI API reference, "Create chat completion"
(https://platform.openai.com/docs/api-reference/chat/create); `functions` and `function_call` are its form before
tools. Besides: `reasoning` of OpenRouter, `thinking.budget_tokens` of Databricks, `random_seed` and tool choice `any`
of Mistral, `top_k` of many.
"""

import re
from collections.abc import Mapping
from typing import Any, cast, get_args

from gatewright.dialects.chat.nested import closed, opened, restored
from gatewright.dialects.chat.parts import ThoughtField
from gatewright.dialects.chat.tiers import fitting_tier
from gatewright.dialects.chat.turns import decode_messages, encode_messages
from gatewright.dialects.conversation import Dropped, Effort, OutputFormat, Request, Tool, ToolChoice, ToolMode
from gatewright.dialects.fields import Fields
from gatewright.dialects.freetext import SCHEMA, custom_tools
from gatewright.errors import ClientError

NAME = "chat"

# Fields that are the model's own, by kind of value: (on the wire, in the model).
_NUMBERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
_INTEGERS = (("top_k", "top_k"), ("n", "candidates"), ("top_logprobs", "top_logprobs"))
_FLAGS = ("logprobs", "stream")

# First of the spellings that a wire has, and so the usual one.
_MAX_TOKENS = ("max_completion_tokens", "max_tokens")
_SEEDS = ("seed", "random_seed")

_EFFORTS: tuple[str, ...] = get_args(Effort)
_MODES: dict[str, ToolMode] = {"auto": "auto", "none": "none", "required": "required", "any": "required"}
# Effort for a budget: up to so many tokens. OpenAI's API knows no budget of thought.
_BUDGETS: tuple[tuple[int, Effort], ...] = ((0, "none"), (2048, "low"), (8192, "medium"))

# OpenAI's models that think refuse `max_tokens`; providers that copy its API may not know the newer name.
_NEWER = re.compile(r"(?:^|[/.])(?:o\d|gpt-[5-9])")

MAX_STOPS = 4
"""Stop texts that OpenAI's API takes."""


def decode_request(body: Mapping[str, Any]) -> Request:
    """A client's body as a request.

    Raises:
        ClientError: naming the field that is wrong.
    """
    found = Fields(body, "", ClientError)
    request = Request(dialect=NAME, model=found.get("model", str) or "", rest=found.left)
    request.messages = decode_messages(found)
    for name in _NUMBERS:
        setattr(request, name, found.get(name, float))
    for name, ours in _INTEGERS:
        setattr(request, ours, found.get(name, int))
    for name in _FLAGS:
        setattr(request, name, found.get(name, bool))
    request.user = found.get("user", str)
    request.service_tier = found.get("service_tier", str)
    request.max_tokens = _first_integer(found, _MAX_TOKENS, request)
    request.seed = _first_integer(found, _SEEDS, request)
    _decode_stop(found, request)
    _decode_tools(found, request)
    _decode_choice(found, request)
    _decode_output(found, request)
    _decode_effort(found, request)
    options = opened(found, "stream_options")
    if options is not None:
        request.stream_usage = options.get("include_usage", bool)
        closed(found, "stream_options", options)
    return request


def _first_integer(found: Fields, names: tuple[str, ...], request: Request) -> int | None:
    for name in names:
        value = found.get(name, int)
        if value is not None:
            request.form[names[0]] = name
            return value
    return None


def _decode_stop(found: Fields, request: Request) -> None:
    if isinstance(found.left.get("stop"), str):
        request.stop = [found.need("stop", str)]
        request.form["stop"] = "bare"
        return
    stops = found.items("stop")
    if not all(isinstance(stop, str) for stop in stops):
        raise found.wrong("stop", "a string or a list of strings")
    request.stop = stops or None


def _decode_tools(found: Fields, request: Request) -> None:
    for place, one in enumerate(found.objects("tools")):
        if one.left.get("type") == "custom" and isinstance(one.left.get("custom"), dict):
            request.tools.append(_decode_custom(one))
            continue
        if one.left.get("function") is None:
            # A tool of the provider's own, or one of free text. Its name tells where it stood.
            request.rest[f"tools[{place}]"] = one.left
            continue
        kind = one.left.pop("type", None)
        inner = one.inner("function")
        tool = _decode_tool(inner)
        tool.rest = one.left
        closed(one, "function", inner)
        if kind != "function":
            tool.form["type"] = kind
        request.tools.append(tool)
    for one in found.objects("functions"):
        tool = _decode_tool(one)
        tool.rest = one.left
        tool.form["as"] = "functions"
        request.tools.append(tool)


def _decode_tool(found: Fields) -> Tool:
    return Tool(
        name=found.need("name", str),
        description=found.get("description", str),
        schema=found.get("parameters", dict),
        strict=found.get("strict", bool),
    )


def _decode_custom(found: Fields) -> Tool:
    inner = found.inner("custom")
    del found.left["type"]
    tool = Tool(name=inner.need("name", str), description=inner.get("description", str), schema=SCHEMA, custom=True)
    shape = inner.left.get("format")
    if isinstance(shape, dict) and isinstance(shape.get("grammar"), dict):
        tool.grammar = shape["grammar"]
    if tool.grammar is not None or shape == {"type": "text"}:
        tool.form["format"] = inner.left.pop("format")
    tool.rest = found.left
    closed(found, "custom", inner)
    return tool


def _decode_choice(found: Fields, request: Request) -> None:
    parallel = found.get("parallel_tool_calls", bool)
    for key in ("tool_choice", "function_call"):
        choice = _read_choice(found, key)
        if choice is not None:
            choice.parallel = parallel
            choice.form["as"] = key
            request.choice = choice
            return
    if parallel is not None:
        request.choice = ToolChoice(mode="auto", parallel=parallel, form={"as": ""})


def _read_choice(found: Fields, key: str) -> ToolChoice | None:
    """Take a tool choice; one that only this API knows, such as a choice of several tools, stays."""
    value = found.left.get(key)
    if isinstance(value, str):
        mode = _MODES.get(value)
        if mode is None:
            raise found.wrong(key, f"one of {', '.join(_MODES)}, or an object")
        del found.left[key]
        return ToolChoice(mode=mode, form={"mode": value} if value == "any" else {})
    if value is not None and not isinstance(value, dict):
        raise found.wrong(key, "a string or an object")
    named = value.get("function") or value.get("custom") if value and key == "tool_choice" else value
    if not isinstance(named, dict) or not isinstance(named.get("name"), str):
        return None
    form = {"value": found.left.pop(key)}
    return ToolChoice(mode="named", name=named["name"], form=form)


def _decode_output(found: Fields, request: Request) -> None:
    value = found.left.get("response_format")
    if value is None:
        return
    outer = Fields(value, "response_format", ClientError)
    kind = outer.need("type", str)
    if kind == "text":
        request.form["response_format"] = found.left.pop("response_format")
    elif kind == "json_object":
        del found.left["response_format"]
        request.output = OutputFormat(rest=outer.left)
    elif kind == "json_schema":
        del found.left["response_format"]
        inner = opened(outer, "json_schema")
        if inner is None:
            raise outer.wrong("json_schema", "an object")
        request.output = OutputFormat(
            schema=inner.get("schema", dict),
            name=inner.get("name", str),
            strict=inner.get("strict", bool),
            rest=outer.left,
        )
        request.output.form["type"] = kind
        closed(outer, "json_schema", inner)


def _decode_effort(found: Fields, request: Request) -> None:
    if found.left.get("reasoning_effort") in _EFFORTS:
        request.effort = cast("Effort", found.left.pop("reasoning_effort"))
    if isinstance(found.left.get("reasoning"), dict) and (inner := opened(found, "reasoning")) is not None:
        if request.effort is None and inner.left.get("effort") in _EFFORTS:
            request.effort = cast("Effort", inner.left.pop("effort"))
            request.form["effort"] = "reasoning"
        request.thinking_tokens = inner.get("max_tokens", int)
        request.form["thinking_tokens"] = "reasoning.max_tokens"
        closed(found, "reasoning", inner)
    if isinstance(found.left.get("thinking"), dict) and (inner := opened(found, "thinking")) is not None:
        if request.thinking_tokens is None and (budget := inner.get("budget_tokens", int)) is not None:
            request.thinking_tokens = budget
            request.form["thinking_tokens"] = "thinking.budget_tokens"
        closed(found, "thinking", inner)


def encode_request(
    request: Request, model: str, dropped: Dropped, *, thoughts: ThoughtField = "reasoning_content"
) -> dict[str, Any]:
    """A request as a provider's body.

    Args:
        request: of any dialect.
        model: the provider's name of the model.
        dropped: gets the fields that this API has no place for.
        thoughts: where the provider takes back thoughts that another dialect's client sends.
    """
    same = request.dialect == NAME
    messages = encode_messages(request.messages, same=same, dropped=dropped, thoughts=thoughts)
    made: dict[str, Any] = {"model": model, "messages": messages}
    for name in (*_NUMBERS, *_FLAGS):
        made[name] = getattr(request, name)
    for name, ours in _INTEGERS:
        made[name] = getattr(request, ours)
    made["user"] = request.user
    made["service_tier"] = request.service_tier
    tokens = "max_completion_tokens" if _NEWER.search(model) else "max_tokens"
    made[request.form.get(_MAX_TOKENS[0], tokens) if same else tokens] = request.max_tokens
    made[request.form.get(_SEEDS[0], "seed") if same else "seed"] = request.seed
    made["stop"] = request.stop[0] if request.stop and same and request.form.get("stop") else request.stop
    if request.output is not None:
        made["response_format"] = _encode_output(request.output, same, dropped)
    if request.stream_usage is not None and (same or request.stream):
        made["stream_options"] = {"include_usage": request.stream_usage}
    made |= _encode_tools(request.tools, same, dropped)
    if request.choice is not None and (same or request.tools):
        made |= _encode_choice(request.choice, same, dropped, custom_tools(request))
    made |= _encode_effort(request, same)
    if not same:
        _fit(made, dropped)
    elif "response_format" in request.form:
        made["response_format"] = request.form["response_format"]
    made = {key: value for key, value in made.items() if value is not None}
    return _with_native_tools(made, dropped.rest(request, same=same))


def _fit(made: dict[str, Any], dropped: Dropped) -> None:
    """Leave out what another dialect has and OpenAI's API refuses."""
    if made["top_logprobs"] is not None:
        made["logprobs"] = True  # which is asked for elsewhere by their number alone
    if made.pop("top_k", None) is not None:
        dropped.add("top_k")
    made["service_tier"] = fitting_tier(made["service_tier"], dropped)
    stops = made["stop"] or []
    if len(stops) > MAX_STOPS:
        made["stop"] = stops[:MAX_STOPS]
        dropped.add("stop")


def _with_native_tools(made: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    whole = restored(made, rest, "stream_options", "reasoning", "thinking")
    for key in [key for key in whole if key.startswith("tools[")]:
        # In the order they stood, so that each finds its place.
        whole.setdefault("tools", []).insert(int(key[6:-1]), whole.pop(key))
    return whole


def _encode_tools(tools: list[Tool], same: bool, dropped: Dropped) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = {}
    for tool in tools:
        function: dict[str, Any] = {"name": tool.name}
        if tool.description is not None:
            function["description"] = tool.description
        if tool.schema is not None:
            function["parameters"] = tool.schema
        if tool.strict is not None:
            function["strict"] = tool.strict
        rest = dropped.rest(tool, same=same)
        if tool.custom:
            made.setdefault("tools", []).append(_encode_custom(tool, same, rest))
            continue
        if same and tool.form.get("as") == "functions":
            made.setdefault("functions", []).append(restored(function, rest))
            continue
        kind = tool.form.get("type", "function") if same else "function"
        outer = {"type": kind, "function": function} if kind is not None else {"function": function}
        made.setdefault("tools", []).append(restored(outer, rest, "function"))
    return made


def _encode_custom(tool: Tool, same: bool, rest: dict[str, Any]) -> dict[str, Any]:
    shape = None if tool.grammar is None else {"type": "grammar", "grammar": tool.grammar}
    said = {"description": tool.description, "format": tool.form.get("format") if same else shape}
    inner = {"name": tool.name} | {name: value for name, value in said.items() if value is not None}
    return restored({"type": "custom", "custom": inner}, rest, "custom")


def _encode_choice(choice: ToolChoice, same: bool, dropped: Dropped, custom: frozenset[str]) -> dict[str, Any]:
    made: dict[str, Any] = {} if choice.parallel is None else {"parallel_tool_calls": choice.parallel}
    dropped.rest(choice, same=same)
    form = choice.form if same else {}
    key = form.get("as", "tool_choice")
    if "value" in form:
        made[key] = form["value"]
    elif choice.mode == "named":
        kind = "custom" if choice.name in custom else "function"
        made["tool_choice"] = {"type": kind, kind: {"name": choice.name}}
    elif key:
        made[key] = form.get("mode", choice.mode)
    return made


def _encode_output(output: OutputFormat, same: bool, dropped: Dropped) -> dict[str, Any]:
    rest = dropped.rest(output, same=same)
    if output.schema is None and not (same and output.form.get("type")):
        return restored({"type": "json_object"}, rest)
    inner: dict[str, Any] = {}
    if output.name is not None or not same:
        inner["name"] = output.name or "answer"
    if output.schema is not None:
        inner["schema"] = output.schema
    if output.strict is not None:
        inner["strict"] = output.strict
    return restored({"type": "json_schema", "json_schema": inner}, rest, "json_schema")


def _encode_effort(request: Request, same: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    effort, budget = request.effort, request.thinking_tokens
    if not same:
        if effort is None and budget is not None and budget >= 0:
            effort = next((effort for most, effort in _BUDGETS if budget <= most), "high")
        return {} if effort is None else {"reasoning_effort": effort}
    if effort is not None and request.form.get("effort"):
        made["reasoning"] = {"effort": effort}
    elif effort is not None:
        made["reasoning_effort"] = effort
    if budget is not None:
        outer, _, inner = request.form.get("thinking_tokens", "thinking.budget_tokens").partition(".")
        made.setdefault(outer, {})[inner] = budget
    return made
