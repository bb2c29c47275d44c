"""Alembic's entry: runs the migrations on the connection `region.registry.migrate` hands over."""

from alembic import context

from region.registry import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
