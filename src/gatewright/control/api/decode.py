"""From an HTTP request to a request message: JSON as protobuf reads it, but a wrong value is always named, never lost.

A well-formed request is read as MLflow's server reads it. Where that server loses a value it cannot read and goes
on, this refuses the request and names the field. No value is ever repeated in an error, because any field may hold a
credential sent by mistake.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gatewright import entities
from gatewright.control.api.calls import Call, rules
from gatewright.entities.plain import is_map
from gatewright.errors import ClientError

_EMPTY: tuple[Any, ...] = (None, "", [], {})
_INTEGER_TEXT = re.compile(r"-?[0-9]{1,19}")
_LARGEST_FLOAT = 3.4028234663852886e38

# Enums whose unspecified value is another way to leave the field out; for all others it is no answer.
_MAY_BE_UNSPECIFIED = {"RoutingStrategy", "FallbackStrategy"}

_KINDS = {bool: "a boolean", str: "a string", int: "a number", float: "a number", list: "a list", dict: "an object"}


def json_object(body: bytes) -> dict[str, Any]:
    """Read a JSON body. An empty one and `null` are an empty object; a JSON string is read once more (old clients).

    Raises:
        ClientError: if it is not JSON, nests too deep, or is not an object.
    """
    value: Any = body
    for _ in range(2):
        if isinstance(value, bytes | str):
            value = _json(value)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ClientError(f"The request body must be a JSON object, not {_kind(value)}.")
    return value


def _json(text: bytes | str) -> Any:
    if not text.strip():
        return None
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise ClientError("The request body nests too deep.") from None
    except UnicodeError:
        raise ClientError("The request body is not valid UTF-8.") from None
    except ValueError as problem:
        raise ClientError(f"The request body is not valid JSON: {problem}.") from None


def query_object(descriptor: Any, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Read a query string: only names exactly like a field's count; a repeated field takes all its values.

    Raises:
        ClientError: for a boolean that is neither true nor false.
    """
    found: dict[str, Any] = {}
    for name, text in pairs:
        field = descriptor.fields_by_name.get(name)
        if field is None:
            continue
        if field.is_repeated:
            found.setdefault(name, []).append(text)
        elif name not in found:
            found[name] = _boolean_text(text, name) if field.type == field.TYPE_BOOL else text
    return found


def _boolean_text(text: str, name: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise _wrong(name, "true or false")
    return text.lower() == "true"


def message(call: Call, fields: Mapping[str, Any]) -> Message:
    """Check the fields of a request and make its message.

    Raises:
        ClientError: naming the first field that is missing, of the wrong type, or out of its limits.
    """
    return call.request(**_fields(call.request.DESCRIPTOR, fields, ""))


def arguments(request: Message) -> dict[str, Any]:
    """The fields that were given, by name, as keyword arguments for the store: entities, enums and plain values."""
    return {field.name: _argument(field, value) for field, value in request.ListFields()}


def _argument(field: FieldDescriptor, value: Any) -> Any:
    if is_map(field):
        return dict(value)
    return [_native(field, one) for one in value] if field.is_repeated else _native(field, value)


def _native(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return getattr(entities, field.message_type.name).from_proto(value)
    if field.enum_type is not None:
        return getattr(entities, field.enum_type.name)(field.enum_type.values_by_number[value].name)
    return value


def _fields(descriptor: Any, value: Mapping[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in descriptor.fields:
        name, camel = field.name, field.camelcase_name
        if camel != name and name in value and camel in value:
            raise ClientError(f"Request specifies both '{path}{name}' and '{path}{camel}'; provide only one of them.")
        # The lower-camel spelling is understood, but does not count for a required field: MLflow's rule.
        if rules(field).required and value.get(name) in _EMPTY:
            raise ClientError(f"Missing value for required parameter '{path}{name}'.")
        given = value.get(name, value.get(camel))
        if given is None:
            continue
        read = _value(field, given, path + name)
        if read is not None:
            found[name] = read
    return found


def _value(field: FieldDescriptor, given: Any, path: str) -> Any:
    if is_map(field):
        entry: Any = field.message_type
        item = entry.fields_by_name["value"]
        return {key: _single(item, one, f"{path}[{key[:40]!r}]") for key, one in _typed(given, dict, path).items()}
    if field.is_repeated:
        return [_single(field, one, f"{path}[{index}]") for index, one in enumerate(_typed(given, list, path))]
    return _single(field, given, path)


def _single(field: FieldDescriptor, given: Any, path: str) -> Any:
    if field.message_type is not None:
        return _fields(field.message_type, _typed(given, dict, path), path + ".")
    return _SCALARS[field.cpp_type](field, given, path)


def _typed(given: Any, kind: type, path: str) -> Any:
    if not isinstance(given, kind):
        raise _wrong(path, _KINDS[kind], given)
    return given


def _text(field: FieldDescriptor, given: Any, path: str) -> str:
    text: str = _typed(given, str, path)
    limit = rules(field).max_length
    if "\x00" in text:
        raise ClientError(f"Invalid value for parameter '{path}': it holds a NUL character.")
    if limit and len(text) > limit:
        raise ClientError(f"Invalid value for parameter '{path}': it has {len(text)} characters, the limit is {limit}.")
    return text


def _boolean(_field: FieldDescriptor, given: Any, path: str) -> bool:
    return bool(_typed(given, bool, path))


def _integer(field: FieldDescriptor, given: Any, path: str) -> int:
    number: Any = given
    if isinstance(number, str) and _INTEGER_TEXT.fullmatch(number):
        number = int(number)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool):
        raise _wrong(path, "a whole number", given)
    bits = 31 if field.cpp_type == field.CPPTYPE_INT32 else 63
    _between(field, number, path, -(1 << bits), (1 << bits) - 1)
    return number


def _floating(field: FieldDescriptor, given: Any, path: str) -> float:
    try:
        number = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _wrong(path, "a finite number", given)
    largest = _LARGEST_FLOAT if field.cpp_type == field.CPPTYPE_FLOAT else math.inf
    _between(field, number, path, -largest, largest)
    return number


def _between(field: FieldDescriptor, number: float, path: str, low: float, high: float) -> None:
    rule = rules(field)
    low = rule.min if rule.HasField("min") else low
    high = rule.max if rule.HasField("max") else high
    if number < low:
        raise ClientError(f"Invalid value for parameter '{path}': it must be at least {_shown(low)}.")
    if number > high:
        raise ClientError(f"Invalid value for parameter '{path}': it must be at most {_shown(high)}.")


def _shown(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def _choice(field: FieldDescriptor, given: Any, path: str) -> int | None:
    """The number of an enum value given by name or number; None for one that stands for "not given"."""
    enum: Any = field.enum_type
    number: Any = given
    if isinstance(given, str):
        named = enum.values_by_name.get(given)
        number = named.number if named else int(given) if _INTEGER_TEXT.fullmatch(given) else None
    if isinstance(number, bool) or not isinstance(number, int) or number not in enum.values_by_number:
        number = None
    if number == 0 and enum.name in _MAY_BE_UNSPECIFIED:
        return None
    if not number:
        names = ", ".join(value.name for value in enum.values if value.number)
        raise ClientError(f"Invalid value for parameter '{path}': use one of {names}.")
    return int(number)


_SCALARS: dict[int, Callable[[FieldDescriptor, Any, str], Any]] = {
    FieldDescriptor.CPPTYPE_STRING: _text,
    FieldDescriptor.CPPTYPE_BOOL: _boolean,
    FieldDescriptor.CPPTYPE_INT32: _integer,
    FieldDescriptor.CPPTYPE_INT64: _integer,
    FieldDescriptor.CPPTYPE_FLOAT: _floating,
    FieldDescriptor.CPPTYPE_DOUBLE: _floating,
    FieldDescriptor.CPPTYPE_ENUM: _choice,
}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "null")


def _wrong(path: str, wanted: str, given: Any = "") -> ClientError:
    return ClientError(f"Invalid value for parameter '{path}': it must be {wanted}, not {_kind(given)}.")
