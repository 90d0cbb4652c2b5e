"""Brings a database to this version's tables, or says why not."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from bot.domain.errors import LedgerError
from bot.ledger.control import holder_at

if TYPE_CHECKING:
    from datetime import datetime
    from typing import TextIO

    from alembic.config import Config
    from sqlalchemy import Connection

    from bot.ledger.database import Database

NEWEST = "0007"
"""The last step in ``migrations/versions``: a ledger that stands there is opened without loading Alembic."""

VERSION_TABLE = "ledger_version"


def to_newest(database: Database, now: datetime, *, look_only: bool = False) -> None:
    """Migrate, all steps or none. Processes that start together wait for each other.

    Raises ``LedgerError`` for a database of a newer version, for one that belongs to something else, and for an older
    one under a bot that acts on it at ``now``; with ``look_only`` for every other version.
    """
    with database.read() as connection:
        if _standing(connection, database.where) == NEWEST:
            return
    if look_only:
        raise LedgerError(
            f"{database.where}: its tables are of another version, and here it is only looked at; any other command, "
            "such as `fediwarden status`, brings it up to date"
        )
    with database.write() as connection:
        standing = _standing(connection, database.where)
        if standing == NEWEST:
            return
        _refuse_unknown(standing, database.where)
        if standing is not None:
            _refuse_under_a_bot(connection, now, database.where)
        from alembic import command

        settings = configuration()
        settings.attributes["connection"] = connection
        command.upgrade(settings, NEWEST)


def configuration(url: str | None = None, *, output: TextIO | None = None) -> Config:
    """Alembic's view of this package; with ``url``, for writing SQL text (``alembic upgrade --sql``) to ``output``."""
    from alembic.config import Config

    settings = Config(output_buffer=output) if output is not None else Config()
    settings.set_main_option("script_location", str(files("bot.ledger") / "migrations").replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    if url is not None:
        settings.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return settings


def _standing(connection: Connection, where: str) -> str | None:
    """Which step the database stands at; ``None``: it is empty."""
    inspector = inspect(connection)
    if inspector.has_table(VERSION_TABLE):
        row = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).first()  # noqa: S608 - a constant
        return str(row[0]) if row is not None else None
    if inspector.get_table_names():
        raise LedgerError(f"{where}: is a database of something else; name another one for the ledger")
    return None


def _refuse_unknown(standing: str | None, where: str) -> None:
    if standing is None:
        return
    from alembic.script import ScriptDirectory

    known = {step.revision for step in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if standing not in known:
        raise LedgerError(
            f"{where}: was written by a newer version (its tables are at {standing}, this version knows {NEWEST}); "
            "install that version again, or restore the backup from before the upgrade"
        )


def _refuse_under_a_bot(connection: Connection, now: datetime, where: str) -> None:
    """Its statements name the tables that it began with: it would stop at the next one, and not start again."""
    acting = holder_at(connection, now)
    if acting is not None:
        raise LedgerError(
            f"{where}: an older version of the bot runs on it ({acting.holder}); stop that one first, then do this "
            f"again. If it has crashed, wait until {acting.expires:%H:%M:%S} UTC"
        )
