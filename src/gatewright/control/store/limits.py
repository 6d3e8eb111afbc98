"""What a value must be before it is stored. Text limits are the column sizes of `tables.py`."""

import math
from collections.abc import Mapping

from gatewright.control.store.tables import Table
from gatewright.errors import ClientError

MAP_CHARACTERS = 65_536
"""Most characters of one map (secret values, auth config), keys included."""


def storable(value: str) -> bool:
    """Whether a text can be stored: PostgreSQL keeps no NUL, and half a surrogate pair is not text."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def given(**values: str | None) -> None:
    """Refuse absent and empty values.

    Raises:
        ClientError: naming the first one.
    """
    for name, value in values.items():
        if not value:
            raise ClientError(f"Missing value for required parameter '{name}'.")


def fits(table: type[Table], **values: str | None) -> None:
    """Refuse text that is longer than its column, or cannot be stored.

    Raises:
        ClientError: naming the parameter and the limit.
    """
    for name, value in values.items():
        # `updated_by` goes into the column `last_updated_by`; all other names are the same.
        column = table.__table__.columns["last_updated_by" if name == "updated_by" else name]
        text(name, value or "", getattr(column.type, "length", None) or math.inf)


def text(name: str, value: str, most: float) -> None:
    """Refuse one text that is too long or cannot be stored.

    Raises:
        ClientError: naming the parameter and the limit.
    """
    if len(value) > most:
        raise ClientError(
            f"Invalid value for parameter '{name}': it has {len(value)} characters, at most {most:.0f} are allowed."
        )
    if not storable(value):
        raise ClientError(f"Invalid value for parameter '{name}': it holds a NUL or a broken Unicode character.")


def text_map(name: str, values: Mapping[str, str]) -> None:
    """Refuse a map with an empty key, too much text, or text that cannot be stored.

    Raises:
        ClientError: naming the parameter, never its values.
    """
    if "" in values:
        raise ClientError(f"Invalid value for parameter '{name}': a key is empty.")
    text(name, "".join(part for pair in values.items() for part in pair), MAP_CHARACTERS)


def weight(value: float) -> None:
    """Refuse a share of traffic that is not a finite number from 0.

    Raises:
        ClientError: saying so.
    """
    if not (math.isfinite(value) and value >= 0):
        raise ClientError(f"Invalid value {value} for parameter 'weight': it must be a finite number from 0.")
