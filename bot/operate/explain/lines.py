"""The timeline: one line for everything that happened, oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from bot.domain.evidence import Evidence, Unscannable
from bot.operate.explain.shape import Line
from bot.operate.explain.words import answer, as_words, hits, on, scores, whose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bot.ports.story import ScanTold, Story

    Free: TypeAlias = Callable[[str], str]

BOT = "fediwarden"


def timeline(story: Story, *, free: Free, state: Callable[[Any], dict[str, Any]]) -> Sequence[Line]:
    """What happened at the same moment stands in the order in which one follows from the other.

    ``free`` and ``state`` take out of free text and of servers' states what is not to be told.
    """
    told = [
        *_uploads(story),
        *_seen(story),
        *(_scanned(look, free) for look in story.scans),
        *_judged(story),
        *_decided(story, free),
        *_tried(story, free, state),
        *_erased(story),
    ]
    return tuple(sorted(told, key=lambda line: line.at))


def _uploads(story: Story) -> Iterator[Line]:
    for upload in story.uploads:
        yield Line(
            at=upload.uploaded_at, what="uploaded", who=upload.uploader.handle, text=f"stored {upload.name}", facts=()
        )


def _seen(story: Story) -> Iterator[Line]:
    for seen in story.seen:
        subject, media = seen.sighting.subject, seen.sighting.media
        place = f" in {subject.community.handle}" if subject.community is not None else ""
        facts = [f"file: {seen.sighting.name}", f"address: {subject.uri}"]
        if subject.published_at is not None:
            facts.append(f"published: {subject.published_at:%Y-%m-%d %H:%M:%S} UTC, by its server's word")
        if seen.last != seen.first:
            facts.append(f"last seen: {seen.last:%Y-%m-%d %H:%M:%S} UTC")
        if seen.sighting.backlog:
            facts.append("was there before the bot's first run")
        yield Line(
            at=seen.first,
            what="seen",
            who=subject.author.handle if subject.author is not None else "",
            text=f"{media.role.value} in {subject.kind} {subject.local_id} on {subject.instance}{place}",
            facts=tuple(facts),
        )


def _scanned(look: ScanTold, free: Free) -> Line:
    match look.scan:
        case Evidence():
            facts = [
                *(f"{one.mode} list {one.list_id} matches by {one.by}" for one in hits(look.scan)),
                *(
                    f"{one.detector}/{one.label}: {one.value:.3f} (revision {one.revision})"
                    for one in scores(look.scan)
                ),
                *(f"structure: {finding.detail}" for finding in look.scan.findings),
                *(f"not looked at: {gap}" for gap in look.scan.gaps),
            ]
            text = f"file {look.file} was looked at"
        case Unscannable():
            facts = [f"{look.scan.kind.value}: {free(look.scan.detail)}"]
            text = f"file {look.file} could not be read"
        case _:
            assert_never(look.scan)
    return Line(at=look.at, what="scanned", who=BOT, text=text, facts=tuple(facts))


def _judged(story: Story) -> Iterator[Line]:
    for verdict in story.verdicts:
        facts = (f"rule digest: {verdict.rule_digest}", f"file: {verdict.file}")
        yield Line(at=verdict.at, what="verdict", who=f"rule {verdict.rule_id}", text=verdict.because.text, facts=facts)
    for intent in story.intents:
        text = f"{intent.kind}: {intent.planned}"
        told = [f"on: {on(intent.intent)}", whose(intent.intent)]
        yield Line(at=intent.at, what="planned", who="guard", text=text, facts=tuple(filter(None, told)))


def _tried(story: Story, free: Free, state: Callable[[Any], dict[str, Any]]) -> Iterator[Line]:
    intents = {intent.id: intent for intent in story.intents}
    for attempt in story.attempts:
        intent = intents[attempt.intent]
        deed = f"undo {intent.kind}" if attempt.reverting else intent.kind
        target = f"on: {on(intent.intent)}"
        before = [f"the server said before: {as_words(state(attempt.before))}"] if attempt.before else []
        yield Line(at=attempt.at, what="attempt", who=BOT, text=f"{deed}: the call goes out", facts=(target, *before))
        if attempt.ended is not None:
            word, code, note = answer(attempt.outcome)
            said = [f"the server's word: {code}"] if code else []
            text = f"{deed}: {word.replace('_', ' ')}" + (f" ({free(note)})" if note else "")
            yield Line(at=attempt.ended, what="outcome", who=BOT, text=text, facts=(target, *said))


def _decided(story: Story, free: Free) -> Iterator[Line]:
    for made in story.decisions:
        facts = (f"intent {made.intent}",) if made.intent is not None else ()
        text = f"{made.what} ({free(made.note)})" if made.note else made.what
        yield Line(at=made.at, what="decision", who=made.who or "(erased)", text=text, facts=facts)


def _erased(story: Story) -> Iterator[Line]:
    for erasure in story.erasures:
        amount = ", ".join(f"{what}: {number}" for what, number in sorted(erasure.counts.items()))
        why = "all that names an account" if erasure.scope == "account" else "whom and what the case names"
        yield Line(at=erasure.at, what="erased", who=erasure.who, text=f"{why}: {amount}", facts=())
