"""What every noun's module needs of rows: ids, times, stamps and look-ups."""

import functools
import operator
import time
import uuid
from collections.abc import Callable, Hashable
from dataclasses import fields
from typing import Any, TypeVar, cast

import sqlalchemy
from sqlalchemy import ColumnElement, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from gatewright.control.store.limits import storable
from gatewright.control.store.tables import Stamped, Table
from gatewright.errors import NotFoundError

LONGEST_SHOWN = 500
"""Characters of a name or an id that a message repeats; no stored one is longer."""

Row = TypeVar("Row", bound=Table)
Entity = TypeVar("Entity")


def new_id(prefix: str) -> str:
    """A fresh id: `prefix`, a hyphen and 32 hex digits."""
    return f"{prefix}-{uuid.uuid4().hex}"


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def stamps(by: str | None) -> dict[str, int | str | None]:
    """The columns of `Stamped` for a new row: both times are equal, as clients expect."""
    at = now()
    return {
        "created_at": at,
        "last_updated_at": at,
        "created_by": by or None,
        "last_updated_by": by or None,
    }


def touch(row: Stamped, by: str | None) -> None:
    """Note a change: the time always moves, the person only when one is named."""
    row.last_updated_at = max(now(), row.last_updated_at)
    if by:
        row.last_updated_by = by


def find(tx: Session, kind: type[Row], *key: str) -> Row | None:
    """The row with this primary key, or None."""
    return tx.get(kind, key if len(key) > 1 else key[0]) if all(map(storable, key)) else None


def require(tx: Session, kind: type[Row], *, called: str = "", **key: str) -> Row:
    """The row with this primary key.

    Args:
        tx: transaction.
        kind: the row's class.
        called: what the message calls it; empty for the row's own name.
        key: the primary key's columns, in their order.

    Raises:
        NotFoundError: naming the key.
    """
    row = find(tx, kind, *key.values())
    if row is None:
        shown = ", ".join(f"{name}={value[:LONGEST_SHOWN]!r}" for name, value in key.items())
        raise NotFoundError(f"{called or kind.called} not found ({shown})")
    return row


def matches(
    column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], value: str | None
) -> ColumnElement[bool]:
    """The condition of an optional filter: an empty or absent value matches every row."""
    if not value:
        return true()
    return column == value if storable(value) else ~true()


def shown(kind: type[Entity], row: Table | sqlalchemy.Row[Any], **given: Any) -> Entity:
    """The entity of a row: `given` fields first, all others from the columns of the same name."""
    columns = type(row).__table__.columns.keys() if isinstance(row, Table) else row._fields
    names, read = _shared(cast("Hashable", kind), tuple(columns), tuple(given))
    return kind(**dict(zip(names, read(row), strict=True)), **given)


@functools.cache
def _shared(
    kind: Hashable, columns: tuple[str, ...], given: tuple[str, ...]
) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The fields of an entity that a row has and nobody gave, and how to read them: worked out once."""
    fields_of = (one.name for one in fields(cast("Any", kind)))
    names = tuple(name for name in fields_of if name in columns and name not in given)
    return names, operator.attrgetter(*names)
