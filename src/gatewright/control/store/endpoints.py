"""Endpoints: published names with their models and tags."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gatewright.control.store import experiments, limits, mappings, tags
from gatewright.control.store.rows import matches, new_id, require, shown, stamps, touch
from gatewright.control.store.tables import EndpointRow, MappingRow, ModelDefinitionRow
from gatewright.entities import (
    FallbackConfig,
    FallbackStrategy,
    GatewayEndpoint,
    GatewayEndpointModelConfig,
    RoutingStrategy,
)
from gatewright.errors import AlreadyExistsError, ClientError, NotFoundError

_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def create(
    tx: Session,
    *,
    name: str,
    model_configs: Sequence[GatewayEndpointModelConfig],
    created_by: str | None = None,
    routing_strategy: RoutingStrategy | None = None,
    fallback_config: FallbackConfig | None = None,
    experiment_id: str | None = None,
    usage_tracking: bool | None = None,
) -> GatewayEndpoint:
    """Publish an endpoint. Usage tracking is on unless it is given as False.

    Without a fallback config, FALLBACK models bring an empty one.

    Raises:
        ClientError: for a bad name, a mapping that could not work, or a negative `max_attempts`.
        NotFoundError: when a model definition or the experiment does not exist.
        AlreadyExistsError: when the name is taken.
    """
    limits.given(name=name)
    _check_name(name)
    mappings.check_all(model_configs)
    _check_fallback(fallback_config)
    limits.fits(EndpointRow, name=name, created_by=created_by)
    if fallback_config is None and mappings.has_fallback(model_configs):
        fallback_config = FallbackConfig()
    row = EndpointRow(
        endpoint_id=new_id("e"),
        name=name,
        routing_strategy=routing_strategy,
        fallback_config=_stored(fallback_config),
        usage_tracking=usage_tracking is not False,
        experiment_id=None,
        **stamps(created_by),
    )
    mappings.require_definitions(tx, model_configs)
    _refuse_taken(tx, name)
    _settle_experiment(tx, row, experiment_id)
    tx.add(row)
    tx.flush()
    mappings.replace(tx, row.endpoint_id, model_configs, created_by)
    return get(tx, endpoint_id=row.endpoint_id)


def get(tx: Session, *, endpoint_id: str | None = None, name: str | None = None) -> GatewayEndpoint:
    """One endpoint, by id or by name.

    Raises:
        ClientError: unless exactly one of both is given.
        NotFoundError: when there is none.
    """
    if bool(endpoint_id) == bool(name):
        raise ClientError("Exactly one of endpoint_id or name must be provided")
    key, value = ("endpoint_id", endpoint_id) if endpoint_id else ("name", name)
    found = _load(tx, matches(getattr(EndpointRow, key), value))
    if not found:
        raise NotFoundError(f"{EndpointRow.called} not found ({key}={value!r})")
    return found[0]


def list_all(tx: Session, *, provider: str | None = None, secret_id: str | None = None) -> list[GatewayEndpoint]:
    """All endpoints, by name, in a fixed number of statements.

    Filters that are given must all match one of its model definitions, fallbacks included. An endpoint without
    models is listed when there is no filter.
    """
    if not provider and not secret_id:
        return _load(tx)
    using = (
        select(MappingRow.endpoint_id)
        .join(ModelDefinitionRow, ModelDefinitionRow.model_definition_id == MappingRow.model_definition_id)
        .where(matches(ModelDefinitionRow.provider, provider), matches(ModelDefinitionRow.secret_id, secret_id))
    )
    return _load(tx, EndpointRow.endpoint_id.in_(using))


def update(
    tx: Session,
    *,
    endpoint_id: str,
    name: str | None = None,
    updated_by: str | None = None,
    model_configs: Sequence[GatewayEndpointModelConfig] | None = None,
    routing_strategy: RoutingStrategy | None = None,
    fallback_config: FallbackConfig | None = None,
    experiment_id: str | None = None,
    usage_tracking: bool | None = None,
) -> GatewayEndpoint:
    """Change what is given and not empty; `last_updated_at` moves in any case.

    New `model_configs` replace all mappings and the fallback config too: by the one given, or by an empty one.

    Raises:
        ClientError: as `create`.
        NotFoundError: when the endpoint, a model definition or the experiment does not exist.
        AlreadyExistsError: when the name is taken.
    """
    if name:
        _check_name(name)
    if model_configs:
        mappings.check_all(model_configs)
        fallback_config = fallback_config or FallbackConfig()
    _check_fallback(fallback_config)
    limits.fits(EndpointRow, name=name, updated_by=updated_by)
    row = require(tx, EndpointRow, endpoint_id=endpoint_id)
    if model_configs:
        mappings.require_definitions(tx, model_configs)
        mappings.replace(tx, endpoint_id, model_configs, updated_by)
    if name and name != row.name:
        _refuse_taken(tx, name)
        row.name = name
    if fallback_config is not None:
        row.fallback_config = _stored(fallback_config)
    row.routing_strategy = routing_strategy or row.routing_strategy
    row.usage_tracking = row.usage_tracking if usage_tracking is None else usage_tracking
    _settle_experiment(tx, row, experiment_id)
    touch(row, updated_by)
    tx.flush()
    return get(tx, endpoint_id=endpoint_id)


def delete(tx: Session, *, endpoint_id: str) -> None:
    """Delete an endpoint with its mappings, tags, bindings and guardrail configs.

    Guardrails that rewrite with it lose it; model definitions, secrets, experiment and budgets stay.

    Raises:
        NotFoundError: when there is none.
    """
    tx.delete(require(tx, EndpointRow, endpoint_id=endpoint_id))
    tx.flush()
    # The foreign keys took the rest; what is loaded of it is out of date.
    tx.expire_all()


def _load(tx: Session, *conditions: ColumnElement[bool]) -> list[GatewayEndpoint]:
    """Endpoints with mappings and tags, by name: four statements, however many there are."""
    chosen = select(EndpointRow.endpoint_id).where(*conditions)
    models, labels = mappings.of_endpoints(tx, chosen), tags.of_endpoints(tx, chosen)
    return [
        shown(
            GatewayEndpoint,
            row,
            model_mappings=models[row.endpoint_id],
            tags=labels[row.endpoint_id],
            routing_strategy=row.routing_strategy and RoutingStrategy(row.routing_strategy),
            fallback_config=_shown_fallback(row.fallback_config),
            experiment_id=None if row.experiment_id is None else str(row.experiment_id),
        )
        for row in tx.scalars(select(EndpointRow).where(*conditions).order_by(EndpointRow.name))
    ]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ClientError(
            f"Invalid endpoint name {name[:300]!r}. "
            "Name can only contain letters, numbers, underscores, hyphens, and dots."
        )
    if name in (".", ".."):
        raise ClientError(f"Invalid endpoint name {name!r}: in a URL it means another folder.")


def _check_fallback(config: FallbackConfig | None) -> None:
    if config is not None and config.max_attempts is not None and config.max_attempts < 0:
        raise ClientError(
            f"Invalid value {config.max_attempts} for parameter 'max_attempts' in fallback_config: "
            "it must be 0 or more."
        )


def _stored(config: FallbackConfig | None) -> dict[str, Any] | None:
    if config is None:
        return None
    values = {"strategy": config.strategy, "max_attempts": config.max_attempts}
    return {name: value for name, value in values.items() if value is not None}


def _shown_fallback(stored: dict[str, Any] | None) -> FallbackConfig | None:
    if stored is None:
        return None
    strategy = stored.get("strategy")
    return FallbackConfig(strategy=strategy and FallbackStrategy(strategy), max_attempts=stored.get("max_attempts"))


def _refuse_taken(tx: Session, name: str) -> None:
    if tx.scalar(select(EndpointRow.name).where(EndpointRow.name == name)):
        raise AlreadyExistsError(f"Endpoint with name {name!r} already exists")


def _settle_experiment(tx: Session, row: EndpointRow, experiment_id: str | None) -> None:
    """Take the experiment that is named; else make one when usage is tracked and there is none."""
    if experiment_id:
        row.experiment_id = experiments.require(tx, experiment_id)
    elif row.usage_tracking and row.experiment_id is None:
        row.experiment_id = experiments.ensure(tx, row.name)
