"""The revisions of the schema, oldest first: `versions/NNNN_what_changes.py`.

The next revision:

1. Change storage/tables.py.
2. Write `versions/0002_what_changes.py`: a docstring, `revision = "0002"`, `down_revision = "0001"`, `upgrade()`.
   There is no `downgrade`: whoever wants to go back restores a backup.
3. Write it out with `op.create_table` and `sa.Column`, as 0001 does, and never import storage.tables or a query there:
   they go on changing, a revision must not. No `if_not_exists`: that is for 0001 alone.
   An `Instant` is `sa.BigInteger()`, a plain `str` `sa.String()`, `long_text()` `sa.Text()`.
4. Change a table inside `with op.batch_alter_table("notices") as table:`, because SQLite knows few ALTERs. A new column
   that may not be null needs a `server_default` for the rows that are there; take it away again in the next batch.
5. Set HEAD in storage/migrate.py.

A revision runs once, in one transaction with all others of that start, on SQLite and PostgreSQL alike: no COMMIT, no
`autocommit_block`, no CREATE INDEX CONCURRENTLY. tests/storage/test_migrations.py compares what comes out with the
metadata, and takes a database with rows from the beginning to the head. A revision that has shipped is never edited.
"""
