"""A message as the plain values that its JSON is written from."""

import struct
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_FLOAT = struct.Struct("f")


def is_map(field: FieldDescriptor) -> bool:
    """Whether a field is a map, which protobuf describes as a repeated message of key and value."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def plain(message: Message) -> dict[str, Any]:
    """A message as JSON-ready values."""
    return {field.name: _field(field, value) for field, value in message.ListFields()}


def _field(field: FieldDescriptor, value: Any) -> Any:
    if is_map(field):
        return dict(value)
    if field.is_repeated:
        return [_single(field, one) for one in value]
    return _single(field, value)


def _single(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return plain(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    if field.cpp_type == field.CPPTYPE_FLOAT:
        return _shortest(value)
    return value


def _shortest(value: float) -> float:
    """The 32-bit float with the fewest digits: 0.1, not 0.10000000149011612."""
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if _FLOAT.pack(short) == _FLOAT.pack(value):
            return short
    return float(f"{value:.9g}")
