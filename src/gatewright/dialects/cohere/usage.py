"""Usage (https://docs.cohere.com/reference/chat, `usage`).

`tokens` counts what the model read and wrote, the provider's own prompt around the client's included; `cached_tokens`,
`tokens.image_tokens` and `tokens.reasoning_tokens` are some of those. `billed_units` is less, for that prompt is free;
it stays in `rest`.
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.cohere.wire import providers
from gatewright.dialects.conversation import Dropped, Usage
from gatewright.dialects.fields import Fields

_COUNTS = ("tokens", "cached_tokens")


def decode_usage(found: Mapping[str, Any]) -> Usage:
    """Usage as the model counts; where `tokens` is missing, what is billed.

    Raises:
        UpstreamProtocolError: when a count is not one.
    """
    fields = Fields(found, "usage", providers)
    form = {key: fields.left[key] for key in _COUNTS if key in fields.left}
    billed = fields.peek("billed_units")
    tokens = fields.within("tokens") or Fields(billed or {}, fields.path("billed_units"), providers)
    prompt, answer = _count(tokens, "input_tokens"), _count(tokens, "output_tokens")
    cached = min(prompt, _count(fields, "cached_tokens"))
    images = min(prompt - cached, _count(tokens, "image_tokens"))
    thought = min(answer, _count(tokens, "reasoning_tokens"))
    return Usage(
        input=prompt - cached - images,
        cache_read=cached,
        input_image=images,
        output=answer - thought,
        reasoning=thought,
        rest={key: value for key, value in fields.left.items() if key not in _COUNTS},
        form=form,
    )


def _count(fields: Fields, key: str) -> int:
    found = fields.get(key, float) or 0
    if not 0 <= found < 2**53:
        raise fields.wrong(key, "a number of tokens")
    return int(found)


def encode_usage(usage: Usage, *, same: bool, dropped: Dropped) -> dict[str, Any]:
    """Usage as this API counts.

    Args:
        usage: of any dialect; of another, all its tokens are what is billed.
        same: it comes from this dialect, and has the fields it had.
        dropped: told what this API cannot express.
    """
    rest = dropped.rest(usage, same=same)
    if same:
        return rest | usage.form
    billed = {"input_tokens": usage.prompt, "output_tokens": usage.answer}
    some = {"image_tokens": usage.input_image, "reasoning_tokens": usage.reasoning}
    tokens = billed | {key: count for key, count in some.items() if count}
    return {"billed_units": billed, "tokens": tokens, "cached_tokens": usage.cache_read}
