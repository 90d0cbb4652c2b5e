"""``calibrate``: how often would it be wrong here?"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from bot.classify.calibration import RATES
from bot.classify.false_alarms import METHOD, PREVALENCE, pictures_needed
from bot.cli.exits import Exit
from bot.cli.opening import AsJson, bold, out, print_json, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.operate.calibrate import Line, Measured, Report, Seen


def calibrate(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Harmless pictures of your own server.")],
    detector: Annotated[
        list[str] | None, typer.Option("--detector", help="Only this one; several are set side by side.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="SUBFOLDER", help="Compare the folders in this folder of DIR; `.`: those of DIR."),
    ] = None,
    prevalence: Annotated[
        float, typer.Option("--prevalence", min=0, max=100_000, help="Files in 100,000 that are what is looked for.")
    ] = PREVALENCE,
    page: Annotated[
        Path | None, typer.Option("--report", help="Where the page goes; without it, beside the configuration.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure false alarms on pictures of your own, and the thresholds for a wanted rate. No picture is kept.

    Writes what was measured for each detector, for its ``calibration``, and a report as a page.
    """
    from bot.operate.calibrate import as_page, document, look_at, report
    from bot.operate.calibrate.keeping import losses, places, write
    from bot.wiring import asked_by, open_to_measure

    settings, base = settings_of(context)
    decoder, scorer, chosen = open_to_measure(settings, detector or (), base=base)
    files = places(chosen, base)
    aside = Console(stderr=True)

    async def work() -> Seen:
        with Progress(console=aside, transient=True, disable=not aside.is_terminal) as bar:
            task = bar.add_task("pictures", total=None)
            try:
                return await look_at(
                    folder,
                    by=by,
                    decoder=decoder,
                    scorer=scorer,
                    max_bytes=settings.media.max_bytes,
                    tell=lambda done, total: bar.update(task, completed=done, total=total),
                )
            finally:
                await decoder.aclose()
                await scorer.aclose()

    rules = asked_by(settings.rules)
    told = report(
        asyncio.run(work()),
        folder=str(folder),
        made=datetime.now(UTC),
        by=by,
        prevalence=prevalence,
        revisions=scorer.revisions,
        rules=rules,
        notes={
            one.id: f"It looks only at what {one.after.detector}/{one.after.label} gives {one.after.at_least:g} or "
            "more; here it looked at everything, so there will be fewer alarms than this."
            for one in chosen
            if one.after is not None
        },
    )
    page = page or base / "calibration.html"
    lost = losses(told, files, rules)
    written = {id_: path for id_, path in files.items() if id_ not in lost}
    write(told, written, page, as_page(told))
    if as_json:
        print_json({**document(told), "page": page, "files": written, "not_written": lost})
    else:
        _tell(told)
        for one in chosen:
            if one.calibration is None and one.id in written:
                line = f"`calibration: {files[one.id].name}`"
                out.print(f"To use this, write at the detector {one.id}: {line}", soft_wrap=True)
                out.print("A new key of a detector holds from the next start; a reload does not take it up.")
        for id_, why in lost.items():
            out.print(f"{files[id_]} stays as it was: {why}", soft_wrap=True)
        out.print("What would change: `fediwarden rejudge --since 7d`; then `fediwarden reload`.")
        out.print(f"The report: {page}", soft_wrap=True)
    if lost:
        raise typer.Exit(Exit.NOT_SO)


def _tell(told: Report) -> None:
    twins = f", {told.twins} with the bytes of another one" if told.twins else ""
    out.print(
        f"{told.pictures} harmless picture(s){twins}; {len(told.unread)} file(s) left out that could not be read",
        soft_wrap=True,
    )
    for file, kind, detail in told.unread[:5]:
        out.print(f"  {file}: {kind}: {detail}", soft_wrap=True)
    for measured in told.detectors:
        out.print(bold(measured.detector, f"  {measured.pictures} picture(s), revision {measured.revision}"))
        for why, count in measured.not_scored.items():
            out.print(f"  {count} picture(s) not measured: {why}", soft_wrap=True)
        if (needed := pictures_needed(RATES["strict"])) > measured.pictures:
            out.print(f"  too few: rules on its labels only observe before there are {needed}", soft_wrap=True)
        if measured.note:
            out.print(f"  {measured.note}", soft_wrap=True)
        _tell_lines([line for label in measured.labels for line in label.presets.values()], "preset", told)
        _tell_lines(measured.rules, "rule", told)
        _tell_groups(measured)
    for line in told.passed_over:
        out.print(f"rule {line.name} was not measured: {line.lacks}", soft_wrap=True)
    out.print(
        f"False alarms: bounds by {METHOD}. True alarms: of all, at {told.prevalence:g} in 100,000 files, if none of "
        "those is missed.",
        soft_wrap=True,
    )


def _tell_lines(lines: Sequence[Line], first: str, told: Report) -> None:
    from bot.operate.calibrate.words import between, flagged, number, true_alarms

    table = Table(
        Column("label", overflow="fold"),
        Column(first, overflow="fold"),
        "from",
        "flagged",
        "false alarms",
        "true alarms",
    )
    lacks: dict[str, list[str]] = {}
    for line in lines:
        if line.share is None:
            lacks.setdefault(f"{line.name}: {line.lacks}", []).append(line.label)
            continue
        table.add_row(
            line.label,
            line.name,
            number(line.at_least),
            flagged(line.share),
            between(line.share),
            true_alarms(line.share, told.prevalence),
        )
    if table.rows:
        out.print(table)
    for why, labels in lacks.items():
        out.print(f"  {why} ({', '.join(labels)})", soft_wrap=True)


def _tell_groups(measured: Measured) -> None:
    from bot.operate.calibrate.words import between, percent

    for line in measured.lines:
        for one in line.groups:
            if one.share is None:
                out.print(f"  {one.group}: no picture that could be measured", soft_wrap=True)
            elif one.differs:
                out.print(
                    f"  {line.label}, {line.name}: of {one.group} {percent(one.share.rate)} are flagged "
                    f"({between(one.share)}), which differs from the other groups by more than chance",
                    soft_wrap=True,
                )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(calibrate)
