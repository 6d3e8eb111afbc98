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

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

from gatewright.dialects.conversation import Rest
from gatewright.errors import ClientError, GatewrightError, UpstreamProtocolError

T = TypeVar("T", str, bool, int, float, dict[str, Any], list[Any])

Fault = Callable[[str], GatewrightError]
"""Makes the error of an object that is not what the API says."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# Of each kind: what fits, how it is read, what to say of what does not fit. A whole number may be written as 1.0.
_KINDS: dict[type, tuple[Callable[[Any], bool], Callable[[Any], Any], str]] = {
    str: (lambda value: isinstance(value, str), str, "a string"),
    bool: (lambda value: isinstance(value, bool), bool, "true or false"),
    int: (lambda value: _is_number(value) and value == int(value), int, "a whole number"),
    float: (_is_number, lambda value: value, "a number"),
    dict: (lambda value: isinstance(value, dict), lambda value: value, "an object"),
    list: (lambda value: isinstance(value, list), lambda value: value, "a list"),
}


def client_fault(what: str) -> GatewrightError:
    """The error of a request."""
    return ClientError(what)


def provider_fault(what: str) -> GatewrightError:
    """The error of an answer."""
    return UpstreamProtocolError(f"Its answer is not one of generateContent: {what}")


@cache
def snake(name: str) -> str:
    """`snake_case` of a `camelCase` name."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


class Fields:
    """The fields of one wire object that nobody has taken yet.

    Attributes:
        at: where the object is in the body, for messages; empty for the body itself.
        form: how the taken fields were written, for `Node.form`; shared with the objects inside.
    """

    def __init__(self, wire: object, at: str, fault: Fault) -> None:
        if not isinstance(wire, dict):
            raise fault(f"`{at or 'The body'}` must be an object.")
        self._left: dict[str, Any] = dict(wire)
        self._fault = fault
        self._prefix = ""
        self._inside: list[Fields] = []
        self.at = at
        self.form: Rest = {}

    def name(self, field: str) -> str | None:
        """The name under which a field stands; None when it does not, or as null."""
        for name in (field, snake(field)):
            if self._left.get(name) is not None:
                return name
        return None

    def peek(self, field: str) -> Any:
        """A field's value, which stays."""
        name = self.name(field)
        return None if name is None else self._left[name]

    def place(self, field: str) -> str:
        """Where a field is in the body, for messages."""
        return f"{self.at}.{field}" if self.at else field

    def wrong(self, field: str, what: str) -> GatewrightError:
        """The error that a field is not what it must be."""
        return self._fault(f"`{self.place(field)}` {what}.")

    def _pop(self, field: str, mark: str = "") -> Any:
        name = self.name(field)
        if name is None:
            return None
        if mark or name != field:
            self.form[self._prefix + field + mark] = name
        return self._left.pop(name)

    def take(self, field: str, kind: type[T]) -> T | None:
        """A field's value; None when it is not there.

        Raises:
            GatewrightError: by `fault`, when it is of another kind.
        """
        value = self._pop(field)
        if value is None:
            return None
        fits, read, words = _KINDS[kind]
        if not fits(value):
            raise self.wrong(field, f"must be {words}")
        return cast("T", read(value))

    def label(self, field: str) -> str | None:
        """As `take`, of a name; an empty one says nothing and stays."""
        return None if self.peek(field) == "" else self.take(field, str)

    def untake(self, field: str, value: T) -> None:
        """Leaves a taken field to `rest` after all."""
        self._left[self.form.pop(self._prefix + field, field)] = value

    def need(self, field: str, kind: type[T]) -> T:
        """As `take`, of a field that must be there."""
        value = self.take(field, kind)
        if value is None:
            raise self.wrong(field, "is missing")
        return value

    def inside(self, field: str) -> "Fields | None":
        """The fields of an object inside; None when it is not there."""
        if self.name(field) is None:
            return None
        found = Fields(self._pop(field, "."), self.place(field), self._fault)
        found._prefix = f"{self._prefix}{field}."
        found.form = self.form
        self._inside.append(found)
        return found

    def many(self, field: str) -> list[Any] | None:
        """The items of a list, one of which may stand without its list; None when it is not there.

        An empty list stays where it is.
        """
        value = [] if self.peek(field) == [] else self._pop(field)
        if isinstance(value, dict):
            self.form[f"{self._prefix}{field}[]"] = "one"
            return [value]
        if value is not None and not isinstance(value, list):
            raise self.wrong(field, "must be a list")
        return value

    def each(self, field: str) -> "list[Fields] | None":
        """The fields of every object in a list; None when the list is not there."""
        items = self.many(field)
        if items is None:
            return None
        return [Fields(item, f"{self.place(field)}[{at}]", self._fault) for at, item in enumerate(items)]

    def absent(self, field: str) -> None:
        """Remembers that a field, which the encoder writes, was not there."""
        if self.name(field) is None:
            self.form[self._prefix + field] = None

    def keep(self, field: str, value: Any) -> None:
        """Remembers a value that the encoder would write differently."""
        self.form.setdefault("+", {})[self._prefix + (self.form.get(self._prefix + field) or field)] = value

    def rest(self) -> Rest:
        """What nobody has taken, by path, of this object and those inside it."""
        found = {self._prefix + name: value for name, value in self._left.items()}
        for fields in self._inside:
            found |= fields.rest()
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
