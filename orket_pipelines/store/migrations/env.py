"""Alembic's entry: migrations run on the connection that `migrate.upgrade` opened."""

from alembic import context

from orket_pipelines.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
