"""``case --export``, ``audit`` and ``erase``: what happened, the proof of it, and letting go of it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exits import Exit
from bot.cli.opening import AsJson, By, ledger_of, out, print_json
from bot.cli.words import several
from bot.domain.errors import ConfigError, StillWaitingError
from bot.ports import Head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.operate.explain import Explanation
    from bot.ports import AuditReport, Ledger

trail = typer.Typer(no_args_is_help=True, help="The chain of digests behind everything that was decided and done.")


class Format(StrEnum):
    """How a case is written down."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


BY_ENDING = {".json": Format.JSON, ".html": Format.HTML, ".htm": Format.HTML}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(trail, name="audit")
    app.command("erase")(erase)


def export(ledger: Ledger, number: int, to: str, wanted: Format | None, *, with_reporters: bool) -> None:
    """Write a case down; ``-`` is stdout. Raises ``ConfigError`` where the file cannot be written."""
    from bot.operate.decide import case_or_error
    from bot.operate.explain import explain
    from bot.operate.setup import write_private

    case_or_error(ledger, number)
    case = ledger.case(number)
    if case is None:
        raise typer.Exit(Exit.UNKNOWN)
    told = explain(case, ledger.story(number), now=datetime.now(UTC), with_reporters=with_reporters)
    text = _written(told, wanted or BY_ENDING.get(Path(to).suffix.lower(), Format.TEXT))
    if to == "-":
        sys.stdout.write(text)
        return
    try:
        write_private(Path(to), text)
    except OSError as error:
        raise ConfigError(f"{to} cannot be written: {error.strerror}") from None
    out.print(f"case {number} is written to {to}, for you alone to read: it names people")


def _written(told: Explanation, wanted: Format) -> str:
    from bot.operate.explain import as_json, as_page, as_text

    match wanted:
        case Format.TEXT:
            return as_text(told)
        case Format.JSON:
            return as_json(told)
        case Format.HTML:
            return as_page(told)


@trail.command("head")
def head(context: typer.Context, as_json: AsJson = False) -> None:
    """Print number and digest of the last entry: keep them where nobody who can write to the ledger can change them."""
    with ledger_of(context) as ledger:
        last = ledger.head()
    if as_json:
        print_json({"n": last.n, "digest": last.digest})
    else:
        typer.echo(str(last))


@trail.command("verify")
def verify(
    context: typer.Context,
    kept: Annotated[
        str | None,
        typer.Option("--head", metavar="NUMBER:DIGEST", help="A head that you kept: shows whether the end is missing."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute the whole chain anew, and compare it with everything that it vouches for."""
    try:
        known = Head.parse(kept) if kept is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--head") from None
    with ledger_of(context) as ledger:
        report = ledger.verify(kept=known)
    if as_json:
        _print_report_json(report)
    else:
        _print_report(report, compared=known is not None)
    if report.problems:
        raise typer.Exit(Exit.NOT_SO)


def _print_report(report: AuditReport, *, compared: bool) -> None:
    for problem in report.problems:
        out.print(f"entry {problem.n}: {problem.what}" if problem.n is not None else problem.what)
    if report.more_problems:
        out.print(f"and {report.more_problems} more")
    if report.problems:
        first = next((problem.n for problem in report.problems if problem.n is not None), None)
        number = len(report.problems) + report.more_problems
        faults = "one fault" if number == 1 else f"{number} faults"
        where = f", the first at entry {first}" if first is not None else ""
        out.print(f"\nThe ledger is not as it was written: {faults}{where}.")
        out.print("Keep a copy of it as it is, and compare it with your backups.")
    else:
        one, many = "entry. It, and all that it vouches for, is", "entries. They, and all that they vouch for, are"
        out.print(several(report.entries, f"{one} as it was written.", f"{many} as they were written."))
    if report.vouches_since is not None:
        out.print(f"What is older than {report.vouches_since:%Y-%m-%d %H:%M} UTC is vouched for from then on only.")
    for erased in report.erased:
        about = f"case {erased.case}" if erased.case is not None else "no case"
        payloads = several(erased.entries, "payload", "payloads")
        out.print(f"erased on {erased.at:%Y-%m-%d} by {erased.by}: {payloads} of {about}")
    out.print("The head, to be kept elsewhere:" if compared else "The head, to be kept elsewhere (`--head` compares):")
    typer.echo(str(report.head))


def _print_report_json(report: AuditReport) -> None:
    print_json(
        {
            "ok": not report.problems,
            "entries": report.entries,
            "head": {"n": report.head.n, "digest": report.head.digest},
            "problems": [{"n": problem.n, "what": problem.what} for problem in report.problems],
            "more_problems": report.more_problems,
            "erased": [
                {"at": one.at, "by": one.by, "scope": one.scope, "case": one.case, "payloads": one.entries}
                for one in report.erased
            ],
            "vouches_since": report.vouches_since,
        }
    )


def erase(
    context: typer.Context,
    by: By,
    case_number: Annotated[int | None, typer.Option("--case", min=1, help="A case: whom and what it names.")] = None,
    account: Annotated[
        str | None, typer.Option(help="An account, as name@host or by its address: all that names it.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase personal data for good. Digests of files, lists and the audit trail stay; undo is not possible after it."""
    if (case_number is None) == (account is None):
        raise typer.BadParameter("give --case and a number, or --account and a name")
    with ledger_of(context) as ledger:
        try:
            done = _case(ledger, case_number, by, yes) if case_number else _account(ledger, account or "", by, yes)
        except StillWaitingError as error:
            typer.echo(f"fediwarden: {error}", err=True)
            raise typer.Exit(Exit.NOT_SO) from None
        last = ledger.head()
    out.print(f"erased: {_amounts(done)}" if done else "There is nothing left to erase.")
    if done:
        out.print("It is still in your backups, and may be in logs. The head of the audit trail is now:")
        typer.echo(str(last))


def _case(ledger: Ledger, number: int, by: str, yes: bool) -> Mapping[str, int]:
    from bot.operate.erase import contents, erase_case

    found = contents(ledger, number)
    if not found.empty and not found.waiting:
        out.print(
            f"Case {number} (deeds: {found.deeds}, decisions: {found.decisions}, sightings: {found.sightings}, "
            f"uploads: {found.uploads}) will name nobody any more. What was done for it cannot be undone after that."
        )
        _sure(yes)
    return erase_case(ledger, number, by=by)


def _account(ledger: Ledger, who: str, by: str, yes: bool) -> Mapping[str, int]:
    from bot.operate.erase import erase_account, traces

    found = traces(ledger, who)
    if not found.waiting:
        cases = ", ".join(str(number) for number in found.cases) or "none"
        out.print(
            f"{', '.join(found.handles)} ({', '.join(found.uris)}): sightings: {found.sightings}, uploads: "
            f"{len(found.uploads)}, deeds: {found.deeds}, in cases: {cases}. All of it will be erased. What was "
            "done about the account cannot be undone after that. While it is active, the bot sees it anew."
        )
        _sure(yes)
    return erase_account(ledger, found, by=by)


def _sure(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to be asked; --yes erases without asking")
    typer.confirm("Erase this for good?", abort=True)


def _amounts(done: Mapping[str, int]) -> str:
    return ", ".join(f"{what}: {number}" for what, number in sorted(done.items()))
