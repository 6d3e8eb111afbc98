"""Token counts: `usageMetadata`.

Gemini API reference, "UsageMetadata" (https://ai.google.dev/api/generate-content#UsageMetadata): `promptTokenCount`
holds the cached tokens too, `toolUsePromptTokenCount` and `thoughtsTokenCount` stand beside the prompt's and the
candidates', and `totalTokenCount` is the sum of the four. The details say how many of a count were of which modality.
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Dropped, Usage
from gatewright.dialects.generate_content.fields import Fields, providers, restored

COUNTS = (
    "promptTokenCount",
    "cachedContentTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "totalTokenCount",
)
_TOOLS = "toolUsePromptTokenCount"
_SIGHT = ("IMAGE", "VIDEO")


def counted(wire: object) -> bool:
    """Whether a `usageMetadata` counts anything; the first chunks of a stream name only the kind of traffic."""
    return isinstance(wire, dict) and any(isinstance(wire.get(name), int) for name in (*COUNTS, _TOOLS))


def decode_usage(wire: Mapping[str, Any]) -> Usage:
    """Counts in buckets that do not overlap.

    Raises:
        UpstreamProtocolError: when a count is not a number.
    """
    fields = Fields(wire, "usageMetadata", providers)
    said = {name: fields.get(name, int) for name in COUNTS}
    prompt, cached, answer, thoughts, _ = (max(0, said[name] or 0) for name in COUNTS)
    tools = fields.peek(_TOOLS)
    prompt += tools if isinstance(tools, int) else 0
    read = _modalities(fields, "promptTokensDetails") + _modalities(fields, "toolUsePromptTokensDetails")
    kept = _modalities(fields, "cacheTokensDetails")
    usage = Usage(reasoning=thoughts)
    usage.cache_read, prompt = _split(prompt, cached)
    usage.input_audio, prompt = _split(prompt, read.of("AUDIO") - kept.of("AUDIO"))
    usage.input_image, usage.input = _split(prompt, read.of(*_SIGHT) - kept.of(*_SIGHT))
    made = _modalities(fields, "candidatesTokensDetails")
    usage.output_audio, answer = _split(answer, made.of("AUDIO"))
    usage.output_image, usage.output = _split(answer, made.of(*_SIGHT))
    if tier := fields.get("serviceTier", str):
        fields.keep("serviceTier", tier)
    usage.rest, usage.form = fields.rest(), fields.form
    written = _counts(usage, tools if isinstance(tools, int) else 0)
    for name, value in said.items():
        if value is None and name in written:
            fields.absent(name)
        elif value != written.get(name):
            fields.keep(name, value)
    return usage


def encode_usage(usage: Usage, dropped: Dropped, *, same: bool) -> dict[str, Any]:
    """Counts as the wire has them.

    Args:
        usage: the counts.
        dropped: takes the names of what cannot be said.
        same: whether they come from this dialect.
    """
    rest = dropped.rest(usage, same=same)
    if same:
        tools = usage.rest.get(_TOOLS)
        return restored(_counts(usage, tools if isinstance(tools, int) else 0), usage.form, rest)
    if usage.cache_write_5m or usage.cache_write_1h:
        dropped.add("cache_creation")
    body = _counts(usage, 0)
    for name, total, sound, sight in (
        ("promptTokensDetails", usage.prompt, usage.input_audio, usage.input_image),
        ("candidatesTokensDetails", usage.answer - usage.reasoning, usage.output_audio, usage.output_image),
    ):
        if sound or sight:
            counts = {"TEXT": total - sound - sight, "AUDIO": sound, "IMAGE": sight}
            body[name] = [{"modality": kind, "tokenCount": count} for kind, count in counts.items() if count]
    return body


def _counts(usage: Usage, tools: int) -> dict[str, Any]:
    values = (usage.prompt - tools, usage.cache_read, usage.answer - usage.reasoning, usage.reasoning, usage.total)
    return {name: value for name, value in zip(COUNTS, values, strict=True) if value or name in (COUNTS[0], COUNTS[-1])}


def _split(total: int, part: int) -> tuple[int, int]:
    """A part of a total, no more than all of it, and what is left: details may disagree with their count."""
    part = max(0, min(total, part))
    return part, total - part


class _Modalities(dict[str, int]):
    def __add__(self, other: "_Modalities") -> "_Modalities":
        return _Modalities({kind: self.get(kind, 0) + other.get(kind, 0) for kind in {*self, *other}})

    def of(self, *kinds: str) -> int:
        return sum(self.get(kind, 0) for kind in kinds)


def _modalities(fields: Fields, name: str) -> _Modalities:
    found = _Modalities()
    details = fields.peek(name)
    for item in details if isinstance(details, list) else ():
        kind, count = (item.get("modality"), item.get("tokenCount")) if isinstance(item, dict) else (None, None)
        if isinstance(kind, str) and isinstance(count, int):
            found[kind] = found.get(kind, 0) + count
    return found
