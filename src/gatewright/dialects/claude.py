"""What each generation of Claude accepts in a request, so that a translated request is not refused.

Sources: Anthropic's "Models overview", "Extended thinking", "Adaptive thinking", "Effort", "Structured outputs" and the
migration guides of Claude 4.7, 5 and 5.5 (https://platform.claude.com/docs/en/about-claude/models/overview). A request
written for it is never changed by what is said here.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

_VERSION = re.compile(r"claude-(?:([a-z]+)-)?v?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What a model accepts.

    Attributes:
        thinking: not at all, with a budget of tokens, or by effort.
        always_thinks: thinking cannot be switched off.
        efforts: accepted levels, lowest first.
        samplers: how many of `temperature` and `top_p` may be set; with none, `top_k` may not be either.
        structured: it takes a schema for its answer, and strict tools.
        forced: a tool call can be forced.
        max_tokens: asked for where the client set no limit; the API requires one.
    """

    thinking: Literal["none", "budget", "effort"] = "budget"
    always_thinks: bool = False
    efforts: tuple[str, ...] = ()
    samplers: int = 2
    structured: bool = False
    forced: bool = True
    max_tokens: int = 8192


_CURRENT = Generation(
    thinking="effort",
    efforts=("low", "medium", "high", "xhigh", "max"),
    samplers=0,
    structured=True,
    max_tokens=32_000,
)
_ALWAYS = replace(_CURRENT, always_thinks=True, forced=False)

# By version, newest first: the first whose version is not above the model's.
_GENERATIONS: tuple[tuple[tuple[int, int], Generation], ...] = (
    ((5, 5), _ALWAYS),
    ((4, 7), _CURRENT),
    ((4, 6), replace(_CURRENT, efforts=("low", "medium", "high", "max"), samplers=1)),
    ((4, 5), Generation(samplers=1, structured=True, max_tokens=32_000)),
    ((4, 1), Generation(samplers=1, max_tokens=32_000)),
    ((3, 7), Generation(max_tokens=32_000)),
    ((3, 5), Generation(thinking="none")),
    ((0, 0), Generation(thinking="none", max_tokens=4096)),
)
_OTHER = Generation()  # another maker's model behind this API


def generation(model: str) -> Generation:
    """What a model accepts, by its name as any provider writes it."""
    name = model.lower()
    found = _VERSION.search(name)
    if found is None:
        return _CURRENT if "claude" in name else _OTHER
    family, version = found[1], (int(found[2]), int(found[3] or 0))
    if family in ("fable", "mythos"):
        return replace(_ALWAYS, forced=version < (5, 1))
    return next(one for since, one in _GENERATIONS if version >= since)


BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576, "max": 31_999}
"""Tokens of thought that an effort buys where thinking has a budget; lowest first."""

LEAST_BUDGET = 1024
"""The least tokens of thought that can be asked for."""

_LEVELS = tuple(BUDGETS)


def budget(effort: str | None, tokens: int | None, most: int | None) -> int | None:
    """The tokens of thought to ask for; None when an answer of so few tokens has no room for any.

    Args:
        effort: as clients write it; medium when it has no budget.
        tokens: asked for in its stead; -1, which is Gemini's "as the model likes", is as none.
        most: tokens the answer may have, thought included; half of them at the most are for thought. None for no limit.
    """
    if tokens is None or tokens < 0:
        tokens = BUDGETS.get(effort or "", BUDGETS["medium"])
    tokens = max(tokens, LEAST_BUDGET)
    if most is None:
        return tokens
    tokens = min(tokens, max(LEAST_BUDGET, most // 2))
    return tokens if tokens < most else None


def level(effort: str | None, tokens: int | None, accepts: Generation) -> str:
    """The accepted level nearest below an effort, or below the least effort that buys as many tokens of thought.

    Args:
        effort: as clients write it.
        tokens: asked for in its stead; -1, which is Gemini's "as the model likes", is medium.
        accepts: of a model that thinks by effort.
    """
    budget = tokens or 0
    bought = next((one for one, most in BUDGETS.items() if 0 < budget <= most), "medium" if budget < 0 else "max")
    wanted = _LEVELS.index(effort if effort in _LEVELS else bought)
    return next((one for one in reversed(accepts.efforts) if _LEVELS.index(one) <= wanted), accepts.efforts[0])
