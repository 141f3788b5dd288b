"""Alembic's entry: runs the revisions on the connection of storage.migrate, in its transaction."""

from alembic import context

from storage.tables import Table

# The metadata is here for its naming convention only: an unnamed constraint of a revision gets the name it has there.
context.configure(connection=context.config.attributes["connection"], target_metadata=Table.metadata)
context.run_migrations()
