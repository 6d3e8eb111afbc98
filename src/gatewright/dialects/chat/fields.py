"""Reading a wire object field by field, so that what nobody asked for is what is left, and nothing is lost.

A field that is null, or an empty list or object, says nothing and stays in what is left: so the wire's own way of
saying nothing survives. Fields left in an object inside another are kept under both names, `image_url.detail`.
"""

from collections.abc import Iterator
from typing import Any

from gatewright.dialects.conversation import Rest
from gatewright.errors import GatewrightError


class Fields:
    """A wire object whose fields are taken one by one.

    Args:
        value: the object.
        at: its path in the body, for messages; empty for the body itself.
        problem: the error that is raised when a field is not what it must be.
    """

    __slots__ = ("at", "left", "problem")

    def __init__(self, value: Any, at: str, problem: type[GatewrightError]) -> None:
        self.at = at
        self.problem = problem
        if not isinstance(value, dict):
            raise problem(f"'{at or 'body'}' must be an object.")
        self.left: Rest = dict(value)

    def path(self, key: str) -> str:
        """A field's path in the body."""
        return f"{self.at}.{key}" if self.at else key

    def wrong(self, key: str, must: str) -> GatewrightError:
        """The error that says what a field must be."""
        return self.problem(f"'{self.path(key)}' must be {must}.")

    def has(self, key: str) -> bool:
        """Whether a field says anything."""
        return self.left.get(key) not in (None, [], {})

    def text(self, key: str) -> str | None:
        """Take a string; None when it is absent or null."""
        found = self.left.get(key)
        if found is None:
            return None
        if not isinstance(found, str):
            raise self.wrong(key, "a string")
        del self.left[key]
        return found

    def needed(self, key: str) -> str:
        """Take a string that must be there."""
        found = self.text(key)
        if found is None:
            raise self.wrong(key, "a string")
        return found

    def number(self, key: str) -> float | None:
        """Take a number; None when it is absent or null."""
        found = self.left.get(key)
        if found is None:
            return None
        if not isinstance(found, int | float) or isinstance(found, bool):
            raise self.wrong(key, "a number")
        del self.left[key]
        return found

    def integer(self, key: str) -> int | None:
        """Take an integer; None when it is absent or null."""
        found = self.left.get(key)
        if found is None:
            return None
        if not isinstance(found, int) or isinstance(found, bool):
            raise self.wrong(key, "an integer")
        del self.left[key]
        return found

    def flag(self, key: str) -> bool | None:
        """Take a boolean; None when it is absent or null."""
        found = self.left.get(key)
        if found is None:
            return None
        if not isinstance(found, bool):
            raise self.wrong(key, "true or false")
        del self.left[key]
        return found

    def mapping(self, key: str) -> dict[str, Any] | None:
        """Take an object whole; None when it is absent or null."""
        found = self.left.get(key)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise self.wrong(key, "an object")
        del self.left[key]
        return found

    def items(self, key: str) -> list[Any]:
        """Take a list; an empty one when it is absent, null or empty."""
        found = self.left.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            raise self.wrong(key, "a list")
        if found:
            del self.left[key]
        return found

    def objects(self, key: str) -> "Iterator[Fields]":
        """Take a list of objects."""
        for place, value in enumerate(self.items(key)):
            yield Fields(value, f"{self.path(key)}[{place}]", self.problem)

    def inner(self, key: str) -> "Fields | None":
        """Take an object to read its fields in turn, and give it `back` after that; None when it says nothing."""
        if not self.has(key):
            return None
        found = Fields(self.left[key], self.path(key), self.problem)
        del self.left[key]
        return found

    def back(self, key: str, inner: "Fields") -> None:
        """Keep what is left of an object inside, under both names."""
        self.left.update((f"{key}.{name}", value) for name, value in inner.left.items())


def restored(made: dict[str, Any], rest: Rest, *inner: str) -> dict[str, Any]:
    """A wire object of what an encoder made and what `Fields` had left.

    Args:
        made: the fields made; they win.
        rest: what was left.
        inner: names of the objects inside that were given `back`.
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
