"""The plan as a file: one held intent to a line, for people to read, sort, shorten and give back.

Each line is a JSON object. The keys below are a promise; more may join them. No picture, and no address of one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.domain.decisions import IntentState
from bot.domain.errors import ConfigError
from bot.operate.decide import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bot.ports import Filter, IntentRecord, Ledger

FORMAT = 1
PAGE = 1000
NEEDED = {"intent": int, "deed": str, "target": str, "rule_digest": str}
"""What a line has to say at least; the rest is for people."""


class PlanError(ConfigError):
    """A plan cannot be read; the message names the line. Nothing is decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is left of a plan: what still is as it was exported, and what is not, with why."""

    records: Sequence[IntentRecord]
    skipped: Sequence[Result]


def pages(ledger: Ledger, which: Filter, *, limit: int | None = None) -> Iterator[IntentRecord]:
    """Intents that fit, in the order of their ids; a ledger may hold a hundred thousand."""
    after = 0
    while limit is None or limit > 0:
        page = ledger.find(which, limit=PAGE if limit is None else min(PAGE, limit), after=after)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id
        limit = None if limit is None else limit - len(page)


def line_of(record: IntentRecord) -> dict[str, Any]:
    """One intent, for a plan."""
    intent, because = record.intent, record.because
    about, place = intent.about, intent.place
    return {
        "plan": FORMAT,
        "intent": record.id,
        "case": record.case,
        "deed": intent.kind,
        "target": intent.target,
        "rule": record.rule_id,
        "rule_digest": record.rule_digest,
        "because": because.text,
        "exact": because.exact,
        "score": because.score,
        "threshold": because.threshold,
        "distance": because.distance,
        "reasons": [reason.value for reason in record.reasons],
        "detail": record.detail,
        "account": about.handle if about is not None else None,
        "account_id": about.uri if about is not None else None,
        "community": place.handle if place is not None else None,
        "created": record.created_at.isoformat(),
    }


def choose(ledger: Ledger, lines: Iterable[str]) -> Chosen:
    """What a plan names, as far as it still is what was exported. Raises ``PlanError``, before anything is decided."""
    records, skipped = [], []
    for number, line in _read(lines):
        record = ledger.intent(line["intent"])
        if record is None:
            raise PlanError(f"line {number}: this ledger has no intent {line['intent']}; the plan is of another one")
        changed = _changed(record, line)
        if changed is None:
            records.append(record)
        else:
            skipped.append(Result(record=record, ok=False, detail=f"skipped: {changed}"))
    return Chosen(records=records, skipped=skipped)


def _read(lines: Iterable[str]) -> Sequence[tuple[int, dict[str, Any]]]:
    """Lines that say something, with their numbers."""
    found: dict[int, tuple[int, dict[str, Any]]] = {}
    for number, text in enumerate(lines, 1):
        if not text.strip("\ufeff \t\r\n"):
            continue
        line = _parsed(number, text.strip("\ufeff"))
        twin = found.setdefault(line["intent"], (number, line))
        if twin[0] != number:
            raise PlanError(f"line {number}: intent {line['intent']} stands in line {twin[0]} already")
    return list(found.values())


def _parsed(number: int, text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError as error:
        raise PlanError(f"line {number}: is not JSON ({error})") from None
    if not isinstance(line, dict):
        raise PlanError(f"line {number}: has to be a JSON object, as `fediwarden held --export` writes it")
    if line.get("plan", FORMAT) != FORMAT:
        raise PlanError(f"line {number}: this version reads plans of the format {FORMAT}; export it again")
    for key, kind in NEEDED.items():
        if not isinstance(line.get(key), kind) or isinstance(line[key], bool):
            raise PlanError(f"line {number}: `{key}` is missing, or is no {'number' if kind is int else 'text'}")
    return line


def _changed(record: IntentRecord, line: dict[str, Any]) -> str | None:
    """What is not as it was exported any more."""
    if (record.intent.kind, record.intent.target) != (line["deed"], line["target"]):
        return "the intent of this number is another deed, or has another target"
    if record.rule_digest != line["rule_digest"]:
        return "it rests on another version of its rule"
    if record.state is not IntentState.HELD:
        return f"is {record.state.value} by now, not held"
    return None
