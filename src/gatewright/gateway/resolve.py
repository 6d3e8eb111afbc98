"""Station 2: a name to the endpoint it stands for."""

from gatewright.errors import NotFoundError
from gatewright.snapshot.model import Endpoint, Snapshot

LONGEST = 256
"""Characters of a name that an error repeats; no endpoint has a longer one."""


def resolve(snapshot: Snapshot, name: str) -> Endpoint:
    """The endpoint of that name.

    Raises:
        NotFoundError: when there is none.
    """
    endpoint = snapshot.endpoints.get(name)
    if endpoint is None:
        told = name if len(name) <= LONGEST else f"{name[:LONGEST]}…"
        raise NotFoundError(f"GatewayEndpoint not found (name='{told}')")
    return endpoint
