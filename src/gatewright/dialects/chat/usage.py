"""Usage: OpenAI's overlapping counts to buckets that do not overlap, and back.

Shape: OpenAI API reference, "The chat completion object", `usage`. There `prompt_tokens` holds the cached and the heard
tokens, and `completion_tokens` the thought ones. Providers differ: xAI and Google count thought beside
`completion_tokens`, Mistral sound beside `prompt_tokens`; `total_tokens`, which all count alike, tells.
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Rest, Usage

_ASKED, _ANSWERED, _SUM = ("prompt_tokens",), ("completion_tokens",), ("total_tokens",)
_PROMPT, _ANSWER = "prompt_tokens_details", "completion_tokens_details"

# Where providers write how much was read from a cache: OpenAI, DeepSeek, Together and Moonshot, Mistral, Databricks.
_CACHED = (
    f"{_PROMPT}.cached_tokens",
    "prompt_cache_hit_tokens",
    "cached_tokens",
    "num_cached_tokens",
    "cache_read_input_tokens",
)
_WRITTEN = (f"{_PROMPT}.cache_write_tokens", "cache_creation_input_tokens")
_HEARD = (f"{_PROMPT}.audio_tokens",)
_SEEN = (f"{_PROMPT}.image_tokens",)
_THOUGHT = (f"{_ANSWER}.reasoning_tokens", "reasoning_tokens")
_SPOKEN = (f"{_ANSWER}.audio_tokens",)
_DRAWN = (f"{_ANSWER}.image_tokens",)

_LEFT = (f"{_PROMPT}.text_tokens", f"{_ANSWER}.text_tokens", "prompt_cache_miss_tokens")  # what others leave

_COUNTED = frozenset(
    (*_ASKED, *_ANSWERED, *_SUM, *_CACHED, *_WRITTEN, *_HEARD, *_SEEN, *_THOUGHT, *_SPOKEN, *_DRAWN, *_LEFT)
)


def decode_usage(wire: Mapping[str, Any]) -> Usage:
    """A `usage` object as buckets; they sum to its `total_tokens`.

    A provider's part that is greater than its whole, as the cached tokens of some, is cut to the whole.
    """
    flat = _flat(wire)
    prompt, answer, total = _count(flat, _ASKED), _count(flat, _ANSWERED), _count(flat, _SUM)
    thought, heard = _count(flat, _THOUGHT), _count(flat, _HEARD)
    beside = total - prompt - answer
    if beside > 0 and beside == heard:
        prompt += beside
    elif beside > 0:
        answer += beside
        thought = beside if thought in (0, beside) else thought + beside
    usage = Usage(rest={key: value for key, value in flat.items() if value and key not in _COUNTED}, form=dict(wire))
    usage.input, (usage.cache_read, usage.cache_write_5m, usage.input_audio, usage.input_image) = _shared(
        prompt, _count(flat, _CACHED), _count(flat, _WRITTEN), heard, _count(flat, _SEEN)
    )
    usage.output, (usage.reasoning, usage.output_audio, usage.output_image) = _shared(
        answer, thought, _count(flat, _SPOKEN), _count(flat, _DRAWN)
    )
    return usage


def _flat(wire: Mapping[str, Any]) -> Rest:
    """The fields of a usage object, those of the details under both names."""
    flat: Rest = {}
    for key, value in wire.items():
        if key in (_PROMPT, _ANSWER) and isinstance(value, dict):
            for inner, count in value.items():
                flat[f"{key}.{inner}"] = count
        else:
            flat[key] = value
    return flat


def _count(flat: Rest, names: tuple[str, ...]) -> int:
    """The first count that is there; 0 for none, and for what is no count."""
    for name in names:
        found = flat.get(name)
        if type(found) is int and found > 0:
            return found
    return 0


def _shared(whole: int, *parts: int) -> tuple[int, list[int]]:
    """What is left of a whole, and its parts, each cut to what those before it left."""
    cut = []
    for part in parts:
        taken = min(part, whole)
        cut.append(taken)
        whole -= taken
    return whole, cut


def encode_usage(usage: Usage, *, same: bool) -> dict[str, Any]:
    """Buckets as a `usage` object."""
    if same and usage.form:
        return usage.form
    prompt = {
        "cached_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "audio_tokens": usage.input_audio,
        "image_tokens": usage.input_image,
    }
    answer = {
        "reasoning_tokens": usage.reasoning,
        "audio_tokens": usage.output_audio,
        "image_tokens": usage.output_image,
    }
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.answer,
        "total_tokens": usage.total,
        _PROMPT: {name: count for name, count in prompt.items() if count or name == "cached_tokens"},
        _ANSWER: {name: count for name, count in answer.items() if count or name == "reasoning_tokens"},
    }
