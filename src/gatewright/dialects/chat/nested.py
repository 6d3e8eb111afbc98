"""Objects inside objects: what is left of one is kept in the `rest` of the outer under both names, `image_url.detail`.

One that is null, or empty, says nothing and stays in what is left of the outer: so the wire's own way of saying nothing
survives.
"""

from typing import Any

from gatewright.dialects.conversation import Rest
from gatewright.dialects.fields import Fields


def opened(outer: Fields, key: str) -> Fields | None:
    """Take an object to read its fields, and have it `closed` after that; None when it says nothing."""
    return None if outer.left.get(key) in (None, [], {}) else outer.inner(key)


def closed(outer: Fields, key: str, inner: Fields) -> None:
    """Keep what is left of an object inside, under both names."""
    outer.left.update((f"{key}.{name}", value) for name, value in inner.left.items())


def restored(made: dict[str, Any], rest: Rest, *inner: str) -> dict[str, Any]:
    """A wire object of what an encoder made and what was left of the objects read.

    Args:
        made: the fields made; they win.
        rest: what was left.
        inner: names of the objects inside that were `closed`.
    """
    if not rest:
        return made
    whole: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for key, value in rest.items():
        outer, dot, name = key.partition(".")
        if dot and outer in inner:
            nested.setdefault(outer, {})[name] = value
        else:
            whole[key] = value
    whole |= made
    for key, values in nested.items():
        whole[key] = {**values, **(whole.get(key) or {})}
    return whole
