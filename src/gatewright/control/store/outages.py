"""The outages of targets that processes have noticed: one row for each target that is to be left alone.

Times are reckoned by the database's clock, for those of the machines differ. It is no configuration: writing it neither
raises the revision nor takes the lock of those who do.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from gatewright.control.store.database import Database
from gatewright.snapshot.outage import Outage

KEPT = 3_600_000
"""Milliseconds for which a row is kept after its end; the next outage of any target takes it away."""

_NOW = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
}
"""Milliseconds since the epoch."""

# What a provider asked for is always news; of other outages the one that lasts longest counts.
_PUT = {
    name: text(
        "INSERT INTO target_health (target_key, until, reason, times, stated) "  # noqa: S608 - our own words
        f"VALUES (:key, {now} + :milliseconds, :reason, :times, :stated) "
        "ON CONFLICT (target_key) DO UPDATE SET "
        "until = excluded.until, reason = excluded.reason, times = excluded.times, stated = excluded.stated "
        "WHERE excluded.stated OR excluded.until > target_health.until"
    )
    for name, now in _NOW.items()
}
_PRUNE = {
    name: text(f"DELETE FROM target_health WHERE until < {now} - {KEPT}")  # noqa: S608
    for name, now in _NOW.items()
}
_ALL = {
    name: text(
        f"SELECT target_key, until - {now} AS milliseconds, reason, times, stated "  # noqa: S608
        f"FROM target_health WHERE until > {now} ORDER BY target_key"
    )
    for name, now in _NOW.items()
}


class Outages:
    """The table as what `Cooldowns` shares through."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    def exchange(self, told: Sequence[Outage]) -> Sequence[Outage]:
        """Store what one process has noticed; what all have noticed that is not over yet.

        Raises:
            UnavailableError: when the database is away.
        """
        if not told:
            with self._database.read() as tx:
                return _all(tx.connection())
        with self._database.connection() as connection:
            connection.execute(_PRUNE[connection.dialect.name])
            # In one order, so that no two processes wait for each other.
            for one in sorted(told, key=lambda one: one.key):
                values = {"milliseconds": round(one.seconds * 1000), "reason": one.reason, "times": one.times}
                connection.execute(_PUT[connection.dialect.name], {"key": one.key, "stated": one.stated, **values})
            return _all(connection)

    def close(self) -> None:
        """There is nothing to close: the database is its owner's."""


def _all(connection: Connection) -> list[Outage]:
    return [
        Outage(
            key=row.target_key,
            seconds=row.milliseconds / 1000,
            reason=row.reason,
            times=row.times,
            stated=bool(row.stated),
        )
        for row in connection.execute(_ALL[connection.dialect.name])
    ]
