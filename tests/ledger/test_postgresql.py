"""What only a database on a server can do to us: said in words, with a remedy, and nothing lost."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import event, make_url

import postgres
from bot.domain.errors import LedgerBusyError, LedgerError
from bot.ledger import SqlLedger, database, open_ledger
from bot.ledger.database import WRITER_LOCK, Database
from bot.ports import Batch
from conformance.waiting import eventually
from making import StillClock, post, sighting

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = Batch(sightings=[sighting()], cursor={"page": 1})
MORE = Batch(sightings=[sighting(post(2))], cursor={"page": 2})


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """One that may be stopped: others have theirs."""
    with postgres.started() as one:
        yield one


@pytest.fixture
def url(server: postgres.Server) -> Iterator[str]:
    with server.database() as place:
        yield place


@contextmanager
def opened(url: str, busy_seconds: float = 20) -> Iterator[SqlLedger]:
    ledger = open_ledger(url, clock=StillClock(), busy_seconds=busy_seconds)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def another(url: str) -> Iterator[psycopg.Connection]:
    """Somebody else on the same database."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_engine_is_made_without_a_server_and_keeps_its_password() -> None:
    one = Database("postgresql://me:secret@db.example/fediwarden")
    assert one.engine.dialect.driver == "psycopg"
    assert one.where == "ledger fediwarden at db.example"
    one.close()


def test_missing_driver_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match=r"install `fediwarden\[postgres\]`"):
        Database("postgresql://me:secret@db.example/fediwarden")


@pytest.mark.parametrize(
    "url",
    ["postgresql://me:top@secret@db.example/x", "postgresql://me:top@db.example:secret/x", "postgres://me:secret@h/x"],
)
def test_url_that_cannot_be_read_is_not_quoted(url: str) -> None:
    with pytest.raises(LedgerError, match="write") as caught:
        Database(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("wrong", ["password", "user", "database", "port"])
def test_what_does_not_let_us_in_is_told_without_the_password(server: postgres.Server, wrong: str) -> None:
    url = {
        "password": server.url(password="not-so-secret"),
        "user": server.url(password="not-so-secret").replace("fediwarden:", "somebody:"),
        "database": server.url("no_such_database"),
        "port": "postgresql://me:not-so-secret@127.0.0.1:1/x",
    }[wrong]
    with pytest.raises(LedgerError, match="check host, port, user, password and database") as caught, opened(url):
        pass
    assert str(make_url(url).password) not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_restart_of_the_server_is_survived(server: postgres.Server, url: str, how: signal.Signals) -> None:
    with opened(url) as ledger:
        ledger.record("here/posts", BATCH, examine_uploads=False)
        server.stop(how)
        for _ in range(2):
            with pytest.raises(LedgerError, match="cannot be reached"):
                ledger.record("here/posts", MORE, examine_uploads=False)
            with pytest.raises(LedgerError, match="cannot be reached"):
                ledger.cursor("here/posts")
        server.start()
        assert ledger.cursor("here/posts") == {"page": 1}
        assert ledger.record("here/posts", MORE, examine_uploads=False) == 1
        assert ledger.counts()["seen"] == 2


def test_restart_between_two_calls_is_not_even_noticed(server: postgres.Server, url: str) -> None:
    with opened(url) as ledger:
        ledger.record("here/posts", BATCH, examine_uploads=False)
        server.stop()
        server.start()
        assert ledger.record("here/posts", MORE, examine_uploads=False) == 1


def test_connection_that_is_lost_halfway_leaves_nothing(server: postgres.Server, url: str) -> None:
    with opened(url) as ledger:
        ledger.record("here/posts", BATCH, examine_uploads=False)
        engine = ledger._database.engine

        def throw_out(connection: Any, _cursor: object, statement: str, *_: object) -> None:
            if "INSERT INTO sighting" in statement:
                server.execute(
                    f"SELECT pg_terminate_backend({connection.connection.dbapi_connection.info.backend_pid})"
                )

        event.listen(engine, "before_cursor_execute", throw_out)
        with pytest.raises(LedgerError, match=r"connection was lost; .* the same call works"):
            ledger.record("here/posts", MORE, examine_uploads=False)
        event.remove(engine, "before_cursor_execute", throw_out)
        assert ledger.cursor("here/posts") == {"page": 1}
        assert ledger.counts()["seen"] == 1
        assert ledger.record("here/posts", MORE, examine_uploads=False) == 1
        assert ledger.cursor("here/posts") == {"page": 2}


def test_another_writer_makes_it_busy_and_it_can_be_read(url: str) -> None:
    with opened(url, busy_seconds=0.05) as ledger, another(url) as other:
        other.execute(f"SELECT pg_advisory_lock({WRITER_LOCK})".encode())
        with pytest.raises(LedgerBusyError, match="another process"):
            ledger.record("here/posts", BATCH, examine_uploads=False)
        assert ledger.cursor("here/posts") is None
        other.execute(f"SELECT pg_advisory_unlock({WRITER_LOCK})".encode())
        assert ledger.record("here/posts", BATCH, examine_uploads=False) == 1


IDLE_TIMEOUT = "SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"  # milliseconds


def test_process_that_froze_in_a_transaction_stops_nobody(url: str) -> None:
    with opened(url) as frozen:
        with opened(url, busy_seconds=60) as ledger:
            moved_on = threading.Event()

            def freeze() -> None:
                with frozen._database.write() as connection:
                    assert int(connection.exec_driver_sql(IDLE_TIMEOUT).scalar_one()) == 1000 * database.IDLE_SECONDS
                    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '200ms'")  # now
                    assert moved_on.wait(60)
                    connection.exec_driver_sql("DELETE FROM sighting")

            faults: list[Exception] = []

            def note() -> None:
                try:
                    freeze()
                except LedgerError as error:
                    faults.append(error)

            thread = threading.Thread(target=note)
            thread.start()
            eventually(lambda: waits_or_holds(url), "the other process writes")
            assert ledger.record("here/posts", BATCH, examine_uploads=False) == 1
            moved_on.set()
            thread.join(60)
            assert "connection was lost" in str(faults)
            assert ledger.counts()["seen"] == 1
        assert frozen.counts()["seen"] == 1


def waits_or_holds(url: str) -> bool:
    with another(url) as other:
        return other.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").fetchone() is not None


def test_database_that_may_only_be_read_is_told(server: postgres.Server, url: str) -> None:
    name = url.rpartition("/")[2]
    with opened(url) as ledger:
        ledger.set_flag("stopped", "x")
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with opened(url) as ledger:
        assert ledger.flag("stopped") == "x"
        with pytest.raises(LedgerError, match="cannot be written; connect to the primary"):
            ledger.set_flag("stopped", "y")


def test_database_that_cannot_keep_every_text_is_refused(server: postgres.Server) -> None:
    server.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0")
    with pytest.raises(LedgerError, match=r"ledger ascii: .* --encoding=UTF8"), opened(server.url("ascii")):
        pass
    server.execute("DROP DATABASE ascii WITH (FORCE)")


def test_user_without_rights_is_told(server: postgres.Server, url: str) -> None:
    with opened(url):
        pass
    server.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    guests = make_url(url).set(username="guest", password="guest").render_as_string(hide_password=False)
    with pytest.raises(LedgerError, match="make it the owner"), opened(guests) as ledger:
        ledger.set_flag("stopped", "x")
    server.execute("DROP ROLE guest")


FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON sighting EXECUTE FUNCTION full_disk();
"""


def test_full_disk_loses_nothing(url: str) -> None:
    """The server says what it says when its disk is full; a disk to fill is nothing a test has at hand."""
    with opened(url) as ledger, another(url) as other:
        ledger.record("here/posts", BATCH, examine_uploads=False)
        other.execute(FULL)
        with pytest.raises(LedgerError, match="no room left; free some space"):
            ledger.record("here/posts", MORE, examine_uploads=False)
        assert ledger.cursor("here/posts") == {"page": 1}
        other.execute("DROP TRIGGER full_disk ON sighting")
        assert ledger.record("here/posts", MORE, examine_uploads=False) == 1


def test_posted_texts_stay_out_of_messages(url: str) -> None:
    with opened(url) as ledger, another(url) as other:
        other.execute("ALTER TABLE flag ADD CONSTRAINT short CHECK (length(value) < 5)")
        with pytest.raises(LedgerError, match="short") as caught:
            ledger.set_flag("stopped", "a private word")
        assert "private" not in str(caught.value)


def test_a_server_of_other_habits_is_no_different(server: postgres.Server, url: str) -> None:
    name = url.rpartition("/")[2]
    for habit in ("datestyle = 'German'", "default_transaction_isolation = 'serializable'", "lock_timeout = 1"):
        server.execute(f"ALTER DATABASE {name} SET {habit}")
    with opened(url) as ledger:
        ledger.record("here/posts", BATCH, examine_uploads=False)
        (seen,) = ledger.sightings_in(post().key)
        assert seen == sighting()
        assert ledger.acquire("me", seconds=30) == ledger.holder()
