"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("masked", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
        sa.UniqueConstraint("name", name=op.f("uq_api_keys_name")),
    )
    op.create_table(
        "budget_policies",
        sa.Column("budget_policy_id", sa.String(length=36), nullable=False),
        sa.Column("budget_unit", sa.String(length=50), nullable=False),
        sa.Column("budget_amount", sa.Double(), nullable=False),
        sa.Column("duration_unit", sa.String(length=50), nullable=False),
        sa.Column("duration_value", sa.Integer(), nullable=False),
        sa.Column("target_scope", sa.String(length=50), nullable=False),
        sa.Column("target_value", sa.String(length=255), nullable=True),
        sa.Column("budget_action", sa.String(length=50), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("last_updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_updated_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("budget_policy_id", name=op.f("pk_budget_policies")),
    )
    experiments = op.create_table(
        "experiments",
        sa.Column("experiment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_experiments")),
        sa.UniqueConstraint("name", name=op.f("uq_experiments_name")),
    )
    op.create_table(
        "secrets",
        sa.Column("secret_id", sa.String(length=36), nullable=False),
        sa.Column("secret_name", sa.String(length=255), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.Column("masked_values", sa.JSON(), nullable=False),
        sa.Column("auth_config", sa.JSON(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("kek_id", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("last_updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_updated_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("secret_id", name=op.f("pk_secrets")),
        sa.UniqueConstraint("secret_name", name=op.f("uq_secrets_secret_name")),
    )
    op.create_index(op.f("ix_secrets_kek_id"), "secrets", ["kek_id"], unique=False)
    op.create_index(op.f("ix_secrets_provider"), "secrets", ["provider"], unique=False)
    op.create_table(
        "endpoints",
        sa.Column("endpoint_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("routing_strategy", sa.String(length=50), nullable=True),
        sa.Column("fallback_config", sa.JSON(), nullable=True),
        sa.Column("experiment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("usage_tracking", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("last_updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_updated_by", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.experiment_id"], name=op.f("fk_endpoints_experiment_id")
        ),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_endpoints")),
        sa.UniqueConstraint("name", name=op.f("uq_endpoints_name")),
    )
    op.create_table(
        "model_definitions",
        sa.Column("model_definition_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("secret_id", sa.String(length=36), nullable=True),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("model_name", sa.String(length=256), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("last_updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_updated_by", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["secrets.secret_id"], name=op.f("fk_model_definitions_secret_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("model_definition_id", name=op.f("pk_model_definitions")),
        sa.UniqueConstraint("name", name=op.f("uq_model_definitions_name")),
    )
    op.create_index(op.f("ix_model_definitions_provider"), "model_definitions", ["provider"], unique=False)
    op.create_index(op.f("ix_model_definitions_secret_id"), "model_definitions", ["secret_id"], unique=False)
    op.create_table(
        "scorers",
        sa.Column("scorer_id", sa.String(length=36), nullable=False),
        sa.Column("experiment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scorer_name", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.experiment_id"], name=op.f("fk_scorers_experiment_id")
        ),
        sa.PrimaryKeyConstraint("scorer_id", name=op.f("pk_scorers")),
        sa.UniqueConstraint("experiment_id", "scorer_name", name=op.f("uq_scorers_experiment_id_scorer_name")),
    )
    op.create_table(
        "endpoint_bindings",
        sa.Column("endpoint_id", sa.String(length=36), nullable=False),
        sa.Column("resource_type", sa.String(length=50), nullable=False),
        sa.Column("resource_id", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("last_updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_updated_by", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoints.endpoint_id"],
            name=op.f("fk_endpoint_bindings_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("endpoint_id", "resource_type", "resource_id", name=op.f("pk_endpoint_bindings")),
    )
    op.create_table(
        "endpoint_model_mappings",
        sa.Column("mapping_id", sa.String(length=36), nullable=False),
        sa.Column("endpoint_id", sa.String(length=36), nullable=False),
        sa.Column("model_definition_id", sa.String(length=36), nullable=False),
        sa.Column("linkage_type", sa.String(length=50), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("fallback_order", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoints.endpoint_id"],
            name=op.f("fk_endpoint_model_mappings_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["model_definition_id"],
            ["model_definitions.model_definition_id"],
            name=op.f("fk_endpoint_model_mappings_model_definition_id"),
        ),
        sa.PrimaryKeyConstraint("mapping_id", name=op.f("pk_endpoint_model_mappings")),
        sa.UniqueConstraint(
            "endpoint_id", "model_definition_id", "linkage_type", name="uq_endpoint_model_mappings_link"
        ),
    )
    op.create_index(
        op.f("ix_endpoint_model_mappings_endpoint_id"), "endpoint_model_mappings", ["endpoint_id"], unique=False
    )
    op.create_index(
        op.f("ix_endpoint_model_mappings_model_definition_id"),
        "endpoint_model_mappings",
        ["model_definition_id"],
        unique=False,
    )
    op.create_table(
        "endpoint_tags",
        sa.Column("endpoint_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("value", sa.String(length=5000), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["endpoints.endpoint_id"], name=op.f("fk_endpoint_tags_endpoint_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("endpoint_id", "key", name=op.f("pk_endpoint_tags")),
    )
    op.create_table(
        "guardrails",
        sa.Column("guardrail_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("scorer_id", sa.String(length=36), nullable=False),
        sa.Column("scorer_version", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.String(length=50), nullable=False),
        sa.Column("action", sa.String(length=50), nullable=False),
        sa.Column("action_endpoint_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("last_updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_updated_by", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["action_endpoint_id"],
            ["endpoints.endpoint_id"],
            name=op.f("fk_guardrails_action_endpoint_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["scorer_id"], ["scorers.scorer_id"], name=op.f("fk_guardrails_scorer_id")),
        sa.PrimaryKeyConstraint("guardrail_id", name=op.f("pk_guardrails")),
    )
    op.create_index(op.f("ix_guardrails_action_endpoint_id"), "guardrails", ["action_endpoint_id"], unique=False)
    op.create_table(
        "scorer_versions",
        sa.Column("scorer_id", sa.String(length=36), nullable=False),
        sa.Column("scorer_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("serialized_scorer", sa.Text(), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["scorer_id"], ["scorers.scorer_id"], name=op.f("fk_scorer_versions_scorer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("scorer_id", "scorer_version", name=op.f("pk_scorer_versions")),
    )
    op.create_table(
        "guardrail_configs",
        sa.Column("endpoint_id", sa.String(length=36), nullable=False),
        sa.Column("guardrail_id", sa.String(length=36), nullable=False),
        sa.Column("execution_order", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoints.endpoint_id"],
            name=op.f("fk_guardrail_configs_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["guardrail_id"],
            ["guardrails.guardrail_id"],
            name=op.f("fk_guardrail_configs_guardrail_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("endpoint_id", "guardrail_id", name=op.f("pk_guardrail_configs")),
    )
    op.create_index(op.f("ix_guardrail_configs_guardrail_id"), "guardrail_configs", ["guardrail_id"], unique=False)
    revision = op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
    )
    op.bulk_insert(revision, [{"id": 1, "value": 1}])
    # Experiment 0 exists in every MLflow server, and clients rely on it.
    op.bulk_insert(experiments, [{"experiment_id": 0, "name": "Default", "created_at": 0}])
