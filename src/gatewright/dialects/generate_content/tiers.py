"""Names of service tiers: Google says `standard` where others say `default`; `flex` and `priority` are the same.

Gemini API reference, "ServiceTier" (https://ai.google.dev/api/generate-content#ServiceTier).
"""

_FROM = {"standard": "default"}
_TO = {"default": "standard", "standard": "standard", "flex": "flex", "priority": "priority"}


def from_google(tier: object) -> str | None:
    """The tier as other dialects call it."""
    return _FROM.get(tier, tier) if isinstance(tier, str) else None


def to_google(tier: str | None) -> str | None:
    """The tier as Google calls it; None when it knows none like it."""
    return None if tier is None else _TO.get(tier)
