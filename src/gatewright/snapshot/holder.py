"""Holds the snapshot in force. A request reads `current` once and keeps what it got to its end."""

from gatewright.errors import UnavailableError
from gatewright.snapshot.model import Snapshot


class Holder:
    """One reference, swapped as a whole. Only `control/watch.py` swaps it; a test holds that."""

    __slots__ = ("_snapshot",)

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self._snapshot = snapshot

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

    def swap(self, snapshot: Snapshot) -> None:
        """Put a newer snapshot in force; requests already under way keep theirs."""
        self._snapshot = snapshot
