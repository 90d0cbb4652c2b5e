"""Files and their names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.content import Alias, Attachment, InstanceId, MediaRef, RemoteUrl, Role, Sighting, StorageKey
from bot.domain.errors import LedgerError
from bot.domain.evidence import PARTLY_SEEN, Finding, ListMode, Unscannable, UnscannableKind, failed
from bot.ledger import database
from bot.ports import Batch
from making import HERE, SHA, account, address, alias, evidence, hit, post, score, sighting, upload

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.content import Name
    from bot.ledger import SqlLedger
    from making import StillClock

OTHER = "cd" * 32
REMOTE = RemoteUrl(value="https://far.example/cat.png")


def know(ledger: SqlLedger, name: Name, url: str = "") -> int:
    return ledger.add_name(name, url).file_id


def scan_of(ledger: SqlLedger, file_id: int) -> object:
    file = ledger.file(file_id)
    assert file is not None
    return file.scan


@pytest.mark.parametrize(
    "name",
    [alias(), Attachment(instance=HERE, value="17"), StorageKey(instance=HERE, value="a/b c"), REMOTE],
    ids=lambda name: type(name).__name__,
)
def test_name_of_every_kind_comes_back(ledger: SqlLedger, name: Name) -> None:
    made = ledger.add_name(name, "https://here.example/x")
    assert made.name == name
    assert ledger.name(str(name)) == made
    assert ledger.names_ending(name.value) == [made]
    assert ledger.names_of(made.file_id) == [made]
    assert ledger.name("alias:here/unknown") is None


def test_known_name_keeps_its_url_and_an_empty_one_is_filled_in(ledger: SqlLedger) -> None:
    ledger.add_name(alias(), "")
    assert ledger.add_name(alias(), address(alias())).url == address(alias())
    assert ledger.add_name(alias(), "https://elsewhere.example/").url == address(alias())


def test_names_ending_looks_on_every_instance(ledger: SqlLedger) -> None:
    there = Alias(instance=InstanceId("there"), value="a.png")
    know(ledger, alias())
    know(ledger, there)
    know(ledger, alias("aa.png"))
    assert [record.name for record in ledger.names_ending("a.png")] == [alias(), there]


def test_stub_becomes_the_file_of_its_bytes(ledger: SqlLedger) -> None:
    stub = know(ledger, alias())
    assert ledger.file(stub).sha256 is None  # type: ignore[union-attr]
    assert ledger.bind(alias(), SHA.upper()) == stub
    assert ledger.file_by_sha256(SHA).id == stub  # type: ignore[union-attr]
    assert ledger.bind(alias(), SHA) == stub
    assert ledger.file_by_sha256(OTHER) is None


def test_names_of_the_same_bytes_share_a_file(ledger: SqlLedger) -> None:
    first, second = know(ledger, alias()), know(ledger, alias("b.png"))
    assert first != second
    assert ledger.bind(alias(), SHA) == ledger.bind(alias("b.png"), SHA) == first
    assert [record.name for record in ledger.names_of(first)] == [alias(), alias("b.png")]
    assert ledger.counts()["files"] == 1


def test_id_of_a_stub_goes_on_to_mean_the_file_of_its_bytes(ledger: SqlLedger) -> None:
    ledger.record("", Batch(sightings=[sighting(), sighting(post(2), alias("b.png"))]), examine_uploads=False)
    ledger.add_upload(upload(alias("b.png")))
    stub = ledger.name(str(alias("b.png"))).file_id  # type: ignore[union-attr]
    file_id = ledger.bind(alias(), SHA)
    ledger.bind(alias("b.png"), SHA)
    assert ledger.file(stub) == ledger.file(file_id)
    assert len(ledger.names_of(stub)) == 2
    assert len(ledger.sightings_of(stub)) == 2
    assert len(ledger.uploads_of(stub)) == 1
    ledger.save_scan(stub, evidence())
    assert scan_of(ledger, file_id) == evidence()
    assert ledger.open_case(stub).files == (file_id,)


def test_failed_look_at_a_new_name_does_not_hide_what_is_known_of_its_bytes(ledger: SqlLedger) -> None:
    file_id = ledger.bind(alias(), SHA)
    ledger.save_scan(file_id, evidence())
    stub = know(ledger, alias("b.png"))
    ledger.save_scan(stub, Unscannable(kind=UnscannableKind.UNREACHABLE, detail="time-out"))
    assert ledger.bind(alias("b.png"), SHA) == file_id
    assert scan_of(ledger, stub) == evidence()


def test_remote_name_may_stand_for_other_bytes_later(ledger: SqlLedger) -> None:
    old = ledger.bind(REMOTE, SHA)
    new = ledger.bind(REMOTE, OTHER)
    assert old != new
    assert ledger.names_of(old) == []
    assert ledger.name(str(REMOTE)).file_id == new  # type: ignore[union-attr]
    assert ledger.name(str(REMOTE)).url == REMOTE.value  # type: ignore[union-attr]
    assert ledger.file_by_sha256(SHA).id == old  # type: ignore[union-attr]
    assert ledger.bind(REMOTE, SHA) == old


def test_sightings_follow_their_name(ledger: SqlLedger) -> None:
    ledger.record("", Batch(sightings=[sighting(), sighting(post(2), alias("b.png"))]), examine_uploads=False)
    ledger.bind(alias(), SHA)
    file_id = ledger.bind(alias("b.png"), SHA)
    assert [one.subject.local_id for one in ledger.sightings_of(file_id)] == ["1", "2"]


def see(ledger: SqlLedger, number: int, at: datetime, name: Name = REMOTE) -> None:
    media = MediaRef(url=name.value, role=Role.ATTACHMENT)
    seen = Sighting(subject=post(number), media=media, name=name, seen_at=at)
    ledger.record("", Batch(sightings=[seen]), examine_uploads=False)


def places(ledger: SqlLedger, file_id: int) -> tuple[list[str], list[str]]:
    """Where a file is shown, and what is outdated about it."""
    shown, outdated = ledger.sightings_of(file_id), ledger.outdated(file_id)
    return [one.subject.local_id for one in shown], [one.subject.local_id for one in outdated]


def found(ledger: SqlLedger, sha256: str) -> int:
    """The address stands for this picture now."""
    file_id = ledger.bind(REMOTE, sha256)
    ledger.save_scan(file_id, replace(evidence(), sha256=sha256))
    return file_id


def test_what_was_read_before_an_address_stood_for_other_bytes_is_outdated_until_it_is_seen_again(
    ledger: SqlLedger, clock: StillClock
) -> None:
    see(ledger, 1, clock.now())
    see(ledger, 2, clock.now())
    clock.pass_(seconds=2)
    old = found(ledger, SHA)
    assert places(ledger, old) == (["1", "2"], []), "nothing else was ever found there"
    clock.pass_(hours=1)
    see(ledger, 3, clock.now())
    clock.pass_(seconds=2)
    new = found(ledger, OTHER)
    assert places(ledger, new) == ([], ["1", "2", "3"])
    clock.pass_(seconds=2)
    see(ledger, 3, clock.now())
    see(ledger, 4, clock.now())
    assert places(ledger, new) == (["3", "4"], ["1", "2"])


def test_what_was_read_after_an_address_once_stood_for_these_bytes_counts(ledger: SqlLedger, clock: StillClock) -> None:
    for sha in (SHA, OTHER):
        file_id = found(ledger, sha)
        clock.pass_(seconds=2)
    see(ledger, 1, clock.now())
    clock.pass_(seconds=2)
    found(ledger, SHA)
    clock.pass_(seconds=2)
    see(ledger, 2, clock.now())
    clock.pass_(seconds=2)
    assert found(ledger, OTHER) == file_id
    assert places(ledger, file_id) == (["1", "2"], [])


def test_page_of_a_server_in_trouble_makes_nothing_outdated(ledger: SqlLedger, clock: StillClock) -> None:
    see(ledger, 1, clock.now())
    clock.pass_(seconds=2)
    page = Unscannable(kind=UnscannableKind.NOT_MEDIA, detail="text/html")
    ledger.save_scan(ledger.bind(REMOTE, SHA), page)
    clock.pass_(seconds=2)
    file_id = found(ledger, OTHER)
    assert places(ledger, file_id) == (["1"], [])


def test_nothing_is_outdated_about_a_file_of_our_own(ledger: SqlLedger, clock: StillClock) -> None:
    see(ledger, 1, clock.now(), alias())
    clock.pass_(seconds=2)
    ledger.bind(alias(), SHA)
    clock.pass_(seconds=2)
    assert places(ledger, ledger.bind(alias(), OTHER)) == (["1"], [])


def test_replaced_thumbnail_stays_in_its_subject(ledger: SqlLedger) -> None:
    for name in ("a.png", "b.png"):
        ledger.record("", Batch(sightings=[sighting(name=alias(name))]), examine_uploads=False)
    assert [one.name for one in ledger.sightings_in(post().key)] == [alias("a.png"), alias("b.png")]
    assert ledger.sightings_in(post(2).key) == []


def test_places_of_files_keep_when_each_was_seen_first(ledger: SqlLedger, clock: StillClock) -> None:
    picture, thumbnail = sighting(post(1), alias("p.png")), sighting(post(1), alias("t.png"), role=Role.THUMBNAIL)
    ledger.record("", Batch(sightings=[picture]), examine_uploads=False)
    clock.pass_(hours=1)
    again = [replace(one, seen_at=clock.now()) for one in (picture, thumbnail, sighting(post(2), alias("t.png")))]
    ledger.record("", Batch(sightings=again), examine_uploads=False)
    first, second = know(ledger, alias("p.png")), know(ledger, alias("t.png"))
    found = {(one.file_id, one.role, one.since): one.subject for one in ledger.places([first, second])}
    assert set(found) == {
        (first, Role.ATTACHMENT, picture.seen_at),
        (second, Role.THUMBNAIL, clock.now()),
        (second, Role.ATTACHMENT, clock.now()),
    }
    there = found[first, Role.ATTACHMENT, picture.seen_at]
    assert found[second, Role.THUMBNAIL, clock.now()] == there
    assert found[second, Role.ATTACHMENT, clock.now()] != there
    assert ledger.places([]) == []


def test_uploads_come_once_for_every_name(ledger: SqlLedger) -> None:
    for name, who in ((alias(), account()), (alias("b.png"), account("bob")), (alias(), account(is_staff=True))):
        ledger.add_upload(upload(name, who))
        file_id = ledger.bind(name, SHA)
    assert [one.uploader for one in ledger.uploads_of(file_id)] == [account(is_staff=True), account("bob")]


def test_upload_from_the_backlog_stays_backlog(ledger: SqlLedger) -> None:
    ledger.record("", Batch(uploads=[upload(backlog=True)]), examine_uploads=False)
    ledger.add_upload(upload())
    file_id = ledger.bind(alias(), SHA)
    assert [one.backlog for one in ledger.uploads_of(file_id)] == [True]


def test_file_comes_with_its_newest_scan(ledger: SqlLedger) -> None:
    file_id = ledger.bind(alias(), SHA)
    assert scan_of(ledger, file_id) is None
    for scan in (
        evidence(hit(), score(0.25)),
        Unscannable(kind=UnscannableKind.GONE, detail="404"),
        evidence(),
    ):
        ledger.save_scan(file_id, scan)
        assert scan_of(ledger, file_id) == scan


def test_nobody_knows_an_unknown_file(ledger: SqlLedger) -> None:
    assert ledger.file(99) is None
    assert [*ledger.names_of(99), *ledger.sightings_of(99), *ledger.uploads_of(99)] == []
    with pytest.raises(LedgerError, match="no file 99"):
        ledger.save_scan(99, evidence())
    with pytest.raises(LedgerError, match="no file 99"):
        ledger.open_case(99)


def test_counts_of_files(ledger: SqlLedger, clock: StillClock) -> None:
    blocked = ledger.bind(alias(), SHA)
    ledger.save_scan(blocked, evidence(hit()))
    ledger.save_scan(blocked, Unscannable(kind=UnscannableKind.GONE, detail="404"))
    allowed = ledger.bind(alias("b.png"), OTHER)
    ledger.save_scan(allowed, evidence(hit()))
    ledger.save_scan(allowed, evidence(hit(mode=ListMode.ALLOW)))
    ledger.save_scan(know(ledger, REMOTE), Unscannable(kind=UnscannableKind.NOT_MEDIA, detail="text"))
    ledger.record("", Batch(sightings=[sighting(), sighting(post(2))]), examine_uploads=False)
    counts = ledger.counts()
    assert {key: counts[key] for key in ("seen", "files", "scanned", "matched", "unscannable", "partly_seen")} == {
        "seen": 2,
        "files": 2,
        "scanned": 2,
        "matched": 1,
        "unscannable": 1,
        "partly_seen": 0,
    }


def test_files_seen_in_part_are_counted_until_they_are_seen_whole(ledger: SqlLedger) -> None:
    file_id = ledger.bind(alias(), SHA)
    in_part = Finding(kind=PARTLY_SEEN, detail="of this video only 5 of 16 sampled frames were looked at")
    ledger.save_scan(file_id, replace(evidence(), findings=(in_part,)))
    ledger.save_scan(file_id, Unscannable(kind=UnscannableKind.GONE, detail="404"))
    assert ledger.counts()["partly_seen"] == 1
    ledger.save_scan(file_id, evidence())
    assert ledger.counts()["partly_seen"] == 0


def test_files_that_a_detector_failed_on_are_counted_until_it_scores_them(ledger: SqlLedger) -> None:
    file_id = ledger.bind(alias(), SHA)
    ledger.save_scan(
        file_id, replace(evidence(), gaps=("large: not needed, nsfw/nsfw is below 0.3", "clip: unavailable"))
    )
    assert ledger.counts()["unscored"] == 0, "it waits for that one, and is counted there"
    ledger.save_scan(file_id, replace(evidence(), gaps=(failed("clip", "clip-1"),)))
    assert ledger.counts()["unscored"] == 1
    ledger.save_scan(file_id, evidence())
    assert ledger.counts()["unscored"] == 0


def test_files_that_nothing_explains(ledger: SqlLedger) -> None:
    """Neither seen nor stored, under any of their names; and only aliases can be asked for."""
    ledger.record("", Batch(sightings=[sighting()]), examine_uploads=False)
    ledger.record("", Batch(uploads=[upload(alias("stored.png"))]), examine_uploads=False)
    digests = {alias(): "01", alias("stored.png"): "02", alias("twin.png"): "02", alias("orphan.png"): "03"}
    files = [ledger.bind(name, digest * 32) for name, digest in digests.items()]
    files.append(ledger.bind(StorageKey(instance=HERE, value="01/02/x.png"), "03" * 32))
    assert [record.name for record in ledger.unexplained(files)] == [alias("orphan.png")]
    assert ledger.unexplained([]) == []


def test_prints_are_read_once_the_newest_first(ledger: SqlLedger) -> None:
    for number in range(3):
        file_id = ledger.bind(alias(f"{number}.png"), f"0{number}" * 32)
        ledger.save_scan(file_id, replace(evidence(), pdq=f"{number}" * 64))
    ledger.save_scan(file_id, Unscannable(kind=UnscannableKind.GONE, detail="404"))
    found = ledger.prints(after=0, limit=2)
    assert [pdq for _, _, pdq in found] == ["2" * 64], "a look that brought nothing counts as one of two"
    everything = ledger.prints(after=0, limit=10)
    assert [pdq for _, _, pdq in everything] == ["2" * 64, "1" * 64, "0" * 64]
    assert ledger.prints(after=everything[0][0], limit=10) == []


def test_places_of_other_names_are_found_in_pieces_and_without_those_of_the_file(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PART", 2)
    names = [RemoteUrl(value=f"https://here.example/{number}.png") for number in range(5)]
    seen = [replace(sighting(post(number)), name=name) for number, name in enumerate(names)]
    ledger.record("", Batch(sightings=seen), examine_uploads=False)
    file_id = ledger.bind(names[1], SHA)
    ledger.bind(names[4], "cd" * 32)
    assert list(ledger.sightings_besides(file_id, names[:4])) == [seen[0], *seen[2:4]]
    assert not ledger.sightings_besides(file_id, [])
