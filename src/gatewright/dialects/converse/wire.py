"""What all files of this dialect share: its name, its errors, how its parts are written, and how a body is put back."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gatewright.dialects.conversation import Dropped, Node, Rest
from gatewright.dialects.fields import provider_fault

NAME = "converse"
"""The dialect's name."""

TIERS = ("priority", "default", "flex", "reserved")
"""The service tiers this API names."""

MORE = "additionalModelRequestFields"
"""Where a request says what only its model understands."""

Block = dict[str, Any]
"""A content block: an object with one field, whose name tells its kind."""

providers = provider_fault("Bedrock's Converse API")
"""Makes the error of an answer."""

_NOT_IN_ID = re.compile(r"[^a-zA-Z0-9_.:-]")
_MOST_ID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How parts are written.

    Attributes:
        same: they come from this dialect, so every `rest` and `form` is put back.
        dropped: told what is left out.
        answer: they are an answer for a client, not a request for a provider.
        caches: the model takes cache points here.
        names: of the documents so far; two of one request may not have the same.
    """

    same: bool
    dropped: Dropped
    answer: bool = False
    caches: bool = False
    names: set[str] = field(default_factory=set)

    def rest(self, node: Node) -> Rest:
        """What stands beside a value's own fields, but for the cache control that `after` writes."""
        kept = dict(node.rest)
        if self.same and not any("cachePoint" in block for block in node.form.get("after", ())):
            return kept
        if self.same or self.caches:
            kept.pop("cache_control", None)
        return self.dropped.rest(replace(node, rest=kept), same=self.same)

    def after(self, node: Node) -> list[Block]:
        """The blocks that follow a value's own and say something about it."""
        if self.same:
            found: list[Block] = node.form.get("after", [])
            return found
        control = node.rest.get("cache_control")
        if not self.caches or not isinstance(control, dict):
            return []
        lasting = {"ttl": control["ttl"]} if control.get("ttl") in ("5m", "1h") else {}
        return [{"cachePoint": {"type": "default", **lasting}}]


def cached(node: Node, block: Block) -> None:
    """Say of a value that the cache point after it caches all up to it, in the words many clients have for it."""
    node.form.setdefault("after", []).append(block)
    point = block["cachePoint"]
    lasting = {"ttl": point["ttl"]} if isinstance(point, dict) and "ttl" in point else {}
    node.rest = {**node.rest, "cache_control": {"type": "ephemeral", **lasting}}


def merged(rest: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """An object of what stood beside the model's fields and of what these say, object by object."""
    both = {
        key: merged(rest[key], value) if isinstance(value, dict) and isinstance(rest.get(key), dict) else value
        for key, value in said.items()
    }
    return {**rest, **both}


def known_id(name: str) -> str:
    """A call's id in the letters and the length that this API allows; two do not become one."""
    cleaned = _NOT_IN_ID.sub("_", name) or "call"
    if len(cleaned) <= _MOST_ID:
        return cleaned
    digest = hashlib.blake2b(name.encode(errors="replace"), digest_size=8).hexdigest()
    return f"{cleaned[: _MOST_ID - len(digest) - 1]}_{digest}"
