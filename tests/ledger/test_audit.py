"""The chain behind everything that was decided and done: a history that nobody touched verifies, and no other does."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, DateTime, Integer, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from bot.domain.decisions import Done, Failed, IntentState
from bot.domain.errors import LedgerError
from bot.domain.evidence import ListMode, MatchedBy
from bot.ledger import chain, open_ledger, schema
from bot.ledger.audit import _Look
from bot.ports import Head, ListEntry, Trip
from ledger.docket import BAN, BY_SCORE, HOLD, PURGE, REMOVE, REPORT, plan, seen_file
from making import NOW, SHA, StillClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from bot.ledger import SqlLedger

KINDS = {
    *(chain.VERDICT, chain.INTENT, chain.DECISION, chain.ATTEMPT, chain.OUTCOME, chain.ERASURE),
    *(chain.RULE, chain.LIST, chain.ACTING, chain.BREAKER, chain.CONFIG),
}


def entry(digest: str = SHA) -> ListEntry:
    return ListEntry(list_id="confirmed", mode=ListMode.BLOCK, by=MatchedBy.SHA256, digest=digest, case=1)


def lived(ledger: SqlLedger, clock: StillClock) -> None:
    """Something of everything that the chain tells of."""
    ledger.note_config("c" * 64, why="start")
    seen_file(ledger)
    ledger.keep_rule("d1", "known", "id: known")
    report, remove, purge = plan(ledger, REPORT, REMOVE, PURGE)
    lease = ledger.acquire("me", seconds=3600)
    assert lease is not None
    for record in (report, remove):
        clock.pass_(seconds=1)
        attempt = ledger.begin(record.id, reverting=False, before={"removed": False}, fence=lease.fence)
        ledger.end(attempt, Done(note="by API"), state=IntentState.DONE)
    plan(ledger, BAN, decision=HOLD, because=BY_SCORE)
    ledger.add_entries([entry()], by="mod")
    ledger.stop_acting(by="mod", why="a test")
    ledger.start_acting(by="mod")
    ledger.trip(Trip(rule_id="known", at=clock.now(), flagged=9, scanned=10))
    ledger.close_breaker("known", by="mod")
    for record in (purge, ledger.intents(kind="ban_account")[0]):
        ledger.set_state(record.id, IntentState.DISMISSED, by="mod", detail="no")
    ledger.set_state(remove.id, IntentState.UNDOING, by="mod")
    attempt = ledger.begin(remove.id, reverting=True, before={"removed": True}, fence=lease.fence)
    ledger.end(attempt, Failed(note="no answer", retry_after=1.0), state=IntentState.UNDOING)
    attempt = ledger.begin(remove.id, reverting=True, before={"removed": True}, fence=lease.fence)
    ledger.end(attempt, Done(note="restored"), state=IntentState.UNDONE)
    ledger.set_case(1, "undone", by="mod")
    ledger.remove_entries(list_id="confirmed", case=1, by="mod")


def erased(ledger: SqlLedger) -> None:
    while ledger.erase_case(1, limit=2, by="admin"):
        pass


def found(ledger: SqlLedger, kept: Head | None = None) -> list[str]:
    return [problem.what for problem in ledger.verify(kept=kept).problems]


def test_everything_decided_and_done_has_an_entry_and_verifies(ledger: SqlLedger, clock: StillClock) -> None:
    assert ledger.head() == Head(n=0, digest=chain.START)
    assert found(ledger) == []
    lived(ledger, clock)
    erased(ledger)
    report = ledger.verify(kept=ledger.head())
    assert report.problems == []
    assert report.head == ledger.head()
    assert report.entries == report.head.n
    with ledger._database.read() as connection:
        assert set(connection.execute(select(schema.audit.c.kind)).scalars()) == KINDS


def test_an_entry_is_written_with_what_it_tells_of_or_neither_is(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_file(ledger)

    def broken(*_: object) -> None:
        raise LedgerError("the power went")

    monkeypatch.setattr(chain, "append", broken)
    with pytest.raises(LedgerError, match="power"):
        plan(ledger, REMOVE)
    with pytest.raises(LedgerError, match="power"):
        ledger.add_entries([entry()])
    with pytest.raises(LedgerError, match="power"):
        ledger.stop_acting(by="mod", why="a test")
    monkeypatch.undo()
    assert ledger.intents() == []
    assert ledger.entries() == []
    assert ledger.stopped() is None
    assert ledger.head().n == 0


def test_an_entry_names_nobody_and_says_nothing(ledger: SqlLedger, clock: StillClock) -> None:
    lived(ledger, clock)
    with ledger._database.read() as connection:
        for row in connection.execute(select(schema.audit)):
            assert not {"alice", "mod", "here.example", "me"} & set(row.ref.split("/")), row
            assert len(row.payload_digest) == len(row.previous) == len(row.digest) == 64


def test_equal_payloads_have_different_digests(ledger: SqlLedger) -> None:
    ledger.note_config("c" * 64, why="start")
    ledger.note_config("c" * 64, why="start")
    with ledger._database.read() as connection:
        digests = connection.execute(select(schema.audit.c.payload_digest)).scalars().all()
    assert len(set(digests)) == 2


# ------------------------------------------------------------------------------------- nobody changes it unnoticed


def changed(column: Any, value: Any) -> Any:
    """Another value that the column takes."""
    if value is None:
        return 1 if isinstance(column.type, Integer) else "x"
    if isinstance(column.type, Boolean):
        return not value
    if isinstance(column.type, Integer):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1:] != "0" else "1")
    assert isinstance(column.type, DateTime) or hasattr(value, "isoformat")
    return value + timedelta(microseconds=1)


def edits(connection: Connection) -> Iterator[tuple[str, Callable[[], None]]]:
    """Every column of every row that the chain consists of or vouches for, with what changes it."""
    watched = {schema.audit: [*schema.audit.c], schema.audit_payload: [*schema.audit_payload.c]}
    watched |= {row.table: [row.table.c[name] for name in row.columns] for row in chain.ROWS.values()}
    for table, columns in watched.items():
        (key,) = table.primary_key.columns
        for row in connection.execute(select(table).order_by(key)).all():
            this = key == row._mapping[key.name]
            for column in columns:
                if table is schema.audit_payload and column.name == "text" and row.text is None:
                    continue  # whose payload is a row: the text beside the entry means nothing
                new = {column.name: changed(column, row._mapping[column.name])}
                yield (
                    f"{table.name} {row[0]}: {column.name}",
                    lambda table=table, this=this, new=new: connection.execute(update(table).where(this).values(**new)),
                )
            yield (
                f"{table.name} {row[0]}: deleted",
                lambda table=table, this=this: connection.execute(delete(table).where(this)),
            )


def test_every_edit_and_every_deletion_is_found(ledger: SqlLedger, clock: StillClock) -> None:
    lived(ledger, clock)
    erased(ledger)
    head, tried, refused = ledger.head(), 0, 0
    with ledger._database._reading, ledger._database.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        with connection.begin():
            # All of them where that is quick, and a sample elsewhere.
            memory = ledger._database.engine.url.database in {None, "", ":memory:"}
            all_edits = list(edits(connection))[:: 1 if memory else 12]
            for what, edit in all_edits:
                spot = connection.begin_nested()
                if sqlite:
                    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
                try:
                    edit()
                except IntegrityError:  # the database itself does not let it happen
                    refused += 1
                else:
                    tried += 1
                    assert _Look(connection).through(head).problems, what
                spot.rollback()
            assert _Look(connection).through(head).problems == []
            connection.get_transaction().rollback()  # type: ignore[union-attr]
    assert tried > (200 if memory else 10)
    assert tried + refused == len(all_edits)
    assert not memory or refused < tried / 2


def test_entries_that_change_places_are_found(ledger: SqlLedger, clock: StillClock) -> None:
    lived(ledger, clock)
    columns = schema.audit.c
    with ledger._database.write() as connection:
        one, other = connection.execute(select(schema.audit).where(columns.n.in_([3, 4])).order_by(columns.n)).all()
        for row, n in ((one, 4), (other, 3)):
            values = {name: value for name, value in row._mapping.items() if name != "n"}
            connection.execute(update(schema.audit).where(columns.n == n).values(**values))
    report = ledger.verify()
    assert report.problems[0].n == 3
    assert "changed" in " ".join(problem.what for problem in report.problems if problem.n == 3)


@given(cut=st.integers(1, 12))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_chain_that_was_cut_off_is_found_by_a_head_that_was_kept(cut: int) -> None:
    clock = StillClock()
    ledger = open_ledger("sqlite://", clock=clock)
    lived(ledger, clock)
    kept = ledger.head()
    last = kept.n - cut
    with ledger._database.write() as connection:
        refs = connection.execute(select(schema.audit.c.ref).where(schema.audit.c.n > last)).scalars().all()
        connection.execute(delete(schema.audit_payload).where(schema.audit_payload.c.n > last))
        connection.execute(delete(schema.audit).where(schema.audit.c.n > last))
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for ref in refs:  # a careful forger takes along what the entries told of
            kind, _, number = ref.partition("/")
            if kind in chain.ROWS:
                table = chain.ROWS[kind].table
                connection.execute(delete(table).where(table.c[chain.ROWS[kind].key] == int(number)))
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    assert found(ledger) == []  # nothing in the ledger itself can tell
    report = ledger.verify(kept=kept)
    assert report.problems[0].n == last + 1
    assert report.problems[0].what == f"cut off: the chain ends at entry {last}, and once had entry {kept.n}"
    ledger.close()


def test_only_the_end_of_the_chain_was_cut_off_and_its_rows_are_there(ledger: SqlLedger, clock: StillClock) -> None:
    lived(ledger, clock)
    columns = schema.audit.c
    with ledger._database.write() as connection:
        last = connection.execute(
            select(columns.n).where(columns.kind == chain.OUTCOME).order_by(columns.n.desc()).limit(1)
        ).scalar_one()
        connection.execute(delete(schema.audit_payload).where(schema.audit_payload.c.n >= last))
        connection.execute(delete(schema.audit).where(columns.n >= last))
    assert any("no entry vouches for it" in what for what in found(ledger))


def test_a_chain_that_was_written_anew_is_found_by_a_head_that_was_kept(ledger: SqlLedger, clock: StillClock) -> None:
    lived(ledger, clock)
    kept = ledger.head()
    with ledger._database.write() as connection:  # somebody who knows how it works, and has the ledger
        connection.execute(update(schema.decision).where(schema.decision.c.id == 1).values(who="somebody else"))
        rows = connection.execute(select(schema.audit).order_by(schema.audit.c.n)).all()
        salts = {row.n: row.salt for row in connection.execute(select(schema.audit_payload))}
        decision = connection.execute(select(schema.decision).where(schema.decision.c.id == 1)).mappings().one()
        previous = chain.START
        for row in rows:
            link = {**row._mapping, "previous": previous}
            if row.ref == "decision/1":
                link["payload_digest"] = chain.salted(salts[row.n], chain.row_payload(chain.DECISION, decision))
            link["digest"] = previous = chain.link_digest(link)
            connection.execute(update(schema.audit).where(schema.audit.c.n == row.n).values(**link))
    assert found(ledger) == []
    assert found(ledger, kept) == ["rewritten: it had another digest when its head was kept"]


def test_rows_that_nobody_wrote_down_are_found(ledger: SqlLedger, clock: StillClock) -> None:
    lived(ledger, clock)
    forged = {"case_number": 1, "intent_id": None, "at": NOW, "who": "mod", "what": "approved: ban", "note": ""}
    with ledger._database.write() as connection:
        connection.execute(insert(schema.decision).values(**forged))
    (problem,) = ledger.verify().problems
    assert problem.n is None
    assert "no entry vouches for it" in problem.what


def test_what_was_put_where_something_was_erased_is_found(ledger: SqlLedger, clock: StillClock) -> None:
    lived(ledger, clock)
    erased(ledger)
    assert found(ledger) == []
    with ledger._database.write() as connection:
        connection.execute(update(schema.decision).where(schema.decision.c.id == 1).values(note="alice did it"))
    assert found(ledger) == ["payload does not match: decision/1 is not what was written"]


def test_words_that_no_database_should_hold_are_problems_and_no_crash(clock: StillClock) -> None:
    ledger = open_ledger("sqlite://", clock=clock)
    lived(ledger, clock)
    for table, column in (
        ("audit", "at"),
        ("audit", "ref"),
        ("audit", "kind"),
        ("audit_payload", "salt"),
        ("decision", "at"),
        ("decision", "who"),
        ("verdict", "exact"),
    ):
        for spoilt in ("'json:{'", "'never'", "x'00ff'", "-1", "''"):
            with ledger._database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
                connection.execute(text(f"UPDATE {table} SET {column} = {spoilt}"))  # noqa: S608 - constants
                assert _Look(connection).through(None).problems, (table, column, spoilt)
                connection.rollback()
    assert found(ledger) == []
    ledger.close()


# ----------------------------------------------------------------------------------------------- what always verifies


@given(seed=st.lists(st.sampled_from("vaebdosStTlmcCEUA"), max_size=30))
@settings(max_examples=25)
def test_any_history_verifies(seed: list[str]) -> None:
    clock = StillClock()
    ledger = open_ledger("sqlite://", clock=clock)
    seen_file(ledger)
    for step in seed:
        clock.pass_(days=20)
        try:
            _step(ledger, clock, step)
        except LedgerError:
            continue
    report = ledger.verify(kept=ledger.head())
    assert report.problems == []
    ledger.close()


def _step(ledger: SqlLedger, clock: StillClock, step: str) -> None:
    held = ledger.intents(states=(IntentState.HELD,))
    ready = ledger.intents(states=(IntentState.READY,))
    match step:
        case "v":
            plan(ledger, REMOVE, REPORT)
        case "a":
            plan(ledger, BAN, PURGE, decision=HOLD, because=BY_SCORE)
        case "e" if held:
            ledger.set_state(held[0].id, IntentState.READY, by="mod", approve=True)
        case "b" | "d" if ready:
            lease = ledger.acquire("me", seconds=3600)
            assert lease is not None
            attempt = ledger.begin(ready[0].id, reverting=False, before={}, fence=lease.fence)
            if step == "d":
                ledger.end(attempt, Done(), state=IntentState.DONE)
        case "o":
            for record in (*held, *ready):
                ledger.set_state(record.id, IntentState.DISMISSED, by="mod")
        case "s":
            ledger.stop_acting(by="mod", why="")
        case "S":
            ledger.start_acting(by="mod")
        case "t":
            ledger.trip(Trip(rule_id="known", at=clock.now(), flagged=1, scanned=2))
        case "T":
            ledger.close_breaker("known", by="mod")
        case "l":
            ledger.add_entries([entry()])
        case "m":
            ledger.remove_entries(list_id="confirmed", digest=SHA)
        case "c":
            ledger.set_case(1, "closed", by="mod")
        case "C":
            ledger.note_config("c" * 64, why="reload")
        case "E":
            ledger.erase_case(1, limit=1, by="admin")
        case "U":
            ledger.erase_sightings(clock.now(), limit=10, by="admin")
            ledger.erase_uploads(clock.now(), limit=10, by="admin")
        case "A":
            ledger.erase_account(ledger.traces_of("alice@here.example"), limit=1, by="admin")


def test_writers_at_the_same_time_make_one_chain(shared_url: str) -> None:
    clock = StillClock()
    ledgers = [open_ledger(shared_url, clock=clock) for _ in range(2)]

    def write(ledger: SqlLedger) -> None:
        for number in range(15):
            ledger.note_config(f"{number:064}", why="reload")

    threads = [threading.Thread(target=write, args=(ledger,)) for ledger in ledgers for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = ledgers[0].verify(kept=ledgers[1].head())
    assert report.problems == []
    assert report.entries == 60
    for ledger in ledgers:
        ledger.close()


@pytest.mark.parametrize("text_", ["", "7", "7:", ":" + "a" * 64, "7:" + "g" * 64, "x:" + "a" * 64, "-1:" + "a" * 64])
def test_a_head_that_is_none_is_refused(text_: str) -> None:
    with pytest.raises(ValueError, match="NUMBER:DIGEST"):
        Head.parse(text_)


def test_a_head_is_read_as_it_is_written() -> None:
    head = Head(n=12, digest="ab" * 32)
    assert Head.parse(f" {str(head).upper()} ") == head
