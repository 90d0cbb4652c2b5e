"""What the bot asks of a Lemmy server with its default limits, and how long a listed picture stays.

    python bench/politeness.py [--items 300] [--seconds 300] [--poll 15s]

The people of the soak (``tests/acceptance/soak_people.py``) do what they do, evenly over the time, on a sandbox in a
process of its own that limits its callers as Lemmy does; the installed command looks on, and no call fails. Calls are
counted by the server, and times are its own: from the time of a post or comment to that of its report, of its removal
and of the ban of its author.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from rich.console import Console
from rich.table import Table

from bot.clock import SystemClock
from bot.ledger import open_ledger

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from acceptance.bot import Bot
from acceptance.raid_people import Poster
from acceptance.soak_people import Life, plan
from acceptance.soak_story import Comparison, configured, watches
from acceptance.soak_town import SoakTown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from acceptance.soak_town import Books
    from bot.ledger import SqlLedger

PATIENCE = 3600.0  # seconds for all that is to be done when everything has happened

KINDS = {
    "listings": ("GET /api/v3/post/list", "GET /api/v3/comment/list", "GET /api/v3/admin/list_all_media"),
    "is the login good": ("GET /api/v3/user/validate_auth", "POST /api/v3/user/login"),
    "the site about itself": ("GET /api/v3/site",),
    "deeds": ("/report ", "/remove ", "/ban "),
    "looks before and after deeds": ("/report/list", "/modlog", "GET /api/v3/user ", "GET /api/v3/post ", "/comment "),
    "searches": ("/search",),
    "files at Lemmy": ("lemmy: GET /pictrs/image",),
    "files at pict-rs": ("pictrs: GET /image",),
    "names and purges at pict-rs": ("pictrs: ",),
    "files elsewhere": ("remote: ",),
}
"""By what is first found in ``server: METHOD /path ``; only what begins with ``/api`` counts for a limit."""


def kind_of(call: str) -> str:
    """Under which heading a call stands."""
    return next((kind for kind, words in KINDS.items() if any(word in f"{call} " for word in words)), "others")


def watch(items: int, seconds: float, poll: str) -> tuple[Mapping[str, int], Books, Life, float]:
    """Calls while things happened and were dealt with, the books afterwards, and how long that took."""
    turns = plan(items, 1)
    with (
        tempfile.TemporaryDirectory() as folder,
        SoakTown(share=0.0, seed=1, tedious=False, default_limits=True) as town,
    ):
        poster = Poster(town)
        listed = sum(turn.listed for turn in turns)
        users, strangers = town.accounts("user", max(6, items // 10)), town.accounts("stranger", listed)
        life = Life(town=town, poster=poster, users=users, strangers=strangers)
        config = configured(Path(folder), town, turns)
        config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | {"poll_every": poll}))
        bot, ledger = Bot(config), open_ledger(f"sqlite:///{folder}/ledger.db", clock=SystemClock())
        try:
            bot.start()
            until(lambda: watches(ledger))
            before, began = town.books().calls, time.monotonic()
            played = iter(range(len(turns)))
            life.play(turns, lambda: wait(began + seconds * next(played, items) / items))
            until(lambda: settled(town, life, ledger))
            books, took = town.books(), time.monotonic() - began
        finally:
            bot.stop()
            ledger.close()
            poster.close()
        return Counter(books.calls) - Counter(before), books, life, took


def settled(town: SoakTown, life: Life, ledger: SqlLedger) -> bool:
    """Whether every deed is done. What is edited far away may be read again ten minutes later: it is not waited for."""
    found = Comparison(books=town.books(), life=life, ledger=ledger, remote=town.about["remote"])
    return not any(True for _ in found.undone())


def until(so: Callable[[], bool]) -> None:
    """Ask every few seconds."""
    end = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < end, "not all was done in time"
        time.sleep(2)


def wait(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def delays(books: Books, life: Life) -> Iterator[tuple[str, Sequence[float]]]:
    """Seconds from a local post or comment to each deed."""
    listed = {made.url for made in life.made if made.listed and made.feed == "uploads"}
    places = [place for place in books.places.values() if place.shows & listed]
    removal = {"post": "ModRemovePost", "comment": "ModRemoveComment"}
    for deed, keys in {
        "report": [(place, f"{place.kind} report", str(place.number)) for place in places],
        "removal": [(place, removal[place.kind], str(place.number)) for place in places],
        "ban": [(place, "ModBan", place.by) for place in places],
    }.items():
        times = [(place.at, books.when[what, whom]) for place, what, whom in keys if (what, whom) in books.when]
        yield deed, [(datetime.fromisoformat(done) - datetime.fromisoformat(at)).total_seconds() for at, done in times]


def main() -> None:
    """Run and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--items", type=int, default=300)
    options.add_argument("--seconds", type=float, default=300.0)
    options.add_argument("--poll", default="15s")
    chosen = options.parse_args()
    calls, books, life, took = watch(chosen.items, chosen.seconds, chosen.poll)
    by_kind: Counter[str] = Counter()
    limited = 0
    for call, count in calls.items():
        by_kind[kind_of(call)] += count
        limited += count * ("/api/" in call)
    per_thousand = Table("calls", "counted", "per 1,000 new items")
    for kind in (*KINDS, "others"):
        per_thousand.add_row(kind, f"{by_kind[kind]:,}", f"{1000 * by_kind[kind] / chosen.items:,.0f}")
    waits = Table("from a post to its", "times", "median", "95 of 100", "last")
    for deed, seconds in delays(books, life):
        if seconds:
            early = sorted(seconds)[max(0, -(-95 * len(seconds) // 100) - 1)]
            marks = (statistics.median(seconds), early, max(seconds))
            waits.add_row(deed, str(len(seconds)), *(f"{each:.1f} s" for each in marks))
    console = Console(width=120)
    what = f"{chosen.items} items in {chosen.seconds:.0f} s, polled every {chosen.poll}"
    console.print(f"{what}, all deeds done after {took:.0f} s")
    console.print(per_thousand, waits)
    console.print(f"limited calls: {60 * limited / took:.0f} a minute of 180; refused: {sum(books.refused.values())}")


if __name__ == "__main__":
    main()
