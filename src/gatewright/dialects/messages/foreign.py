"""Requests of other dialects as requests the Messages API accepts.

Its demands, from the API reference: `max_tokens` is required, the system prompt stands apart, roles alternate, a user's
turn begins with the results of the tools just called, no text is empty, and what a model does not know is refused
(`dialects/claude.py`). What cannot be said is named in `dropped` by OpenAI's chat names.
"""

from typing import Any

from gatewright.dialects.claude import Generation, budget, generation, level
from gatewright.dialects.claude_schema import closed
from gatewright.dialects.conversation import Dropped, Request, Tool
from gatewright.dialects.fields import to_text
from gatewright.dialects.messages.parts import Block, Encoding, encode_parts
from gatewright.dialects.turns import add_turn
from gatewright.errors import ClientError

_CHOICES = {"auto": "auto", "required": "any", "named": "tool", "none": "none"}
_TIERS = {"auto": "auto", "priority": "auto", "default": "standard_only"}


def foreign(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    """The body without its model.

    Raises:
        ClientError: when nothing is left that could be asked.
    """
    how, accepts = Encoding(same=False, dropped=dropped), generation(model)
    system, turns = _conversation(request, how)
    body: dict[str, Any] = {"messages": turns, "max_tokens": request.max_tokens or accepts.max_tokens}
    body |= _tools(request, accepts, how)
    body |= _output(request, accepts, system, dropped)
    if system:
        body["system"] = system
    _think(request, accepts, body, dropped)
    _sample(request, accepts, body, dropped)
    if request.stop:
        body["stop_sequences"] = stop = [text for text in request.stop if text.strip()]
        if len(stop) < len(request.stop):
            dropped.add("stop")
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    if request.service_tier in _TIERS:
        body["service_tier"] = _TIERS[request.service_tier]
    if request.stream is not None:
        body["stream"] = request.stream
    _note(request, dropped)
    return body


def _note(request: Request, dropped: Dropped) -> None:
    """Name what this API has no word for."""
    dropped.rest(request, same=False)
    told = {
        "seed": request.seed is not None,
        "n": (request.candidates or 1) > 1,
        "presence_penalty": bool(request.presence_penalty),
        "frequency_penalty": bool(request.frequency_penalty),
        "logprobs": bool(request.logprobs),
        "top_logprobs": bool(request.top_logprobs),
        "service_tier": request.service_tier is not None and request.service_tier not in _TIERS,
    }
    dropped.update(name for name, lost in told.items() if lost)


def _conversation(request: Request, how: Encoding) -> tuple[list[Block], list[Block]]:
    """The blocks of the system prompt, and the turns."""
    system: list[Block] = []
    turns: list[Block] = []
    for message in request.messages:
        blocks = encode_parts(message.parts, how)
        if blocks:
            blocks[-1] |= how.rest(message)
        if message.role in ("system", "developer"):
            system += [block for block in blocks if block["type"] == "text"]
        elif blocks:
            add_turn(turns, message, blocks)
    if not turns and system:
        turns, system = [{"role": "user", "content": system}], []
    if not turns:
        raise ClientError("messages must have at least one message with content.")
    for turn in turns:
        if turn["role"] == "user":
            turn["content"].sort(key=lambda block: block["type"] != "tool_result")
    last = turns[-1]["content"][-1]
    if turns[-1]["role"] == "assistant" and last["type"] == "text":
        last["text"] = last["text"].rstrip()
    return system, turns


def _tools(request: Request, accepts: Generation, how: Encoding) -> dict[str, Any]:
    if not request.tools:
        return {}
    found: dict[str, Any] = {"tools": [_tool(tool, accepts, how) for tool in request.tools]}
    choice = request.choice
    if choice is None:
        return found
    how.dropped.rest(choice, same=False)
    mode = choice.mode
    if mode in ("required", "named") and not accepts.forced:
        how.dropped.add("tool_choice")
        mode = "auto"
    named = {"name": choice.name} if mode == "named" else {}
    single = {"disable_parallel_tool_use": True} if choice.parallel is False and mode != "none" else {}
    return found | {"tool_choice": {"type": _CHOICES[mode], **named, **single}}


def _tool(tool: Tool, accepts: Generation, how: Encoding) -> Block:
    schema = {"type": "object", **(tool.schema or {"properties": {}})}
    made: Block = {"name": tool.name, "input_schema": schema, **how.rest(tool)}
    if tool.grammar is not None:
        how.dropped.add("grammar")
    if tool.description:
        made["description"] = tool.description
    if tool.strict and accepts.structured:
        made |= {"strict": True, "input_schema": closed(schema)}
    elif tool.strict:
        how.dropped.add("strict")
    return made


def _output(request: Request, accepts: Generation, system: list[Block], dropped: Dropped) -> dict[str, Any]:
    """The answer's shape: enforced where the model can, else asked for at the end of the system prompt."""
    shape = request.output
    if shape is None:
        return {}
    dropped.rest(shape, same=False)
    if shape.schema is not None and accepts.structured:
        return {"output_config": {"format": {"type": "json_schema", "schema": closed(shape.schema)}}}
    dropped.add("response_format")
    demand = "Answer with one JSON object and nothing else: no explanation, no code fence."
    schema = "" if shape.schema is None else f"\nIt must be valid by this JSON Schema:\n{to_text(shape.schema)}"
    system.append({"type": "text", "text": demand + schema})
    return {}


def _think(request: Request, accepts: Generation, body: Block, dropped: Dropped) -> None:
    """Say how much to think, in the words the model knows."""
    tokens, effort = request.thinking_tokens, request.effort
    if tokens is None and effort is None:
        return
    if tokens == 0 or (tokens is None and effort == "none"):
        if accepts.always_thinks:
            dropped.add("reasoning_effort")
        elif accepts.thinking == "effort":
            body["thinking"] = {"type": "disabled"}
    elif accepts.thinking == "effort":
        body["thinking"] = {"type": "adaptive"}
        body["output_config"] = {**body.get("output_config", {}), "effort": level(effort, tokens, accepts)}
    else:
        bought = _budget(request, accepts, body)
        if bought is None:
            dropped.add("reasoning_effort")
        else:
            body["thinking"] = {"type": "enabled", "budget_tokens": bought}


def _budget(request: Request, accepts: Generation, body: Block) -> int | None:
    """Tokens of thought, below the most the answer may have; None when there can be none.

    The API refuses a budget beside a forced call, and amid calls without the thought that led to them.
    """
    forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    if accepts.thinking == "none" or forced or _mid_call(body["messages"]):
        return None
    tokens = budget(request.effort, request.thinking_tokens, request.max_tokens)
    if tokens is not None and request.max_tokens is None:
        body["max_tokens"] = max(accepts.max_tokens, tokens + 4096)
    return tokens


def _mid_call(turns: list[Block]) -> bool:
    """Whether results answer calls of a turn that does not begin with a thought."""
    if len(turns) < 2 or turns[-1]["content"][0]["type"] != "tool_result":
        return False
    return turns[-2]["content"][0]["type"] not in ("thinking", "redacted_thinking")


def _sample(request: Request, accepts: Generation, body: Block, dropped: Dropped) -> None:
    """Set the samplers the model takes; while it thinks, `temperature` and `top_k` are not among them."""
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    free = accepts.samplers > 0 and not thinks
    wanted = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    taken = {
        "temperature": free,
        "top_p": free if request.top_p is None or request.top_p < 0.95 else accepts.samplers > 0,
        "top_k": free,
    }
    if accepts.samplers == 1 and request.temperature is not None and free:
        taken["top_p"] = False
    for name, value in wanted.items():
        if value is not None and taken[name]:
            body[name] = value
        elif value is not None and value != _DEFAULTS.get(name):
            dropped.add(name)
    if body.get("temperature", 0) > 1:  # other APIs go to 2
        body["temperature"] = 1
        dropped.add("temperature")


_DEFAULTS = {"temperature": 1, "top_p": 1}  # leaving these out changes nothing
