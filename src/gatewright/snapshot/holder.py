"""Holds the snapshot in force. A request reads `current` once and keeps what it got to its end."""

import time

from gatewright.errors import UnavailableError
from gatewright.snapshot.model import Snapshot


class Holder:
    """One reference, swapped as a whole. Only `control/watch.py` swaps it; a test holds that.

    Attributes:
        since: when the snapshot in force was made, in seconds since the epoch; 0 before the first one.
    """

    __slots__ = ("_snapshot", "since")

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self._snapshot = snapshot
        self.since = 0.0

    @property
    def revision(self) -> int:
        """Of the snapshot in force; 0 before the first one."""
        return self._snapshot.revision if self._snapshot else 0

    @property
    def ready(self) -> bool:
        """Whether there is a snapshot to serve from."""
        return self._snapshot is not None

    @property
    def current(self) -> Snapshot:
        """The snapshot in force.

        Raises:
            UnavailableError: before the first one was compiled.
        """
        if self._snapshot is None:
            raise UnavailableError("Gatewright is starting: its configuration is not loaded yet. Try again shortly.")
        return self._snapshot

    def swap(self, snapshot: Snapshot, since: float | None = None) -> None:
        """Put another snapshot in force; requests already under way keep theirs.

        Args:
            snapshot: what to serve from now on.
            since: when it was made; None for now.
        """
        self._snapshot = snapshot
        self.since = time.time() if since is None else since
