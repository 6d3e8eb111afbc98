"""Requests of other dialects as requests Converse accepts.

Its demands, from the API reference and "Carry out a conversation with the Converse API"
(https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html): the system prompt stands apart,
turns alternate and begin with the user's, results stand in the user's turn, no text is blank, a document stands with a
text, and tools are declared wherever one was called. What cannot be said is named in `dropped` by OpenAI's chat names.
"""

from dataclasses import replace
from typing import Any

from gatewright.dialects.claude_schema import closed
from gatewright.dialects.conversation import Dropped, Request, Tool, ToolCall
from gatewright.dialects.converse.models import Abilities, abilities
from gatewright.dialects.converse.parts import encode_parts
from gatewright.dialects.converse.thinking import think
from gatewright.dialects.converse.wire import MORE, TIERS, Block, Encoding, merged
from gatewright.dialects.fields import to_text
from gatewright.dialects.turns import add_turn
from gatewright.errors import ClientError

_IN_SYSTEM = {"text", "cachePoint"}
_DEFAULTS = {"temperature": 1, "top_p": 1}  # leaving these out changes nothing


def foreign(request: Request, model: str, dropped: Dropped) -> dict[str, Any]:
    """The body.

    Raises:
        ClientError: when nothing is left that could be asked.
    """
    accepts = abilities(model)
    how = Encoding(same=False, dropped=dropped, caches=accepts.caches)
    system, turns = _conversation(request, how)
    body: dict[str, Any] = {"messages": turns}
    tools = _tools(request, accepts, how)
    body = merged(body, tools)
    body = merged(body, _output(request, accepts, system, dropped))
    if system:
        body["system"] = system
    body = merged(body, think(request, accepts, body, dropped))
    inference = _inference(request, accepts, body, dropped)
    if inference:
        body["inferenceConfig"] = inference
    body = merged(body, _top_k(request, accepts, body, dropped))
    if request.service_tier in TIERS:
        body["serviceTier"] = {"type": request.service_tier}
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
        "user": request.user is not None,
        "service_tier": request.service_tier not in (None, "auto", *TIERS),
    }
    dropped.update(name for name, lost in told.items() if lost)


def _conversation(request: Request, how: Encoding) -> tuple[list[Block], list[Block]]:
    """The blocks of the system prompt, and the turns."""
    system: list[Block] = []
    turns: list[Block] = []
    for message in request.messages:
        blocks = encode_parts(message.parts, how)
        how.rest(message)
        if blocks:
            blocks += how.after(message)
        if message.role in ("system", "developer"):
            how.dropped.update(next(iter(block)) for block in blocks if not _IN_SYSTEM & block.keys())
            system += [block for block in blocks if _IN_SYSTEM & block.keys()]
        elif blocks:
            add_turn(turns, message, blocks)
    if not turns and system:
        turns, system = [{"role": "user", "content": system}], []
    if not turns:
        left_out = f"; it takes no {', '.join(sorted(how.dropped))}" if how.dropped else ""
        raise ClientError(f"messages must have at least one message with content for the model's API{left_out}.")
    _arrange(turns)
    return system, turns


def _arrange(turns: list[Block]) -> None:
    """Bring turns into the order that the API demands."""
    if turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": [{"text": "Continue."}]})
    for turn in turns:
        if turn["role"] == "user":
            turn["content"].sort(key=lambda block: "toolResult" not in block)
            _accompany(turn["content"])
    last = turns[-1]["content"][-1]
    if turns[-1]["role"] == "assistant" and "text" in last:
        last["text"] = last["text"].rstrip()


def _accompany(content: list[Block]) -> None:
    """Put the name of a document before it where its turn has no text, which is refused."""
    document = next((at for at, block in enumerate(content) if "document" in block), None)
    if document is not None and not any("text" in block for block in content):
        content.insert(document, {"text": content[document]["document"]["name"]})


def _tools(request: Request, accepts: Abilities, how: Encoding) -> dict[str, Any]:
    """The tools and which must be called; a request without them in which one was called gets their names at least."""
    called = [part.name for message in request.messages for part in message.parts if isinstance(part, ToolCall)]
    choice = request.choice
    if choice is not None:
        how.dropped.rest(choice, same=False)
    if choice is not None and choice.mode == "none" and not called:
        return {}
    tools = request.tools or [Tool(name=name) for name in dict.fromkeys(called)]
    if not tools:
        return {}
    how = replace(how, caches=accepts.claude is not None)
    blocks = [block for tool in tools for block in (_tool(tool, accepts, how), *how.after(tool))]
    config: dict[str, Any] = {"tools": blocks}
    found = {"toolConfig": config}
    if choice is None or not request.tools:
        return found
    forced = {"required": {"any": {}}, "named": {"tool": {"name": choice.name}}}.get(choice.mode)
    if choice.mode == "none" or (forced and accepts.claude is not None and not accepts.claude.forced):
        how.dropped.add("tool_choice")
    elif forced:
        config["toolChoice"] = forced
    if choice.parallel is False and accepts.claude is not None and choice.mode == "auto":
        # Claude's own word for it, which is refused beside a `toolChoice`.
        return found | {MORE: {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}}
    if choice.parallel is False and choice.mode != "none":
        how.dropped.add("parallel_tool_calls")
    return found


def _tool(tool: Tool, accepts: Abilities, how: Encoding) -> Block:
    how.rest(tool)
    if tool.grammar is not None:
        how.dropped.add("grammar")
    schema = {"type": "object", **(tool.schema or {"properties": {}})}
    strict = bool(tool.strict and accepts.structured)
    made: Block = {"name": tool.name, "inputSchema": {"json": closed(schema) if strict else schema}}
    if tool.description:
        made["description"] = tool.description
    if strict:
        made["strict"] = True
    elif tool.strict:
        how.dropped.add("strict")
    return {"toolSpec": made}


def _output(request: Request, accepts: Abilities, system: list[Block], dropped: Dropped) -> dict[str, Any]:
    """The answer's shape: enforced where the model can, else asked for at the end of the system prompt."""
    shape = request.output
    if shape is None:
        return {}
    rest = dict(shape.rest)
    described = next((rest.pop(key) for key in ("description", "json_schema.description") if key in rest), None)
    dropped.rest(replace(shape, rest=rest), same=False)
    if shape.schema is not None and accepts.structured:
        stated = {"name": shape.name, "description": described if isinstance(described, str) else None}
        schema = {"schema": to_text(closed(shape.schema))} | {key: value for key, value in stated.items() if value}
        return {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}}
    dropped.add("response_format")
    demand = "Answer with one JSON object and nothing else: no explanation, no code fence."
    wanted = "" if shape.schema is None else f"\nIt must be valid by this JSON Schema:\n{to_text(shape.schema)}"
    system.append({"text": demand + wanted})
    return {}


def _inference(request: Request, accepts: Abilities, body: Block, dropped: Dropped) -> dict[str, Any]:
    """The parameters every model has; of Claude's samplers those that its generation takes."""
    claude = accepts.claude
    free = claude is None or (claude.samplers > 0 and not _thinks(body))
    alone = claude is not None and claude.samplers == 1 and request.temperature is not None and free
    some = claude is None or claude.samplers > 0
    taken = {"temperature": free, "top_p": (free or (some and (request.top_p or 0) >= 0.95)) and not alone}
    found: dict[str, Any] = {}
    for name, key in (("temperature", "temperature"), ("top_p", "topP")):
        value = getattr(request, name)
        if value is not None and taken[name]:
            found[key] = min(value, 1)
        if value is not None and value != found.get(key, _DEFAULTS[name]):
            dropped.add(name)
    if request.max_tokens is not None:
        found["maxTokens"] = request.max_tokens
    stop = [text for text in request.stop or () if text.strip()]
    if stop:
        found["stopSequences"] = stop
    if len(stop) < len(request.stop or ()):
        dropped.add("stop")
    return found


def _thinks(body: Block) -> bool:
    return body.get(MORE, {}).get("thinking", {}).get("type") in ("enabled", "adaptive")


def _top_k(request: Request, accepts: Abilities, body: Block, dropped: Dropped) -> dict[str, Any]:
    """`top_k`, for which every maker has a place of its own."""
    if request.top_k is None:
        return {}
    if accepts.nova:
        return {MORE: {"inferenceConfig": {"topK": request.top_k}}}
    if accepts.claude is not None and accepts.claude.samplers > 0 and not _thinks(body):
        return {MORE: {"top_k": request.top_k}}
    dropped.add("top_k")
    return {}
