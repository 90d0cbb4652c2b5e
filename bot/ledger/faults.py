"""The one place where a database's complaints become the house's errors, with what to do about them."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.domain.errors import LedgerBusyError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Primary result codes: https://www.sqlite.org/rescode.html
_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SQLITE = {
    sqlite3.SQLITE_FULL: "there is no room left; free some space on its disk, then go on: nothing was lost",
    sqlite3.SQLITE_READONLY: "it cannot be written; make the file and its directory writable for this user",
    sqlite3.SQLITE_PERM: "it cannot be written; make the file and its directory writable for this user",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; its directory has to exist and be writable for this user",
    sqlite3.SQLITE_IOERR: "its disk fails; look at the system's log, and copy the ledger to a sound disk",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore a backup, or try `sqlite3 FILE .recover`",
    sqlite3.SQLITE_NOTADB: "it is not a ledger; name another file, or move this one away",
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL_BUSY = {"55P03", "40001", "40P01"}
_AWAY = "the connection was lost; when the server is there again, the same call works: nothing was lost"
_POSTGRESQL = {
    "53100": "there is no room left; free some space on its disk, then go on: nothing was lost",
    "25006": "it cannot be written; connect to the primary server, or make the database writable",
    "42501": "its user may not do that; make it the owner of the database and its tables",
    "57P01": _AWAY,
    "57P02": _AWAY,
    "57P03": _AWAY,
    "57P05": _AWAY,
    "25P03": _AWAY,
}
# The driver knows no code for what goes wrong with a connection, and the server's words come in its own language.
_NOT_REACHED = (
    "it cannot be reached or does not let us in; see that the server runs, and check host, port, user, password and "
    "database in the ledger's URL"
)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Whatever the database raises leaves as ``LedgerError``; ``where`` names the ledger, without any password."""
    try:
        yield
    except DBAPIError as error:
        raise _fault(where, error.orig or error) from error
    except PoolTimeoutError as error:
        raise LedgerBusyError(f"{where}: all connections are in use; the same call may work in a moment") from error
    except SQLAlchemyError as error:
        raise LedgerError(f"{where}: {error}") from error
    except sqlite3.Error as error:  # from set-up of a connection, which SQLAlchemy does not wrap
        raise _fault(where, error) from error


def _fault(where: str, error: BaseException) -> LedgerError:
    state = getattr(error, "sqlstate", None)
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    said = _said(error)
    if primary in _SQLITE_BUSY or state in _POSTGRESQL_BUSY:
        return LedgerBusyError(f"{where}: another process is writing to it ({said}); the same call may work soon")
    remedy = _SQLITE.get(primary or 0) or _POSTGRESQL.get(state or "")
    if hasattr(error, "sqlstate") and state is None:
        remedy = _NOT_REACHED
    return LedgerError(f"{where}: {remedy} ({said})" if remedy else f"{where}: {said}")


def _said(error: BaseException) -> str:
    """In one line, and of PostgreSQL's words only the first part: what follows quotes the row, which people posted."""
    first = getattr(getattr(error, "diag", None), "message_primary", None)
    return " ".join((first or str(error)).split())
