"""A soak: thousands of things happen on a server while the bot looks on, calls fail, and the bot dies and comes back.

At the end the bot knows every picture that a feed has listed, who stored it and where it is shown, and what was on a
list was dealt with once; nothing else was touched. Excused is what was deleted before a feed had listed it six times,
by the server's own count of what it gave out. Lemmy 1.0 tells of few uploads whose they are: the bot may not know it
there, but never names another one; and what was uploaded and deleted again is excused, for the store tells of it later.
How large it is, the environment says; without it, it is a small one.
``make soak`` plays it in full.

=================  =================================================================================================
``SOAK_ITEMS``     things that happen: 40. The full size is 20,000
``SOAK_USERS``     local accounts: a tenth of that, six at least. The full size is 2,000
``SOAK_SHARE``     of the bot's calls that fail: 0.05
``SOAK_SECONDS``   in which all of it happens: 0, as fast as the server takes it. The full size is 3,600
``SOAK_HOURS``     for which each thing that the bot has to do is waited for: 0.08
``SOAK_SEED``      another soak for another number: 1
``SOAK_LEMMY``     which versions of Lemmy, one after the other: ``0.19 1.0``
``SOAK_REPORT``    a file for the table; that of each version has its number in the name, where there are several
=================  =================================================================================================
"""

from __future__ import annotations

import os
import time
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from bot.clock import SystemClock
from bot.ledger import open_ledger

from .bot import Bot
from .raid_people import Poster, PosterToV4
from .soak_people import Life, plan
from .soak_story import (
    HOURS,
    ITEMS,
    LARGE,
    SECONDS,
    SEED,
    SHARE,
    USERS,
    VERSIONS,
    Comparison,
    configured,
    in_time,
    watches,
)
from .soak_table import Course, tell
from .soak_town import SoakTown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from bot.ledger import SqlLedger

    from .soak_people import Turn

DOWN = 0.05
"""Share of everything that happens while the bot is dead, each of the two times."""

POSTERS = {"0.19": Poster, "1.0": PosterToV4}

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.timeout(int(3 * HOURS * 3600 + 2 * SECONDS + 300)),
    pytest.mark.skipif("LEMMY_URL" in os.environ, reason="nobody else's server has such weather"),
]


@pytest.mark.parametrize("version", VERSIONS)
def test_no_picture_is_missed_no_uploader_mistaken_and_no_deed_lost_or_doubled(tmp_path: Path, version: str) -> None:
    turns = plan(ITEMS, SEED)
    with SoakTown(share=SHARE, seed=SEED, tedious=LARGE, version=version) as town:
        poster = POSTERS[version](town)
        life = Life(
            town=town,
            poster=poster,
            users=town.accounts("user", USERS),
            strangers=town.accounts("stranger", sum(turn.listed for turn in turns)),
        )
        bot = Bot(configured(tmp_path, town, turns))
        ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=SystemClock())
        try:
            bot.start()
            in_time(lambda: watches(ledger), lambda: f"the bot reads its feeds\n{log(bot)}")
            course = Course.begun()
            _live_through(life, bot, turns)
            course.posted()
            _wait_until_settled(town, life, bot, ledger, tmp_path / "lacking.txt")
            found = _comparison(town, life, ledger)
            tell(found, course, bot, version)
            assert not list(found.missing())
            assert not list(found.wrongly_attributed())
            assert not list(found.unplaced())
            assert not found.invented()
            assert not list(found.undone())
            assert not list(found.held())
            assert not list(found.done_too_often())
            assert sum(found.books.failed.values()) > 0
        finally:
            bot.stop()
            ledger.close()
            poster.close()


def _live_through(life: Life, bot: Bot, turns: Sequence[Turn]) -> None:
    """All that happens, and two deaths in the middle of it."""
    pace = _pace(len(turns))
    third, down = len(turns) // 3, max(3, int(DOWN * len(turns)))
    life.play(turns[:third], pace)
    for first, last in ((third, 2 * third), (2 * third, len(turns))):
        _wait_until_it_looks(life, bot)
        bot.kill()
        life.play(turns[first : first + down], pace)
        bot.start()
        life.play(turns[first + down : last], pace)
    in_time(lambda: not life.let_go(), lambda: f"the feeds are read often enough\n{log(bot)}")


def _wait_until_it_looks(life: Life, bot: Bot) -> None:
    """Until a feed is read once more: a death while it starts would be none."""
    seen = life.town.rounds().get("posts", 0)
    in_time(lambda: life.town.rounds().get("posts", 0) > seen, lambda: f"the bot reads its feeds\n{log(bot)}")


def _pace(turns: int) -> Callable[[], None]:
    """Evenly over the time that all of it is to take."""
    began, played = time.monotonic(), iter(range(turns))

    def pause() -> None:
        time.sleep(max(0.0, began + SECONDS * next(played, turns) / turns - time.monotonic()))

    return pause


def _comparison(town: SoakTown, life: Life, ledger: SqlLedger) -> Comparison:
    return Comparison(books=town.books(), life=life, ledger=ledger, remote=town.about["remote"])


def _wait_until_settled(town: SoakTown, life: Life, bot: Bot, ledger: SqlLedger, note: Path) -> None:
    """Until nothing is owed any more, and nothing is being done. ``note``: what it waits for, for who looks on."""

    def idle() -> bool:
        tasks = ledger.backlog_size()
        busy = [f"{state}/{kind}" for state in ("waiting", "running") for kind in ("examine", "judge", "enforce")]
        return not any(tasks.get(state) for state in busy) and not ledger.ready(most=1)

    def lacking() -> Iterable[str]:
        found = _comparison(town, life, ledger)
        for part in (found.missing, found.undone, found.held, found.unplaced):
            yield from part()

    def so() -> bool:
        first = list(islice(lacking(), 20))
        note.write_text("\n".join(first), encoding="utf-8")
        return idle() and not first

    def what() -> str:
        return f"{note.read_text(encoding='utf-8')}\n{ledger.backlog_size()}\n{log(bot)}"

    in_time(so, what, pause=10.0 if LARGE else 0.5)


def log(bot: Bot) -> str:
    """Its end."""
    return bot.log.read_text()[-3000:] if bot.log.exists() else ""
