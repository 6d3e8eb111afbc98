"""Usage: cached and cache-writing tokens are part of `input_tokens`, thought is part of `output_tokens`.

Shapes: OpenAI API reference, "The response object" (https://platform.openai.com/docs/api-reference/responses/object).
"""

from typing import Any

from gatewright.dialects.conversation import Dropped, Usage
from gatewright.dialects.fields import Fields
from gatewright.dialects.responses.content import Wire
from gatewright.dialects.responses.wire import picked, providers

_DETAILS = ("input_tokens_details", "output_tokens_details")


def decode_usage(value: Any) -> Usage:
    """The tokens of an answer, each in one bucket.

    Raises:
        UpstreamProtocolError: when a count is not a number.
    """
    fields = Fields(value, "usage", providers)
    form = picked(fields.left, ("total_tokens", *_DETAILS))
    fields.get("total_tokens", int)
    prompt, answer = (_count(fields, name) for name in ("input_tokens", "output_tokens"))
    details, answer_details = (Fields(fields.pop(name) or {}, fields.path(name), providers) for name in _DETAILS)
    # No bucket is larger than what it is a part of.
    cached = min(_count(details, "cached_tokens"), prompt)
    written = min(_count(details, "cache_write_tokens"), prompt - cached)
    reasoning = min(_count(answer_details, "reasoning_tokens"), answer)
    return Usage(
        input=prompt - cached - written,
        cache_read=cached,
        cache_write_5m=written,
        output=answer - reasoning,
        reasoning=reasoning,
        rest=fields.left,
        form=form,
    )


def encode_usage(usage: Usage, dropped: Dropped, *, same: bool) -> Wire:
    """The tokens of an answer as this API counts them; `same` when they come from it."""
    written = usage.cache_write_5m + usage.cache_write_1h
    wire: Wire = {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": written},
        "output_tokens": usage.answer,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
    for name in ("total_tokens", *_DETAILS) if same and usage.form else ():
        was = usage.form.get(name)
        if isinstance(was, dict):
            wire[name] = was | {field: count for field, count in wire[name].items() if field in was}
        elif name in usage.form:
            wire[name] = was
        else:
            del wire[name]
    return wire | dropped.rest(usage, same=same)


def _count(fields: Fields, name: str) -> int:
    return max(0, fields.get(name, int) or 0)
