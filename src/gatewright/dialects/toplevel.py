"""The top level of a JSON object, split without decoding what is below it.

Pass-through changes one field of a body that may hold a megabyte: the other values stay the bytes that came, numbers
and escapes included.
"""

from typing import Any

import msgspec

from gatewright.errors import ClientError

Fields = dict[str, msgspec.Raw]
"""A JSON object's values by key, each still as the bytes that came."""

_SPLIT = msgspec.json.Decoder(Fields)
_VALUE: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def split(body: bytes) -> Fields:
    """Split a JSON object at its top level. Of a key that comes twice the last value counts.

    Raises:
        ClientError: when the body is not one JSON object in UTF-8 of a depth a person would write.
    """
    try:
        if not body.isascii():
            body.decode()
        return _SPLIT.decode(body)
    except UnicodeDecodeError as problem:
        raise ClientError(f"Invalid JSON payload: the body is not UTF-8 (byte {problem.start}).") from None
    except RecursionError:
        raise ClientError("Invalid JSON payload: it is nested too deeply.") from None
    except msgspec.ValidationError:
        raise ClientError("Invalid JSON payload: the body must be a JSON object.") from None
    except msgspec.DecodeError as problem:
        raise ClientError(f"Invalid JSON payload: {problem}.") from None


def join(fields: Fields, **changed: str) -> bytes:
    """Put an object back together with some keys set to new strings."""
    return msgspec.json.encode({**fields, **changed})


def value(fields: Fields, key: str) -> Any:
    """One field decoded; None when it is absent or null.

    Raises:
        ClientError: when the value is nested too deeply to be decoded.
    """
    raw = fields.get(key)
    if raw is None:
        return None
    try:
        return _VALUE.decode(raw)
    except RecursionError:
        raise ClientError(f"Invalid JSON payload: {key!r} is nested too deeply.") from None
    except msgspec.DecodeError as problem:
        raise ClientError(f"Invalid JSON payload: {key!r}: {problem}.") from None


def text(fields: Fields, key: str) -> str | None:
    """A field that must be a non-empty string; None when it is absent or null.

    Raises:
        ClientError: naming the field and what came instead.
    """
    found = value(fields, key) if key in fields else None
    if found is None:
        return None
    if not isinstance(found, str) or not found:
        raise ClientError(f"{key!r} must be a non-empty string.")
    return found


def flag(fields: Fields, key: str) -> bool:
    """A field that must be true or false; False when it is absent or null.

    Raises:
        ClientError: naming the field.
    """
    found = value(fields, key) if key in fields else None
    if found is None or isinstance(found, bool):
        return bool(found)
    raise ClientError(f"{key!r} must be true or false.")


def encode(found: Any) -> bytes:
    """Any JSON value as compact bytes."""
    return msgspec.json.encode(found)
