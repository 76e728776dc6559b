"""How Alembic runs a migration: on the connection that `migrate` hands in, inside its transaction."""

from alembic import context

from projections.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
