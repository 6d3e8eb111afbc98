"""Runs migrations on the connection that `control.store.schema` opened, inside its transaction."""

from alembic import context

from gatewright.control.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    # SQLite changes its schema in transactions as well, once the driver does not commit by itself.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
