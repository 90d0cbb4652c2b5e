"""How trials of rules look on screen and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from bot.cli.intents import SHOWN, describe
from bot.cli.opening import bold, out, print_json, whole
from bot.cli.words import describe_scan
from bot.domain.decisions import Allow
from bot.domain.evidence import Evidence
from bot.operate import decide
from bot.operate.rules import in_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bot.domain.decisions import Decision
    from bot.operate.trying import Compared, Sums
    from bot.pipeline.stand_in import StandIn
    from bot.pipeline.trial import Tried
    from bot.policy import Rule


def tell_pictures(tried: Sequence[tuple[Path, Tried]], stand_in: StandIn, *, as_json: bool) -> None:
    """What would follow if each picture were posted now."""
    from bot.pipeline.trial import ASSUMED

    age = f"{in_time(stand_in.account_age)} ago" if stand_in.account_age else "just now"
    how = (
        f"each picture is posted now on {stand_in.instance} as {stand_in.role.value}, by a "
        f"{'local' if stand_in.local else 'remote'} account that uploaded it and was made {age}"
    )
    assumed = [how, *ASSUMED]
    if as_json:
        files = [{"file": str(path), "scan": describe_scan(one.scan), **_plain(one)} for path, one in tried]
        print_json({"assumed": assumed, "pictures": files})
        return
    for path, one in tried:
        out.print(bold(str(path), f"\n  {describe_scan(one.scan)}"), soft_wrap=True)
        for lack in one.lacks:
            out.print(f"  {lack}")
        if one.firings:
            table = whole("rule", "because", "deed", "on", "the guard")
            _rows(table, [], one)
            out.print(table)
        elif isinstance(one.scan, Evidence):
            out.print("  no rule fires")
    _tell_assumed(assumed)


def tell_stored(
    these: Sequence[Rule], sums: Sums, shown: Sequence[Compared], *, as_json: bool, only_changed: bool
) -> None:
    """What would follow from what was scanned, beside what did."""
    from bot.pipeline.trial import ASSUMED

    digests = {rule.id: rule.digest for rule in these}
    ids = [*digests, *sorted(set(sums.before) - set(digests))]
    assumed = ["ages of accounts as of the scan", *ASSUMED]
    if as_json:
        print_json(
            {
                "assumed": assumed,
                "scans": sums.scans,
                "more": sums.more,
                "changed": sums.changed,
                "rules": [
                    {
                        "rule": id_,
                        "digest": digests.get(id_),
                        "fires": sums.fires[id_],
                        "before": sums.before[id_],
                        "new": sums.new[id_],
                        "no_longer": sums.no_longer[id_],
                    }
                    for id_ in ids
                ],
                "lacks": dict(sums.lacks),
                "files": [
                    {
                        "file": one.looked.file,
                        "case": one.looked.case,
                        "scanned": one.looked.at,
                        "changed": one.changed,
                        "new": list(one.new),
                        "no_longer": list(one.no_longer),
                        "otherwise": list(one.otherwise),
                        **_plain(one.tried),
                    }
                    for one in shown
                ],
            }
        )
        return
    table = Table("rule", "would fire on", "of scans", "before", "new", "no longer")
    for id_ in ids:
        name = id_ if id_ in digests else f"{id_} (not in it)"
        numbers = (sums.fires[id_], sums.scans, sums.before[id_], sums.new[id_], sums.no_longer[id_])
        table.add_row(name, *(str(number) for number in numbers))
    out.print(table)
    if sums.more:
        out.print(f"These are the newest {sums.scans:,} scans; there are older ones, for which `--limit` is too low.")
    for lack, number in sums.lacks.items():
        out.print(f"{number} of {sums.scans}: {lack}")
    _tell_files(shown, only_changed=only_changed)
    _tell_assumed(assumed)


def _tell_files(shown: Sequence[Compared], *, only_changed: bool) -> None:
    if not shown:
        out.print("Nothing differs from what was reached then." if only_changed else "No rule fires.")
        return
    table = whole("file", "case", "rule", "because", "deed", "on", "the guard")
    for one in shown[:SHOWN]:
        place = [str(one.looked.file), str(one.looked.case or "")]
        _rows(table, place, one.tried)
        for rule in one.no_longer:
            table.add_row(*place, rule, "fires no longer", "", "", "")
        if one.tried.note:
            table.add_row(*place, "", one.tried.note, "", "", "")
    out.print(table)
    if len(shown) > SHOWN:
        out.print(f"{len(shown) - SHOWN} more; `--json` has all of them.")


def _rows(table: Table, place: Sequence[str], tried: Tried) -> None:
    for firing in tried.firings:
        first = [firing.rule_id, firing.because.text]
        for intent, decision in firing.decisions:
            table.add_row(*place, *first, intent.kind, describe(intent), _words(decision))
            place, first = [""] * len(place), ["", ""]
        if not firing.decisions:
            table.add_row(*place, *first, "", "nothing to do it on", "")


def _tell_assumed(assumed: Iterable[str]) -> None:
    out.print(f"Assumed: {'; '.join(assumed)}.", soft_wrap=True)


def _words(decision: Decision) -> str:
    return (
        "allows it"
        if isinstance(decision, Allow)
        else f"holds it: {decide.in_words(decision.reasons, decision.detail)}"
    )


def _plain(tried: Tried) -> dict[str, Any]:
    return {
        "rules": [
            {
                "rule": firing.rule_id,
                "digest": firing.rule_digest,
                "because": asdict(firing.because),
                "deeds": [
                    {
                        "deed": intent.kind,
                        "on": describe(intent),
                        "allowed": isinstance(decision, Allow),
                        "reasons": [] if isinstance(decision, Allow) else [one.value for one in decision.reasons],
                        "words": _words(decision),
                    }
                    for intent, decision in firing.decisions
                ],
            }
            for firing in tried.firings
        ],
        "lacks": list(tried.lacks),
        "note": tried.note,
    }
