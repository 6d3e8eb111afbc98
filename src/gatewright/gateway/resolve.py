"""Station 2: a name to the endpoint it stands for."""

from gatewright.errors import NotFoundError
from gatewright.snapshot.model import Endpoint, Snapshot


def resolve(snapshot: Snapshot, name: str) -> Endpoint:
    """The endpoint of that name.

    Raises:
        NotFoundError: when there is none.
    """
    endpoint = snapshot.endpoints.get(name)
    if endpoint is None:
        raise NotFoundError(f"GatewayEndpoint not found (name='{name}')")
    return endpoint
