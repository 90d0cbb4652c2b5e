"""A case's story in lines. Neutral words: nothing here calls a file guilty."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from bot.domain.decisions import AlreadyDone, BanAccount, Done, Failed, LimitAccount, Outcome, PurgeFile, Refused
from bot.domain.evidence import Evidence, Unscannable
from bot.ports import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.domain.evidence import Scan
    from bot.ports.story import ErasureTold, IntentTold, Story


def events(story: Story) -> Sequence[Event]:
    """Oldest first; what happened at the same moment in the order in which one follows from the other."""
    told = [*_seen(story), *_scanned(story), *_judged(story), *_tried(story), *_decided(story)]
    return sorted(told, key=lambda event: event.at)


def _seen(story: Story) -> Iterator[Event]:
    for upload in story.uploads:
        yield Event(at=upload.uploaded_at, what="uploaded", detail=f"{upload.name} by {upload.uploader.handle}")
    for seen in story.seen:
        subject, media = seen.sighting.subject, seen.sighting.media
        by = f" by {subject.author.handle}" if subject.author is not None else ""
        place = f"{media.role.value} in {subject.key}{by}"
        yield Event(at=seen.first, what="seen", detail=f"{place}: {media.url}")


def _scanned(story: Story) -> Iterator[Event]:
    for look in story.scans:
        yield Event(at=look.at, what="scanned", detail=_scan(look.scan))


def _scan(scan: Scan) -> str:
    match scan:
        case Evidence():
            matches = [f"matches {hit.list_id} by {hit.by.value}" for hit in scan.hits]
            scores = [f"{score.detector}/{score.label} {score.value:.2f}" for score in scan.scores]
            odd = [finding.detail for finding in scan.findings]
            gaps = [f"not looked at: {gap}" for gap in scan.gaps]
            return "; ".join([scan.media_type or "unknown type", *matches, *scores, *odd, *gaps])
        case Unscannable():
            return f"could not be read: {scan.kind.value}: {scan.detail}"
        case _:
            assert_never(scan)


def _judged(story: Story) -> Iterator[Event]:
    for verdict in story.verdicts:
        rule = f"(rule {verdict.rule_id}, {verdict.rule_digest[:12]})"
        yield Event(at=verdict.at, what="verdict", detail=f"{verdict.because.text} {rule}")
    for intent in story.intents:
        yield Event(at=intent.at, what="intent", detail=f"{_deed(intent)}: {intent.planned}{_whose(intent)}")


def _tried(story: Story) -> Iterator[Event]:
    deeds = {intent.id: _deed(intent) for intent in story.intents}
    for attempt in story.attempts:
        deed = f"undo {deeds[attempt.intent]}" if attempt.reverting else deeds[attempt.intent]
        yield Event(at=attempt.at, what="attempt", detail=deed)
        if attempt.ended is not None and attempt.outcome is not None:
            yield Event(at=attempt.ended, what="outcome", detail=f"{deed}: {_outcome(attempt.outcome)}")


def _deed(intent: IntentTold) -> str:
    return f"{intent.kind} {intent.intent.target}" if intent.intent is not None else f"{intent.kind} (erased)"


def _whose(told: IntentTold) -> str:
    """Whose file it is taken to be, and how that was known when the deed was planned."""
    match told.intent:
        case PurgeFile(uploader=account, how=how) if how is not None:
            return f"; stored by {account.handle if account is not None else 'nobody known'} ({how.word})"
        case BanAccount(known=how) | LimitAccount(known=how) if how is not None:
            return f"; stored the file ({how.word})"
        case _:
            return ""


def _outcome(outcome: Outcome) -> str:
    match outcome:
        case Done():
            words = "done"
        case AlreadyDone():
            words = "so already, by us" if outcome.by_us else "so already"
        case Refused():
            words = f"refused ({outcome.code})"
        case Failed():
            words = "failed, end unknown" if outcome.unknown else "failed"
        case _:
            assert_never(outcome)
    return f"{words}: {outcome.note}" if outcome.note else words


def _decided(story: Story) -> Iterator[Event]:
    for made in story.decisions:
        note = f" ({made.note})" if made.note else ""
        yield Event(at=made.at, what="decision", detail=f"{made.who or '(erased)'}: {made.what}{note}")
    for erasure in story.erasures:
        yield Event(at=erasure.at, what="erased", detail=f"{_amount(erasure)} by {erasure.who}")


def _amount(erasure: ErasureTold) -> str:
    return ", ".join(f"{what}: {number}" for what, number in sorted(erasure.counts.items()))
