"""What was pushed to us, until its source has read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.ports import Letter
from making import NOW

if TYPE_CHECKING:
    from bot.ledger import SqlLedger


def test_letters_are_read_in_order_and_stay_until_they_are_discarded(ledger: SqlLedger) -> None:
    ids = [ledger.deliver("hook", {"n": n, "text": "\0"}) for n in range(3)]
    ledger.deliver("other", {})
    letters = [Letter(id=ids[n], received_at=NOW, payload={"n": n, "text": "\0"}) for n in range(3)]
    assert ledger.letters("hook") == letters
    assert ledger.letters("hook", after=ids[0], limit=1) == letters[1:2]
    assert ledger.discard("hook", upto=ids[1]) == 2
    assert ledger.letters("hook") == letters[2:]
    assert len(ledger.letters("other")) == 1


def test_id_of_a_discarded_letter_never_comes_back(ledger: SqlLedger) -> None:
    first = ledger.deliver("hook", {})
    ledger.discard("hook", upto=first)
    assert ledger.deliver("hook", {}) > first
