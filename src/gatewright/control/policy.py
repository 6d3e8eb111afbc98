"""The tags by which an operator says how an endpoint treats its requests."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gatewright.errors import ClientError
from gatewright.settings import TAGS
from gatewright.snapshot.model import Policy

PREFIX = "gatewright."
"""Of the keys that mean something here; all others are the operator's own."""


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
    tag = TAGS[key]
    if not value.strip():
        raise ClientError(f"Tag '{key}' needs a value: {tag.values.replace('`', '')}.")
    try:
        return tag.sets, tag.read(value)
    except ValueError as problem:
        raise ClientError(f"Invalid value {value[:100]!r} of tag '{key}': {problem}.") from None
