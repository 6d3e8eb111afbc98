"""How to answer: `generationConfig`.

Gemini API reference, "GenerationConfig" (https://ai.google.dev/api/generate-content#v1beta.GenerationConfig);
"Gemini thinking" (https://ai.google.dev/gemini-api/docs/thinking) for budgets and levels.
"""

import re
from typing import Any

from gatewright.dialects.conversation import Dropped, Effort, OutputFormat, Request
from gatewright.dialects.generate_content.fields import Fields
from gatewright.dialects.generate_content.schema import json_schema

# Name on the wire, field of the request, kind.
_FIELDS: tuple[tuple[str, str, type[Any]], ...] = (
    ("maxOutputTokens", "max_tokens", int),
    ("temperature", "temperature", float),
    ("topP", "top_p", float),
    ("topK", "top_k", int),
    ("stopSequences", "stop", list),
    ("seed", "seed", int),
    ("candidateCount", "candidates", int),
    ("presencePenalty", "presence_penalty", float),
    ("frequencyPenalty", "frequency_penalty", float),
    ("responseLogprobs", "logprobs", bool),
    ("logprobs", "top_logprobs", int),
)
_EFFORTS: dict[str, Effort] = {name.upper(): name for name in ("minimal", "low", "medium", "high", "xhigh")}
# Of an effort of another dialect: the level of a model that has levels, and the budget of one that has none, as in
# Google's own table (https://ai.google.dev/gemini-api/docs/openai#thinking).
_LEVELS = {"none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM"}
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192}
_HIGH = 24576
_LEAST_PRO = 128
_MOST_STOPS = 5
_JSON = "application/json"
_GENERATION = re.compile(r"gemini-(\d+)")


def modern(model: str) -> bool:
    """Whether a model is of Gemini 3 or later."""
    found = _GENERATION.search(model)
    return found is not None and int(found[1]) >= 3


def decode_config(fields: Fields, request: Request) -> None:
    """Reads `generationConfig` into the request."""
    config = fields.within("generationConfig")
    if config is None:
        return
    for name, field, kind in _FIELDS:
        setattr(request, field, config.get(name, kind))
    if not all(isinstance(text, str) for text in request.stop or ()):
        raise config.wrong("stopSequences", "a list of strings")
    request.output = _output(config)
    thinking = config.within("thinkingConfig")
    if thinking is not None:
        _thinking(thinking, request)


def _output(config: Fields) -> OutputFormat | None:
    kind = config.peek("responseMimeType")
    if not isinstance(kind, str) or kind.lower() != _JSON:
        return None
    config.get("responseMimeType", str)
    if kind != _JSON:
        config.keep("responseMimeType", kind)
    if config.has("responseJsonSchema"):
        return OutputFormat(schema=config.get("responseJsonSchema", dict))
    given = config.get("responseSchema", dict)
    if given is None:
        return OutputFormat()
    config.form["given"] = given
    schema: dict[str, Any] = json_schema(given)
    return OutputFormat(schema=schema)


def _thinking(thinking: Fields, request: Request) -> None:
    budget = thinking.get("thinkingBudget", int)
    if budget == 0:
        request.effort = "none"
    elif budget is not None and budget < 0:
        # The model decides; stays, so that other dialects say that they lost it.
        thinking.untake("thinkingBudget", budget)
    else:
        request.thinking_tokens = budget
    level = thinking.get("thinkingLevel", str)
    if level is None:
        return
    effort = _EFFORTS.get(level.upper())
    if effort is None or budget == 0:
        thinking.untake("thinkingLevel", level)
        return
    request.effort = effort
    if level != level.upper():
        thinking.keep("thinkingLevel", level)


def encode_config(request: Request, model: str, dropped: Dropped, *, same: bool) -> dict[str, Any]:
    """`generationConfig`; empty when nothing is said."""
    values = ((name, getattr(request, field)) for name, field, _ in _FIELDS)
    body: dict[str, Any] = {name: value for name, value in values if value is not None}
    if not same and request.stop is not None:
        body["stopSequences"] = request.stop[:_MOST_STOPS]
        if len(request.stop) > _MOST_STOPS:
            dropped.add("stop")
    if request.output is not None:
        body |= _format(request, request.output, dropped, same=same)
    thinking = _own_thinking(request) if same else _other_thinking(request, model, dropped)
    return body | ({"thinkingConfig": thinking} if thinking else {})


def _format(request: Request, output: OutputFormat, dropped: Dropped, *, same: bool) -> dict[str, Any]:
    dropped.rest(output, same=same)
    body: dict[str, Any] = {"responseMimeType": _JSON}
    given = request.form.get("given") if same else None
    if given is not None and json_schema(given) == output.schema:
        body["responseSchema"] = given
    elif output.schema is not None:
        body["responseJsonSchema"] = output.schema
    return body


def _own_thinking(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if request.effort == "none":
        body["thinkingBudget"] = 0
    elif request.thinking_tokens is not None:
        body["thinkingBudget"] = request.thinking_tokens
    if request.effort is not None and request.effort.upper() in _EFFORTS:
        body["thinkingLevel"] = request.effort.upper()
    return body


def _other_thinking(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    if request.thinking_tokens:
        return {"thinkingBudget": request.thinking_tokens, "includeThoughts": True}
    effort = "none" if request.thinking_tokens == 0 else request.effort
    if effort is None:
        return {}
    if effort == "none":
        return _no_thinking(model, dropped)
    if modern(model):
        level = _LEVELS.get(effort, "HIGH")
        # The Pro models know no minimal level.
        level = "LOW" if level == "MINIMAL" and "pro" in model else level
        return {"thinkingLevel": level, "includeThoughts": True}
    return {"thinkingBudget": _BUDGETS.get(effort, _HIGH), "includeThoughts": True}


def _no_thinking(model: str, dropped: Dropped) -> dict[str, Any]:
    """As little thought as the model allows; only the smaller ones before Gemini 3 can leave it."""
    pro = "pro" in model
    if not modern(model) and not pro:
        return {"thinkingBudget": 0}
    dropped.add("reasoning_effort")
    if modern(model):
        return {"thinkingLevel": "LOW" if pro else "MINIMAL"}
    return {"thinkingBudget": _LEAST_PRO}
