"""JSON objects of the Messages API, read field by field: what is known is taken out, what is left is kept."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from gatewright.errors import ClientError, GatewrightError, UpstreamProtocolError

NAME = "messages"
"""The dialect's name."""

T = TypeVar("T")
Fault = Callable[[str], GatewrightError]
"""Makes the error of the side that sent the object."""

_WORDS: dict[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def clients(message: str) -> GatewrightError:
    """The error for a client's body."""
    return ClientError(message)


def providers(message: str) -> GatewrightError:
    """The error for a provider's answer."""
    return UpstreamProtocolError(f"Its answer is not one of the Messages API: {message}")


class Fields:
    """The fields of one JSON object; `rest` holds those not taken yet, and every explicit null.

    Args:
        found: what should be an object.
        where: its path in the body, for errors; empty for the body itself.
        fault: makes the error when it is not what it should be.
    """

    __slots__ = ("fault", "rest", "where")

    def __init__(self, found: Any, where: str, fault: Fault) -> None:
        if not isinstance(found, dict):
            raise fault(f"{where or 'The body'} must be an object.")
        self.rest: dict[str, Any] = dict(found)
        self.where = where
        self.fault = fault

    def at(self, key: str) -> str:
        """The path of a field."""
        return f"{self.where}.{key}" if self.where else key

    def get(self, key: str, kind: type[T]) -> T | None:
        """Take a field out; None when it is absent or null."""
        found = self.rest.get(key)
        if found is None:
            return None
        if not _is(found, kind):
            raise self.fault(f"{self.at(key)} must be {_WORDS[kind]}.")
        del self.rest[key]
        return found  # type: ignore[no-any-return]

    def need(self, key: str, kind: type[T]) -> T:
        """Take a field out that must be there."""
        found = self.get(key, kind)
        if found is None:
            raise self.fault(f"{self.at(key)} is required and must be {_WORDS[kind]}.")
        return found

    def within(self, key: str) -> "Fields | None":
        """Take out a field that is an object, to be read field by field; None when it is absent or null."""
        found = self.get(key, dict)
        return None if found is None else Fields(found, self.at(key), self.fault)


def _is(found: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(found, int | float) and not isinstance(found, bool)
    return isinstance(found, kind) and (kind is not int or not isinstance(found, bool))


def to_text(found: Any) -> str:
    """A JSON value as compact text."""
    return msgspec.json.encode(found).decode()


def to_object(text: str) -> dict[str, Any]:
    """A tool's arguments as the object this API wants; text that is no JSON object is put into one, not lost."""
    if not text.strip():
        return {}
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        found = text
    return found if isinstance(found, dict) else {"arguments": found}
