"""How much a model thinks, in its maker's own words.

Sources: "Extended thinking" and "Adaptive thinking" of Claude on Bedrock
(https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html), `OutputConfig` of the API
reference, "Extended thinking" of Amazon Nova 2
(https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html), and the parameters of OpenAI's models
(https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html).
"""

from typing import Any

from gatewright.dialects.claude import BUDGETS, Generation, budget, level
from gatewright.dialects.conversation import Dropped, Request
from gatewright.dialects.converse.models import Abilities
from gatewright.dialects.converse.wire import MORE, Block

_THREE = {"minimal": "low", "low": "low", "medium": "medium"}  # any other is high


def think(request: Request, accepts: Abilities, body: Block, dropped: Dropped) -> dict[str, Any]:
    """What the body says of it besides what it holds already."""
    tokens, effort = request.thinking_tokens, request.effort
    if tokens is None and effort is None:
        return {}
    off = tokens == 0 or (tokens is None and effort == "none")
    if accepts.thinking == "claude" and accepts.claude is not None:
        found = _off(accepts.claude) if off else _claude(request, accepts.claude, body)
    elif off:
        found = {} if accepts.thinking != "openai" else None
    else:
        found = _other(accepts, effort or _effort(tokens or 0), request)
    if found is None:
        dropped.add("reasoning_effort")
    return found or {}


def _off(accepts: Generation) -> dict[str, Any] | None:
    if accepts.always_thinks:
        return None
    return {MORE: {"thinking": {"type": "disabled"}}} if accepts.thinking == "effort" else {}


def _claude(request: Request, accepts: Generation, body: Block) -> dict[str, Any] | None:
    if accepts.thinking == "effort":
        effort = level(request.effort, request.thinking_tokens, accepts)
        return {MORE: {"thinking": {"type": "adaptive"}}, "outputConfig": {"effort": effort}}
    bought = _budget(request, body)
    return None if bought is None else {MORE: {"thinking": {"type": "enabled", "budget_tokens": bought}}}


def _budget(request: Request, body: Block) -> int | None:
    """Tokens of thought, below the most the answer may have; None when there can be none.

    The model refuses a budget beside a forced call, and amid calls without the thought that led to them.
    """
    if "toolChoice" in body.get("toolConfig", {}) or _mid_call(body["messages"]):
        return None
    return budget(request.effort, request.thinking_tokens, request.max_tokens)


def _mid_call(turns: list[Block]) -> bool:
    """Whether results answer calls of a turn that does not begin with a thought."""
    if len(turns) < 2 or "toolResult" not in turns[-1]["content"][0]:
        return False
    return "reasoningContent" not in turns[-2]["content"][0]


def _effort(tokens: int) -> str:
    return next((one for one, most in BUDGETS.items() if 0 < tokens <= most), "medium" if tokens < 0 else "high")


def _other(accepts: Abilities, effort: str, request: Request) -> dict[str, Any] | None:
    wanted = _THREE.get(effort, "high")
    if accepts.thinking == "openai":
        return {MORE: {"reasoning_effort": wanted}}
    if accepts.thinking != "nova":
        return None
    if wanted == "high" and (request.max_tokens, request.temperature, request.top_p) != (None, None, None):
        wanted = "medium"  # the highest beside these, which are refused beside `high`
    return {MORE: {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": wanted}}}
