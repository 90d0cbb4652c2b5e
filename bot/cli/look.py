"""``status``: looking without touching."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from bot.cli import watching
from bot.cli.exits import Exit
from bot.cli.opening import AsJson, bold, ledger_of, out, print_json, settings_of, whole
from bot.cli.words import several
from bot.clock import SystemClock
from bot.operate.brakes import StopFile
from bot.operate.pace import Pace, in_words, snapshot
from bot.operate.reload import last as last_reload
from bot.pushes import FLAG
from bot.selfcheck import FLAG as ACCOUNT
from bot.telemetry import raised_alarms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.ports import Hole, Ledger, Stop, Trouble


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(
    context: typer.Context,
    as_json: AsJson = False,
    alive: Annotated[
        bool, typer.Option("--alive", help="Say only whether a bot acts; it says so itself every ten seconds.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show the queues as they move, and how long the rest takes, until Ctrl-C.")
    ] = False,
    every: Annotated[float, typer.Option(min=0.1, help="With --watch: seconds between two looks.")] = 2.0,
) -> None:
    """Show what was seen and done, what waits, who acts, and which feeds have trouble."""
    if alive:
        _alive(context, as_json=as_json)
        return
    if watch:
        watching.watch(context, every=every, as_json=as_json)
        return
    settings, base = settings_of(context)
    with ledger_of(context) as ledger:
        counts = dict(ledger.counts())
        head = ledger.head()
        tasks = dict(ledger.backlog_size())
        lease = ledger.holder()
        troubles = ledger.troubles()
        reloaded = last_reload(ledger)
        stop, trips = ledger.stopped(), ledger.trips()
        file = StopFile(ledger, base / settings.stop_file)
        alarms, channels = raised_alarms(ledger), ledger.channel_states()
        feeds, pushes, left_out = _states(ledger, "source/"), _states(ledger, FLAG), ledger.dropped()
        accounts = _states(ledger, ACCOUNT)
        holes = ledger.holes()
        pace = Pace().forecast(snapshot(ledger, SystemClock().now()))
    holder = lease.holder if lease else None
    if as_json:
        print_json(
            {
                "stage": settings.stage.word,
                "acts": holder,
                "stopped": {"at": stop.at, "by": stop.by, "why": stop.why} if stop else None,
                "stop_file": file.there,
                "breakers": [trip.rule_id for trip in trips],
                "reload": asdict(reloaded) if reloaded else None,
                "alarms": [
                    {"alarm": one.key, "since": one.since, "text": one.text, "remedy": one.remedy} for one in alarms
                ],
                "channels": {id_: asdict(state) for id_, state in channels.items()},
                "audit": {"n": head.n, "digest": head.digest},
                "counts": counts,
                "tasks": tasks,
                "ready": dict(pace.now.ready),
                "deeds_left": pace.deeds_left.total_seconds() if pace.deeds_left is not None else None,
                "feeds": feeds,
                "pushes": pushes,
                "accounts": {name.removeprefix(ACCOUNT): state for name, state in accounts.items()},
                "left_out": {name: dict(reasons) for name, reasons in left_out.items()},
                "holes": {name: [asdict(hole) for hole in found] for name, found in holes.items()},
                "troubles": [
                    {"task": f"{t.kind.value} {t.target}", "reason": t.reason, "again_at": t.again_at} for t in troubles
                ],
            }
        )
        return
    out.print(f"stage: {settings.stage.word}    acts now: {holder or 'nobody (no daemon runs)'}\n")
    _print_stop(stop, file)
    if reloaded is not None and reloaded.trouble:
        told = f" at {reloaded.at:%Y-%m-%d %H:%M}, the old one stays in force: {reloaded.trouble}"
        out.print(bold("The configuration was not taken up", told))
    if reloaded is not None and reloaded.change.needs_restart:
        out.print(bold("Needs a restart", f": {', '.join(reloaded.change.needs_restart)}"))
    for trip in trips:
        told = (
            f" since {trip.at:%Y-%m-%d %H:%M}: it flagged {trip.flagged} of {trip.scanned} files; "
            f"`fediwarden breaker reset {trip.rule_id}`"
        )
        out.print(bold(f"The breaker of rule {trip.rule_id} is open", told))
    for alarm in alarms:
        out.print(bold("Alarm", f" since {alarm.since:%Y-%m-%d %H:%M}: {alarm.text} What to do: {alarm.remedy}."))
    for id_, state in channels.items():
        if state.trouble or state.lost:
            waiting = f"{state.pending} waiting, {state.lost} given up"
            out.print(bold(f"The channel {id_} does not deliver", f" ({waiting}): {state.trouble}"))
    table = Table("count", "number", "tasks", "number ")
    rows = max(len(counts), len(tasks))
    left = [*counts.items()] + [("", "")] * (rows - len(counts))
    right = [*tasks.items()] + [("", "")] * (rows - len(tasks))
    for (count, number), (task, size) in zip(left, right, strict=True):
        table.add_row(count, str(number), task, str(size))
    out.print(table)
    if ready := sum(pace.now.ready.values()):
        deeds = several(ready, "deed is", "deeds are")
        out.print(f"{deeds} ready; at the rate of the last minutes: {in_words(pace.deeds_left)}")
    _print_feeds(feeds, pushes, left_out)
    _print_accounts(accounts)
    _print_holes(holes)
    _print_troubles(troubles)
    out.print(f"audit trail: {head}", soft_wrap=True)


def _print_stop(stop: Stop | None, file: StopFile) -> None:
    if stop is not None:
        out.print(bold("Acting is stopped", f" since {stop.at:%Y-%m-%d %H:%M} by {stop.by} ({stop.why})"))
    elif file.there:  # no bot runs that could have written it down
        out.print(bold("Acting is stopped", f": {file.path} is there, and nothing is done while it is"))


def _states(ledger: Ledger, prefix: str) -> dict[str, Any]:
    return {name: json.loads(ledger.flag(name) or "{}") for name in ledger.flags(prefix)}


def _print_feeds(
    feeds: Mapping[str, Any], pushes: Mapping[str, Any], left_out: Mapping[str, Mapping[str, int]]
) -> None:
    for name, state in feeds.items():
        out.print(f"{name.removeprefix('source/')}: read {state.get('at', 'never')} {state.get('trouble', '')}")
    for name, state in pushes.items():
        out.print(f"{name.removeprefix(FLAG)}: {state.get('trouble') or 'comes in'} (since {state.get('at')})")
    for name, reasons in left_out.items():
        told = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
        out.print(f"{name}: left out and not kept: {told}")


def _print_troubles(troubles: Sequence[Trouble]) -> None:
    if not troubles:
        return
    table = whole("what did not work out yet", "why", "again")
    for one in troubles:
        again = f"{one.again_at:%H:%M:%S}" if one.again_at else "when it is seen again"
        table.add_row(f"{one.kind.value} {one.target}", one.reason, again)
    out.print(table)


def _print_accounts(accounts: Mapping[str, Any]) -> None:
    for name, state in accounts.items():
        wrong = [f"{what}: {one['detail']}" for what, one in state.get("found", {}).items() if not one["ok"]]
        told = "; ".join(wrong) or "sees everything"
        out.print(f"{name.removeprefix(ACCOUNT)}: the bot's account {told} (looked at {state.get('at')})")


def _print_holes(holes: Mapping[str, Sequence[Hole]]) -> None:
    if not holes:
        return
    table = whole("what could not be read", "in", "last", "times")
    for name, found in holes.items():
        for hole in found:
            table.add_row(hole.text, name, f"{hole.last:%Y-%m-%d %H:%M}", str(hole.times))
    out.print(table)


def _alive(context: typer.Context, *, as_json: bool) -> None:
    with ledger_of(context) as ledger:
        lease = ledger.holder()
    if as_json:
        print_json({"acts": lease.holder if lease else None})
    else:
        out.print(f"acts now: {lease.holder}" if lease else "nobody acts")
    if lease is None:
        raise typer.Exit(Exit.NOT_SO)
