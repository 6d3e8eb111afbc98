"""Requests of other dialects as requests Cohere's v2 chat API accepts.

Its demands, from the API reference (https://docs.cohere.com/reference/chat): results follow the calls they answer, only
a user shows images, no message is empty, a schema is kept to some keywords (`schema.py`) and cannot be asked for beside
tools or documents. What cannot be said is named in `dropped` by OpenAI's chat names.
"""

import re
from typing import Any

from gatewright.dialects.cohere.schema import enforceable, fitted
from gatewright.dialects.cohere.turns import Turns
from gatewright.dialects.conversation import Dropped, Request, Tool
from gatewright.dialects.fields import to_text
from gatewright.errors import ClientError

_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192}  # above that Cohere advises to set none
_RESERVED = 1000  # tokens Cohere advises to leave for the answer
_UNTHINKING = re.compile(r"command(-light|-nightly|-r|-a-03|-a-vision|-a-translate|$)|\baya\b")
_TIERS = (None, "auto", "default")
_STOPS = 5
# Limits of the samplers.
_RANGES = {"p": (0.01, 0.99), "k": (0, 500), "presence_penalty": (0.0, 1.0), "frequency_penalty": (0.0, 1.0)}


def foreign(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    """The body.

    Raises:
        ClientError: when nothing is left that could be asked, or the tool that must be called is not among the tools.
    """
    turns = Turns(dropped, citing=not request.tools and request.output is None)
    body: dict[str, Any] = {"model": model, "messages": turns.encode(request.messages)}
    if turns.documents:
        body["documents"] = turns.documents
    body |= _tools(request, dropped)
    body |= _output(request, body["messages"], dropped)
    body |= _thinking(request, model, dropped)
    body |= _sampling(request, dropped)
    stops = [text for text in request.stop or () if text]
    if stops:
        body["stop_sequences"] = stops[:_STOPS]
    plain = {"max_tokens": request.max_tokens, "seed": request.seed, "logprobs": request.logprobs}
    body |= {key: value for key, value in plain.items() if value is not None}
    dropped.rest(request, same=False)
    lost = {
        "stop": len(request.stop or ()) > len(stops[:_STOPS]),
        "n": (request.candidates or 1) > 1,
        "top_logprobs": bool(request.top_logprobs),
        "user": request.user is not None,
        "service_tier": request.service_tier not in _TIERS,
    }
    dropped.update(name for name, is_lost in lost.items() if is_lost)
    return body | {"stream": bool(request.stream)}


def _tools(request: Request, dropped: Dropped) -> dict[str, Any]:
    if not request.tools:
        return {}
    tools, choice = request.tools, request.choice
    found: dict[str, Any] = {}
    if choice is not None:
        dropped.rest(choice, same=False)
        if choice.parallel is False:
            dropped.add("parallel_tool_calls")
        if choice.mode == "named":  # the API has no word for it: a call is required, and there is but one to make
            tools = [tool for tool in tools if tool.name == choice.name]
            if not tools:
                raise ClientError(f"tool_choice names {str(choice.name)[:64]!r}, which is none of the tools.")
        if choice.mode != "auto":
            found["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"
    # One switch for all tools, and each of them must then have a required field.
    strict = all(tool.strict and enforceable(tool.schema) for tool in tools)
    if strict:
        found["strict_tools"] = True
    elif any(tool.strict for tool in tools):
        dropped.add("strict")
    return found | {"tools": [_tool(tool, strict, dropped) for tool in tools]}


def _tool(tool: Tool, strict: bool, dropped: Dropped) -> dict[str, Any]:
    schema = {"type": "object", **(tool.schema or {"properties": {}})}
    function: dict[str, Any] = {"name": tool.name, "parameters": fitted(schema) if strict else schema}
    if tool.description is not None:
        function["description"] = tool.description
    dropped.rest(tool, same=False)
    if tool.grammar is not None:
        dropped.add("grammar")
    return {"type": "function", "function": function}


def _output(request: Request, messages: list[dict[str, Any]], dropped: Dropped) -> dict[str, Any]:
    """The answer's shape: enforced where the API can, else asked for in a system message."""
    shape = request.output
    if shape is None:
        return {}
    dropped.rest(shape, same=False)
    if not request.tools and (shape.schema is None or enforceable(shape.schema)):
        schema = {} if shape.schema is None else {"json_schema": fitted(shape.schema)}
        return {"response_format": {"type": "json_object", **schema}}
    dropped.add("response_format")
    demand = "Unless you call a tool, answer with one JSON value and nothing else: no explanation, no code fence."
    schema_text = "" if shape.schema is None else f"\nIt must be valid by this JSON Schema:\n{to_text(shape.schema)}"
    after = next((at for at, one in enumerate(messages) if one["role"] != "system"), len(messages))
    messages.insert(after, {"role": "system", "content": demand + schema_text})
    return {}


def _thinking(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    """How much to think: "Reasoning" (https://docs.cohere.com/docs/reasoning). Only some models do."""
    tokens, effort = request.thinking_tokens, request.effort
    if tokens is None and effort is None:
        return {}
    off = tokens == 0 or (tokens is None and effort == "none")
    if _UNTHINKING.search(model.lower()):
        if not off:
            dropped.add("reasoning_effort")
        return {}
    if off:
        return {"thinking": {"type": "disabled"}}
    budget = _BUDGETS.get(effort or "") if tokens is None else tokens
    if budget is None or budget < 0:
        return {"thinking": {"type": "enabled"}}
    if request.max_tokens is not None:
        budget = max(1, min(budget, request.max_tokens - _RESERVED))
    return {"thinking": {"type": "enabled", "token_budget": budget}}


def _sampling(request: Request, dropped: Dropped) -> dict[str, Any]:
    """The samplers, within the limits; a `top_p` of 1 is the most there is."""
    wanted = {
        "temperature": request.temperature,
        "p": request.top_p,
        "k": request.top_k,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
    }
    found: dict[str, Any] = {}
    for key, value in wanted.items():
        if value is None:
            continue
        least, most = _RANGES.get(key, (0.0, value))
        found[key] = min(max(value, least), most)
        if found[key] != value and (key, value) != ("p", 1):
            dropped.add({"p": "top_p", "k": "top_k"}.get(key, key))
    return found
