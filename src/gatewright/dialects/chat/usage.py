"""Usage: OpenAI's overlapping counts to buckets that do not overlap, and back.

Shape: OpenAI API reference, "The chat completion object", `usage`. There `prompt_tokens` holds the cached and the heard
tokens, and `completion_tokens` the thought ones. Providers differ: xAI and Google count thought beside
`completion_tokens`, Mistral sound beside `prompt_tokens`; `total_tokens`, which all count alike, tells.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gatewright.dialects.conversation import Rest, Usage

_PROMPT, _ANSWER = "prompt_tokens_details", "completion_tokens_details"
_USUAL = frozenset({"prompt_tokens", "completion_tokens", "total_tokens", _PROMPT, _ANSWER})
_NOTHING: Mapping[str, Any] = MappingProxyType({})

# Where providers write how much was read from a cache, if not where OpenAI does: DeepSeek, Together and Moonshot,
# Mistral, Databricks.
_CACHED = ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens", "cache_read_input_tokens")
_KNOWN = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_cache_miss_tokens",
        "cache_creation_input_tokens",
        "reasoning_tokens",
        _PROMPT,
        _ANSWER,
        *_CACHED,
    }
)
_KNOWN_DETAILS = {
    _PROMPT: frozenset({"cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens", "text_tokens"}),
    _ANSWER: frozenset({"reasoning_tokens", "audio_tokens", "image_tokens", "text_tokens"}),
}


def decode_usage(wire: Mapping[str, Any]) -> Usage:
    """A `usage` object as buckets; they sum to its `total_tokens`.

    A provider's part that is greater than its whole, as the cached tokens of some, is cut to the whole. This is read of
    every answer that is passed through, so nothing is looked for twice.
    """
    prompt, answer = wire.get("prompt_tokens"), wire.get("completion_tokens")
    if type(prompt) is int and type(answer) is int and _is_plain(wire, prompt, answer):
        return Usage(input=prompt, output=answer, form=dict(wire))
    prompt, answer = _count(prompt), _count(answer)
    asked, said = _details(wire.get(_PROMPT)), _details(wire.get(_ANSWER))
    heard, thought = (
        _count(asked.get("audio_tokens")),
        _count(said.get("reasoning_tokens") or wire.get("reasoning_tokens")),
    )
    beside = _count(wire.get("total_tokens")) - prompt - answer
    if beside > 0 and beside == heard:
        prompt += beside
    elif beside > 0:
        answer += beside
        thought = beside if thought in (0, beside) else thought + beside
    read = _count(asked.get("cached_tokens")) or next((n for key in _CACHED if (n := _count(wire.get(key)))), 0)
    written = _count(asked.get("cache_write_tokens")) or _count(wire.get("cache_creation_input_tokens"))
    usage = Usage(input=prompt, output=answer, rest=_rest(wire), form=dict(wire))
    if read or written or any(asked.values()):
        usage.cache_read, usage.cache_write_5m = (read := min(read, prompt)), (written := min(written, prompt - read))
        usage.input_audio = heard = min(heard, prompt - read - written)
        usage.input_image = seen = min(_count(asked.get("image_tokens")), prompt - read - written - heard)
        usage.input = prompt - read - written - heard - seen
    if thought or any(said.values()):
        usage.reasoning = thought = min(thought, answer)
        usage.output_audio = spoken = min(_count(said.get("audio_tokens")), answer - thought)
        usage.output_image = drawn = min(_count(said.get("image_tokens")), answer - thought - spoken)
        usage.output = answer - thought - spoken - drawn
    return usage


def _is_plain(wire: Mapping[str, Any], prompt: int, answer: int) -> bool:
    """Whether there is nothing to tell apart, as in most answers: two counts, their sum, and details that are all 0."""
    asked, said = wire.get(_PROMPT), wire.get(_ANSWER)
    return (
        prompt >= 0
        and answer >= 0
        and wire.get("total_tokens") == prompt + answer
        and wire.keys() <= _USUAL
        and (asked is None or (type(asked) is dict and not any(asked.values())))
        and (said is None or (type(said) is dict and not any(said.values())))
    )


def _count(found: Any) -> int:
    """A count; 0 for none, and for what is no count."""
    return found if type(found) is int and found > 0 else 0


def _details(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else _NOTHING


def _rest(wire: Mapping[str, Any]) -> Rest:
    """What is told beside the counts; that of the details by its path."""
    if wire.keys() <= _PLAIN:
        return {}
    rest = {key: value for key, value in wire.items() if value and key not in _KNOWN}
    for key, known in _KNOWN_DETAILS.items():
        details = wire.get(key)
        if isinstance(details, dict):
            if not any(details.values()):
                continue
            rest.update({f"{key}.{name}": value for name, value in details.items() if value and name not in known})
        elif details:
            rest[key] = details
    return rest


_PLAIN = _KNOWN - {_PROMPT, _ANSWER}


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
