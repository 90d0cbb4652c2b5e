"""A case with something of everything, and hostile text wherever a server or a human may put any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.content import MediaRef, RemoteUrl, Role, Sighting
from bot.domain.decisions import (
    Allow,
    BanAccount,
    Because,
    Done,
    Failed,
    Hold,
    HoldReason,
    IntentState,
    PurgeFile,
    Refused,
    Remove,
    Report,
    Verdict,
)
from bot.domain.evidence import Evidence, Finding, Hit, ListMode, MatchedBy, Score, Unscannable, UnscannableKind
from bot.ports import Batch
from making import HERE, SHA, account, address, alias, post, upload

if TYPE_CHECKING:
    from bot.ledger import SqlLedger
    from making import StillClock

HTML = "<script src=//evil.example/x.js></script><img src=x onerror=alert(1)><a href='javascript:1'>\"'&"
BIDI = "\u202egpj.exe\u2066\u200b\x1b[31m\n\r\t\x00\u2028"
HOSTILE = f"{HTML}{BIDI}"
CANARY = "77" * 32
"""A list's own entry: it is somebody else's, and told to nobody."""

REPORTER = "carol@far.example"
MODERATOR = "https://far.example/u/dave"


def build(ledger: SqlLedger, clock: StillClock, *, hostile: str = "") -> None:
    """Case 1: seen in two places, flagged by a list and a score, dealt with, undone in part."""
    poster = account("bob", handle=f"bob{hostile}@here.example")
    remote = RemoteUrl(value=f"https://far.example/cat{hostile}.png")
    far = Sighting(
        subject=post(2, poster, url="https://here.example/post/2"),
        media=MediaRef(url=remote.value, role=Role.LINK),
        name=remote,
        seen_at=clock.now(),
    )
    here = Sighting(
        subject=post(1),
        media=MediaRef(url=address(alias()), role=Role.ATTACHMENT),
        name=alias(),
        seen_at=clock.now(),
        backlog=True,
    )
    ledger.record("", Batch(sightings=[here, far], uploads=[upload()]), examine_uploads=False)
    file_id = ledger.bind(alias(), SHA)
    ledger.save_scan(
        file_id,
        Unscannable(kind=UnscannableKind.UNREACHABLE, detail=f"far.example: {hostile} by {REPORTER}"),
    )
    clock.pass_(seconds=2)
    ledger.bind(remote, SHA)
    ledger.save_scan(
        file_id,
        Evidence(
            sha256=SHA,
            media_type="image/png",
            size=123_456,
            width=640,
            height=480,
            findings=(Finding(kind="trailing", detail=f"17 bytes after the end {hostile}"),),
            hits=(Hit(list_id="bad", mode=ListMode.BLOCK, by=MatchedBy.PDQ, entry=CANARY, distance=8, note=CANARY),),
            scores=(Score(detector="nsfw", revision="onnx-1.2+labels", label="nsfw", value=0.9137),),
            gaps=("clip: unavailable",),
        ),
    )
    ledger.keep_rule("d1", "known", f"id: known\nwhen: {{lists: [bad]}}\ntext: {hostile or 'please review'}\n")
    case = ledger.open_case(file_id).number
    exact = Because(text=f"flagged by list bad (sha256){hostile}", exact=True, list_ids=("bad",))
    first = Verdict(rule_id="known", rule_digest="d1", because=exact, intents=())
    report = Report(instance=HERE, subject=post(1), text="please review")
    remove = Remove(instance=HERE, subject=post(1), text="please review")
    purge = PurgeFile(instance=HERE, name=alias(), url=address(alias()), uploader=account())
    held = Hold(reasons=(HoldReason.SHARED_FILE,), detail=f"also shown by {REPORTER}{hostile}")
    ledger.add_verdict(case, file_id, first, [(report, Allow()), (remove, Allow()), (purge, held)])
    score = Because(text="flagged by nsfw/nsfw at threshold 0.85", exact=False, score=0.9137, threshold=0.85)
    second = Verdict(rule_id="nsfw", rule_digest="d2", because=score, intents=())
    ban = BanAccount(instance=HERE, account=account("bob", handle=f"bob{hostile}@here.example"), days=30)
    ledger.add_verdict(case, file_id, second, [(ban, Hold(reasons=(HoldReason.NEEDS_APPROVAL,)))])
    _act(ledger, clock, hostile)


def _act(ledger: SqlLedger, clock: StillClock, hostile: str) -> None:
    lease = ledger.acquire("me", seconds=36000)
    assert lease is not None
    clock.pass_(seconds=3)
    attempt = ledger.begin(1, reverting=False, before={}, fence=lease.fence)
    ledger.end(attempt, Done(note=f"report 5, resolved by {MODERATOR}{hostile}"), state=IntentState.DONE)
    clock.pass_(seconds=5)
    before = {
        "removed": False,
        "reports": [{"id": 7, "creator": "carol", "reason": "carol says so"}],
        "resolver_id": 12,
        "note": f"@carol {hostile}",
    }
    attempt = ledger.begin(2, reverting=False, before=before, fence=lease.fence)
    ledger.end(attempt, Failed(note=f"HTTP 502 {hostile}", retry_after=1.0), state=IntentState.READY)
    clock.pass_(seconds=5)
    attempt = ledger.begin(2, reverting=False, before=before, fence=lease.fence)
    ledger.end(attempt, Done(note="removed; the file stays public"), state=IntentState.DONE)
    clock.pass_(seconds=3600)
    ledger.set_state(3, IntentState.DISMISSED, by=f"mo{hostile}", detail=f"{REPORTER} has shown it first")
    ledger.set_state(4, IntentState.READY, by="mo", approve=True, detail="approved")
    attempt = ledger.begin(4, reverting=False, before={}, fence=lease.fence)
    ledger.end(attempt, Refused(code="not_an_admin", note=f"no {hostile}"), state=IntentState.REFUSED)
    clock.pass_(days=1)
    ledger.set_state(2, IntentState.UNDOING, by="mo", detail="case undone")
    attempt = ledger.begin(2, reverting=True, before={"removed": True}, fence=lease.fence)
    ledger.end(attempt, Done(note="restored; the mod log keeps both entries"), state=IntentState.UNDONE)
    ledger.set_case(1, "undone", by="mo", note=f"{MODERATOR} asked for it {hostile}")
