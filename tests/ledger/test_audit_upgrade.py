"""A ledger from before the audit chain: what is there is taken over, and vouched for from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from sqlalchemy import select, update

from bot.ledger import chain, open_ledger, schema
from bot.ledger.migrate import configuration
from ledger.test_audit import found, lived

if TYPE_CHECKING:
    from making import StillClock


def taken_back(url: str, clock: StillClock) -> None:
    """A ledger as the version before the chain left it."""
    ledger = open_ledger(url, clock=clock)
    lived(ledger, clock)
    ledger.set_case(1, "closed", by="mod\0", note="json:\ud800 of all things")
    lease = ledger.holder()
    assert lease is not None
    ledger.release(lease)
    with ledger._database.write() as connection:
        settings = configuration()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0002")
    ledger.close()


def test_what_is_there_is_taken_over_and_verifies(shared_url: str, clock: StillClock) -> None:
    taken_back(shared_url, clock)
    ledger = open_ledger(shared_url, clock=clock)
    report = ledger.verify()
    assert report.problems == []
    assert report.vouches_since is not None
    with ledger._database.read() as connection:
        kinds = list(connection.execute(select(schema.audit.c.kind).order_by(schema.audit.c.n)).scalars())
    assert kinds[0] == chain.UPGRADE
    assert set(kinds[1:]) == {*chain.ROWS} - {chain.ERASURE}
    lived_on = ledger.head()
    ledger.note_config("c" * 64, why="start")
    assert found(ledger, lived_on) == []
    ledger.close()


def test_from_then_on_every_change_shows(shared_url: str, clock: StillClock) -> None:
    taken_back(shared_url, clock)
    ledger = open_ledger(shared_url, clock=clock)
    with ledger._database.write() as connection:
        connection.execute(update(schema.decision).where(schema.decision.c.id == 1).values(who="somebody else"))
    assert found(ledger) == ["payload does not match: decision/1 is not what was written"]
    ledger.close()


def test_what_was_taken_over_can_be_erased(shared_url: str, clock: StillClock) -> None:
    taken_back(shared_url, clock)
    ledger = open_ledger(shared_url, clock=clock)
    while ledger.erase_case(1, limit=3, by="admin"):
        pass
    assert found(ledger) == []
    ledger.close()


def test_a_new_ledger_begins_with_no_entry(shared_url: str, clock: StillClock) -> None:
    ledger = open_ledger(shared_url, clock=clock)
    assert ledger.head().n == 0
    assert ledger.verify().vouches_since is None
    ledger.close()
