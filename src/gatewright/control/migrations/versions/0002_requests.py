"""The ledger of finished requests."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("record_id", sa.String(length=256), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.String(length=256), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=256), nullable=False),
        sa.Column("endpoint_id", sa.String(length=256), nullable=False),
        sa.Column("endpoint", sa.String(length=256), nullable=False),
        sa.Column("provider", sa.String(length=256), nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("queue_us", sa.BigInteger(), nullable=False),
        sa.Column("first_byte_us", sa.BigInteger(), nullable=False),
        sa.Column("total_us", sa.BigInteger(), nullable=False),
        sa.Column("overhead_us", sa.BigInteger(), nullable=False),
        sa.Column("usage_told", sa.Boolean(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_5m_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_1h_tokens", sa.BigInteger(), nullable=False),
        sa.Column("input_audio_tokens", sa.BigInteger(), nullable=False),
        sa.Column("input_image_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_audio_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_image_tokens", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.String(length=256), nullable=False),
        sa.Column("upstream_request_id", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_requests")),
    )
    op.create_index(op.f("ix_requests_at_record_id"), "requests", ["at", "record_id"])
    op.create_index(
        op.f("ix_requests_endpoint_at_record_id"), "requests", ["endpoint", "at", "record_id"], unique=False
    )
    op.create_index(op.f("ix_requests_key_id_at_record_id"), "requests", ["key_id", "at", "record_id"])
