"""Alembic runs this file: inside the transaction that it is given, or into SQL text when there is none."""

from __future__ import annotations

from alembic import context

from bot.ledger.schema import metadata

VERSION_TABLE = "ledger_version"

connection = context.config.attributes.get("connection")
if connection is None:
    context.configure(
        url=context.config.get_main_option("sqlalchemy.url"),
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        literal_binds=True,
    )
else:
    context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
