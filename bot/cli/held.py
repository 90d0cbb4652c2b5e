"""``held``, ``approve``, ``dismiss``: the plan, and what a human makes of it."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.asking import somebody_is_there
from bot.cli.dismissing import dismiss_case
from bot.cli.exits import Exit
from bot.cli.filters import (
    AtLeast,
    Below,
    ForReason,
    InCommunity,
    OfAccount,
    OfCase,
    OfDeed,
    OfRule,
    Since,
    Until,
    held_filter,
    narrows,
)
from bot.cli.intents import SHOWN, conclude, counted, intent_table, plain, progress
from bot.cli.opening import AsJson, By, house_of, ledger_of, out, print_json
from bot.domain.errors import ConfigError
from bot.operate import decide, plan
from bot.ports import Filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.ports import IntentRecord, Ledger

Numbers = Annotated[list[int] | None, typer.Argument(help="Numbers of intents, as `held` shows them.", min=1)]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many, oldest first.")]
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE", help="What `held --export` wrote, as far as you left it. -: stdin."),
]
Preview = Annotated[bool, typer.Option("--preview", help="Show what is meant, and decide nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("held")(held)
    app.command("approve")(approve)
    app.command("dismiss")(dismiss)


def held(
    context: typer.Context,
    case_number: OfCase = None,
    rule: OfRule = None,
    deed: OfDeed = None,
    reason: ForReason = None,
    score_at_least: AtLeast = None,
    score_below: Below = None,
    since: Since = None,
    until: Until = None,
    account: OfAccount = None,
    community: InCommunity = None,
    limit: Limit = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a plan, one JSON object to a line. -: to stdout.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what waits for a human, and why: in `observe` this is all that would have been done."""
    which = held_filter(
        case=case_number,
        rule=rule,
        kind=deed,
        reason=reason,
        score_at_least=score_at_least,
        score_below=score_below,
        since=since,
        until=until,
        account=account,
        community=community,
    )
    with ledger_of(context) as ledger:
        if export is not None:
            _export(plan.pages(ledger, which, limit=limit), export)
        elif as_json:
            print_json([plain(record) for record in plan.pages(ledger, which, limit=limit)])
        else:
            _list(list(plan.pages(ledger, which, limit=limit or SHOWN)), ledger.tally(which))


def approve(
    context: typer.Context,
    by: By,
    intents: Numbers = None,
    case_number: OfCase = None,
    rule: OfRule = None,
    deed: OfDeed = None,
    reason: ForReason = None,
    score_at_least: AtLeast = None,
    score_below: Below = None,
    since: Since = None,
    until: Until = None,
    account: OfAccount = None,
    community: InCommunity = None,
    limit: Limit = None,
    plan_file: PlanFile = None,
    preview: Preview = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Release what is held. Nothing is scanned again; what is not as it was judged any more is skipped.

    Give numbers of intents, or a plan, or options that say which. Without a terminal the latter need --yes.
    """
    which = held_filter(
        case=case_number,
        rule=rule,
        kind=deed,
        reason=reason,
        score_at_least=score_at_least,
        score_below=score_below,
        since=since,
        until=until,
        account=account,
        community=community,
    )
    with house_of(context) as house:
        ways = "give the numbers of intents, or --plan, or options that say which, such as --rule or --case"
        chosen = _chosen(house.ledger, intents, plan_file, which, limit, ways)
        if preview:
            _show(chosen, as_json=as_json)
            return
        if _is_bulk(intents, plan_file, which):
            _ask("Release", chosen.records, yes=yes, as_json=as_json)
        records = progress(chosen.records, "Releasing", total=len(chosen.records))
        results = decide.approve(house.ledger, house.guard, records, by=by)
        conclude(house, [*chosen.skipped, *results], as_json=as_json)


def dismiss(
    context: typer.Context,
    by: By,
    whole_case: Annotated[
        int | None, typer.Argument(min=1, help="The case: all its holds, and what was done for it.", metavar="CASE")
    ] = None,
    intent: Annotated[list[int] | None, typer.Option(min=1, help="End only this hold (may be repeated).")] = None,
    case_number: OfCase = None,
    rule: OfRule = None,
    deed: OfDeed = None,
    reason: ForReason = None,
    score_at_least: AtLeast = None,
    score_below: Below = None,
    since: Since = None,
    until: Until = None,
    account: OfAccount = None,
    community: InCommunity = None,
    limit: Limit = None,
    plan_file: PlanFile = None,
    preview: Preview = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """The flag was wrong: end the holds of a case and take back what was done for it.

    On a terminal it first shows what would come of it, and asks. With --intent, a plan, or options that say which,
    only holds are ended; what of them may have been done is taken back. Without a terminal the latter need --yes.
    """
    which = held_filter(
        case=case_number,
        rule=rule,
        kind=deed,
        reason=reason,
        score_at_least=score_at_least,
        score_below=score_below,
        since=since,
        until=until,
        account=account,
        community=community,
    )
    with house_of(context) as house:
        if whole_case is not None:
            if intent or plan_file is not None or narrows(which) or limit is not None:
                raise ConfigError("a case is dismissed as a whole; for single holds of it use --case")
            dismiss_case(house, whole_case, by=by, preview=preview, yes=yes, as_json=as_json)
            return
        ways = "give the number of a CASE, to dismiss all of it; or --intent N, or --plan, or options that say which"
        chosen = _chosen(house.ledger, intent, plan_file, which, limit, ways)
        if preview:
            _show(chosen, as_json=as_json)
            return
        if _is_bulk(intent, plan_file, which):
            _ask("Dismiss", chosen.records, yes=yes, as_json=as_json)
        records = progress(chosen.records, "Dismissing", total=len(chosen.records))
        results = decide.dismiss_intents(house.ledger, records, by=by)
        conclude(house, [*chosen.skipped, *results], as_json=as_json)


def _chosen(
    ledger: Ledger, numbers: Sequence[int] | None, plan_file: Path | None, which: Filter, limit: int | None, ways: str
) -> plan.Chosen:
    """By one of three ``ways``; two at once would be a guess at what was meant."""
    given = [bool(numbers), plan_file is not None, narrows(which)]
    if sum(given) != 1:
        raise ConfigError(ways)
    if numbers:
        return plan.Chosen(records=decide.intents_or_error(ledger, numbers), skipped=())
    if plan_file is None:
        return plan.Chosen(records=list(plan.pages(ledger, which, limit=limit)), skipped=())
    if str(plan_file) == "-":
        return plan.choose(ledger, sys.stdin)
    try:
        with plan_file.open(encoding="utf-8") as lines:
            return plan.choose(ledger, lines)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{plan_file}: cannot be read: {error}") from None


def _is_bulk(numbers: Sequence[int] | None, plan_file: Path | None, which: Filter) -> bool:
    """Numbers, a plan and a case name what they mean; of everything else nobody has seen the list yet."""
    only_case = which == Filter(states=which.states, case=which.case)
    return not numbers and plan_file is None and not only_case


def _ask(what: str, records: Sequence[IntentRecord], *, yes: bool, as_json: bool) -> None:
    if yes or not records:
        return
    kinds = counted(Counter(record.intent.kind for record in records))
    if as_json or not somebody_is_there():
        raise ConfigError(f"those are {kinds}. Look with --preview, then say --yes: nobody can be asked here")
    intent_table(records)
    if not typer.confirm(f"{what} {kinds}?", default=False):
        out.print("Nothing was decided.")
        raise typer.Exit(Exit.NOT_SO)


def _show(chosen: plan.Chosen, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "intents": [plain(record) for record in chosen.records],
                "skipped": [{**plain(one.record), "result": one.detail} for one in chosen.skipped],
            }
        )
        return
    _list(chosen.records, Counter(record.intent.kind for record in chosen.records))
    for one in chosen.skipped[:SHOWN]:
        out.print(f"intent {one.record.id}: {one.detail}")
    out.print("Nothing was decided.")


def _list(records: Sequence[IntentRecord], all_of_them: Mapping[str, int]) -> None:
    if not records:
        out.print("Nothing is held.")
        return
    intent_table(records)
    shown = min(len(records), SHOWN)
    out.print(f"{counted(all_of_them)}.")
    if shown < sum(all_of_them.values()):
        out.print(f"{shown} of them are shown. Narrow them down, or take them all: --json, --export FILE.")


def _line(record: IntentRecord) -> str:
    """Readable, and valid whatever a server put into a name: half a character becomes an escape of JSON's own."""
    text = json.dumps(plan.line_of(record), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _export(records: Iterable[IntentRecord], to: Path) -> None:
    """For whoever runs this alone: a plan names people."""
    lines = (_line(record) for record in records)
    if str(to) == "-":
        for line in lines:
            typer.echo(line)
        return
    try:
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{to} is there already, and somebody may work on it: name another file") from None
    except OSError as error:
        raise ConfigError(f"{to}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            number = sum(1 for line in lines if file.write(f"{line}\n"))
    except BaseException as error:
        to.unlink(missing_ok=True)  # half a plan looks like a whole one
        if isinstance(error, OSError):
            raise ConfigError(f"{to}: cannot be written: {error.strerror}") from None
        raise
    out.print(
        f"{number} held intents are in {to}. Take out what should not be done, then `fediwarden approve --plan {to}`."
    )
