"""``status`` and ``who``: looking without touching."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from bot.cli import watching
from bot.cli.exits import Exit
from bot.cli.opening import AsJson, bold, house_of, ledger_of, out, print_json, settings_of, whole
from bot.cli.words import several
from bot.clock import SystemClock
from bot.domain.content import StorageKey
from bot.domain.evidence import Evidence, Unscannable
from bot.operate.brakes import StopFile
from bot.operate.pace import Pace, in_words, snapshot
from bot.operate.reload import last as last_reload
from bot.operate.returned import in_words as came_back
from bot.operate.returned import ways_back
from bot.pushes import FLAG
from bot.selfcheck import FLAG as ACCOUNT
from bot.telemetry import raised_alarms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.attribution import Made
    from bot.domain.content import Name, Sighting
    from bot.domain.evidence import Attribution, Scan, Score
    from bot.operate.who import Found
    from bot.ports import Hole, Ledger, Stop, Trouble


_STORED = re.compile(r"(?:/[0-9a-fA-F]{2}){10}/[0-9a-fA-F]{12}")
"""A path of pict-rs's store in an address."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("status")(status)
    app.command("who")(who)


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


def who(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            help="An alias, the URL of an image or post, a SHA-256, a path in the file store, or an object key."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Say who uploaded a file, where it is shown, what else it is called, and how each of these is known."""
    from bot.operate.who import who as ask

    with house_of(context) as house:
        found = ask(house.ledger, house.index, house.instances, what)
    if as_json:
        print_json([_plain(one) for one in found])
    for one in [] if as_json else found:
        _print(one)
    if not found:
        if not as_json:
            out.print(_nothing(what))
        raise typer.Exit(Exit.UNKNOWN)


def _print(found: Found) -> None:
    out.print(bold(f"file {found.file.id}", f"  sha256 {found.file.sha256 or 'not known yet'}"))
    out.print(f"  scan: {describe_scan(found.file.scan)}")
    if found.file.case is not None:
        out.print(f"  case: {found.file.case}")
    if told := came_back(found.returned):
        out.print(f"  {told}")
    for name, attribution in found.known.attributions.items():
        _print_name(found, name, attribution)
    for made in found.known.thumbnails:
        _line(f"  {made.record.name}", f"    {_how_made(made)}")
    for record in found.known.orphans:
        _line(f"  {record.name}", "    looks_like: another file, which nothing else explains")
    for missing in found.unasked:
        _line(f"  not asked: {missing}")


def _print_name(found: Found, name: Name, attribution: Attribution) -> None:
    places = [sighting for sighting in found.known.sightings if sighting.name == name]
    _line(f"  {name}", f"    known by: {', '.join(found.known_by(name))}")
    if isinstance(name, StorageKey) and not places:
        return  # where the bytes lie: nobody is asked who stored them under that, and nothing shows it
    uploader = attribution.uploader.handle if attribution.uploader else "unknown"
    how = "" if attribution.uploader is None else f" ({attribution.how.word})"
    _line(f"    uploader: {uploader}{how}")
    shown = dict.fromkeys(map(_place, places))  # a post may show it in several sizes
    _line(*(f"    shown in: {place}" for place in shown or ("nowhere that was seen",)))


def _place(sighting: Sighting) -> str:
    author = f", by {sighting.subject.author.handle}" if sighting.subject.author else ""
    return f"{sighting.subject.url} ({sighting.media.role.value}{author})"


def _line(*lines: str) -> None:
    """Whole, however narrow the terminal: names and addresses are there to be copied."""
    for line in lines:
        out.print(line, soft_wrap=True)


def _how_made(made: Made) -> str:
    if not made.looks_alike:
        return "shown as its thumbnail (thumbnail_of), and does not look alike"
    if made.sure:
        return "its thumbnail (thumbnail_of)"
    return "looks_like: it may be of another picture, or somebody's own"


def _nothing(what: str) -> str:
    if "://" in what and _STORED.search(what):
        return (
            "Nothing is known of it. Of the address of an object in your store give what stands behind host and bucket."
        )
    if ("/" in what or "\\" in what) and "://" not in what:
        return (
            "Nothing leads from there to a name. The file may be gone, or a variant (a smaller copy, a still): no "
            "call leads from these to their file. Without `pictrs` in the settings nobody can be asked; and for a "
            "path that says no time, the newest 20,000 files are looked through."
        )
    return "Nothing is known of it. `fediwarden process-one URL` looks at it now."


def _plain(found: Found) -> dict[str, Any]:
    first_seen = {record.name: record.first_seen for record in found.known.records}
    uploaded = {upload.name: upload.uploaded_at for upload in found.known.uploads}
    return {
        "file": found.file.id,
        "sha256": found.file.sha256,
        "case": found.file.case,
        "scan": describe_scan(found.file.scan),
        "names": [
            {
                "name": str(name),
                "url": found.known.addresses[name],
                "known_by": found.known_by(name),
                "first_seen": first_seen.get(name),
                "uploader": attribution.uploader.handle if attribution.uploader else None,
                "how": attribution.how.word,
                "uploaded_at": uploaded.get(name),
                "shown_in": [
                    {
                        "subject": str(sighting.subject.key),
                        "url": sighting.subject.url,
                        "role": sighting.media.role.value,
                        "author": sighting.subject.author.handle if sighting.subject.author else None,
                        "seen_at": sighting.seen_at,
                    }
                    for sighting in found.known.sightings
                    if sighting.name == name
                ],
            }
            for name, attribution in found.known.attributions.items()
        ],
        "thumbnails": [
            {"name": str(made.record.name), "looks_alike": made.looks_alike, "sure": made.sure}
            for made in found.known.thumbnails
        ],
        "look_alikes": [str(record.name) for record in found.known.orphans],
        "purged_at": found.returned.purged_at,
        "returned": ways_back(found.returned),
        "not_asked": list(found.unasked),
    }


def describe_scan(scan: Scan | None) -> str:
    """What is known of a file's contents, in one line."""
    match scan:
        case None:
            return "not scanned yet"
        case Unscannable():
            return f"could not be scanned ({scan.kind.value}): {scan.detail}"
        case Evidence():
            size = f"{scan.width}x{scan.height} " if scan.width else ""
            hits = [
                f"{hit.mode.value} list {hit.list_id} ({hit.by.value}{f', {hit.where}' if hit.where else ''})"
                for hit in scan.hits
            ]
            scores = [f"{score.detector}/{score.label} {score.value:.3f}{_frames(score)}" for score in scan.scores]
            odd = [finding.detail for finding in scan.findings]
            return "; ".join([f"{size}{scan.media_type}", *hits, *scores, *odd, *scan.gaps])


def _frames(score: Score) -> str:
    """What a rule that wants two frames goes by."""
    if not score.frames:
        return ""
    return f" ({score.agreed(2):.3f} in two of {len(score.frames)} frames)"
