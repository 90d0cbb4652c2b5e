"""``status --watch``: the queues as they move, and how long the rest takes."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.live import Live
from rich.table import Table

from bot.cli.opening import ledger_of, out, print_json
from bot.clock import SystemClock
from bot.operate.pace import Pace, in_words, snapshot
from bot.ports import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer
    from rich.console import RenderableType

    from bot.operate.pace import Forecast
    from bot.ports import Ledger

LANES = {
    Lane.GATE: "answers at the gate",
    Lane.BANS: "cases with bans and switches to do",
    Lane.DEEDS: "cases with other deeds to do; files to judge again",
    Lane.NEW: "new files",
    Lane.REVISIT: "flagged posts to look at again",
    Lane.BACKLOG: "files from before the bot",
}


def watch(context: typer.Context, *, every: float, as_json: bool) -> None:
    """Until it is interrupted."""
    with ledger_of(context) as ledger, suppress(KeyboardInterrupt):
        forecasts = _forecasts(ledger, every)
        if as_json:
            for forecast in forecasts:
                print_json(plain(forecast))
        elif out.is_terminal:
            with Live(console=out, auto_refresh=False) as live:
                for forecast in forecasts:
                    live.update(picture(forecast), refresh=True)
        else:
            for forecast in forecasts:
                out.print(picture(forecast))


def _forecasts(ledger: Ledger, every: float) -> Iterator[Forecast]:
    clock, pace = SystemClock(), Pace()
    while True:
        yield pace.forecast(snapshot(ledger, clock.now()))
        time.sleep(every)


def plain(forecast: Forecast) -> dict[str, Any]:
    """For scripts: rates are for each minute, times in seconds, ``null``: not known yet."""
    now = forecast.now
    return {
        "at": now.at,
        "lanes": {
            lane.name.lower(): {"queued": now.queued.get(lane, 0), "per_minute": _rounded(forecast.lanes[lane])}
            for lane in Lane
        },
        "unscanned": now.unscanned,
        "scanned_per_minute": _rounded(forecast.scanning),
        "given_up": now.parked,
        "ready": dict(now.ready),
        "deeds_per_minute": {kind: _rounded(rate) for kind, rate in sorted(forecast.deeds.items())},
        "held": dict(now.held),
        "done": dict(now.settled),
        "scan_left": _seconds(forecast.scan_left),
        "deeds_left": _seconds(forecast.deeds_left),
        "left": _seconds(forecast.left),
    }


def picture(forecast: Forecast) -> RenderableType:
    """For people."""
    now = forecast.now
    queues = Table("what waits", "number", "a minute")
    for lane in Lane:
        size, rate = now.queued.get(lane, 0), forecast.lanes[lane]
        if size or rate:
            queues.add_row(LANES[lane], str(size), _told(rate))
    deeds = Table("deeds", "ready", "a minute", "done", "held for you")
    for kind in sorted(forecast.deeds):
        deeds.add_row(
            kind,
            str(now.ready.get(kind, 0)),
            _told(forecast.deeds[kind]),
            str(now.settled.get(kind, 0)),
            str(now.held.get(kind, 0)),
        )
    lines = [
        f"{now.at:%Y-%m-%d %H:%M:%S} UTC    to be scanned: {now.unscanned} ({in_words(forecast.scan_left)})",
        f"deeds: {sum(now.ready.values())} ready ({in_words(forecast.deeds_left)}), "
        f"{sum(now.held.values())} held for you",
        f"the rest, at this rate: {in_words(forecast.left)}",
    ]
    if now.parked:
        lines.append(f"given up until they are seen again: {now.parked}; `fediwarden status` says why")
    return Group(lines[0], queues, deeds, *lines[1:])


def _told(rate: float | None) -> str:
    return "?" if rate is None else f"{rate:.0f}" if rate >= 10 or rate == 0 else f"{rate:.1f}"


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 2)


def _seconds(time: Any) -> float | None:
    return None if time is None else round(time.total_seconds(), 1)
