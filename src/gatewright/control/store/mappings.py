"""Model mappings: which model definitions stand behind an endpoint, as PRIMARY or FALLBACK."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from gatewright.control.store import limits, model_definitions
from gatewright.control.store.rows import new_id, now, require, shown, touch
from gatewright.control.store.tables import EndpointRow, MappingRow, ModelDefinitionRow, SecretRow
from gatewright.entities import (
    GatewayEndpointModelConfig,
    GatewayEndpointModelMapping,
    GatewayModelLinkageType,
)
from gatewright.errors import AlreadyExistsError, ClientError, NotFoundError

MOST_MODELS = 1000
"""Models of one endpoint."""

FALLBACK, PRIMARY = GatewayModelLinkageType.FALLBACK, GatewayModelLinkageType.PRIMARY


def attach(
    tx: Session, *, endpoint_id: str, model_config: GatewayEndpointModelConfig, created_by: str | None = None
) -> GatewayEndpointModelMapping:
    """Add one model behind the others of an endpoint. Its fallback config stays as it is.

    Raises:
        ClientError: for a mapping that could not work, see `check`.
        NotFoundError: when the endpoint or the definition does not exist.
        AlreadyExistsError: when the definition is there already with this linkage.
    """
    limits.given(endpoint_id=endpoint_id)
    check({"model_config": model_config})
    limits.fits(MappingRow, created_by=created_by)
    endpoint = require(tx, EndpointRow, endpoint_id=endpoint_id)
    definition_id = model_config.model_definition_id
    require(tx, ModelDefinitionRow, model_definition_id=definition_id)
    taken = select(MappingRow.mapping_id).where(
        MappingRow.endpoint_id == endpoint_id,
        MappingRow.model_definition_id == definition_id,
        MappingRow.linkage_type == model_config.linkage_type,
    )
    if tx.scalar(taken):
        raise AlreadyExistsError(f"Model definition {definition_id!r} is already attached to endpoint {endpoint_id!r}")
    count, last = tx.execute(
        select(func.count(), func.max(MappingRow.position)).where(MappingRow.endpoint_id == endpoint_id)
    ).one()
    if count >= MOST_MODELS:
        raise _too_many()
    row = _row(endpoint_id, model_config, last + 1 if count else 0, created_by)
    tx.add(row)
    touch(endpoint, created_by)
    tx.flush()
    attached = of_endpoints(tx, select(EndpointRow.endpoint_id).filter_by(endpoint_id=endpoint_id))
    return next(one for one in attached[endpoint_id] if one.mapping_id == row.mapping_id)


def detach(tx: Session, *, endpoint_id: str, model_definition_id: str) -> None:
    """Take a model off an endpoint; the mapping attached last, when it is there with both linkages.

    Raises:
        NotFoundError: when the endpoint does not exist or does not have the model.
    """
    limits.given(endpoint_id=endpoint_id, model_definition_id=model_definition_id)
    require(tx, EndpointRow, endpoint_id=endpoint_id)
    row = limits.storable(model_definition_id) and tx.scalar(
        select(MappingRow)
        .filter_by(endpoint_id=endpoint_id, model_definition_id=model_definition_id)
        .order_by(MappingRow.position.desc())
        .limit(1)
    )
    if not row:
        raise NotFoundError(f"Model definition {model_definition_id!r} is not attached to endpoint {endpoint_id!r}")
    tx.delete(row)
    tx.flush()


def check(configs: Mapping[str, GatewayEndpointModelConfig]) -> None:
    """Refuse mappings that could not work, before the database is asked.

    Args:
        configs: by their place in the request.

    Raises:
        ClientError: naming the place and what to do.
    """
    for place, config in configs.items():
        if config.linkage_type is None:
            raise ClientError(
                f"Invalid or missing value for required parameter 'linkage_type' in {place}. "
                "Must be one of: PRIMARY, FALLBACK."
            )
    for place, config in configs.items():
        limits.weight(config.weight)
        if config.linkage_type is FALLBACK and config.fallback_order is None:
            raise ClientError(
                f"Missing value for required parameter 'fallback_order' in {place}: "
                "a FALLBACK model needs its place among the fallbacks."
            )


def check_all(configs: Sequence[GatewayEndpointModelConfig]) -> None:
    """Refuse a set of mappings that could not serve an endpoint.

    Raises:
        ClientError: as `check`, or when there is no PRIMARY model.
        AlreadyExistsError: when a definition is there twice with one linkage.
    """
    check({f"model_configs[{index}]": config for index, config in enumerate(configs)})
    if not configs:
        raise ClientError("Endpoint must have at least one model configuration")
    if all(config.linkage_type is not PRIMARY for config in configs):
        raise ClientError("Endpoint must have at least one PRIMARY model in model_configs.")
    if len(configs) > MOST_MODELS:
        raise _too_many()
    links = Counter((config.model_definition_id, config.linkage_type) for config in configs)
    (definition_id, linkage_type), times = links.most_common(1)[0]
    if times > 1:
        raise AlreadyExistsError(f"Model definition {definition_id!r} is in model_configs twice as {linkage_type}.")


def require_definitions(tx: Session, configs: Sequence[GatewayEndpointModelConfig]) -> None:
    """Make sure that every model definition exists.

    Raises:
        NotFoundError: listing those that do not.
    """
    wanted = list(dict.fromkeys(config.model_definition_id for config in configs))
    known = tx.scalars(
        select(ModelDefinitionRow.model_definition_id).where(
            ModelDefinitionRow.model_definition_id.in_(list(filter(limits.storable, wanted)))
        )
    )
    missing = set(wanted).difference(known)
    if missing:
        raise NotFoundError(f"Model definitions not found: {', '.join(one for one in wanted if one in missing)}")


def replace(
    tx: Session, endpoint_id: str, configs: Sequence[GatewayEndpointModelConfig], created_by: str | None
) -> None:
    """Make `configs`, already checked, the only mappings of an endpoint, in this order."""
    tx.execute(delete(MappingRow).where(MappingRow.endpoint_id == endpoint_id))
    tx.add_all(_row(endpoint_id, config, position, created_by) for position, config in enumerate(configs))
    tx.flush()


def of_endpoints(tx: Session, endpoint_ids: Select[str]) -> defaultdict[str, list[GatewayEndpointModelMapping]]:
    """Mappings by endpoint id, in their order, for the endpoints a query selects: two statements."""
    chosen = MappingRow.endpoint_id.in_(endpoint_ids)
    definitions = {
        row.model_definition_id: model_definitions.entity(row, secret_name)
        for row, secret_name in tx.execute(
            select(ModelDefinitionRow, SecretRow.secret_name)
            .outerjoin(SecretRow, SecretRow.secret_id == ModelDefinitionRow.secret_id)
            .where(ModelDefinitionRow.model_definition_id.in_(select(MappingRow.model_definition_id).where(chosen)))
        )
    }
    # Plain rows: there are many, and they are only read.
    query = select(*MappingRow.__table__.columns).where(chosen).order_by(MappingRow.position)
    found: defaultdict[str, list[GatewayEndpointModelMapping]] = defaultdict(list)
    for row in tx.execute(query):
        found[row.endpoint_id].append(
            shown(
                GatewayEndpointModelMapping,
                row,
                model_definition=definitions[row.model_definition_id],
                linkage_type=GatewayModelLinkageType(row.linkage_type),
            )
        )
    return found


def has_fallback(configs: Iterable[GatewayEndpointModelConfig]) -> bool:
    """Whether any of them is a FALLBACK model."""
    return any(config.linkage_type is FALLBACK for config in configs)


def _too_many() -> ClientError:
    return ClientError(f"Endpoint must have at most {MOST_MODELS} model configurations")


def _row(endpoint_id: str, config: GatewayEndpointModelConfig, position: int, created_by: str | None) -> MappingRow:
    return MappingRow(
        mapping_id=new_id("m"),
        endpoint_id=endpoint_id,
        model_definition_id=config.model_definition_id,
        linkage_type=config.linkage_type,
        weight=config.weight,
        fallback_order=config.fallback_order,
        position=position,
        created_at=now(),
        created_by=created_by or None,
    )
