"""Compiles the database into a snapshot: names indexed, secrets opened, weights summed, fallbacks sorted.

What cannot be served (a secret that is gone, an address that is refused) becomes a `problem` of its target and never
stops the rest.
"""

import logging
from collections.abc import Callable, Mapping
from itertools import accumulate
from types import MappingProxyType
from typing import Protocol
from urllib.parse import quote

from gatewright.control.crypto import Vault
from gatewright.control.store import endpoints, keys, secrets
from gatewright.control.store.database import Database
from gatewright.control.store.secrets import Revealed
from gatewright.entities import GatewayEndpoint, GatewayEndpointModelMapping, GatewayModelLinkageType
from gatewright.errors import ConfigError
from gatewright.settings import Settings
from gatewright.snapshot.address import Address
from gatewright.snapshot.model import ANONYMOUS, Endpoint, Principal, Snapshot, Target, key_digest

log = logging.getLogger(__name__)


class Connection(Protocol):
    """What joining a provider with a secret gives; see `providers/base.py`."""

    @property
    def address(self) -> Address:
        """Where to connect."""
        ...

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Credential headers."""
        ...

    @property
    def paths(self) -> Mapping[str, bytes]:
        """Request target by operation; `{model}` stands for the model's name."""
        ...


Connect = Callable[[str, Mapping[str, str], Mapping[str, str]], Connection]
"""Provider name, secret values and `auth_config` to a connection; a ConfigError says why there is none."""


class Compiler:
    """Reads one consistent state of the database and makes the snapshot of it.

    Args:
        database: where the state is.
        vault: opens secrets.
        settings: the admin key from outside, and whether keys are needed at all.
        connect: joins a provider with a secret.
    """

    def __init__(self, database: Database, vault: Vault, settings: Settings, connect: Connect) -> None:
        self._database = database
        self._vault = vault
        self._connect = connect
        self._anonymous = ANONYMOUS if settings.no_auth else None
        self._given: dict[bytes, Principal] = {}
        if settings.admin_key:
            principal = Principal(key_id="admin", name="GATEWRIGHT_ADMIN_KEY", admin=True)
            self._given[key_digest(settings.admin_key)] = principal

    def compile(self) -> Snapshot:
        """The snapshot of the database as it is now.

        Raises:
            UnavailableError: when the database cannot be read.
        """
        with self._database.read() as tx:
            revision = self._database.revision_in(tx)
            revealed = secrets.reveal_all(tx, self._vault)
            published = endpoints.list_all(tx)
            digests = keys.digests(tx)
        principals = {digest: Principal(key_id=k.key_id, name=k.name, admin=k.admin) for digest, k in digests.items()}
        for secret in revealed.values():
            if secret.problem:
                log.error("secret %s cannot be used: %s", secret.secret_id, secret.problem)
        targets = _Targets(revealed, self._connect)
        return Snapshot(
            revision=revision,
            endpoints=MappingProxyType({one.name: _endpoint(one, targets) for one in published}),
            principals=MappingProxyType(principals | self._given),
            anonymous=self._anonymous,
        )


class _Targets:
    """Targets of one compilation; a provider is joined with a secret once, however many models use the two."""

    def __init__(self, revealed: Mapping[str, Revealed], connect: Connect) -> None:
        self._revealed = revealed
        self._connect = connect
        self._connections: dict[tuple[str, str], Connection | str] = {}

    def of(self, mapping: GatewayEndpointModelMapping) -> Target:
        definition = mapping.model_definition
        if definition is None:
            raise AssertionError("the store gives every mapping its model definition")
        name = definition.name
        connection = self._connection(definition.provider, definition.secret_id)
        if isinstance(connection, str):
            return Target(
                model_definition=name,
                provider=definition.provider,
                model=definition.model_name,
                problem=f"model definition '{name}': {connection}",
            )
        return Target(
            model_definition=name,
            provider=definition.provider,
            model=definition.model_name,
            address=connection.address,
            paths=_paths(connection.paths, definition.model_name),
            headers=connection.headers,
        )

    def _connection(self, provider: str, secret_id: str | None) -> Connection | str:
        if secret_id is None:
            return "its secret was deleted; give it another one"
        key = (provider, secret_id)
        if key not in self._connections:
            secret = self._revealed[secret_id]
            try:
                self._connections[key] = secret.problem or self._connect(provider, secret.values, secret.auth_config)
            except ConfigError as problem:
                self._connections[key] = problem.public
        return self._connections[key]


def _paths(templates: Mapping[str, bytes], model: str) -> Mapping[str, bytes]:
    """Request targets of one model. A model's name cannot lead out of its place in a path."""
    named = quote(model, safe="").encode("ascii")
    return MappingProxyType({operation: path.replace(b"{model}", named) for operation, path in templates.items()})


def _endpoint(one: GatewayEndpoint, targets: _Targets) -> Endpoint:
    primaries = [m for m in one.model_mappings if m.linkage_type is GatewayModelLinkageType.PRIMARY]
    fallbacks = [m for m in one.model_mappings if m.linkage_type is GatewayModelLinkageType.FALLBACK]
    fallbacks.sort(key=lambda m: (m.fallback_order is None, m.fallback_order or 0))
    most = (one.fallback_config.max_attempts if one.fallback_config else None) or len(fallbacks)
    first = [(targets.of(m), m.weight) for m in primaries]
    then = [targets.of(m) for m in fallbacks]
    serving = [(target, weight) for target, weight in first if target.usable and weight > 0]
    return Endpoint(
        endpoint_id=one.endpoint_id,
        name=one.name,
        created_at=one.created_at,
        primaries=tuple(target for target, _ in serving),
        cumulative=tuple(accumulate(weight for _, weight in serving)),
        fallbacks=tuple(target for target in then if target.usable)[:most],
        problem=_problem([target for target, _ in first] + then),
    )


def _problem(targets: list[Target]) -> str:
    if not targets:
        return "it has no models"
    problems = list(dict.fromkeys(target.problem for target in targets if target.problem))
    return "; ".join(problems) if problems else "all its PRIMARY models have weight 0"
