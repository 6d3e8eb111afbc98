"""From what a handler returned to the JSON that MLflow's clients read."""

import json
from typing import Any

import msgspec
from google.protobuf.message import Message

from gatewright.control.api.calls import Call
from gatewright.entities.codec import Entity
from gatewright.entities.plain import plain


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


def compact(value: Any) -> bytes:
    """Discovery answers: one line, keys sorted, as MLflow writes those."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
