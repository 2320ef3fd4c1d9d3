"""Alembic's environment: the connection comes from `historian.migrate`, never from a file."""

from __future__ import annotations

from alembic import context

from historian.schema import METADATA, include_object

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    include_object=include_object,
)
with context.begin_transaction():
    context.run_migrations()
