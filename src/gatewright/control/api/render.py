"""From a response message, or an error, to the JSON that MLflow's clients read."""

import json
import struct
from typing import Any

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gatewright.control.api.calls import Call, is_map
from gatewright.entities.codec import Entity
from gatewright.errors import GatewrightError

_FLOAT = struct.Struct("f")

# MLflow's SQLSTATE and error class by error code; the web pages of MLflow group errors by them.
_CLIENT = ("KAM00", "INVALID_PARAMETER_VALUE")
_SERVER = ("XXM00", "CLIENT_INTERNAL_ERROR")
_CLASSES = {
    "INVALID_PARAMETER_VALUE": _CLIENT,
    "BAD_REQUEST": _CLIENT,
    "RESOURCE_ALREADY_EXISTS": ("KAM00", "RESOURCE_ALREADY_EXISTS"),
    "RESOURCE_DOES_NOT_EXIST": ("KAM00", "RESOURCE_NOT_FOUND"),
    "INVALID_STATE": _SERVER,
    "INTERNAL_ERROR": _SERVER,
    "TEMPORARILY_UNAVAILABLE": _SERVER,
}


def response(call: Call, answer: Any) -> Message:
    """The response message of a call.

    Args:
        call: which one.
        answer: what its handler returned: nothing, the message's fields by name, or what belongs into its only
            field; entities and lists of them where the message has messages.
    """
    descriptor: Any = call.response.DESCRIPTOR
    named = answer if isinstance(answer, dict) or not descriptor.fields else {descriptor.fields[0].name: answer}
    return call.response(**{name: _wire(value) for name, value in (named or {}).items() if value is not None})


def _wire(value: Any) -> Any:
    if isinstance(value, list):
        return [_wire(one) for one in value]
    return value.to_proto() if isinstance(value, Entity) else value


def pretty(message: Message) -> bytes:
    """A message as JSON: two-space indentation, fields by number under their proto names, unset ones left out.

    64-bit integers are numbers (protobuf's own JSON writes them as strings); enums are names.
    """
    return msgspec.json.format(msgspec.json.encode(plain(message)), indent=2)


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


def failure(error: GatewrightError) -> bytes:
    """An error as MLflow writes it, keys in its order."""
    body = {"error_code": error.code, "message": error.public}
    if error.code in _CLASSES:
        body["sqlstate"], body["error_class"] = _CLASSES[error.code]
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def compact(value: Any) -> bytes:
    """Discovery answers: one line, keys sorted, as MLflow writes those."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
