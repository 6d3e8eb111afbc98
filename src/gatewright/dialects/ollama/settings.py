"""How to answer: what requests of /api/chat and /api/generate have in common.

Source: the API's own description (https://docs.ollama.com/openapi.yaml) and "Thinking"
(https://docs.ollama.com/capabilities/thinking). `stream` is true unless said otherwise.
"""

from typing import Any, cast, get_args

from gatewright.dialects.conversation import Dropped, Effort, OutputFormat, Request
from gatewright.dialects.fields import Fields
from gatewright.dialects.ollama.wire import closed, difference, opened, restored

# Name on the wire, field of the request, kind.
_OPTIONS: tuple[tuple[str, str, type[Any]], ...] = (
    ("num_predict", "max_tokens", int),
    ("temperature", "temperature", float),
    ("top_p", "top_p", float),
    ("top_k", "top_k", int),
    ("seed", "seed", int),
    ("presence_penalty", "presence_penalty", float),
    ("frequency_penalty", "frequency_penalty", float),
)
# Of these, what is not above zero means "without limit", which only Ollama says with a number.
_LIMITS = ("num_predict", "top_k")

_EFFORTS = frozenset(get_args(Effort))
# Servers know three levels and refuse any other word; newer ones know more.
_LEVELS = {"minimal": "low", "low": "low", "medium": "medium"}
_USUAL: Effort = "medium"  # what `think: true` is to a model that has levels


def decode_settings(fields: Fields, request: Request) -> None:
    """Read into a request all but what is said in it."""
    stream = fields.get("stream", bool)
    request.stream = True if stream is None else stream
    request.logprobs = fields.get("logprobs", bool)
    request.top_logprobs = fields.get("top_logprobs", int)
    request.output = _output(fields)
    _think(fields, request)
    wire = fields.peek("options")
    options = fields.within("options")
    if options is None:
        return
    for name, field, kind in _OPTIONS:
        found = options.peek(name)
        if not (name in _LIMITS and type(found) is int and found <= 0):
            setattr(request, field, options.get(name, kind))
    request.stop = _stop(options)
    request.form["options"] = difference(wire, _options(request) | options.left)
    closed(fields, "options", options)


def _output(fields: Fields) -> OutputFormat | None:
    found = fields.peek("format")
    if found in (None, "", {}):
        return None
    if found != "json" and not isinstance(found, dict):
        raise fields.wrong("format", '"json" or a JSON schema')
    found = fields.pop("format")
    return OutputFormat(schema=found if isinstance(found, dict) else None)


def _think(fields: Fields, request: Request) -> None:
    """Read `think`: whether, how much in words, or for newer servers in tokens."""
    found = fields.peek("think")
    if isinstance(found, bool):
        request.effort = _USUAL if fields.pop("think") else "none"
    elif isinstance(found, str) and found in _EFFORTS:
        request.effort = cast("Effort", fields.pop("think"))
    elif type(found) is int and found > 0:
        request.thinking_tokens = fields.pop("think")
    elif found is not None and not isinstance(found, str):
        raise fields.wrong("think", "true, false or a level")


def _stop(options: Fields) -> list[str] | None:
    found = options.pop("stop")
    if isinstance(found, str):
        return [found]
    if found is not None and not (isinstance(found, list) and all(isinstance(text, str) for text in found)):
        raise options.wrong("stop", "a string or a list of strings")
    return found


def encode_settings(request: Request, dropped: Dropped, *, same: bool) -> dict[str, Any]:
    """All of a body but what is said in it.

    Args:
        request: in any dialect.
        dropped: told what this API cannot express.
        same: whether it comes from this dialect.
    """
    options = _options(request)
    if same:
        options = restored(options | opened(request.rest, "options")[1], request.form.get("options", {}))
    shape = request.output
    stated = {
        "stream": request.stream if same else bool(request.stream),
        "logprobs": request.logprobs,
        "top_logprobs": request.top_logprobs,
        "format": None if shape is None else "json" if shape.schema is None else shape.schema,
        "think": _own_thought(request) if same else _thought(request, dropped),
        "options": options or None,
    }
    if not same:
        _note(request, dropped)
    return {name: value for name, value in stated.items() if value is not None}


def _options(request: Request) -> dict[str, Any]:
    values = {name: getattr(request, field) for name, field, _ in _OPTIONS} | {"stop": request.stop}
    return {name: value for name, value in values.items() if value is not None}


def _own_thought(request: Request) -> bool | str | int | None:
    return False if request.effort == "none" else request.effort or request.thinking_tokens


def _thought(request: Request, dropped: Dropped) -> bool | str | None:
    tokens, effort = request.thinking_tokens, request.effort
    if effort is not None:
        return False if effort == "none" else _LEVELS.get(effort, "high")
    if tokens:
        dropped.add("thinking")  # that it shall think is said, but not how much
    return None if tokens is None else bool(tokens)


def _note(request: Request, dropped: Dropped) -> None:
    """Name what this API has no word for."""
    dropped.rest(request, same=False)
    if request.output is not None:
        dropped.rest(request.output, same=False)
    told = {
        "n": (request.candidates or 1) > 1,
        "user": request.user is not None,
        "service_tier": request.service_tier not in (None, "auto", "default"),
    }
    dropped.update(name for name, lost in told.items() if lost)
