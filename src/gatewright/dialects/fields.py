"""A JSON object of a wire read field by field: what a dialect knows is taken, what is left is kept, nothing is lost.

Values are as a JSON decoder makes them, so that their types are exact: `true` is no number.
"""

from collections.abc import Callable
from typing import Any, Self, TypeVar, cast

import msgspec

from gatewright.dialects.conversation import Rest
from gatewright.errors import GatewrightError, UpstreamProtocolError

T = TypeVar("T")
Fault = Callable[[str], GatewrightError]
"""Makes the error of the side that sent an object: `ClientError` itself, or what `provider_fault` returns."""

WORDS: dict[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}
"""The kinds of value a field may have, each as an error names it."""


def provider_fault(api: str) -> Fault:
    """The errors of a provider's answers; `api` is what they should be of."""
    return lambda message: UpstreamProtocolError(f"Its answer is not one of {api}: {message}")


class Fields:
    """The fields of one JSON object, taken one by one. A field that is null counts as absent, and is left.

    Args:
        found: what should be an object.
        at: its path in the body; empty for the body itself.
        fault: makes the error when it, or a field of it, is not what it must be; every method raises by it.

    Attributes:
        left: the fields that nobody has taken yet.
    """

    __slots__ = ("at", "fault", "left")

    def __init__(self, found: Any, at: str, fault: Fault) -> None:
        if not isinstance(found, dict):
            raise fault(f"{at or 'The body'} must be {WORDS[dict]}.")
        self.at = at
        self.fault = fault
        self.left: Rest = dict(found)

    def path(self, key: str) -> str:
        """A field's path in the body."""
        return f"{self.at}.{key}" if self.at else key

    def wrong(self, key: str, must: str) -> GatewrightError:
        """The error that says what a field must be."""
        return self.fault(f"{self.path(key)} must be {must}.")

    def peek(self, key: str) -> Any:
        """A field's value, which is left; None when it is absent."""
        return self.left.get(key)

    def has(self, key: str) -> bool:
        """Whether a field is there."""
        return self.peek(key) is not None

    def pop(self, key: str) -> Any:
        """Take a field of any kind; None when it is absent."""
        return self.left.pop(key) if self.has(key) else None

    def get(self, key: str, kind: type[T]) -> T | None:
        """Take a field of a kind of `WORDS`; None when it is absent. A whole number is a number too."""
        found = self.pop(key)
        return None if found is None else self.checked(key, found, kind)

    def need(self, key: str, kind: type[T]) -> T:
        """As `get`, of a field that must be there."""
        found = self.get(key, kind)
        if found is None:
            raise self.fault(f"{self.path(key)} is required and must be {WORDS[kind]}.")
        return found

    def checked(self, key: str, found: Any, kind: type[T]) -> T:
        """A field's value, which must be of a kind."""
        if type(found) is not kind and not (kind is float and type(found) is int):
            raise self.wrong(key, WORDS[kind])
        return cast("T", found)

    def within(self, key: str) -> Self | None:
        """Take an object, to be read field by field; None when it is absent."""
        return self.inner(key) if self.has(key) else None

    def inner(self, key: str) -> Self:
        """As `within`, of an object that must be there."""
        return type(self)(self.need(key, dict), self.path(key), self.fault)

    def items(self, key: str) -> list[Any]:
        """Take a list; an empty one when it is absent. An empty list is left: it says nothing."""
        return [] if self.peek(key) == [] else self.get(key, list) or []

    def objects(self, key: str) -> list[Self]:
        """As `items`, of objects, to be read field by field."""
        return [type(self)(one, f"{self.path(key)}[{at}]", self.fault) for at, one in enumerate(self.items(key))]


def to_text(found: Any) -> str:
    """A JSON value as compact text."""
    return msgspec.json.encode(found).decode()


def to_object(text: str) -> dict[str, Any]:
    """A call's arguments as an object; text that is none, which models do write, is put into one, not lost."""
    try:
        found = msgspec.json.decode(text) if text.strip() else {}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        found = text
    return found if isinstance(found, dict) else {"arguments": found}
