"""Brings the database to what a file asks for: everything in one transaction, or nothing.

The file is the whole truth about the objects it names, with one exception: a secret without `secret_value` keeps the
value it has. Objects it does not name are left alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

from sqlalchemy.orm import Session

from gatewright.control.crypto import Vault
from gatewright.control.manifest.changes import Action, Change, changed, compare
from gatewright.control.manifest.document import Problems, suggestion
from gatewright.control.manifest.model import Endpoint, Manifest, ModelDefinition, Reference, Secret
from gatewright.control.manifest.shown import (
    dotted,
    stored_definition,
    stored_endpoint,
    value_differences,
    wanted_endpoint,
)
from gatewright.control.store import auth, endpoints, model_definitions, secrets, tags
from gatewright.control.store.database import Database
from gatewright.entities import (
    FallbackConfig,
    FallbackStrategy,
    GatewayEndpointModelConfig,
    GatewayModelLinkageType,
    RoutingStrategy,
)
from gatewright.errors import ClientError

BY = "gatewright apply"
"""Who the objects say made or changed them."""

MODEL = "model definition"

Wanted = TypeVar("Wanted", Secret, ModelDefinition, Endpoint)


class _UndoneError(Exception):
    """Rolls the transaction back; never leaves this file."""


def apply(
    database: Database,
    vault: Vault,
    manifest: Manifest,
    problems: Problems,
    *,
    allow_private: bool,
    dry_run: bool = False,
) -> list[Change]:
    """Apply a file. A dry run does the same and takes it back, so what it says is what would happen.

    When nothing differs, nothing is written and the revision stays.

    Args:
        database: what to change.
        vault: opens and seals secrets.
        manifest: what the file asks for.
        problems: what was wrong with the file so far; with any, the rest is still checked but nothing is written.
        allow_private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`.
        dry_run: change nothing.

    Raises:
        ConfigError: listing every problem of the file.
        UnavailableError: when the database cannot be written.
    """
    # A name server may be slow, so it is asked before the database is locked.
    for secret in manifest.secrets:
        with _noted(problems, secret.line):
            auth.refuse_private(secret.auth_config, allow_private=allow_private)
    changes: list[Change] = []
    with suppress(_UndoneError), database.write() as tx:
        changes = _Run(tx, vault, manifest, problems, allow_private=allow_private).changes()
        if problems or dry_run or all(one.action is Action.UNCHANGED for one in changes):
            raise _UndoneError
    if problems:
        raise problems.error()
    return changes


@contextmanager
def _noted(problems: Problems, line: int) -> Iterator[None]:
    """Turns a refusal of the store into a problem at a line."""
    try:
        yield
    except ClientError as refusal:
        problems.add(line, refusal.public)


class _Run:
    """One pass over a file inside a transaction."""

    def __init__(
        self, tx: Session, vault: Vault, manifest: Manifest, problems: Problems, *, allow_private: bool
    ) -> None:
        self._tx = tx
        self._vault = vault
        self._manifest = manifest
        self._problems = problems
        self._allow_private = allow_private
        self._secrets = {one.secret_name: one for one in secrets.list_all(tx)}
        self._definitions = {one.name: one for one in model_definitions.list_all(tx)}
        self._endpoints = {one.name: one for one in endpoints.list_all(tx)}
        self._revealed = secrets.reveal_all(tx, vault) if any(one.values for one in manifest.secrets) else {}

    def changes(self) -> list[Change]:
        """Apply object after object, those that others refer to first."""
        file = self._manifest
        self._check(file.used_secrets, "secret", {*self._secrets, *(one.name for one in file.secrets)})
        self._check(file.used_models, MODEL, {*self._definitions, *(one.name for one in file.model_definitions)})
        return [
            *self._each(file.secrets, self._secret),
            *self._each(file.model_definitions, self._definition),
            *self._each(file.endpoints, self._endpoint),
        ]

    def _check(self, used: Iterable[Reference], what: str, known: set[str]) -> None:
        for reference in used:
            if reference.name not in known | self._manifest.unread:
                self._problems.add(
                    reference.line,
                    f"there is no {what} {reference.name!r}, neither in this file nor in the gateway."
                    f"{suggestion(reference.name, known)}",
                )

    def _each(self, wanted: Iterable[Wanted], apply_one: Callable[[Wanted], Change | None]) -> list[Change]:
        done: list[Change | None] = []
        for one in wanted:
            with _noted(self._problems, one.line):
                done.append(apply_one(one))
        return [change for change in done if change is not None]

    def _secret(self, wanted: Secret) -> Change:
        stored = self._secrets.get(wanted.name)
        if stored and wanted.provider and wanted.provider != stored.provider:
            raise ClientError(
                f"secret {wanted.name!r} is stored for provider {stored.provider!r}, which cannot be changed: "
                "take another name, or delete the secret first."
            )
        settings = auth.normalise(wanted.auth_config, allow_private=self._allow_private)
        values = value_differences(wanted, self._revealed.get(stored.secret_id) if stored else None)
        configured = compare(
            dotted("auth_config", stored.auth_config if stored else None), dotted("auth_config", settings)
        )
        plain = {name: value.text for name, value in (wanted.values or {}).items()}
        if stored is None:
            self._secrets[wanted.name] = secrets.create(
                self._tx,
                self._vault,
                secret_name=wanted.name,
                secret_value=plain,
                provider=wanted.provider,
                auth_config=settings,
                created_by=BY,
                allow_private=self._allow_private,
            )
            values = compare({}, {"provider": wanted.provider}) + values
        elif values or configured:
            secrets.update(
                self._tx,
                self._vault,
                secret_id=stored.secret_id,
                secret_value=plain if values else None,
                # A blank `api_base` alone is how settings are cleared.
                auth_config=(settings or {"api_base": ""}) if configured else None,
                updated_by=BY,
                allow_private=self._allow_private,
            )
        return changed("secret", wanted.name, values + configured, new=stored is None)

    def _definition(self, wanted: ModelDefinition) -> Change | None:
        """None when its secret is not there, which is a problem already; the same for `_endpoint`."""
        secret = self._secrets.get(wanted.secret.name)
        if secret is None:
            return None
        provider = wanted.provider or secret.provider
        if not provider:
            raise ClientError(f"model definition {wanted.name!r} needs 'provider', for its secret names none.")
        stored = self._definitions.get(wanted.name)
        differences = compare(
            stored_definition(stored) if stored else {},
            {"provider": provider, "model_name": wanted.model_name, "secret": secret.secret_name},
        )
        what = {"provider": provider, "model_name": wanted.model_name, "secret_id": secret.secret_id}
        if stored is None:
            created = model_definitions.create(self._tx, name=wanted.name, created_by=BY, **what)
            self._definitions[wanted.name] = created
        elif differences:
            identity = stored.model_definition_id
            model_definitions.update(self._tx, model_definition_id=identity, updated_by=BY, **what)
        return changed(MODEL, wanted.name, differences, new=stored is None)

    def _endpoint(self, wanted: Endpoint) -> Change | None:
        configs = self._configs(wanted)
        if configs is None:
            return None
        stored = self._endpoints.get(wanted.name)
        before, after = stored_endpoint(stored) if stored else {}, wanted_endpoint(wanted)
        differences = compare(before, after)
        fallback = FallbackConfig(strategy=FallbackStrategy.SEQUENTIAL, max_attempts=wanted.max_attempts or None)
        if stored is None:
            created = endpoints.create(
                self._tx,
                name=wanted.name,
                model_configs=configs,
                routing_strategy=RoutingStrategy.REQUEST_BASED_TRAFFIC_SPLIT,
                fallback_config=fallback if wanted.fallbacks else None,
                usage_tracking=wanted.usage_tracking,
                created_by=BY,
            )
            self._tag(created.endpoint_id, {}, wanted.tags)
        elif differences:
            endpoints.update(
                self._tx,
                endpoint_id=stored.endpoint_id,
                # New configs make new mappings, so they are given only when they differ.
                model_configs=configs if any(before[key] != after[key] for key in ("models", "fallbacks")) else None,
                routing_strategy=RoutingStrategy.REQUEST_BASED_TRAFFIC_SPLIT,
                fallback_config=fallback if wanted.fallbacks else None,
                usage_tracking=wanted.usage_tracking,
                updated_by=BY,
            )
            self._tag(stored.endpoint_id, {tag.key: tag.value or "" for tag in stored.tags}, wanted.tags)
        return changed("endpoint", wanted.name, differences, new=stored is None)

    def _configs(self, wanted: Endpoint) -> list[GatewayEndpointModelConfig] | None:
        """The models of an endpoint by id; None when one of them is not there."""
        primaries = [(self._definitions.get(one.model.name), one.weight) for one in wanted.models]
        fallbacks = [self._definitions.get(one.name) for one in wanted.fallbacks]
        configs = [
            GatewayEndpointModelConfig(
                model_definition_id=one.model_definition_id,
                linkage_type=GatewayModelLinkageType.PRIMARY,
                weight=weight,
            )
            for one, weight in primaries
            if one
        ] + [
            GatewayEndpointModelConfig(
                model_definition_id=one.model_definition_id,
                linkage_type=GatewayModelLinkageType.FALLBACK,
                fallback_order=place,
            )
            for place, one in enumerate(fallbacks, 1)
            if one
        ]
        return configs if len(configs) == len(primaries) + len(fallbacks) else None

    def _tag(self, endpoint_id: str, held: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        for key in held.keys() - wanted.keys():
            tags.delete(self._tx, endpoint_id=endpoint_id, key=key)
        for key, value in wanted.items():
            if held.get(key) != value:
                tags.put(self._tx, endpoint_id=endpoint_id, key=key, value=value)
