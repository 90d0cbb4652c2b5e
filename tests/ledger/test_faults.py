"""What goes wrong with a database: said in words, with a remedy, and nothing lost."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.domain.errors import LedgerBusyError, LedgerError
from bot.ledger import SqlLedger, open_ledger
from bot.ledger.faults import translated
from bot.ports import Batch, TaskKind
from making import StillClock, post, sighting

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = Batch(sightings=[sighting()], cursor={"page": 1})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@contextmanager
def opened(place: Path, busy_seconds: float = 0.05) -> Iterator[SqlLedger]:
    ledger = open_ledger(f"sqlite:///{place}", clock=StillClock(), busy_seconds=busy_seconds)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def locked(place: Path) -> Iterator[sqlite3.Connection]:
    """Another process in the middle of a write."""
    other = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


def test_locked_ledger_is_busy_and_can_be_read(place: Path) -> None:
    with opened(place) as ledger:
        with locked(place):
            with pytest.raises(LedgerBusyError, match="another process"):
                ledger.record("here/posts", BATCH, examine_uploads=False)
            with pytest.raises(LedgerBusyError):
                ledger.acquire("me", seconds=30)
            assert ledger.cursor("here/posts") is None
            assert ledger.counts()["seen"] == 0
        assert ledger.record("here/posts", BATCH, examine_uploads=False) == 1
        assert ledger.cursor("here/posts") == {"page": 1}


def test_writer_waits_for_the_other_process(place: Path) -> None:
    with opened(place, busy_seconds=20) as ledger, locked(place) as other:
        timer = threading.Timer(0.2, lambda: other.execute("COMMIT"))
        timer.start()
        assert ledger.record("here/posts", BATCH, examine_uploads=False) == 1
        timer.join()


def test_full_disk_loses_nothing(place: Path) -> None:
    with opened(place) as ledger:
        ledger.record("here/posts", BATCH, examine_uploads=False)
        engine = ledger._database.engine

        def full(connection: sqlite3.Connection, *_: object) -> None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")

        event.listen(engine, "checkout", full)
        many = Batch(sightings=[sighting(post(n, revision="x" * 500)) for n in range(2, 60)], cursor={"page": 2})
        with pytest.raises(LedgerError, match="no room left; free some space"):
            ledger.record("here/posts", many, examine_uploads=False)
        assert ledger.cursor("here/posts") == {"page": 1}
        assert ledger.counts()["seen"] == 1
        assert ledger.backlog_size() == {"waiting/examine": 1}

        event.remove(engine, "checkout", full)
        event.listen(engine, "checkout", lambda connection, *_: connection.execute("PRAGMA max_page_count = 100000"))
        assert ledger.record("here/posts", many, examine_uploads=False) == 58
        assert ledger.cursor("here/posts") == {"page": 2}


def test_file_that_is_no_database_is_refused(place: Path) -> None:
    place.write_bytes(b"GIF89a" + bytes(5000))
    with pytest.raises(LedgerError, match=r"ledger\.db: it is not a ledger; name another file"), opened(place):
        pass
    assert place.read_bytes().startswith(b"GIF89a")


def test_damaged_ledger_is_told(place: Path) -> None:
    with opened(place) as ledger:
        ledger.record("here/posts", BATCH, examine_uploads=False)
    data = bytearray(place.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    place.write_bytes(data)
    with pytest.raises(LedgerError, match="damaged; restore a backup"), opened(place) as ledger:
        ledger.counts()


def test_directory_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="its directory has to exist and be writable"), opened(tmp_path / "no" / "x"):
        pass


@contextmanager
def without_rights(*names: str) -> Iterator[Path]:
    """A folder with empty ledgers, as a user sees it who may read and not write; root steps down meanwhile."""
    was = os.geteuid()
    with TemporaryDirectory() as made:  # not below pytest's folders: nobody else may look into those
        folder = Path(made)
        for name in names:
            with opened(folder / name):
                pass
            (folder / name).chmod(0o444)
        folder.chmod(0o555)
        if was == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(was)
            folder.chmod(0o755)


def test_directory_that_cannot_be_written_is_told() -> None:
    with (
        without_rights() as folder,
        pytest.raises(LedgerError, match="its directory has to exist and be writable for this user"),
        opened(folder / "ledger.db"),
    ):
        pass


def test_ledger_that_cannot_be_written_is_told() -> None:
    with (
        without_rights("ledger.db") as folder,
        pytest.raises(LedgerError, match="writable for this user"),
        opened(folder / "ledger.db") as ledger,
    ):
        ledger.set_flag("stopped", "x")


@pytest.mark.parametrize("url", ["mysql://db/x", "not a url", "file.db"])
def test_other_databases_are_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(LedgerError, match=r"write `sqlite:///fediwarden\.db`"):
        open_ledger(url, clock=StillClock())


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        ("55P03", LedgerBusyError, "another process"),
        ("40P01", LedgerBusyError, "another process"),
        ("53100", LedgerError, "no room left"),
        ("25006", LedgerError, "primary server"),
        ("99999", LedgerError, "went wrong"),
    ],
)
def test_complaints_of_postgresql_are_understood(state: str, kind: type[LedgerError], words: str) -> None:
    error = type("Error", (Exception,), {"sqlstate": state})("it went wrong")
    with pytest.raises(kind, match=words) as caught, translated("ledger"):
        raise DBAPIError("SELECT secret", {"token": "secret"}, error)
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)


def test_faults_of_the_library_are_ledger_errors() -> None:
    with pytest.raises(LedgerBusyError, match="connections are in use"), translated("ledger"):
        raise PoolTimeoutError
    with pytest.raises(LedgerError, match="strange"), translated("ledger"):
        raise InvalidRequestError("strange")
    with pytest.raises(LedgerError, match="raw"), translated("ledger"):
        raise sqlite3.OperationalError("raw")


def test_posted_texts_stay_out_of_messages(place: Path) -> None:
    with opened(place) as ledger:
        other = sqlite3.connect(place)
        other.execute("DROP TABLE flag")
        other.commit()
        other.close()
        with pytest.raises(LedgerError) as caught:
            ledger.set_flag("stopped", "a private word")
        assert "private" not in str(caught.value)


def test_many_threads_share_one_ledger(place: Path) -> None:
    with opened(place, busy_seconds=20) as ledger:
        taken: list[int] = []
        faults: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for page in range(5):
                    seen = Batch(sightings=[sighting(post(100 * number + page))], cursor={"page": page})
                    ledger.record(f"source-{number}", seen, examine_uploads=False)
                    for task in ledger.take([TaskKind.EXAMINE], limit=1, lease_seconds=60):
                        taken.append(task.lease)
                        ledger.finish(task)
            except Exception as error:  # noqa: BLE001 - shown below
                faults.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        assert ledger.counts()["seen"] == 40
        assert [ledger.cursor(f"source-{number}") for number in range(8)] == [{"page": 4}] * 8
        assert taken
