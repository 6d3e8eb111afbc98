"""Service tiers.

Values: OpenAI API reference, "Create chat completion", `service_tier`; `standard` and `standard_only` are Anthropic's,
`on_demand` is Groq's.
"""

from gatewright.dialects.conversation import Dropped

_OWN = ("auto", "default", "flex", "scale", "priority")
_NAMED = {"standard_only": "default", "standard": "default", "on_demand": "default"}


def fitting_tier(tier: str | None, dropped: Dropped) -> str | None:
    """A tier of another dialect or provider by OpenAI's name; None, with a note, when it has none."""
    if tier is None or tier in _OWN:
        return tier
    if tier not in _NAMED:
        dropped.add("service_tier")
    return _NAMED.get(tier)
