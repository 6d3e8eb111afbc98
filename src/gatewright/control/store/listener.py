"""Waiting for the next write, made by whichever process."""

import os
import selectors
import threading
import time
from contextlib import suppress
from typing import Any

from gatewright.control.store.database import CHANNEL, Database
from gatewright.errors import UnavailableError

SQLITE_POLL = 0.2
POSTGRES_POLL = 1.0
"""Seconds between looks at the revision. On PostgreSQL a notification comes first; the look is the net under it."""


class Listener:
    """Tells when the revision changes. One thread waits; any thread may close."""

    def __init__(self, database: Database) -> None:
        """Wait on `database`; no connection is opened before `wait`."""
        self._database = database
        self._connection: Any = None
        self._closed = False
        self._waiting = threading.Lock()
        self._wake_read, self._wake_write = os.pipe()

    def wait(self, after: int, timeout: float) -> int:
        """Block until the revision is not `after`, for at most `timeout` seconds; the revision then.

        Returns `after` as soon as the listener is closed.

        Raises:
            UnavailableError: at once, when the database cannot be read.
        """
        deadline = time.monotonic() + timeout
        with self._waiting:
            while not self._closed:
                # Listening starts before looking, so that no write falls between the two.
                self._listen()
                revision = self._database.revision()
                left = deadline - time.monotonic()
                if revision != after or left <= 0:
                    return revision
                self._pause(min(left, SQLITE_POLL if self._connection is None else POSTGRES_POLL))
        return after

    def close(self) -> None:
        """Let `wait` return and close the connection."""
        if self._closed:
            return
        self._closed = True
        os.write(self._wake_write, b"x")
        with self._waiting:
            self._drop()
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _listen(self) -> None:
        if self._connection is None and not self._database.sqlite:
            # Without it the poll still works; the next round tries again.
            with suppress(UnavailableError, self._database.driver_error):
                connection = self._database.dedicated()
                connection.autocommit = True
                connection.execute(f"LISTEN {CHANNEL}")
                self._connection = connection

    def _pause(self, seconds: float) -> None:
        """Sleep until a notification comes, the listener is closed, or `seconds` are over."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            try:
                if self._connection is not None:
                    selector.register(self._connection.fileno(), selectors.EVENT_READ)
                selector.select(seconds)
                if self._connection is not None:
                    for _ in self._connection.notifies(timeout=0):
                        pass
            except self._database.driver_error:
                self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(self._database.driver_error):
                self._connection.close()
            self._connection = None
