"""JSON schemas of messages and enums, derived from their descriptors and the comments of the .proto files."""

import json
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gatewright.control.api.calls import rules
from gatewright.entities.plain import is_map

Schema = dict[str, Any]

# Written from the .proto files by scripts/generate_reference.py: a descriptor at run time has no comments.
_COMMENTS: dict[str, str] = json.loads((files(__package__) / "comments.json").read_text("utf-8"))

_INTEGERS = {FieldDescriptor.CPPTYPE_INT32: 31, FieldDescriptor.CPPTYPE_INT64: 63}
_SIMPLE: dict[int, Schema] = {
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
}


class Schemas:
    """Schemas of messages and enums, each made once and referred to."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def reference(self, descriptor: Descriptor | EnumDescriptor) -> Schema:
        """A reference to the schema of a message or an enum."""
        name = _name(descriptor.full_name)
        if name not in self.found:
            self.found[name] = {}
            made = self.message(descriptor) if isinstance(descriptor, Descriptor) else _enum(descriptor)
            self.found[name] = made
        return {"$ref": f"#/components/schemas/{name}"}

    def message(self, descriptor: Any) -> Schema:
        """The schema of a message, in place."""
        required = [field.name for field in descriptor.fields if rules(field).required]
        return {
            "type": "object",
            **described(descriptor.full_name),
            "properties": {field.name: self.field(field) for field in descriptor.fields},
            **({"required": required} if required else {}),
        }

    def field(self, field: FieldDescriptor) -> Schema:
        """The schema of one field."""
        rule = rules(field)
        schema = self._value(field)
        if rule.HasField("default"):
            schema["default"] = json.loads(rule.default)
        if rule.secret:
            schema["writeOnly"] = True
        return schema | described(field.full_name)

    def _value(self, field: FieldDescriptor) -> Schema:
        if is_map(field):
            return {"type": "object", "additionalProperties": {"type": "string"}}
        if field.is_repeated:
            return {
                "type": "array",
                "items": self._single(field),
                **({"minItems": 1} if rules(field).required else {}),
            }
        return self._single(field)

    def _single(self, field: FieldDescriptor) -> Schema:
        named = field.message_type or field.enum_type
        if named is not None:
            return self.reference(named)
        rule = rules(field)
        bits = _INTEGERS.get(field.cpp_type)
        schema: Schema = dict(_SIMPLE.get(field.cpp_type, {}))
        if bits is not None:
            bounds = {"minimum": -(1 << bits), "maximum": (1 << bits) - 1}
            schema = {"type": "integer", "format": f"int{bits + 1}", **bounds}
        number = int if bits is not None else float
        if rule.HasField("min"):
            schema["minimum"] = number(rule.min)
        if rule.HasField("max"):
            schema["maximum"] = number(rule.max)
        if rule.max_length:
            schema["maxLength"] = rule.max_length
        if rule.required and schema["type"] == "string":
            schema["minLength"] = 1
        return schema


def described(full_name: str) -> Schema:
    """The description of a message, a field or an enum; nothing when the proto has no comment there."""
    comment = _COMMENTS.get(_name(full_name))
    return {"description": comment} if comment else {}


def _name(full_name: str) -> str:
    return full_name.removeprefix("gatewright.v1.")


def _enum(descriptor: Any) -> Schema:
    # The zero of each enum says "not given"; it is no value to choose.
    return {
        "type": "string",
        "enum": [value.name for value in descriptor.values if value.number],
        **described(descriptor.full_name),
    }
