"""Entities to protobuf messages and back, derived from the dataclass fields and the message's descriptor.

A field meets the wire field of its name. The rules, for every class alike:

- None is not written. Anything else is, so an empty message or a zero is there to be seen.
- A field absent from the wire reads as the dataclass default; without one as None where None is allowed, as
  protobuf's own default for text and numbers, and for an enum or a message it is refused.
- An enum's zero, the UNSPECIFIED of its type, is the same as absent.
- Text that may be None reads empty as None, and so does a map that may be None.

What differs from that is said at the field, with `wired`. A class and a message that do not fit each other, by name or
by type, are refused when the class is first converted.
"""

import struct
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum, StrEnum, auto
from functools import cache
from types import NoneType
from typing import Any, Generic, Self, TypeVar, get_args, get_origin, get_type_hints

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from gatewright.errors import ClientError

M = TypeVar("M", bound=Message)

_PLAIN = {
    FieldDescriptor.CPPTYPE_STRING: str,
    FieldDescriptor.CPPTYPE_INT32: int,
    FieldDescriptor.CPPTYPE_INT64: int,
    FieldDescriptor.CPPTYPE_FLOAT: float,
    FieldDescriptor.CPPTYPE_DOUBLE: float,
    FieldDescriptor.CPPTYPE_BOOL: bool,
}


def wired(*, wire: str | bool = True, none_as: str | None = None, number: bool = False) -> dict[str, Any]:
    """Metadata for a dataclass field that is not on the wire as it stands.

    Args:
        wire: another wire field's name; False keeps the field off the wire.
        none_as: what is written for None.
        number: text here, a whole number on the wire.
    """
    return {"wire": wire, "none_as": none_as, "number": number}


class Entity(Generic[M]):
    """Base of the entities: `class Tag(Entity[TagMessage])` is a dataclass that converts to `TagMessage`."""

    __slots__ = ()

    def to_proto(self) -> M:
        """The entity as a message of its own type.

        Raises:
            TypeError: a field holds a value of another type.
            ValueError, OverflowError: a number is too large for its wire field, or a text is no Unicode.
        """
        plan = _plan(type(self))
        message: M = plan.message()
        for slot in plan.slots:
            try:
                slot.write(message, getattr(self, slot.name))
            except (TypeError, ValueError, OverflowError) as error:
                error.add_note(f"in {type(self).__name__}.{slot.name}")
                raise
        return message

    @classmethod
    def from_proto(cls, message: M) -> Self:
        """The entity a message describes; fields that are unknown here are ignored.

        Raises:
            ClientError: the message lacks something that has no default, or holds a value that is not allowed.
            TypeError: it is a message of another type.
        """
        plan = _plan(cls)
        if not isinstance(message, plan.message):
            raise TypeError(f"{cls.__name__} is read from {plan.message.__name__}, not {type(message).__name__}")
        return cls(**{slot.name: slot.read(message) for slot in plan.slots})


class _Shape(Enum):
    """How a message holds a field."""

    VALUE = auto()
    PART = auto()  # another message
    LIST = auto()
    MAP = auto()


# How a field is held, what turns a value into its wire form, and what turns it back.
_Conversion = tuple[_Shape, Callable[[Any], Any], Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class _Slot:
    """One field and how it travels.

    Attributes:
        name: the dataclass field.
        wire: the message's field.
        shape: how the message holds it.
        encode: turns one value, of a list each of its items, into its wire form.
        decode: turns it back.
        kind: the type of the value, without None.
        optional: whether None is allowed.
        default: the value of a field that is absent from the wire; MISSING when there is none.
        none_as: what is written for None; None for nothing.
    """

    name: str
    wire: FieldDescriptor
    shape: _Shape
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    kind: Any
    optional: bool
    default: Any
    none_as: str | None

    def write(self, message: Message, value: Any) -> None:
        """Put the field's value into a message."""
        if value is None and self.optional:
            value = self.none_as
            if value is None:
                return
        target = self.wire.name
        match self.shape:
            case _Shape.VALUE:
                setattr(message, target, self.encode(value))
            case _Shape.PART:
                part = getattr(message, target)
                part.SetInParent()  # an empty message is still a message
                part.MergeFrom(self.encode(value))
            case _Shape.LIST:
                getattr(message, target).extend(map(self.encode, value))
            case _Shape.MAP:
                getattr(message, target).update(value)

    def read(self, message: Message) -> Any:
        """The field's value, out of a message."""
        value = getattr(message, self.wire.name)
        if self.shape is _Shape.LIST:
            return [self.decode(item) for item in value]
        if self.shape is _Shape.MAP:
            return dict(value) or (None if self.optional else {})
        if not message.HasField(self.wire.name):
            return self._absent()
        try:
            found = self.decode(value)
        except ValueError as error:
            raise self._refusal(f"{value!r} is not allowed") from error
        if found is None:
            return self._absent()
        return None if self.optional and found == "" else found

    def _absent(self) -> Any:
        if self.default is MISSING:
            raise self._refusal("it is missing")
        return self.default

    def _refusal(self, problem: str) -> ClientError:
        field = self.wire.full_name.removeprefix("gatewright.v1.")
        remedy = f"give one of {', '.join(self.kind)}" if issubclass(self.kind, StrEnum) else "it has no default"
        return ClientError(f"{field}: {problem}; {remedy}.")


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one class is converted."""

    message: type[Any]
    slots: tuple[_Slot, ...]


def _match(cls: type[Any]) -> _Plan:
    """Match a class with its message.

    Raises:
        TypeError: a field has no wire field, a wire field no field, or their types do not agree.
    """
    (base,) = vars(cls)["__orig_bases__"]
    (message,) = get_args(base)
    hints = get_type_hints(cls)
    wires = dict(message.DESCRIPTOR.fields_by_name)
    slots = []
    for field in fields(cls):
        quirks = {**wired(), **field.metadata}
        if quirks["wire"] is False:
            continue
        wire = wires.pop(field.name if quirks["wire"] is True else quirks["wire"], None)
        if wire is None:
            raise TypeError(f"{cls.__name__}.{field.name} has no wire field in {message.__name__}")
        slots.append(_slot(field, hints[field.name], wire, quirks))
    if wires:
        raise TypeError(f"{cls.__name__} has no field for {', '.join(wires)} of {message.__name__}")
    return _Plan(message, tuple(slots))


def _slot(field: Field[Any], hint: Any, wire: FieldDescriptor, quirks: dict[str, Any]) -> _Slot:
    options = get_args(hint)
    optional = NoneType in options
    kind = next(option for option in options if option is not NoneType) if optional else hint
    shape, encode, decode = _conversion(wire, kind, number=quirks["number"])
    default = field.default
    if default is MISSING and optional:
        default = None
    elif default is MISSING and kind in _PLAIN.values():
        default = decode(wire.default_value)
    return _Slot(
        name=field.name,
        wire=wire,
        shape=shape,
        encode=encode,
        decode=decode,
        kind=kind,
        optional=optional,
        default=default,
        none_as=quirks["none_as"],
    )


_plan: Callable[..., _Plan] = cache(_match)


def _conversion(wire: FieldDescriptor, hint: Any, *, number: bool) -> _Conversion:
    """Judge a field by both its types."""
    message = wire.message_type
    found = _of_message(wire, message, hint) if message else _of_value(wire, hint, number=number)
    if found is None:
        raise TypeError(f"the wire field {wire.full_name} does not hold a {hint}")
    return found


def _of_message(wire: FieldDescriptor, message: Descriptor, hint: Any) -> _Conversion | None:
    if message.GetOptions().map_entry:
        return (_Shape.MAP, _same, _same) if hint == dict[str, str] else None
    if wire.is_repeated != (get_origin(hint) is list):
        return None
    (kind,) = get_args(hint) or (hint,)
    if not issubclass(kind, Entity) or _plan(kind).message.DESCRIPTOR is not message:
        return None
    return _Shape.LIST if wire.is_repeated else _Shape.PART, kind.to_proto, kind.from_proto


def _of_value(wire: FieldDescriptor, hint: Any, *, number: bool) -> _Conversion | None:
    if wire.is_repeated or get_origin(hint) is not None:
        return None
    plain = _PLAIN.get(wire.cpp_type)
    if wire.enum_type is not None and issubclass(hint, StrEnum):
        numbers = _members(wire.enum_type)
        if numbers.keys() != set(hint):
            return None
        members = {numbers[member]: member for member in hint}
        return _Shape.VALUE, lambda value: numbers[hint(value)], members.get
    if plain is str and issubclass(hint, StrEnum):
        return _Shape.VALUE, lambda value: hint(value).value, hint
    if number and plain is int and hint is str:
        return _Shape.VALUE, int, str
    if number or plain is not hint:
        return None
    return _Shape.VALUE, _narrow if wire.cpp_type == FieldDescriptor.CPPTYPE_FLOAT else _same, _same


def _members(enum: EnumDescriptor) -> dict[str, int]:
    """Names and numbers of an enum without its UNSPECIFIED, the zero."""
    return {value.name: value.number for value in enum.values if value.number}


def _same(value: Any) -> Any:
    return value


def _narrow(value: float) -> float:
    """Refuse a finite number that a 32-bit float would turn into infinity."""
    struct.pack("<f", value)
    return value
