"""Alembic's entry: runs the history on the connection that `Database.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from thalweg_store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
