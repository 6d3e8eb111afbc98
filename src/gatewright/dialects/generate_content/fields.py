"""Reading and writing of JSON objects as Google's APIs have them.

Google reads protocol buffers from JSON: every field has a camelCase and a snake_case name, and a list of one may be
the thing itself (https://protobuf.dev/programming-guides/json/). A `Fields` takes out of an object what the model has
a place for, under either name, and remembers the form; `restored` is its inverse.

Keys of `rest` and `form` are paths from the object of the node, e.g. `functionCall.id`. In a `form`,

- `path: name` says that the field stood under that name, `path: None` that it did not stand there;
- `path.: name` is the same of an object whose fields are written by this module too;
- `path[]: "one"` says that a list stood there as its only item;
- `+` holds values, by path, that were written differently from how the encoder writes them.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Self, TypeVar

from gatewright.dialects import fields
from gatewright.dialects.conversation import Rest

T = TypeVar("T")

providers = fields.provider_fault("generateContent")
"""Makes the error of an answer."""


@cache
def snake(name: str) -> str:
    """`snake_case` of a `camelCase` name."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


class Fields(fields.Fields):
    """The fields of one wire object, under either name.

    Args:
        found: what should be an object.
        at: its path in the body; empty for the body itself.
        fault: makes the error when it, or a field of it, is not what it must be.
        form: of the object that it stands in; None for one whose node is its own.
        prefix: of its paths in that form.

    Attributes:
        form: how the taken fields were written, for `Node.form`; shared with the objects inside.
    """

    __slots__ = ("_inside", "_prefix", "form")

    def __init__(self, found: Any, at: str, fault: fields.Fault, form: Rest | None = None, prefix: str = "") -> None:
        super().__init__(found, at, fault)
        self.form: Rest = {} if form is None else form
        self._prefix = prefix
        self._inside: list[Fields] = []

    def _name(self, key: str) -> str:
        """The name under which a field stands, if it does."""
        return key if self.left.get(key) is not None else snake(key)

    def peek(self, key: str) -> Any:
        """A field's value, which is left; None when it is absent."""
        return self.left.get(self._name(key))

    def pop(self, key: str, mark: str = "") -> Any:
        """Take a field of any kind; None when it is absent. A `mark` of its path has its name noted in any case."""
        if not self.has(key):
            return None
        name = self._name(key)
        if mark or name != key:
            self.form[self._prefix + key + mark] = name
        return self.left.pop(name)

    def checked(self, key: str, found: Any, kind: type[T]) -> T:
        """A field's value, which must be of a kind; a whole number may be written as 1.0."""
        if kind is int and isinstance(found, float) and found.is_integer():
            found = int(found)
        return super().checked(key, found, kind)

    def label(self, key: str) -> str | None:
        """Take a name; an empty one says nothing and is left."""
        return None if self.peek(key) == "" else self.get(key, str)

    def untake(self, key: str, value: Any) -> None:
        """Leave a taken field to `rest` after all."""
        self.left[self.form.pop(self._prefix + key, key)] = value

    def inner(self, key: str) -> Self:
        """Take an object that must be there; its `form` is this one's, and its `rest` a part of this one's."""
        found = type(self)(self.pop(key, "."), self.path(key), self.fault, self.form, f"{self._prefix}{key}.")
        self._inside.append(found)
        return found

    def items(self, key: str) -> list[Any]:
        """Take a list, one of which may stand without its list. An empty list is left."""
        if not isinstance(self.peek(key), dict):
            return super().items(key)
        self.form[f"{self._prefix}{key}[]"] = "one"
        return [self.pop(key)]

    def absent(self, key: str) -> None:
        """Remember that a field, which the encoder writes, was not there."""
        if not self.has(key):
            self.form[self._prefix + key] = None

    def keep(self, key: str, value: Any) -> None:
        """Remember a value that the encoder would write differently."""
        self.form.setdefault("+", {})[self._prefix + (self.form.get(self._prefix + key) or key)] = value

    def rest(self) -> Rest:
        """What nobody has taken, by path, of this object and those inside it."""
        found = {self._prefix + name: value for name, value in self.left.items()}
        for inner in self._inside:
            found |= inner.rest()
        return found


def restored(body: Mapping[str, Any], form: Rest, rest: Rest) -> dict[str, Any]:
    """An encoded object as its own dialect wrote it.

    Args:
        body: the object with the fields of the model, under their camelCase names.
        form: of the node.
        rest: of the node.
    """
    written = _named(body, form, "")
    for path, value in (form.get("+", {}) | rest).items():
        parent, field = _parent(path, form)
        inner = _inner(written, parent, form)
        if value != [] or not inner.get(field):
            inner[field] = value
    for path in form:
        if path.endswith("."):
            _inner(written, path.removesuffix("."), form)
    return written


def _named(body: Mapping[str, Any], form: Rest, prefix: str) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for field, value in body.items():
        path = prefix + field
        inside = f"{path}." in form
        name = form[f"{path}."] if inside else form.get(path, field)
        if name is None:
            continue
        if inside and isinstance(value, dict):
            written[name] = _named(value, form, f"{path}.")
        elif form.get(f"{path}[]") and isinstance(value, list) and len(value) == 1:
            written[name] = value[0]
        else:
            written[name] = value
    return written


def _parent(path: str, form: Rest) -> tuple[str, str]:
    parent = path
    while parent := parent.rpartition(".")[0]:
        if f"{parent}." in form:
            return parent, path[len(parent) + 1 :]
    return "", path


def _inner(written: dict[str, Any], path: str, form: Rest) -> dict[str, Any]:
    inner = written
    walked = ""
    for field in path.split(".") if path else ():
        walked += f"{field}."
        inner = inner.setdefault(form.get(walked) or field, {})
    return inner
