"""What applying a file changes, in words for people. No secret value is ever in here."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What happens to an object."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs.

    Attributes:
        field: its name, a dot before the key of a map.
        before: as it is stored; None when it is not there.
        after: as the file wants it; None when it goes away.
    """

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One object of the file.

    Attributes:
        kind: `secret`, `model definition` or `endpoint`.
        name: its name.
        action: what happens to it.
        differences: its fields that differ; all of them for a new one, none for an unchanged one.
    """

    kind: str
    name: str
    action: Action
    differences: tuple[Difference, ...] = ()


def changed(kind: str, name: str, differences: tuple[Difference, ...], *, new: bool) -> Change:
    """The change that these differences make."""
    action = Action.CREATED if new else Action.UPDATED if differences else Action.UNCHANGED
    return Change(kind, name, action, differences)


def compare(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[Difference, ...]:
    """The fields that differ, in the order of `after`, then those that go away. None is the same as not there."""
    return tuple(
        Difference(field, _words(before.get(field)), _words(after.get(field)))
        for field in {**after, **before}
        if before.get(field) != after.get(field)
    )


def _words(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.7g}"
    if isinstance(value, tuple):
        # A pair inside a list is a model with its weight.
        return ", ".join(
            " ".join(str(_words(part)) for part in one) if isinstance(one, tuple) else one for one in value
        )
    return str(value)
