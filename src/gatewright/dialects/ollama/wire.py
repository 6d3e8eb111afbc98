"""JSON objects of Ollama's API as they were, and its times.

An encoder writes what the model of conversations says. Where the wire had it otherwise, a list as a single string or a
name in capitals, `difference` finds that out once, for `Node.form`, and `restored` puts it back.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gatewright.dialects.conversation import Rest
from gatewright.dialects.fields import Fields, provider_fault

providers = provider_fault("Ollama's API")
"""Makes the error of an answer."""


def difference(wire: Mapping[str, Any], made: Mapping[str, Any]) -> Rest:
    """What must be done to an encoded object to have it as it was; empty when nothing must.

    Args:
        wire: the object as it came.
        made: the object as the encoder writes it.
    """
    spelled = {key: value for key, value in wire.items() if key not in made or made[key] != value}
    absent = [key for key in made if key not in wire]
    return ({"as": spelled} if spelled else {}) | ({"not": absent} if absent else {})


def restored(made: Mapping[str, Any], form: Rest) -> dict[str, Any]:
    """An encoded object with its `difference` put back."""
    absent = form.get("not", ())
    spelled: Rest = form.get("as", {})
    return {key: value for key, value in made.items() if key not in absent} | spelled


def closed(outer: Fields, key: str, inner: Fields) -> None:
    """Keep what is left of an object inside, each field under both names: `options.num_ctx`."""
    outer.left.update((f"{key}.{name}", value) for name, value in inner.left.items())


def opened(rest: Rest, key: str) -> tuple[Rest, Rest]:
    """What was left of the outer object, and what of the one inside that was `closed`."""
    start = f"{key}."
    outer = {name: value for name, value in rest.items() if not name.startswith(start)}
    return outer, {name.removeprefix(start): value for name, value in rest.items() if name not in outer}


def timestamp(seconds: int) -> str:
    """Seconds since the epoch in RFC 3339, as clients in Go insist on."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str | None) -> int | None:
    """A time in RFC 3339 as seconds since the epoch; None when it is none."""
    try:
        return None if text is None else int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return None
