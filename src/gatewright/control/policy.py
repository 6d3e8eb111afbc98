"""The tags by which an operator says how an endpoint treats its requests."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

from gatewright.errors import ClientError
from gatewright.snapshot.model import FallbackKind, Policy

PREFIX = "gatewright."
"""Of the keys that mean something here; all others are the operator's own."""

LONGEST = 86_400
"""Seconds of the longest time that can be said."""

_KINDS = {kind.replace("_", "-"): kind for kind in get_args(FallbackKind)}


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("use true or false")
    return text == "true"


def _count(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError(f"use a whole number from {low} to {high}")
        return int(text)

    return read


def _milliseconds(text: str) -> float:
    return _count(1, LONGEST * 1000)(text) / 1000


def _kinds(text: str) -> frozenset[FallbackKind]:
    words = [word.strip() for word in text.split(",")]
    if not set(words) <= set(_KINDS):
        raise ValueError(f"use one or more of {', '.join(_KINDS)}, with commas between them")
    return frozenset(_KINDS[word] for word in words)


def _delay(text: str) -> float | str:
    if text == "p95":
        return text
    try:
        return _milliseconds(text)
    except ValueError as problem:
        raise ValueError(f"{problem}, or p95") from None


TAGS: Mapping[str, tuple[str, Callable[[str], Any]]] = MappingProxyType(
    {
        "gatewright.strict": ("strict", _flag),
        "gatewright.timeout-ms": ("timeout", _milliseconds),
        "gatewright.first-token-ms": ("first_token", _milliseconds),
        "gatewright.retries": ("retries", _count(0, 10)),
        "gatewright.fallback-on": ("fallback_on", _kinds),
        "gatewright.cooldown-seconds": ("cooldown", _count(0, LONGEST)),
        "gatewright.hedge-ms": ("hedge", _delay),
        "gatewright.max-concurrency": ("max_concurrency", _count(1, 1_000_000)),
    }
)
"""Each tag with the field of `Policy` that it sets, and what reads its value."""


def read(tags: Mapping[str, str], usual: Policy) -> tuple[Policy, list[str]]:
    """The policy of an endpoint, and what is wrong with tags that are passed over.

    Args:
        tags: all of the endpoint's.
        usual: what holds where no tag says otherwise.
    """
    fields: dict[str, Any] = {}
    problems = []
    for key, value in tags.items():
        if key.startswith(PREFIX):
            try:
                fields.update([_field(key, value)])
            except ClientError as problem:
                problems.append(problem.public)
    return replace(usual, **fields), problems


def check(key: str, value: str) -> None:
    """Refuse a tag that would be passed over.

    Raises:
        ClientError: when the key begins as ours do but is none, or the value cannot be used.
    """
    if key.startswith(PREFIX):
        _field(key, value)


def _field(key: str, value: str) -> tuple[str, Any]:
    if key not in TAGS:
        raise ClientError(f"Unknown tag {key[:100]!r}. Those that begin with '{PREFIX}' are: {', '.join(TAGS)}.")
    name, reader = TAGS[key]
    try:
        return name, reader(value.strip().lower())
    except ValueError as problem:
        raise ClientError(f"Invalid value {value[:100]!r} of tag '{key}': {problem}.") from None
