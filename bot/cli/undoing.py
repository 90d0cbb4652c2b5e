"""``undo``: what was done is taken back, of one case or of a night."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.asking import somebody_is_there
from bot.cli.exits import Exit
from bot.cli.filters import moment
from bot.cli.intents import SHOWN, conclude, counted, describe, plain, progress
from bot.cli.opening import AsJson, By, house_of, out, print_json, whole
from bot.domain.errors import ConfigError
from bot.operate import undo as operate
from bot.settings import LOCAL_BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.operate.undo import Outlook, Span
    from bot.ports import IntentRecord, Ledger
    from bot.wiring import House

Since = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="TIME", help="All that was done then or later: a time in UTC, or 2h, 7d ago."),
]
Until = Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", help="Only what was done before that.")]


ASK = 100
"""Deeds that a preview asks the server about."""


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("undo")(undo)


def undo(
    context: typer.Context,
    by: By,
    case_number: Annotated[int | None, typer.Argument(min=1, help="The case.", metavar="CASE")] = None,
    since: Since = None,
    until: Until = None,
    rule: Annotated[str | None, typer.Option(help="With --since: only what this rule wanted.")] = None,
    account: Annotated[str | None, typer.Option(help="With --since: only about this account.")] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Ask the server what could be restored, and change nothing.")
    ] = False,
    ask: Annotated[
        int, typer.Option(min=0, help="Deeds that the preview asks the server about; each takes two calls.")
    ] = ASK,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="No preview and no question.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take back what was done: restore posts, lift bans, resolve reports. Nothing is deleted; a purge is for ever.

    On a terminal it first shows what would come of it, and asks. Elsewhere --since needs --yes.
    """
    span = _span(case_number, since, until, rule, account)
    asks = somebody_is_there() and not as_json
    with house_of(context) as house:
        records = operate.of_span(house.ledger, span) if span else operate.of_case(house.ledger, case_number or 0)
        if preview or (asks and not yes and records):
            _show(outlooks(house, records, ask), as_json=as_json)
        if preview:
            return
        if not yes and records:
            _agree(records, asks=asks, named=span is None)
        if span is not None:
            results = operate.undo_span(house.ledger, span, by=by, list_id=LOCAL_BLOCK)
            conclude(house, results, as_json=as_json)
        else:
            number = case_number or 0
            results = operate.undo_case(house.ledger, number, by=by, list_id=LOCAL_BLOCK)
            conclude(house, results, as_json=as_json, nothing=_marked(house.ledger, number))


def _marked(ledger: Ledger, number: int) -> str:
    case = ledger.case(number)
    state = case.state if case is not None else ""
    return f"Case {number} is marked as {state}: nothing new is done for it without a human. There was nothing to undo."


def _span(
    case_number: int | None, since: datetime | None, until: datetime | None, rule: str | None, account: str | None
) -> Span | None:
    if (case_number is None) == (since is None):
        raise ConfigError("give the number of a case, or --since and a time")
    if since is None:
        if until is not None or rule is not None or account is not None:
            raise ConfigError("--until, --rule and --account go with --since; a case is undone as a whole")
        return None
    if until is not None and until <= since:
        raise ConfigError("--until is not after --since")
    return operate.Span(since=since, until=until, rule=rule, account=account)


def _agree(records: Sequence[IntentRecord], *, asks: bool, named: bool) -> None:
    """A script that names a case means it; one that names a time may not know what is in it."""
    kinds = counted(Counter(record.intent.kind for record in records))
    if asks:
        if not typer.confirm(f"Undo {kinds}?", default=False):
            out.print("Nothing was changed.")
            raise typer.Exit(Exit.NOT_SO)
    elif not named:
        raise ConfigError(f"those are {kinds}. Look with --preview, then say --yes: nobody can be asked here")


def outlooks(house: House, records: Sequence[IntentRecord], ask: int) -> Sequence[Outlook]:
    """What would come of undoing these; the servers are asked about at most ``ask`` of them."""
    enforcers = {id_: instance.enforcer for id_, instance in house.instances.items()}
    found = operate.preview(house.ledger, enforcers, records, ask=ask)
    return list(progress(found, "Asking the server", total=len(records)))


def _show(outlooks: Sequence[Outlook], *, as_json: bool) -> None:
    if as_json:
        print_json(as_rows(outlooks))
    elif not outlooks:
        out.print("There is nothing to undo.")
    else:
        outlook_table(outlooks)


def as_rows(outlooks: Sequence[Outlook]) -> Sequence[dict[str, Any]]:
    """For scripts."""
    return [{**plain(one.record), "prospect": one.prospect, "why": one.why} for one in outlooks]


def outlook_table(outlooks: Sequence[Outlook]) -> None:
    """For people, up to ``SHOWN``."""
    table = whole("intent", "case", "deed", "on", "undo", "why")
    for one in outlooks[:SHOWN]:
        record = one.record
        table.add_row(
            str(record.id),
            str(record.case),
            record.intent.kind,
            describe(record.intent),
            str(one.prospect),
            one.why,
        )
    out.print(table)
    if len(outlooks) > SHOWN:
        out.print(f"{SHOWN} of them are shown; --json has all.")
    out.print(
        f"{counted(Counter(str(one.prospect) for one in outlooks))}. Each is looked at again before it is touched."
    )
