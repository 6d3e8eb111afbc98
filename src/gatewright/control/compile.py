"""Compiles the database into a snapshot: names indexed, secrets opened, weights summed, fallbacks sorted.

What cannot be served (a secret that is gone, an address that is refused) becomes a `problem` of its target and never
stops the rest.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from gatewright.control import policy
from gatewright.control.crypto import Vault
from gatewright.control.store import endpoints, keys, secrets
from gatewright.control.store.database import Database
from gatewright.control.store.secrets import Revealed
from gatewright.entities import GatewayEndpoint, GatewayEndpointModelMapping, GatewayModelLinkageType
from gatewright.errors import ConfigError
from gatewright.settings import Settings
from gatewright.snapshot.address import Address
from gatewright.snapshot.model import ANONYMOUS, Access, Endpoint, Policy, Principal, Snapshot, Target, Way, key_digest

log = logging.getLogger(__name__)


Connect = Callable[[str, str, Mapping[str, str], Mapping[str, str]], Access]
"""Provider name, model, secret values and `auth_config` to the way there; a ConfigError says why there is none."""

KEY_DIGITS = 32
"""Hex digits of a target's key."""

_NOT_SHOWN = re.compile(r"[^ -~]")


class Compiler:
    """Reads one consistent state of the database and makes the snapshot of it.

    Args:
        database: where the state is.
        vault: opens secrets.
        settings: the admin key from outside, whether keys are needed at all, and how endpoints usually treat requests.
        connect: joins a provider with a secret.
    """

    def __init__(self, database: Database, vault: Vault, settings: Settings, connect: Connect) -> None:
        self._database = database
        self._vault = vault
        self._connect = connect
        self._anonymous = ANONYMOUS if settings.no_auth else None
        self._usual = Policy(**settings.usual)
        self._given: dict[bytes, Principal] = {}
        if settings.admin_key:
            principal = Principal(key_id="admin", name="GATEWRIGHT_ADMIN_KEY", admin=True)
            self._given[key_digest(settings.admin_key)] = principal

    def admit(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with those whom the settings let in; they are never taken from anywhere else."""
        principals = MappingProxyType({**snapshot.principals, **self._given})
        return replace(snapshot, principals=principals, anonymous=self._anonymous)

    def compile(self) -> Snapshot:
        """The snapshot of the database alone, as it is now.

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
            endpoints=MappingProxyType({one.name: _endpoint(one, targets, self._usual) for one in published}),
            principals=MappingProxyType(principals),
        )


class _Targets:
    """Targets of one compilation; a model is joined with a secret once, however many endpoints use the two."""

    def __init__(self, revealed: Mapping[str, Revealed], connect: Connect) -> None:
        self._revealed = revealed
        self._connect = connect
        self._found: dict[tuple[str, str, str], Access | str] = {}
        self._ways: dict[tuple[str, str, str], Mapping[str, Way]] = {}

    def of(self, mapping: GatewayEndpointModelMapping) -> Target | str:
        """The mapping's target, or why it cannot be called."""
        definition = mapping.model_definition
        if definition is None:
            raise AssertionError("the store gives every mapping its model definition")
        provider, model, secret_id = definition.provider, definition.model_name, definition.secret_id
        access = self._access(provider, model, secret_id)
        if isinstance(access, str):
            return f"model definition '{definition.name}': {access}"
        return Target(
            provider=provider,
            model=model,
            access=access,
            shown=_NOT_SHOWN.sub("?", f"{provider}/{model}").encode("ascii"),
            key=_key(provider, model, access.address, self._revealed[secret_id or ""]),
        )

    def _access(self, provider: str, model: str, secret_id: str | None) -> Access | str:
        if secret_id is None:
            return "its secret was deleted; give it another one"
        key = (provider, model, secret_id)
        if key not in self._found:
            secret = self._revealed[secret_id]
            try:
                self._found[key] = secret.problem or self._shared(
                    provider, model, self._connect(provider, model, secret.values, secret.auth_config)
                )
            except ConfigError as problem:
                self._found[key] = problem.public
            except Exception:
                # One row must never keep all others from being served; the log has the fault.
                log.exception("secret %s cannot be joined with provider %r", secret_id, provider)
                self._found[key] = f"its secret cannot be joined with provider '{provider}'; the server's log says why"
        return self._found[key]

    def _shared(self, provider: str, model: str, access: Access) -> Access:
        """With the ways of another secret's access where they are equal: with many secrets they are most of it all."""
        ways = self._ways.setdefault((provider, model, access.address.path), access.ways)
        return replace(access, ways=ways) if ways == access.ways else access


def _key(provider: str, model: str, address: Address, secret: Revealed) -> str:
    """A target by which secret it uses and when that was changed last, so that nothing of the secret is in it."""
    place = f"{address.scheme}://{address.authority}{address.path}"
    parts = (provider, model, place, secret.secret_id, str(secret.last_updated_at))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:KEY_DIGITS]


def _endpoint(one: GatewayEndpoint, targets: _Targets, usual: Policy) -> Endpoint:
    primaries = [m for m in one.model_mappings if m.linkage_type is GatewayModelLinkageType.PRIMARY]
    fallbacks = [m for m in one.model_mappings if m.linkage_type is GatewayModelLinkageType.FALLBACK]
    fallbacks.sort(key=lambda m: (m.fallback_order is None, m.fallback_order or 0))
    first = [(targets.of(m), m.weight) for m in primaries]
    then = [targets.of(m) for m in fallbacks]
    chosen, problems = policy.read({tag.key: tag.value or "" for tag in one.tags}, usual)
    for problem in problems:
        log.warning("endpoint '%s' is served without a tag: %s", one.name, problem)
    return Endpoint(
        endpoint_id=one.endpoint_id,
        name=one.name,
        created_at=one.created_at,
        primaries=tuple((target, weight) for target, weight in first if isinstance(target, Target) and weight > 0),
        fallbacks=tuple(target for target in then if isinstance(target, Target)),
        most_fallbacks=(one.fallback_config.max_attempts if one.fallback_config else None) or None,
        problem=_problem([target for target, _ in first] + then),
        policy=chosen,
    )


def _problem(targets: list[Target | str]) -> str:
    if not targets:
        return "it has no models"
    problems = list(dict.fromkeys(target for target in targets if isinstance(target, str)))
    return "; ".join(problems) if problems else "all its PRIMARY models have weight 0"
