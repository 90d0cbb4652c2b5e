"""What is let go of, when, and what stays: the audit trail always, and digests, so that known files are known."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import String, cast, func, or_, select

from bot.domain.content import MediaRef, RemoteUrl, Role, Sighting
from bot.domain.decisions import Done, IntentState, Refused, SetSwitch, Switch
from bot.domain.errors import LedgerError, StillWaitingError
from bot.domain.evidence import Evidence, Unscannable, UnscannableKind
from bot.ledger import schema
from bot.ports import Batch, Lane, TaskKind
from ledger.docket import BAN, HOLD, PURGE, REMOVE, REPORT, deeds, plan
from making import HERE, NOW, SHA, account, alias, evidence, hit, post, score, upload

if TYPE_CHECKING:
    from datetime import datetime

    from bot.ledger import SqlLedger
    from bot.ports import Erased
    from making import StillClock

FAR = RemoteUrl(value="https://far.example/u/bob/cat.png")
BOB = account("bob", uri="https://far.example/u/bob", handle="bob@far.example", home_host="far.example", is_local=False)


def shown(subject: int, who: Any = None, name: Any = None, **more: Any) -> Sighting:
    name = name or alias()
    url = name.value if isinstance(name, RemoteUrl) else f"https://here.example/pictrs/image/{name.value}"
    at = more.pop("seen_at", NOW)
    return Sighting(
        subject=post(subject, who), media=MediaRef(url=url, role=Role.ATTACHMENT), name=name, seen_at=at, **more
    )


def see(ledger: SqlLedger, *sightings: Sighting, uploads: Any = ()) -> None:
    ledger.record("", Batch(sightings=sightings, uploads=uploads), examine_uploads=False)
    for task in ledger.take([TaskKind.EXAMINE], limit=99, lease_seconds=60):
        ledger.finish(task)


def let_go(ledger: SqlLedger, clock: StillClock) -> dict[str, int]:
    """Everything that is older than now."""
    sums: dict[str, int] = {}
    for erase in (ledger.erase_sightings, ledger.erase_uploads, ledger.erase_sightings):
        while erased := erase(clock.now(), limit=2, by="fediwarden"):
            for what, number in erased.counts.items():
                sums[what] = sums.get(what, 0) + number
    return sums


def flagged(ledger: SqlLedger, clock: StillClock) -> None:
    """Case 1: reported, removed, and about to be purged."""
    see(ledger, shown(1), shown(2, BOB), uploads=[upload()])
    ledger.save_scan(ledger.bind(alias(), SHA), evidence(hit()))
    report, remove, purge = plan(ledger, REPORT, REMOVE, PURGE)
    lease = ledger.acquire("me", seconds=3600)
    assert lease is not None
    for record in (report, remove):
        clock.pass_(seconds=60)
        attempt = ledger.begin(
            record.id, reverting=False, before={"note": "as alice@here.example wrote"}, fence=lease.fence
        )
        ledger.end(attempt, Done(note="said alice@here.example"), state=IntentState.DONE)
    ledger.set_state(purge.id, IntentState.HELD, by="mod", detail="wait for Alice@here.example")


def settle(ledger: SqlLedger) -> None:
    for record in ledger.intents(states=(IntentState.HELD, IntentState.READY)):
        ledger.set_state(record.id, IntentState.DISMISSED, by="mod", detail="Alice@here.example said sorry")
    for task in deeds(ledger):
        ledger.finish(task)


def erase_case(ledger: SqlLedger, number: int = 1, *, limit: int = 2) -> None:
    while ledger.erase_case(number, limit=limit, by="admin"):
        pass


def rows_with(ledger: SqlLedger, word: str) -> list[str]:
    """Tables in which a word stands anywhere."""
    found = []
    with ledger._database.read() as connection:
        for table in schema.metadata.sorted_tables:
            texts = [cast(column, String) for column in table.c]
            some = select(func.count()).select_from(table).where(or_(*(text.icontains(word) for text in texts)))
            if connection.execute(some).scalar_one():
                found.append(table.name)
    return found


def test_what_nobody_flagged_goes_and_its_bytes_stay_known(ledger: SqlLedger, clock: StillClock) -> None:
    see(ledger, shown(1), shown(2, BOB, FAR), uploads=[upload()])
    file_id = ledger.bind(alias(), SHA)
    ledger.bind(FAR, SHA)
    ledger.save_scan(file_id, Unscannable(kind=UnscannableKind.UNREACHABLE, detail="https://far.example/u/bob"))
    ledger.save_scan(file_id, evidence(score(0.1)))
    ledger.save_scan(file_id, evidence(score(0.2)))
    clock.pass_(days=31)
    gone = let_go(ledger, clock)
    assert gone == {"sightings": 2, "uploads": 1, "names": 2, "scans": 2}
    assert rows_with(ledger, "alice") == rows_with(ledger, "bob") == rows_with(ledger, "post/1") == []
    known = ledger.file_by_sha256(SHA)
    assert known is not None
    assert known.scan == evidence(score(0.2))
    assert ledger.counts()["seen"] == 2
    assert ledger.verify().problems == []


def test_a_file_that_was_let_go_of_is_known_when_it_comes_back(ledger: SqlLedger, clock: StillClock) -> None:
    see(ledger, shown(1))
    file_id = ledger.bind(alias(), SHA)
    ledger.save_scan(file_id, evidence(score(0.2)))
    clock.pass_(days=31)
    let_go(ledger, clock)
    assert ledger.record("", Batch(sightings=[shown(9, seen_at=clock.now())]), examine_uploads=False) == 1
    assert ledger.bind(alias(), SHA) == file_id
    assert [seen.subject.local_id for seen in ledger.sightings_of(file_id)] == ["9"]
    assert ledger.file_by_sha256(SHA) == ledger.file(file_id)


def test_what_is_young_or_waits_for_a_look_stays(ledger: SqlLedger, clock: StillClock) -> None:
    old = alias("old.png")
    see(ledger, shown(1))
    clock.pass_(days=31)
    see(ledger, shown(3, seen_at=clock.now()))
    ledger.record("", Batch(sightings=[shown(2, name=old)]), examine_uploads=False)  # its task waits
    clock.pass_(days=1)
    assert ledger.erase_sightings(clock.now() - timedelta(days=2), limit=99, by="x").counts == {"sightings": 2}
    assert not ledger.erase_sightings(clock.now() - timedelta(days=2), limit=99, by="x")
    assert ledger.name(str(old)) is not None
    assert [s.subject.local_id for s in ledger.sightings_of(ledger.add_name(alias(), "").file_id)] == ["3"]


def test_files_that_were_never_read_go_with_what_was_tried(ledger: SqlLedger, clock: StillClock) -> None:
    see(ledger, shown(1, BOB, FAR))
    record = ledger.name(str(FAR))
    assert record is not None
    ledger.save_scan(record.file_id, Unscannable(kind=UnscannableKind.GONE, detail=f"{FAR.value}: 404"))
    before = ledger.counts()
    clock.pass_(days=31)
    assert let_go(ledger, clock)["files never read"] == 1
    assert rows_with(ledger, "bob") == []
    assert {name: ledger.counts()[name] for name in ("seen", "unscannable")} == {"seen": 1, "unscannable": 1}
    assert before["unscannable"] == 1


def test_a_task_that_was_given_up_goes_with_its_name(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.record("", Batch(sightings=[shown(1, BOB, FAR)]), examine_uploads=False)
    (task,) = ledger.take([TaskKind.EXAMINE], limit=1, lease_seconds=60)
    ledger.park(task, f"{FAR.value} answers nothing")
    clock.pass_(days=31)
    let_go(ledger, clock)
    assert ledger.backlog_size() == {}
    assert rows_with(ledger, "bob") == []


def test_what_belongs_to_a_case_is_let_go_of_with_the_case_only(ledger: SqlLedger, clock: StillClock) -> None:
    flagged(ledger, clock)
    see(ledger, shown(5, BOB, FAR))
    ledger.bind(FAR, SHA)
    ledger.bind(FAR, "cd" * 32)  # other bytes now; where it was seen stays in the case
    clock.pass_(days=400)
    assert let_go(ledger, clock) == {}
    assert {"alice@here.example", "bob@far.example"} <= {
        event.detail.split(" by ")[1].split(":")[0] for event in ledger.timeline(1) if event.what == "seen"
    }


def test_cases_are_stale_when_nothing_waits_and_nothing_has_happened(ledger: SqlLedger, clock: StillClock) -> None:
    flagged(ledger, clock)
    start = clock.now()

    def stale(before: datetime) -> list[int]:
        return list(ledger.stale_cases(before, limit=10))

    clock.pass_(days=400)
    assert stale(clock.now()) == []  # it waits for a human
    settle(ledger)
    assert stale(clock.now()) == []  # who has just decided
    clock.pass_(days=1)
    assert stale(clock.now()) == [1]
    see(ledger, shown(8, seen_at=clock.now()))
    assert stale(clock.now()) == []  # it was seen again
    clock.pass_(seconds=1)
    assert stale(clock.now()) == [1]
    assert stale(start) == []
    erase_case(ledger)
    clock.pass_(seconds=1)
    assert stale(clock.now()) == []  # there is nothing left of it


def test_an_erased_case_names_nobody_and_tells_when_things_happened(ledger: SqlLedger, clock: StillClock) -> None:
    flagged(ledger, clock)
    settle(ledger)
    before, counts = ledger.timeline(1), ledger.counts()
    clock.pass_(days=400)
    erase_case(ledger)
    for word in ("alice", "bob", "here.example", "far.example", "post/1", "sorry"):
        assert rows_with(ledger, word) == [], word
    assert {"decision", "intent"} & set(rows_with(ledger, "mod")) == set()
    told = ledger.timeline(1)
    kept = ("verdict", "intent", "attempt", "outcome", "decision")
    assert [(e.at, e.what) for e in told if e.what in kept] == [(e.at, e.what) for e in before if e.what in kept]
    assert "flagged by list bad (sha256)" in " ".join(event.detail for event in told)
    assert "remove (erased): done" in [event.detail for event in told]
    assert {event.what for event in told} == {*kept, "scanned", "erased"}
    assert ledger.counts() == counts
    assert [(story.first_seen, story.who) for story in ledger.story(1).erasures if story.first_seen] == [(NOW, "admin")]
    known = ledger.file_by_sha256(SHA)
    assert known is not None
    assert isinstance(known.scan, Evidence)
    assert known.case == 1


def test_erasing_breaks_no_chain_and_stands_in_it(ledger: SqlLedger, clock: StillClock) -> None:
    flagged(ledger, clock)
    settle(ledger)
    kept = ledger.head()
    erase_case(ledger)
    report = ledger.verify(kept=kept)
    assert report.problems == []
    assert {(one.by, one.case, one.scope) for one in report.erased} == {("admin", 1, "case")}
    assert sum(one.entries for one in report.erased) == 3 + 2 + 2 + 2  # intents, attempts, outcomes, decisions


def test_erased_payloads_cannot_be_guessed_back(ledger: SqlLedger, clock: StillClock) -> None:
    """Nothing is left that an attempt to try out names could be compared with."""
    flagged(ledger, clock)
    settle(ledger)
    with ledger._database.read() as connection:
        salts = set(connection.execute(select(schema.audit_payload.c.salt)).scalars())
        old = {row.id: row for row in connection.execute(select(schema.intent))}
    erase_case(ledger)
    with ledger._database.read() as connection:
        left = set(connection.execute(select(schema.audit_payload.c.salt)).scalars())
        new = {row.id: row for row in connection.execute(select(schema.intent))}
    assert len(salts - left) == 3 + 2 + 2 + 2
    for id_, row in new.items():
        assert row.target_digest != old[id_].target_digest
        assert row.account_digest is None
        assert row.community_digest is None


@pytest.mark.parametrize("state", [IntentState.READY, IntentState.HELD, IntentState.UNDOING])
def test_nothing_is_erased_while_something_waits(ledger: SqlLedger, clock: StillClock, state: IntentState) -> None:
    flagged(ledger, clock)
    settle(ledger)
    ledger.set_state(2, state, by="mod")
    with pytest.raises(StillWaitingError, match=rf"case 1 .*remove \({state.value}, intent 2 of case 1\).*then erase"):
        ledger.erase_case(1, limit=99, by="admin")
    with pytest.raises(StillWaitingError, match="this account cannot be erased yet"):
        ledger.erase_account(ledger.traces_of("alice@here.example"), limit=99, by="admin")
    assert len(ledger.intents(case=1)) == 3
    assert len(rows_with(ledger, "alice")) > 3


def test_an_erased_deed_can_be_neither_decided_nor_undone(ledger: SqlLedger, clock: StillClock) -> None:
    flagged(ledger, clock)
    settle(ledger)
    erase_case(ledger)
    assert ledger.intents() == []
    assert ledger.intent(1) is None
    assert ledger.attempts(1) == []
    with pytest.raises(LedgerError, match="intent 1 was erased"):
        ledger.set_state(1, IntentState.UNDOING, by="mod")


def test_what_comes_back_to_an_erased_case_is_planned_anew(ledger: SqlLedger, clock: StillClock) -> None:
    flagged(ledger, clock)
    settle(ledger)
    erase_case(ledger)
    see(ledger, shown(1, seen_at=clock.now()))
    (record,) = plan(ledger, REMOVE)
    assert record.case == 1
    assert record.state is IntentState.READY
    assert ledger.verify().problems == []


def test_quotas_and_first_deeds_count_what_was_erased(ledger: SqlLedger, clock: StillClock) -> None:
    (record,) = plan(ledger, BAN, decision=HOLD)
    ledger.set_state(record.id, IntentState.READY, by="mod", approve=True)
    lease = ledger.acquire("me", seconds=60)
    assert lease is not None
    attempt = ledger.begin(record.id, reverting=False, before={}, fence=lease.fence)
    ledger.end(attempt, Refused(code="higher", note="alice is an admin"), state=IntentState.REFUSED)
    since = clock.now() - timedelta(hours=1)
    before = (ledger.approvals("known"), ledger.used("ban_account", since), ledger.counts())
    erase_case(ledger)
    assert (ledger.approvals("known"), ledger.used("ban_account", since), ledger.counts()) == before
    assert rows_with(ledger, "alice") == []


def test_lists_and_cursors_are_never_erased(ledger: SqlLedger, clock: StillClock) -> None:
    from ledger.test_audit import entry

    flagged(ledger, clock)
    ledger.record("here/posts", Batch(cursor={"page": 3}), examine_uploads=False)
    ledger.add_entries([entry()])
    settle(ledger)
    clock.pass_(days=4000)
    erase_case(ledger)
    let_go(ledger, clock)
    assert ledger.entries() == [entry()]
    assert ledger.cursor("here/posts") == {"page": 3}


def test_who_ordered_something_is_erased_with_the_case(ledger: SqlLedger) -> None:
    switch = SetSwitch(instance=HERE, switch=Switch.REGISTRATION, value="closed")
    record = ledger.order(switch, by="olga", why="because of eve@far.example")
    ledger.set_state(record.id, IntentState.DISMISSED, by="olga")
    assert len(rows_with(ledger, "olga")) > 2
    erase_case(ledger, record.case)
    assert set(rows_with(ledger, "olga")) == set(rows_with(ledger, "eve")) == set()
    case = ledger.case(record.case)
    assert case is not None
    assert case.headline == "by-order"
    assert ledger.verify().problems == []


# ----------------------------------------------------------------------------------------------------- one account


def erase_account(ledger: SqlLedger, who: str) -> list[Erased]:
    found, parts = ledger.traces_of(who), []
    while erased := ledger.erase_account(found, limit=2, by="admin"):
        parts.append(erased)
    return parts


def everywhere(ledger: SqlLedger, clock: StillClock) -> None:
    """Alice and Bob in a case and out of it."""
    flagged(ledger, clock)
    settle(ledger)
    other = alias("other.png")
    see(ledger, shown(5, BOB, FAR), shown(6, name=other), uploads=[upload(other)])
    ledger.bind(other, "cd" * 32)


@pytest.mark.parametrize("who", ["bob@far.example", "BOB@far.example", "https://far.example/u/bob"])
def test_an_account_is_found_by_handle_or_address(ledger: SqlLedger, clock: StillClock, who: str) -> None:
    everywhere(ledger, clock)
    found = ledger.traces_of(who)
    assert found.uris == [BOB.uri]
    assert found.handles == [BOB.handle]
    assert (found.sightings, found.uploads, found.deeds, found.cases) == (2, [], 0, [1])


def test_names_that_only_resemble_it_are_left_alone(ledger: SqlLedger, clock: StillClock) -> None:
    everywhere(ledger, clock)
    for who in ("ob@far.example", "bob@far.exampl", "b%b@far.example", "b_b@far.example", "https://far.example/u/bo"):
        assert ledger.traces_of(who).uris == []


def test_all_that_names_an_account_is_erased_and_others_stay(ledger: SqlLedger, clock: StillClock) -> None:
    everywhere(ledger, clock)
    found = ledger.traces_of("alice@here.example")
    assert (found.sightings, len(found.uploads), found.deeds, found.cases, found.waiting) == (2, 2, 2, [1], [])
    assert erase_account(ledger, "alice@here.example")
    assert rows_with(ledger, "alice") == []
    assert "sighting" in rows_with(ledger, "bob@far.example")
    assert ledger.traces_of("alice@here.example").uris == []
    assert ledger.verify().problems == []
    purge = ledger.intents(case=1)
    assert [record.intent.kind for record in purge] == ["purge_file"]  # that names no account
    assert {story.scope for story in ledger.story(1).erasures} == {"account"}


def test_a_foreign_account_takes_its_addresses_along(ledger: SqlLedger, clock: StillClock) -> None:
    everywhere(ledger, clock)
    ledger.bind(FAR, SHA)  # in the case by now
    assert erase_account(ledger, "bob@far.example")
    assert rows_with(ledger, "bob") == []
    assert "intent" in rows_with(ledger, "alice@here.example")


def test_messages_that_were_sent_are_emptied_and_not_told_again(ledger: SqlLedger, clock: StillClock) -> None:
    everywhere(ledger, clock)
    words = {"1": ("rule known flagged Alice@here.example", NOW), "2": ("nothing", NOW), "3": ("bob@far.example", None)}
    with ledger._database.write() as connection:
        for key, (text, sent) in words.items():
            row = {"channel": "mail", "key_digest": key, "kind": "cases", "payload": json.dumps({"text": text})}
            times = {"created_at": NOW, "not_before": NOW, "attempts": 0, "sent_at": sent, "trouble": ""}
            connection.execute(schema.message.insert().values(**row, **times))
    assert erase_account(ledger, "alice@here.example")
    assert erase_account(ledger, "bob@far.example")
    assert rows_with(ledger, "alice") == []
    assert rows_with(ledger, "bob@far.example") == ["message"]  # which has to be sent yet
    with ledger._database.read() as connection:
        left = dict(connection.execute(select(schema.message.c.key_digest, schema.message.c.payload)).all())
    assert left == {"1": "{}", "2": '{"text": "nothing"}', "3": '{"text": "bob@far.example"}'}


def letter(name: str) -> dict[str, Any]:
    return {"kind": "status", "status": {"id": "1", "account": {"uri": f"https://far.example/u/{name}", "acct": name}}}


def test_letters_that_name_an_account_go_with_it(ledger: SqlLedger, clock: StillClock) -> None:
    everywhere(ledger, clock)
    for name in ("bob", "bobby", "bob"):
        ledger.deliver("hook", letter(name))
    erased = erase_account(ledger, "bob@far.example")
    assert sum(one.counts.get("letters", 0) for one in erased) == 2
    assert [one.payload for one in ledger.letters("hook")] == [letter("bobby")]
    assert ledger.verify().problems == []


def test_letters_that_nothing_reads_go_by_age(ledger: SqlLedger, clock: StillClock) -> None:
    for _ in range(3):
        ledger.deliver("hook", letter("bob"))
    clock.pass_(days=31)
    new = ledger.deliver("hook", letter("bob"))
    assert not ledger.erase_sightings(clock.now() - timedelta(days=40), limit=2, by="fediwarden")
    counts = [ledger.erase_sightings(clock.now() - timedelta(days=30), limit=2, by="fediwarden").counts for _ in "123"]
    assert counts == [{"letters": 2}, {"letters": 1}, {}]
    assert [one.id for one in ledger.letters("hook")] == [new]
    assert ledger.verify().problems == []


def test_handles_in_other_scripts_are_found(ledger: SqlLedger) -> None:
    who = account("x", handle="ålice_100%@bücher.example", uri="https://bücher.example/u/ålice")
    see(ledger, shown(1, who))
    assert ledger.traces_of(who.handle).uris == [who.uri]
    assert erase_account(ledger, who.uri)
    assert ledger.traces_of(who.handle).uris == []


def test_one_call_never_takes_more_than_it_was_told(ledger: SqlLedger, clock: StillClock) -> None:
    see(ledger, *(shown(number, name=alias(f"{number}.png")) for number in range(7)))
    clock.pass_(days=31)
    sizes = []
    while erased := ledger.erase_sightings(clock.now(), limit=3, by="x"):
        sizes += list(erased.counts.values())
    assert max(sizes) == 3
    assert sum(sizes) == 7 + 7 + 7  # sightings, names, files that were never read


def test_work_that_waits_is_not_lost(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(TaskKind.EXAMINE, str(alias()), Lane.NEW, not_before=clock.now() + timedelta(days=99))
    see_later = ledger.backlog_size()
    clock.pass_(days=60)
    let_go(ledger, clock)
    assert ledger.backlog_size() == see_later
