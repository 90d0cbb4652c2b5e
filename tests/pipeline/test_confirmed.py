"""What joins the list of what was confirmed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.decisions import Allow, Because, Remove, Verdict
from bot.domain.evidence import Evidence, Hit, ListMode, Look, MatchedBy, Score
from bot.ledger import open_ledger
from bot.pipeline import remember_confirmed
from bot.ports import Batch
from making import EXACT, HERE, StillClock, alias, evidence, post, sighting

LIST = "confirmed"
PDQS = [f"{number:02x}" * 32 for number in range(1, 5)]
BY_SCORE = Because(text="flagged by nsfw/nsfw at threshold 0.8", exact=False, score=0.95, threshold=0.8)

VALUES = Score(detector="nsfw", revision="r", label="nsfw", value=0.95, frames=(0.1, 0.95, 0.85, 0.9), alone=0.1)
OTHER = replace(VALUES, label="other", value=0.99, frames=(0.99, 0.1, 0.1, 0.1))


def film(*found: Hit | Score) -> Evidence:
    """The last frame has a PDQ that says little."""
    looks = [
        Look(frame=10 * number, at=float(number), pdq=pdq, pdq_quality=20 if number == 3 else 90)
        for number, pdq in enumerate(PDQS)
    ]
    return replace(evidence(*found), media_type="video/mp4", pdq=PDQS[0], pdq_quality=90, looks=looks)


def near(where: str) -> Hit:
    return Hit(list_id="bad", mode=ListMode.BLOCK, by=MatchedBy.PDQ, entry="f0" * 32, distance=4, where=where)


def remembered(scan: Evidence, because: Because) -> dict[MatchedBy, set[str]]:
    ledger = open_ledger("sqlite://", clock=StillClock())
    name = alias("1.png")
    ledger.record("", Batch(sightings=[sighting(post(1), name)]), examine_uploads=False)
    file_id = ledger.bind(name, scan.sha256)
    ledger.save_scan(file_id, scan)
    case = ledger.open_case(file_id).number
    verdict = Verdict(rule_id="known", rule_digest="d", because=because, intents=())
    ledger.add_verdict(case, file_id, verdict, [(Remove(instance=HERE, subject=post(1), text="why"), Allow())])
    (record,) = ledger.intents()
    remember_confirmed(ledger, replace(record, approved_by="human"), LIST)
    found: dict[MatchedBy, set[str]] = {}
    for entry in ledger.entries(LIST):
        found.setdefault(entry.by, set()).add(entry.digest)
    assert found.pop(MatchedBy.SHA256) == {scan.sha256}
    return found


@pytest.mark.parametrize(
    ("scan", "because", "kept"),
    [
        (film(VALUES, OTHER), BY_SCORE, {PDQS[1], PDQS[2]}),
        (film(near("frame 21 at 2.0 s")), EXACT, {PDQS[2]}),
        (film(near("")), EXACT, {PDQS[0]}),
        (film(replace(near(""), mode=ListMode.ALLOW)), EXACT, set()),
        (film(), EXACT, set()),
        (film(replace(VALUES, frames=())), BY_SCORE, set()),
    ],
    ids=["score", "near a list", "first frame near a list", "allowed", "its bytes", "a scan without frames"],
)
def test_of_what_moves_only_frames_that_were_flagged_are_remembered(
    scan: Evidence, because: Because, kept: set[str]
) -> None:
    assert remembered(scan, because).get(MatchedBy.PDQ, set()) == kept


def test_of_pictures_the_first_is_remembered() -> None:
    picture = replace(evidence(), pdq=PDQS[0], pdq_quality=90)
    assert remembered(picture, EXACT) == {MatchedBy.PDQ: {PDQS[0]}}
    beside = replace(film(), media_type="image/jpeg")
    assert remembered(beside, EXACT) == {MatchedBy.PDQ: {PDQS[0]}}
