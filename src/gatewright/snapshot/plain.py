"""Frozen values as plain data that any serialiser takes, and back; derived from the fields of the dataclasses.

A dataclass becomes a map of those of its fields that are not as by default, with its name under the empty key; a tuple
or a frozenset becomes a list. A map is written once, however many values hold it, and in its place stands its number:
many thousand endpoints hold the same few. What is read must be exactly what the fields say: a field that is not known
here is refused, for it would be lost; one that is not there takes its default. A field that is left out of comparisons
is a cache and no data.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

_SCALARS = frozenset({str, bytes, bool, int, float, types.NoneType})


def plain(value: Any) -> dict[str, Any]:
    """A value as maps, lists and scalars: under `value`, and the maps in it under `maps`."""
    writer = _Writer()
    return {"value": writer.plain(value), "maps": writer.maps}


def restored(kind: type[T], data: object) -> T:
    """The value of a dataclass that `plain` made `data` of.

    Raises:
        ValueError: when it is not of that kind, or of another form of it; no value is repeated.
    """
    hint: Any = kind
    if not isinstance(data, dict) or not isinstance(data.get("maps"), list):
        raise _not("a value and its maps")
    found: T = _reader(hint)(data.get("value"), _Maps(data["maps"]))
    return found


class _Writer:
    def __init__(self) -> None:
        self.maps: list[dict[Any, Any]] = []
        self._numbers: dict[int, int] = {}  # by identity: what is written stays alive meanwhile

    def plain(self, value: Any) -> Any:
        kind: Any = type(value)
        if kind in _SCALARS:
            return value
        if hasattr(kind, "__dataclass_fields__"):
            return self._dataclass(value, kind)
        if isinstance(value, tuple | frozenset):
            return [self.plain(one) for one in value]
        if isinstance(value, Mapping):
            return self._number(value)
        return value.value if isinstance(value, Enum) else value

    def _dataclass(self, value: Any, kind: Any) -> dict[str, Any]:
        found = {"": kind.__name__}
        for name, usual in _fields(kind).items():
            one = getattr(value, name)
            if one is usual or (type(one) is type(usual) and one == usual):
                continue
            found[name] = one if type(one) in _SCALARS else self.plain(one)
        return found

    def _number(self, value: Mapping[Any, Any]) -> int:
        number = self._numbers.get(id(value))
        if number is None:
            self.maps.append({key: self.plain(one) for key, one in value.items()})
            number = self._numbers[id(value)] = len(self.maps) - 1
        return number


class _Maps:
    """The maps of what is read.

    Attributes:
        plain: as they were written, by number.
        read: those that were read, by number and by what has read them.
    """

    def __init__(self, written: list[Any]) -> None:
        self.plain = written
        self.read: dict[tuple[int, Any], Mapping[Any, Any]] = {}


Reader = Callable[[Any, _Maps], Any]


@cache
def _fields(kind: Any) -> dict[str, Any]:
    """The fields of a dataclass that are data, with their defaults; those that have none have one that nothing is."""
    return {one.name: _default(one) for one in dataclasses.fields(kind) if one.init and one.compare}


def _default(one: dataclasses.Field[Any]) -> Any:
    return one.default if one.default_factory is dataclasses.MISSING else one.default_factory()


@cache
def _reader(hint: Any) -> Reader:
    """What reads values of a type; it raises a ValueError for all others."""
    origin, arguments = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _dataclass(hint)
    if hint in _SCALARS:
        return _one_of_type(hint)
    if origin in (Union, types.UnionType):
        return _union([_reader(one) for one in arguments])
    if origin is Literal:
        return _one_of(arguments)
    if origin is Mapping:
        return _mapping(*map(_reader, arguments))
    if origin is tuple and arguments[-1] is not ...:
        return _tuple([_reader(one) for one in arguments])
    if origin in (tuple, frozenset):
        return _sequence(origin, _reader(arguments[0]))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    raise TypeError(f"Values of type {hint} cannot be made plain.")


def _not(what: str) -> ValueError:
    return ValueError(f"there is something else in the place of {what}")


def _dataclass(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    readers = {name: _reader(hints[name]) for name in _fields(kind)}

    def read(data: Any, maps: _Maps) -> Any:
        if not isinstance(data, dict) or data.get("") != kind.__name__:
            raise _not(f"a {kind.__name__}")
        given = {name: one for name, one in data.items() if name}
        if unknown := given.keys() - readers.keys():
            raise ValueError(f"a {kind.__name__} has the field {min(unknown)!r}, which is not known here")
        try:
            return kind(**{name: readers[name](one, maps) for name, one in given.items()})
        except TypeError:
            raise ValueError(f"a {kind.__name__} lacks a field") from None

    return read


def _one_of_type(kind: type[Any]) -> Reader:
    def read(data: Any, _maps: _Maps) -> Any:
        if kind is float and type(data) is int:
            return float(data)
        if type(data) is not kind:
            raise _not(f"a {kind.__name__}")
        return data

    return read


def _one_of(choices: tuple[Any, ...]) -> Reader:
    def read(data: Any, _maps: _Maps) -> Any:
        if data not in choices:
            raise _not(f"one of {choices}")
        return data

    return read


def _enum(kind: type[Enum]) -> Reader:
    values = {one.value: one for one in kind}

    def read(data: Any, _maps: _Maps) -> Any:
        if data not in values:
            raise _not(f"a {kind.__name__}")
        return values[data]

    return read


def _union(readers: list[Reader]) -> Reader:
    def read(data: Any, maps: _Maps) -> Any:
        problem = ValueError("nothing fits")
        for one in readers:
            try:
                return one(data, maps)
            except ValueError as found:
                problem = found
        raise problem

    return read


def _mapping(key: Reader, value: Reader) -> Reader:
    def read(data: Any, maps: _Maps) -> Any:
        if type(data) is not int or not 0 <= data < len(maps.plain) or not isinstance(maps.plain[data], dict):
            raise _not("a map")
        if (data, read) not in maps.read:
            found = {key(name, maps): value(one, maps) for name, one in maps.plain[data].items()}
            maps.read[data, read] = types.MappingProxyType(found)
        return maps.read[data, read]

    return read


def _tuple(readers: list[Reader]) -> Reader:
    def read(data: Any, maps: _Maps) -> Any:
        if not isinstance(data, list) or len(data) != len(readers):
            raise _not(f"{len(readers)} values")
        return tuple(one(data[place], maps) for place, one in enumerate(readers))

    return read


def _sequence(kind: type[Any], reader: Reader) -> Reader:
    def read(data: Any, maps: _Maps) -> Any:
        if not isinstance(data, list):
            raise _not("a list")
        return kind(reader(one, maps) for one in data)

    return read
