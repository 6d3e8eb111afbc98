"""The ledger: one row of each finished request; the record's id is its key, so one that comes twice is stored once.

It is no configuration: writing it neither raises the revision nor takes the lock of those who do.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import msgspec
from sqlalchemy import Connection, delete, select, text, tuple_
from sqlalchemy.orm import Session

from gatewright.control.store.limits import storable
from gatewright.control.store.tables import REQUESTS
from gatewright.errors import ClientError
from gatewright.ledger.record import Record

DEFAULT_RESULTS = 100
MOST_RESULTS = 1000

ROWS = (500, 100, 20, 5, 1)
"""Rows of one statement: of each number as often as it fits.

SQLite takes 32,766 values in one (https://www.sqlite.org/limits.html), and Python keeps 128 statements for each
connection, of a megabyte each with 250 rows: so there are few that differ.
"""

_NAMES = ", ".join(Record.__struct_fields__)
_PLACES = f"({', '.join('?' for _ in Record.__struct_fields__)})"
# One parameter for the whole batch: the driver would take longer for each value than the server for the row.
_POSTGRES = text(
    f"INSERT INTO requests ({_NAMES}) SELECT {_NAMES} "  # noqa: S608
    "FROM json_populate_recordset(NULL::requests, CAST(:rows AS json)) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests to show; a field that is None, empty or 0 wants all.

    Attributes:
        endpoint: name of the endpoint.
        key_id: who called.
        least_status: lowest HTTP status.
        most_status: highest HTTP status.
        since: milliseconds since the epoch, included.
        until: milliseconds since the epoch, not included.
    """

    endpoint: str = ""
    key_id: str = ""
    least_status: int | None = None
    most_status: int | None = None
    since: int | None = None
    until: int | None = None


def insert(connection: Connection, records: Sequence[Record]) -> int:
    """Store records; those that are there already stay as they are. How many were new.

    Raises:
        ClientError: a value does not fit; see `Record.fitted`.
    """
    if connection.dialect.name == "sqlite":
        return sum(_insert_into_sqlite(connection, part) for part in _parts(records, ROWS))
    return sum(_insert_into_postgres(connection, part) for part in _parts(records, ROWS[:1]))


def _parts(records: Sequence[Record], sizes: Sequence[int]) -> Iterator[Sequence[Record]]:
    """All records in parts of these sizes, the larger ones first; what is left over is the last part."""
    begin = 0
    for size in sizes:
        while len(records) - begin >= size:
            yield records[begin : begin + size]
            begin += size
    if begin < len(records):
        yield records[begin:]


def _insert_into_postgres(connection: Connection, records: Sequence[Record]) -> int:
    rows = msgspec.json.encode([msgspec.structs.asdict(one) for one in records]).decode()
    return connection.execute(_POSTGRES, {"rows": rows}).rowcount


def _insert_into_sqlite(connection: Connection, records: Sequence[Record]) -> int:
    """Store records by one statement: with one for each, the thread would take Python's lock back for every row."""
    values = tuple(chain.from_iterable(map(msgspec.structs.astuple, records)))
    return connection.exec_driver_sql(_sqlite_statement(len(records)), values).rowcount


@lru_cache(maxsize=len(ROWS))
def _sqlite_statement(rows: int) -> str:
    places = ", ".join([_PLACES] * rows)
    return f"INSERT INTO requests ({_NAMES}) VALUES {places} ON CONFLICT DO NOTHING"  # noqa: S608 - our own names


def page(
    tx: Session, wanted: Wanted, *, max_results: int | None = None, page_token: str = ""
) -> tuple[list[Record], str]:
    """The newest requests first, and the token of the next page; empty on the last.

    A page goes on after the last row of the one before, however many requests have come since.

    Args:
        tx: transaction.
        wanted: which ones.
        max_results: rows a page, at most 1,000; None and 0 mean 100.
        page_token: what the page before gave; empty for the first.

    Raises:
        ClientError: for a number or a token that cannot be used.
    """
    size = max_results or DEFAULT_RESULTS
    if not 0 < size <= MOST_RESULTS:
        raise ClientError(f"Invalid value {size} for parameter 'max_results': use 1 to {MOST_RESULTS}.")
    if not (storable(wanted.endpoint) and storable(wanted.key_id)):
        return [], ""
    columns = REQUESTS.c
    place = tuple_(columns.at, columns.record_id)
    query = select(REQUESTS).order_by(columns.at.desc(), columns.record_id.desc()).limit(size + 1)
    conditions = (
        (wanted.endpoint or None, columns.endpoint.__eq__),
        (wanted.key_id or None, columns.key_id.__eq__),
        (wanted.least_status, columns.status.__ge__),
        (wanted.most_status, columns.status.__le__),
        (wanted.since, columns.at.__ge__),
        (wanted.until, columns.at.__lt__),
        (_after(page_token), place.__lt__),
    )
    for value, condition in conditions:
        if value is not None:
            query = query.where(condition(value))
    found = [Record(**row) for row in tx.execute(query).mappings()]
    return found[:size], _token(found[size - 1]) if len(found) > size else ""


def prune(connection: Connection, before: int, most: int) -> int:
    """Delete at most so many of the oldest requests that came before a time. How many were deleted."""
    columns = REQUESTS.c
    oldest = select(columns.record_id).where(columns.at < before).order_by(columns.at).limit(most)
    return connection.execute(delete(REQUESTS).where(columns.record_id.in_(oldest))).rowcount


def _token(last: Record) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((last.at, last.record_id))).decode()


def _after(token: str) -> tuple[int, str] | None:
    if not token:
        return None
    try:
        at, record_id = msgspec.json.decode(base64.urlsafe_b64decode(token), type=tuple[int, str])
        if abs(at) < 2**63 and storable(record_id):
            return at, record_id
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        pass
    raise ClientError("Invalid page token: send back the next_page_token of the page before, unchanged.")
