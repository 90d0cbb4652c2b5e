"""The story of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.content import MediaRef, RemoteUrl, Role, Sighting
from bot.domain.decisions import Done, Failed, IntentState
from bot.domain.evidence import Unscannable, UnscannableKind
from bot.ports import Batch, Event
from ledger.docket import HOLD, PURGE, REMOVE, plan, seen_file
from making import HERE, NOW, SHA, alias, evidence, hit, post, score

if TYPE_CHECKING:
    from bot.ledger import SqlLedger
    from making import StillClock


def test_everything_that_happened_is_told_in_order(ledger: SqlLedger, clock: StillClock) -> None:
    file_id = seen_file(ledger)
    ledger.save_scan(file_id, Unscannable(kind=UnscannableKind.GONE, detail="404"))
    clock.pass_(seconds=1)
    plan(ledger, REMOVE)
    plan(ledger, PURGE, decision=HOLD)
    lease = ledger.acquire("me", seconds=30)
    assert lease is not None
    clock.pass_(seconds=1)
    first = ledger.begin(1, reverting=False, before={"secret": "x"}, fence=lease.fence)
    clock.pass_(seconds=1)
    ledger.end(first, Failed(note="no answer", unknown=True), state=IntentState.READY)
    clock.pass_(seconds=1)
    ledger.end(
        ledger.begin(1, reverting=False, before={}, fence=lease.fence), Done(note="by API"), state=IntentState.DONE
    )
    clock.pass_(seconds=1)
    ledger.set_case(1, "closed", by="mod")
    remove, purge = f"remove {HERE}/post/1", f"purge_file {alias()}"
    told = ledger.timeline(1)
    assert [(event.what, event.detail) for event in told] == [
        ("uploaded", f"{alias()} by alice@here.example"),
        ("seen", f"attachment in here/post/1 by alice@here.example: https://here.example/pictrs/image/{alias().value}"),
        ("scanned", "image/png; matches bad by sha256"),
        ("scanned", "could not be read: gone: 404"),
        ("verdict", "flagged by list bad (sha256) (rule known, d1)"),
        ("intent", f"{remove}: allowed"),
        ("intent", f"{purge}: held (stage, protected)"),
        ("attempt", remove),
        ("outcome", f"{remove}: failed, end unknown: no answer"),
        ("attempt", remove),
        ("outcome", f"{remove}: done: by API"),
        ("decision", "mod: case closed"),
    ]
    assert [event.at for event in told] == sorted(event.at for event in told)
    assert told[0].at == NOW


def test_scores_and_gaps_are_told_plainly(ledger: SqlLedger) -> None:
    file_id = ledger.bind(alias(), SHA)
    ledger.open_case(file_id)
    ledger.save_scan(file_id, evidence(hit(), score(0.914)))
    assert ledger.timeline(1) == [
        Event(at=NOW, what="scanned", detail="image/png; matches bad by sha256; nsfw/nsfw 0.91")
    ]


def test_where_a_file_was_seen_stays_in_its_case_when_the_remote_bytes_change(ledger: SqlLedger) -> None:
    remote = RemoteUrl(value="https://far.example/cat.png")
    shown = Sighting(subject=post(), media=MediaRef(url=remote.value, role=Role.LINK), name=remote, seen_at=NOW)
    ledger.record("", Batch(sightings=[shown]), examine_uploads=False)
    ledger.open_case(ledger.bind(remote, SHA))
    ledger.bind(remote, "cd" * 32)
    assert [event.what for event in ledger.timeline(1)] == ["seen"]


def test_failed_looks_at_a_name_are_part_of_the_story_of_its_file(ledger: SqlLedger) -> None:
    ledger.open_case(ledger.bind(alias(), SHA))
    stub = ledger.add_name(alias("b.png"), "").file_id
    ledger.save_scan(stub, Unscannable(kind=UnscannableKind.UNREACHABLE, detail="time-out"))
    ledger.bind(alias("b.png"), SHA)
    assert [event.detail for event in ledger.timeline(1)] == ["could not be read: unreachable: time-out"]
