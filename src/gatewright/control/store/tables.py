"""The tables. Column names are the wire's field names; column sizes are the limits that `limits.fits` checks.

Every id is a prefix and 32 hex digits, every time is milliseconds since the epoch.
"""

from typing import Annotated, Any, ClassVar

import msgspec
import sqlalchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from gatewright.ledger.record import LONGEST, Record

ID = String(36)
NAME = String(255)

Identity = Annotated[str, mapped_column(ID, primary_key=True)]
UniqueName = Annotated[str, mapped_column(NAME, unique=True)]
Provider = Annotated[str, mapped_column(String(64), index=True)]
Person = Annotated[str | None, mapped_column(NAME)]
Millis = Annotated[int, mapped_column(BigInteger)]
Choice = Annotated[str, mapped_column(String(50))]
StringMap = Annotated[dict[str, str], mapped_column(JSON)]

# SQLite numbers rows by itself only in a column of type INTEGER.
_SERIAL = BigInteger().with_variant(Integer, "sqlite")


class Table(DeclarativeBase):
    """Base of all rows; constraint names are fixed so that migrations can name them.

    Attributes:
        called: what messages call a row; MLflow's name where it has one.
    """

    called: ClassVar[str]

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Stamped:
    """Who made a row and who changed it last, and when."""

    created_at: Mapped[Millis]
    created_by: Mapped[Person]
    last_updated_at: Mapped[Millis]
    last_updated_by: Mapped[Person]


class RevisionRow(Table):
    """One row: the number that every write raises. Its lock is what serialises writers."""

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigInteger)


class ApiKeyRow(Table):
    """A key that callers send; only its SHA-256 is kept."""

    __tablename__ = "api_keys"
    called = "Key"

    key_id: Mapped[Identity]
    name: Mapped[UniqueName]
    admin: Mapped[bool] = mapped_column(Boolean)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    masked: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[Millis]


class SecretRow(Stamped, Table):
    """A credential, encrypted; see `control.crypto`."""

    __tablename__ = "secrets"
    called = "GatewaySecret"

    secret_id: Mapped[Identity]
    secret_name: Mapped[UniqueName]
    provider: Mapped[str | None] = mapped_column(String(64), index=True)
    masked_values: Mapped[StringMap]
    auth_config: Mapped[StringMap]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    kek_id: Mapped[str] = mapped_column(String(16), index=True)


class ModelDefinitionRow(Stamped, Table):
    """A provider's model and the secret it is called with; no secret when that was deleted."""

    __tablename__ = "model_definitions"
    called = "GatewayModelDefinition"

    model_definition_id: Mapped[Identity]
    name: Mapped[UniqueName]
    secret_id: Mapped[str | None] = mapped_column(ForeignKey("secrets.secret_id", ondelete="SET NULL"), index=True)
    provider: Mapped[Provider]
    model_name: Mapped[str] = mapped_column(String(256))


class ExperimentRow(Table):
    """An experiment that traces of an endpoint are filed under."""

    __tablename__ = "experiments"
    called = "Experiment"

    experiment_id: Mapped[int] = mapped_column(_SERIAL, primary_key=True)
    # `gateway/` and an endpoint's name.
    name: Mapped[str] = mapped_column(String(500), unique=True)
    created_at: Mapped[Millis]


class EndpointRow(Stamped, Table):
    """A published name."""

    __tablename__ = "endpoints"
    called = "GatewayEndpoint"

    endpoint_id: Mapped[Identity]
    name: Mapped[UniqueName]
    routing_strategy: Mapped[str | None] = mapped_column(String(50))
    # NULL is "none"; an empty object is a fallback config without values. The wire tells the two apart.
    fallback_config: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    experiment_id: Mapped[int | None] = mapped_column(ForeignKey("experiments.experiment_id"))
    usage_tracking: Mapped[bool] = mapped_column(Boolean)


def _endpoint() -> ForeignKey:
    return ForeignKey("endpoints.endpoint_id", ondelete="CASCADE")


class MappingRow(Table):
    """A model definition behind an endpoint; `position` keeps the order in which mappings were given."""

    __tablename__ = "endpoint_model_mappings"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "model_definition_id", "linkage_type", name="uq_endpoint_model_mappings_link"),
    )

    mapping_id: Mapped[Identity]
    endpoint_id: Mapped[str] = mapped_column(_endpoint(), index=True)
    model_definition_id: Mapped[str] = mapped_column(ForeignKey("model_definitions.model_definition_id"), index=True)
    linkage_type: Mapped[Choice]
    weight: Mapped[float] = mapped_column(Double)
    fallback_order: Mapped[int | None] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[Millis]
    created_by: Mapped[Person]


class TagRow(Table):
    """A tag of an endpoint; `position` keeps the order in which keys were first set."""

    __tablename__ = "endpoint_tags"

    endpoint_id: Mapped[str] = mapped_column(_endpoint(), primary_key=True)
    key: Mapped[str] = mapped_column(String(250), primary_key=True)
    value: Mapped[str] = mapped_column(String(5000))
    position: Mapped[int] = mapped_column(Integer)


class BindingRow(Stamped, Table):
    """A resource elsewhere that uses an endpoint."""

    __tablename__ = "endpoint_bindings"
    called = "GatewayEndpointBinding"

    endpoint_id: Mapped[str] = mapped_column(_endpoint(), primary_key=True)
    resource_type: Mapped[str] = mapped_column(String(50), primary_key=True)
    resource_id: Mapped[str] = mapped_column(NAME, primary_key=True)


class BudgetPolicyRow(Stamped, Table):
    """A spending limit. `target_value` is no foreign key: a policy outlives its endpoint."""

    __tablename__ = "budget_policies"
    called = "BudgetPolicy"

    budget_policy_id: Mapped[Identity]
    budget_unit: Mapped[Choice]
    budget_amount: Mapped[float] = mapped_column(Double)
    duration_unit: Mapped[Choice]
    duration_value: Mapped[int] = mapped_column(Integer)
    target_scope: Mapped[Choice]
    target_value: Mapped[str | None] = mapped_column(NAME)
    budget_action: Mapped[Choice]


class ScorerRow(Table):
    """A judge that guardrails name; its versions hold what it does."""

    __tablename__ = "scorers"
    called = "Scorer"
    __table_args__ = (UniqueConstraint("experiment_id", "scorer_name"),)

    scorer_id: Mapped[Identity]
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiments.experiment_id"))
    scorer_name: Mapped[str] = mapped_column(String(256))


class ScorerVersionRow(Table):
    """One registered version of a scorer."""

    __tablename__ = "scorer_versions"

    scorer_id: Mapped[str] = mapped_column(ForeignKey("scorers.scorer_id", ondelete="CASCADE"), primary_key=True)
    scorer_version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    serialized_scorer: Mapped[str] = mapped_column(Text)
    creation_time: Mapped[Millis]


class GuardrailRow(Stamped, Table):
    """A check before or after a model call."""

    __tablename__ = "guardrails"
    called = "Guardrail"

    guardrail_id: Mapped[Identity]
    name: Mapped[str] = mapped_column(NAME)
    scorer_id: Mapped[str] = mapped_column(ForeignKey("scorers.scorer_id"))
    scorer_version: Mapped[int] = mapped_column(BigInteger)
    stage: Mapped[Choice]
    action: Mapped[Choice]
    action_endpoint_id: Mapped[str | None] = mapped_column(
        ForeignKey("endpoints.endpoint_id", ondelete="SET NULL"), index=True
    )


class GuardrailConfigRow(Table):
    """A guardrail put on an endpoint."""

    __tablename__ = "guardrail_configs"
    called = "GuardrailConfig"

    endpoint_id: Mapped[str] = mapped_column(_endpoint(), primary_key=True)
    guardrail_id: Mapped[str] = mapped_column(
        ForeignKey("guardrails.guardrail_id", ondelete="CASCADE"), primary_key=True, index=True
    )
    execution_order: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[Millis]
    created_by: Mapped[Person]


class TargetHealthRow(Table):
    """A target that is to be left alone until some time; see `outages.py`."""

    __tablename__ = "target_health"
    called = "Target"

    target_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[Millis]
    reason: Mapped[Choice]
    times: Mapped[int] = mapped_column(BigInteger)
    stated: Mapped[bool] = mapped_column(Boolean)


_TYPES: dict[type, TypeEngine[Any]] = {str: String(LONGEST), int: BigInteger(), bool: Boolean()}

REQUESTS = sqlalchemy.Table(
    "requests",
    Table.metadata,
    *(
        Column(one.name, _TYPES[one.type], primary_key=one.name == "record_id", nullable=False)
        for one in msgspec.structs.fields(Record)
    ),
    # Each ends as the list is ordered, so that a page is read from where it begins.
    Index(None, "at", "record_id"),
    Index(None, "endpoint", "at", "record_id"),
    Index(None, "key_id", "at", "record_id"),
)
"""The ledger: one row of each finished request, with the fields of its record."""
