"""Token counts.

Shape: `TokenUsage` of the API reference (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html).
`inputTokens` leaves out what a cache gave or took, and `totalTokens` is the sum of all. Thought is among the
`outputTokens`, uncounted. `cacheDetails` says how long what was written to a cache is kept; older twins of the two
cache counts, whose names end in `Count`, say the same.
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Dropped, Usage
from gatewright.dialects.converse.wire import providers
from gatewright.dialects.fields import Fields

_COUNTS = ("inputTokens", "outputTokens", "totalTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
_TWINS = ("cacheReadInputTokenCount", "cacheWriteInputTokenCount")


def decode_usage(found: Mapping[str, Any]) -> Usage:
    """Usage, whole or of a stream.

    Raises:
        UpstreamProtocolError: when a count is not one.
    """
    fields = Fields(found, "usage", providers)
    form = {key: found[key] for key in (*_COUNTS, *_TWINS, "cacheDetails") if found.get(key) is not None}
    fresh, output, _, read, written = (_count(fields, key) for key in _COUNTS)
    read, written = (max(count, _count(fields, twin)) for count, twin in zip((read, written), _TWINS, strict=True))
    details = fields.objects("cacheDetails")
    hour = sum(_count(one, "inputTokens") for one in details if one.peek("ttl") == "1h")
    hour = min(hour, written)
    usage = Usage(input=fresh, cache_read=read, cache_write_5m=written - hour, cache_write_1h=hour, output=output)
    usage.rest, usage.form = fields.left, form
    return usage


def _count(fields: Fields, key: str) -> int:
    found = fields.get(key, int) or 0
    if found < 0:
        raise fields.wrong(key, "0 or more")
    return found


def encode_usage(usage: Usage, *, same: bool, dropped: Dropped) -> dict[str, Any]:
    """Usage as this API counts.

    Args:
        usage: of any dialect; sound and images count as input here, and thought as output.
        same: it comes from this dialect, and has the fields it had.
        dropped: told what this API cannot express.
    """
    rest = dropped.rest(usage, same=same)
    if same and (usage.form or not usage.total):
        return usage.form | rest
    kept = {"5m": usage.cache_write_5m, "1h": usage.cache_write_1h}
    details = [{"ttl": ttl, "inputTokens": count} for ttl, count in kept.items() if count]
    written = sum(kept.values())
    return {
        "inputTokens": usage.prompt - usage.cache_read - written,
        "outputTokens": usage.answer,
        "totalTokens": usage.total,
        "cacheReadInputTokens": usage.cache_read,
        "cacheWriteInputTokens": written,
        **({"cacheDetails": details} if details else {}),
    }
