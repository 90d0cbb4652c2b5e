"""From the rows of a case to its explanation."""

from __future__ import annotations

from collections import defaultdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from bot.domain.evidence import Evidence
from bot.operate.explain.lines import timeline
from bot.operate.explain.shape import FORMAT, DeedLine, Explanation, FileLine, NameLine, TryLine, VerdictLine
from bot.operate.explain.times import done_at, held_seconds, seconds, times_of
from bot.operate.explain.withhold import without_accounts, without_people
from bot.operate.explain.words import answer, as_words, handle, hits, on, scores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.ports import CaseRecord
    from bot.ports.story import AttemptTold, DecisionTold, FileTold, IntentTold, ScanTold, Story, VerdictTold


def explain(case: CaseRecord, story: Story, *, now: datetime, with_reporters: bool = False) -> Explanation:
    """Everything about a case. ``with_reporters``: leave in who else is named in what servers and humans wrote."""
    teller = Teller(story, now=now, names=with_reporters)
    return Explanation(
        format=FORMAT,
        version=version("fediwarden"),
        case=case.number,
        state=case.state,
        headline=case.headline,
        opened=case.opened_at,
        written=now,
        names_withheld=not with_reporters,
        times=teller.times,
        files=tuple(teller.file(one) for one in story.files),
        verdicts=tuple(teller.verdict(one) for one in story.verdicts),
        deeds=tuple(teller.deed(one) for one in story.intents),
        timeline=timeline(story, free=teller.free, state=teller.state),
    )


class Teller:
    """Puts one story into words."""

    def __init__(self, story: Story, *, now: datetime, names: bool) -> None:
        """``names``: tell who is named in free text."""
        self._story = story
        self._now = now
        self._names = names
        self._verdicts = {verdict.id: verdict for verdict in story.verdicts}
        self._tries: dict[int, list[AttemptTold]] = defaultdict(list)
        for attempt in story.attempts:
            self._tries[attempt.intent].append(attempt)
        self._decisions: dict[int | None, list[DecisionTold]] = defaultdict(list)
        for decision in story.decisions:
            self._decisions[decision.intent].append(decision)
        self.times = times_of(story, self._tries)

    def free(self, text: str) -> str:
        """What a server or a human wrote."""
        return text if self._names else without_accounts(text)

    def state(self, before: Any) -> dict[str, Any]:
        """What a server said was so."""
        told: dict[str, Any] = dict(before or {})
        return told if self._names else without_people(told)

    def file(self, one: FileTold) -> FileLine:
        """A file, with what the newest scan that found something out says of it."""
        scans = [look.scan for look in self._story.scans if look.file == one.id and isinstance(look.scan, Evidence)]
        known = scans[-1] if scans else None
        names = [name for name in self._story.names if name.file == one.id]
        return FileLine(
            file=one.id,
            sha256=one.sha256,
            media_type=known.media_type if known is not None else "",
            size=known.size if known is not None else None,
            width=known.width if known is not None else None,
            height=known.height if known is not None else None,
            oddities=tuple(finding.detail for finding in known.findings) if known is not None else (),
            names=tuple(NameLine(name=str(name.name), since=name.since, still=name.still) for name in names),
        )

    def verdict(self, one: VerdictTold) -> VerdictLine:
        """A rule that fired, with the scores and hits of the scan it rested on."""
        scan = self._rests_on(one)
        return VerdictLine(
            at=one.at,
            file=one.file,
            rule=one.rule_id,
            rule_digest=one.rule_digest,
            rule_text=one.rule_text,
            because=one.because.text,
            exact=one.because.exact,
            score=one.because.score,
            threshold=one.because.threshold,
            scores=scores(scan) if scan is not None else (),
            hits=hits(scan) if scan is not None else (),
        )

    def _rests_on(self, verdict: VerdictTold) -> Evidence | None:
        """The scan that was noted; before that was done, the newest that was there."""
        looks: Sequence[ScanTold] = [look for look in self._story.scans if look.id == verdict.scan]
        if verdict.scan is None:
            looks = [look for look in self._story.scans if look.file == verdict.file and look.at <= verdict.at]
        found = [look.scan for look in looks if isinstance(look.scan, Evidence)]
        return found[-1] if found else None

    def deed(self, one: IntentTold) -> DeedLine:
        """A deed, from plan to end."""
        verdict = self._verdicts[one.verdict]
        tries = self._tries[one.id]
        done = done_at(tries)
        return DeedLine(
            intent=one.id,
            deed=one.kind,
            on=on(one.intent),
            account=handle(one.intent),
            because=verdict.because.text,
            rule=verdict.rule_id,
            planned_at=one.at,
            planned=one.planned,
            state=one.state.value,
            waits_for=tuple(reason.value for reason in one.reasons),
            detail=self.free(one.detail),
            approved_by=one.approved_by,
            tries=tuple(self.attempt(attempt) for attempt in tries),
            done_at=done,
            from_seen=seconds(self.times.first_seen, done),
            from_flagged=seconds(verdict.at, done),
            held=held_seconds(one, self._decisions[one.id], self._now),
            restored=self._restored(tries),
            erased=one.intent is None,
        )

    def attempt(self, one: AttemptTold) -> TryLine:
        """A try and its answer."""
        word, code, note = answer(one.outcome)
        return TryLine(
            at=one.at,
            ended=one.ended,
            undo=one.reverting,
            before=self.state(one.before),
            outcome=word,
            code=code,
            note=self.free(note),
        )

    def _restored(self, tries: Sequence[AttemptTold]) -> str:
        """What the last undo came to, and what it went back to: that is what was so before the first try."""
        undone = [attempt for attempt in tries if attempt.reverting and attempt.outcome is not None]
        if not undone:
            return ""
        word, _, note = answer(undone[-1].outcome)
        first = next((attempt.before for attempt in tries if not attempt.reverting and attempt.before), None)
        back = f"; before the deed it was: {as_words(self.state(first))}" if word == "done" and first else ""
        return f"{word.replace('_', ' ')}{': ' if note else ''}{self.free(note)}{back}"
