"""The outbox: a note is told once, a message is there as a whole or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.errors import LeaseLostError
from bot.ports import Lease, Message, NewNote, Topic
from making import NOW

if TYPE_CHECKING:
    from bot.ledger import SqlLedger
    from making import StillClock


def message(id_: str = "one") -> Message:
    return Message(id=id_, subject="s", text="t\n", topics=["cases"], cases=[1, 2], at=NOW)


def lease(ledger: SqlLedger) -> Lease:
    got = ledger.acquire("me", seconds=1000)
    assert got is not None
    return got


def test_note_is_kept_once_for_each_channel(ledger: SqlLedger) -> None:
    assert ledger.post([NewNote(channel="chat", topic=Topic.CASES, key="a", payload={"case": 1})])
    assert not ledger.post([NewNote(channel="chat", topic=Topic.CASES, key="a", payload={"case": 2})])
    assert ledger.post([NewNote(channel="mail", topic=Topic.CASES, key="a", payload={"case": 1})])
    assert ledger.posted("chat", "a")
    assert not ledger.posted("chat", "b")
    (note,) = ledger.notes("chat")
    assert (note.topic, note.payload, note.at) == (Topic.CASES, {"case": 1}, NOW)


def test_packed_notes_are_notes_no_more(ledger: SqlLedger, clock: StillClock) -> None:
    fence = lease(ledger).fence
    ledger.post([NewNote(channel="chat", topic=Topic.CASES, key="a", payload={})])
    ledger.post([NewNote(channel="chat", topic=Topic.ALARMS, key="b", payload={})])
    notes = ledger.notes("chat")
    assert ledger.pack("chat", message(), notes, fence=fence)
    assert not ledger.pack("chat", message("two"), notes, fence=fence)
    assert ledger.notes("chat") == []
    assert ledger.posted("chat", "a")
    (delivery,) = ledger.pending("chat")
    assert delivery.message == message()
    assert ledger.packed_since("chat", NOW) == 1
    clock.pass_(hours=2)
    assert ledger.packed_since("chat", NOW + timedelta(hours=1)) == 0


def test_nobody_packs_without_the_lease(ledger: SqlLedger) -> None:
    held = lease(ledger)
    ledger.post([NewNote(channel="chat", topic=Topic.CASES, key="a", payload={})])
    ledger.release(held)
    with pytest.raises(LeaseLostError):
        ledger.pack("chat", message(), ledger.notes("chat"), fence=held.fence)
    assert len(ledger.notes("chat")) == 1
    assert ledger.pending("chat") == []


def test_message_waits_until_it_was_sent_or_given_up(ledger: SqlLedger, clock: StillClock) -> None:
    fence = lease(ledger).fence
    for number, end in enumerate(("sent", "lost")):
        ledger.post([NewNote(channel="chat", topic=Topic.CASES, key=end, payload={})])
        ledger.pack("chat", message(end), ledger.notes("chat"), fence=fence)
        (delivery,) = ledger.pending("chat")
        ledger.not_sent(delivery, trouble="503", again_at=NOW + timedelta(minutes=5))
        (delivery,) = ledger.pending("chat")
        assert (delivery.attempts, delivery.not_before) == (1, NOW + timedelta(minutes=5))
        state = ledger.channel_states()["chat"]
        assert (state.pending, state.trouble, state.failed, state.sent) == (1, "503", 1, number)
        if end == "sent":
            ledger.sent(delivery)
        else:
            ledger.not_sent(delivery, trouble="gone", again_at=None)
        assert ledger.pending("chat") == []
    state = ledger.channel_states()["chat"]
    assert (state.sent, state.lost, state.last_sent, state.trouble) == (1, 1, NOW, "gone")
    assert ledger.packed_since("chat", NOW) == 2
    clock.pass_(days=40)
    assert ledger.forget_messages(NOW + timedelta(days=30)) == 4
    assert ledger.channel_states() == {}


def test_what_is_not_told_yet_is_not_forgotten(ledger: SqlLedger, clock: StillClock) -> None:
    fence = lease(ledger).fence
    ledger.post([NewNote(channel="chat", topic=Topic.CASES, key="a", payload={})])
    ledger.pack("chat", message(), ledger.notes("chat"), fence=fence)
    ledger.post([NewNote(channel="chat", topic=Topic.CASES, key="b", payload={})])
    clock.pass_(days=400)
    ledger.forget_messages(clock.now())
    assert len(ledger.pending("chat")) == 1
    assert len(ledger.notes("chat")) == 1
