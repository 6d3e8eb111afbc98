"""Reading a wire object field by field; every complaint names the field.

Requests and answers share their items, so they share this reader: it blames the sender with a `ClientError`, and who
reads a provider's answer turns that into the provider's fault.
"""

from collections.abc import Collection, Mapping
from typing import Any

from gatewright.dialects.conversation import Rest
from gatewright.errors import ClientError

NAME = "responses"
"""The dialect's name: the operation's."""

_WORDS: dict[type, str] = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def mapping(value: Any, where: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ClientError: when it is anything else; the same goes for all functions here.
    """
    if not isinstance(value, dict):
        raise ClientError(f"{where} must be an object.")
    return value


def array(value: Any, where: str) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise ClientError(f"{where} must be a list.")
    return value


def text(wire: Mapping[str, Any], name: str, where: str = "") -> str:
    """A field that must be there and a string."""
    value = wire.get(name)
    if not isinstance(value, str):
        raise ClientError(f"{where}{name} must be a string.")
    return value


def optional(wire: Mapping[str, Any], name: str, kind: type, where: str = "") -> Any:
    """A field that may be missing or null; a whole number is a number, and true is not one."""
    value = wire.get(name)
    if value is None or type(value) is kind or (kind is float and type(value) is int):
        return value
    raise ClientError(f"{where}{name} must be {_WORDS[kind]}.")


def others(wire: Mapping[str, Any], known: Collection[str]) -> Rest:
    """The fields beside the known ones, and every field that is null: absent and null are told apart by this."""
    return {name: value for name, value in wire.items() if name not in known or value is None}


def picked(wire: Mapping[str, Any], names: Collection[str]) -> Rest:
    """The named fields, as far as they are there."""
    return {name: wire[name] for name in names if name in wire}
