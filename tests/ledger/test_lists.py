"""The lists kept in the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.evidence import ListMode, MatchedBy
from bot.ports import ListEntry
from making import SHA

if TYPE_CHECKING:
    from bot.ledger import SqlLedger

BYTES = ListEntry(list_id="bad", mode=ListMode.BLOCK, by=MatchedBy.SHA256, digest=SHA, note="a \0 note", case=3)
PIXELS = replace(BYTES, by=MatchedBy.PIXELS, case=None)
GOOD = replace(BYTES, list_id="good", mode=ListMode.ALLOW, case=3)


def test_entries_come_back(ledger: SqlLedger) -> None:
    assert ledger.add_entries([BYTES, PIXELS, GOOD]) == 3
    assert ledger.entries() == [BYTES, PIXELS, GOOD]
    assert ledger.entries("good") == [GOOD]
    assert ledger.entries("other") == []


def test_entry_that_is_there_is_left_as_it_is(ledger: SqlLedger) -> None:
    ledger.add_entries([BYTES])
    assert ledger.add_entries([replace(BYTES, note="other", digest=SHA.upper(), case=9), PIXELS]) == 1
    assert ledger.entries() == [BYTES, PIXELS]


def test_version_grows_with_every_change_and_only_then(ledger: SqlLedger) -> None:
    versions = [ledger.lists_version()]
    ledger.add_entries([BYTES])
    versions.append(ledger.lists_version())
    ledger.add_entries([BYTES])
    ledger.remove_entries(list_id="bad", digest="no such")
    assert ledger.lists_version() == versions[-1]
    ledger.remove_entries(list_id="bad", case=3)
    versions.append(ledger.lists_version())
    assert versions == sorted(set(versions))


def test_entries_leave_by_digest_or_by_case(ledger: SqlLedger) -> None:
    ledger.add_entries([BYTES, PIXELS, GOOD])
    assert ledger.remove_entries(list_id="bad", case=4) == 0
    assert ledger.remove_entries(list_id="bad", case=3) == 1
    assert ledger.remove_entries(list_id="bad", digest=SHA.upper()) == 1
    assert ledger.entries() == [GOOD]


def test_list_is_never_emptied_by_mistake(ledger: SqlLedger) -> None:
    with pytest.raises(ValueError, match="digest or a case"):
        ledger.remove_entries(list_id="bad")
