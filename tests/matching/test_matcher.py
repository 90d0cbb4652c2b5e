from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from structlog.testing import capture_logs

from bot.domain.errors import ConfigError, LedgerBusyError
from bot.domain.evidence import Hit, ListMode, Look, MatchedBy
from bot.matching.fingerprints import FingerprintIndex
from bot.matching.lists import ListFile
from bot.matching.matcher import ListMatcher
from bot.ports import ListEntry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHA, PIXELS, PDQ = "a1" * 32, "b2" * 32, "c3" * 32
OTHER = "0f" * 32


class Store:
    """A ``ListStore`` that counts how often it is read."""

    def __init__(self, *entries: ListEntry) -> None:
        self.kept = list(entries)
        self.version = 1
        self.reads = 0
        self.busy = False

    def entries(self, list_id: str | None = None) -> Sequence[ListEntry]:
        self.reads += 1
        return [entry for entry in self.kept if list_id in {None, entry.list_id}]

    def lists_version(self) -> int:
        if self.busy:
            raise LedgerBusyError("busy")
        return self.version

    def add_entries(self, entries: Sequence[ListEntry]) -> int:
        self.kept += entries
        self.version += 1
        return len(entries)

    def remove_entries(self, *, list_id: str, digest: str | None = None, case: int | None = None) -> int:
        before = len(self.kept)
        self.kept = [entry for entry in self.kept if (entry.list_id, entry.digest) != (list_id, digest)]
        self.version += 1
        return before - len(self.kept)


def entry(
    by: MatchedBy, digest: str, list_id: str = "mine", mode: ListMode = ListMode.BLOCK, note: str = ""
) -> ListEntry:
    return ListEntry(list_id=list_id, mode=mode, by=by, digest=digest, note=note)


def flipped(digest: str, bits: int, seed: int = 0) -> str:
    """``digest`` with so many bits changed."""
    chosen = np.random.default_rng(seed).permutation(256)[:bits]
    return f"{int(digest, 16) ^ sum(1 << int(bit) for bit in chosen):064x}"


def match(
    matcher: ListMatcher,
    *,
    sha256: str = OTHER,
    pixels: str | None = None,
    pdq: str | None = None,
    quality: int | None = 100,
) -> Sequence[Hit]:
    return matcher.match(sha256=sha256, pixels=pixels, pdq=pdq, pdq_quality=quality)


def test_hits_name_list_fingerprint_and_note_exact_ones_first() -> None:
    near = flipped(PDQ, 7)
    store = Store(
        entry(MatchedBy.PDQ, near, "seen-before"),
        entry(MatchedBy.PIXELS, PIXELS, "fine", ListMode.ALLOW),
        entry(MatchedBy.SHA256, SHA, note="spam wave"),
        entry(MatchedBy.SHA256, SHA, "second"),
    )
    assert list(match(ListMatcher(store, []), sha256=SHA, pixels=PIXELS, pdq=PDQ)) == [
        Hit(list_id="mine", mode=ListMode.BLOCK, by=MatchedBy.SHA256, entry=SHA, note="spam wave"),
        Hit(list_id="second", mode=ListMode.BLOCK, by=MatchedBy.SHA256, entry=SHA),
        Hit(list_id="fine", mode=ListMode.ALLOW, by=MatchedBy.PIXELS, entry=PIXELS),
        Hit(list_id="seen-before", mode=ListMode.BLOCK, by=MatchedBy.PDQ, entry=near, distance=7),
    ]


def test_one_frame_that_is_near_an_entry_is_a_hit_that_says_where() -> None:
    store = Store(entry(MatchedBy.PDQ, PDQ), entry(MatchedBy.PIXELS, PIXELS))
    looks = [
        Look(frame=0, pdq=flipped(PDQ, 90), pdq_quality=100),
        Look(frame=7, at=1.5, pdq=flipped(PDQ, 9), pdq_quality=100),
        Look(frame=8, at=2.0, how="on black", pdq=flipped(PDQ, 4), pdq_quality=100),
        Look(frame=9, pdq=PDQ, pdq_quality=0),  # says nothing: too plain
    ]
    (hit,) = ListMatcher(store, []).match(
        sha256=OTHER, pixels=None, pdq=looks[0].pdq, pdq_quality=looks[0].pdq_quality, looks=looks
    )
    assert (hit.by, hit.distance, hit.where) == (MatchedBy.PDQ, 4, "frame 9 at 2.0 s, on black")


def test_the_file_itself_comes_before_its_frames_where_both_are_as_near() -> None:
    looks = [Look(frame=number, pdq=flipped(PDQ, 3, seed=number), pdq_quality=100) for number in range(3)]
    (hit,) = ListMatcher(Store(entry(MatchedBy.PDQ, PDQ)), []).match(
        sha256=OTHER, pixels=None, pdq=looks[0].pdq, pdq_quality=100, looks=looks
    )
    assert (hit.distance, hit.where) == (3, "")


def test_a_digest_of_one_kind_matches_no_entry_of_another() -> None:
    matcher = ListMatcher(Store(entry(MatchedBy.PIXELS, SHA), entry(MatchedBy.SHA256, PIXELS)), [])
    assert match(matcher, sha256=SHA, pixels=PIXELS) == []


def test_nothing_matches_nothing() -> None:
    assert match(ListMatcher(Store(), []), sha256=SHA, pixels=PIXELS, pdq=PDQ) == []


@pytest.mark.parametrize(("bits", "hits"), [(0, 1), (31, 1), (32, 0), (256, 0)])
def test_pdq_matches_up_to_the_distance(bits: int, hits: int) -> None:
    found = match(ListMatcher(Store(entry(MatchedBy.PDQ, flipped(PDQ, bits))), []), pdq=PDQ)
    assert [hit.distance for hit in found] == [bits] * hits


def test_distance_and_quality_are_the_operators() -> None:
    store = Store(entry(MatchedBy.PDQ, flipped(PDQ, 12)))
    assert not match(ListMatcher(store, [], pdq_distance=11), pdq=PDQ)
    assert match(ListMatcher(store, [], pdq_distance=12), pdq=PDQ)
    assert not match(ListMatcher(store, []), pdq=PDQ, quality=49)
    assert match(ListMatcher(store, []), pdq=PDQ, quality=50)
    assert match(ListMatcher(store, [], pdq_min_quality=0), pdq=PDQ, quality=0)
    assert not match(ListMatcher(store, []), pdq=PDQ, quality=None)


def test_brute_force_agrees_with_counting_bits_one_by_one() -> None:
    random = np.random.default_rng(7)
    digests = [random.bytes(32).hex() for _ in range(500)]
    digests += [flipped(PDQ, bits, seed=bits) for bits in range(0, 60, 3)]
    index = FingerprintIndex([entry(MatchedBy.PDQ, digest) for digest in digests])
    wanted = sorted(d for d in ((int(digest, 16) ^ int(PDQ, 16)).bit_count() for digest in digests) if d <= 130)
    assert [hit.distance for hit in index.near(PDQ, 130)] == wanted


def test_change_of_the_ledgers_lists_is_seen_at_the_next_match() -> None:
    store = Store()
    matcher = ListMatcher(store, [])
    assert match(matcher, sha256=SHA) == []
    store.add_entries([entry(MatchedBy.SHA256, SHA)])
    assert len(match(matcher, sha256=SHA)) == 1
    store.remove_entries(list_id="mine", digest=SHA)
    assert match(matcher, sha256=SHA) == []


def test_lists_are_not_read_again_without_a_change() -> None:
    store = Store(entry(MatchedBy.SHA256, SHA))
    matcher = ListMatcher(store, [])
    for _ in range(5):
        match(matcher, sha256=SHA)
    assert store.reads == 1


def test_allow_entry_of_the_ledger_that_only_resembles_is_left_out_and_logged() -> None:
    store = Store(entry(MatchedBy.PDQ, PDQ, "fine", ListMode.ALLOW), entry(MatchedBy.SHA256, SHA))
    with capture_logs() as logs:
        matcher = ListMatcher(store, [])
    assert "match exactly" in logs[0]["reason"]
    assert match(matcher, pdq=PDQ) == []
    assert len(match(matcher, sha256=SHA)) == 1


def test_trouble_with_the_ledger_is_not_taken_for_no_match() -> None:
    store = Store(entry(MatchedBy.SHA256, SHA))
    matcher = ListMatcher(store, [])
    store.busy = True
    with pytest.raises(LedgerBusyError):
        match(matcher, sha256=SHA)


@pytest.fixture
def listed(tmp_path: Path) -> ListFile:
    path = tmp_path / "block.txt"
    path.write_text(f"{SHA}\n")
    return ListFile(path=path, list_id="file", mode=ListMode.BLOCK)


def rewrite(file: ListFile, text: str) -> None:
    """With another time, even on file systems that count in seconds."""
    before = file.path.stat().st_mtime_ns
    file.path.write_text(text)
    os.utime(file.path, ns=(before + 10**9, before + 10**9))


def test_list_file_is_read_again_when_it_changes(listed: ListFile) -> None:
    matcher = ListMatcher(Store(), [listed])
    assert [hit.list_id for hit in match(matcher, sha256=SHA)] == ["file"]
    rewrite(listed, f"{OTHER}\n")
    assert match(matcher, sha256=SHA) == []
    assert len(match(matcher, sha256=OTHER)) == 1


@pytest.mark.parametrize("text", ["md5 0123", f"{OTHER}\nnonsense\n", None])
def test_file_that_turns_bad_keeps_its_old_entries_and_is_logged_once(text: str | None, listed: ListFile) -> None:
    matcher = ListMatcher(Store(), [listed])
    if text is None:
        listed.path.unlink()
    else:
        rewrite(listed, text)
    with capture_logs() as logs:
        for _ in range(3):
            assert len(match(matcher, sha256=SHA)) == 1
            assert match(matcher, sha256=PIXELS) == []
    (log,) = logs
    assert log["log_level"] == "error"
    assert str(listed.path) in log["reason"]
    listed.path.write_text(f"{PIXELS}\n# mended\n")
    assert len(match(matcher, sha256=PIXELS)) == 1


def test_bad_file_at_the_start_is_an_error_of_the_configuration(listed: ListFile) -> None:
    listed.path.write_text("sha1 whatever\n")
    with pytest.raises(ConfigError, match="line 1"):
        ListMatcher(Store(), [listed])


def test_many_threads_may_match_while_lists_change() -> None:
    store = Store(entry(MatchedBy.SHA256, SHA), *(entry(MatchedBy.PDQ, flipped(PDQ, 20, seed)) for seed in range(50)))
    matcher = ListMatcher(store, [])
    wrong: list[Sequence[Hit]] = []

    def ask() -> None:
        for _ in range(50):
            hits = match(matcher, sha256=SHA, pdq=PDQ)
            if len(hits) < 51:
                wrong.append(hits)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        store.add_entries([entry(MatchedBy.PDQ, flipped(PDQ, 10, number))])
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(match(matcher, sha256=SHA, pdq=PDQ)) == 71
