"""A raid: fresh accounts post the same few pictures by the thousand, among people who have nothing to do with it.

The server answers slowly and limits its callers as Lemmy does by default, so only what comes first is done in time:
the bans. The bot may ban a few accounts by itself; the rest waits for an operator, who comes when all is posted, raises
the quota and approves. How large the raid is, the environment says; without it, it is a small one. ``make raid`` plays
it in full.

=================  =================================================================================================
``RAID_POSTS``     posts of raiders that the server accepts: 60. The full size is 10,000
``RAID_ACCOUNTS``  their accounts: 6. The full size is 200
``RAID_INNOCENT``  posts of others: 10. The full size is 2,000
``RAID_SECONDS``   in which all of them are made: 0, as fast as the server takes them. The full size is 600
``RAID_HOURS``     for which each thing that the bot has to do is waited for: 0.1
``RAID_REPORT``    a file for the table (once bans are done, and at the end) and what ``status --watch`` told
=================  =================================================================================================
"""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bot.clock import SystemClock
from bot.domain.decisions import BanAccount, HoldReason, IntentState, Remove, Report
from bot.ledger import open_ledger

from .bot import SOURCES, Bot
from .raid_night import (
    ACCOUNTS,
    BANS,
    HOURS,
    INNOCENT,
    LARGE,
    LINKERS,
    LOOK_ALIKE,
    PICTURES,
    PLENTY,
    POSTS,
    REMOVING,
    SECONDS,
    SLOW,
    Night,
    Watcher,
    configured,
    in_time,
)
from .raid_people import Poster, Raid, Scene, play
from .raid_table import Course, Memory, tell
from .raid_town import Town

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bot.ports import IntentRecord

    from .raid_town import Books

MOST_MEMORY = 700  # MB, of the bot without its decode workers: for any size of raid
UNDER_WAY = 8  # removals, of both cases, that a ban finds begun
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.timeout(int(3 * HOURS * 3600 + SECONDS + 300)),
    pytest.mark.skipif("LEMMY_URL" in os.environ, reason="no server of somebody else's is raided"),
]


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    with Town(slow=SLOW, removing=REMOVING) as town:
        raiders = town.accounts("raider", ACCOUNTS)
        scene = Scene(
            posts=POSTS,
            raiders=raiders,
            alike=frozenset(list(raiders)[-LOOK_ALIKE:]),
            innocent_posts=INNOCENT,
            innocent=town.accounts("neighbour", max(2, INNOCENT // 10)),
            linkers=town.accounts("linker", LINKERS),
            seconds=SECONDS,
        )
        bot = Bot(configured(tmp_path, town))
        poster = Poster(town)
        ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=SystemClock())
        bot.start()
        watcher = Watcher(bot.config)
        try:
            in_time(lambda: len(ledger.flags("source/")) > SOURCES, "the bot reads its feeds")
            yield Night(town=town, bot=bot, poster=poster, scene=scene, watcher=watcher, ledger=ledger)
        finally:
            watcher.stop()
            ledger.close()
            poster.close()
            bot.stop()


def test_in_a_raid_bans_come_first_nothing_is_lost_and_nobody_else_is_touched(night: Night, tmp_path: Path) -> None:
    began = datetime.now(UTC)
    tally = play(night.scene, night.poster, Raid.of(PICTURES))
    posted = datetime.now(UTC)
    first = _quota_lets_some_through(night)
    course = Course(tally=tally, began=began, posted=posted, first=first, word=datetime.now(UTC))
    _operator_lets_the_others_through(night, tmp_path)
    approved = _wait_for_the_bans(night)
    tell(night, course)
    _wait_for_the_scans(night)
    tell(night, course)
    books = night.town.books()

    _raiders_are_banned(night, books)
    _others_are_untouched(night, books)
    _everything_was_scanned(night, books)
    _bans_came_first(night, books, approved)
    _no_ban_overtook_a_report_on_its_account(night)
    _somebody_who_watched_saw_it(night)
    assert books.registration == "RequireApplication"
    assert Memory.of(night.bot.pid).bot < MOST_MEMORY

    night.bot.command("raid", "undo", "--by", "a moderator")
    in_time(lambda: night.town.books().registration == "Open", "registration is as it was before the raid")


def _quota_lets_some_through(night: Night) -> Mapping[str, datetime]:
    """Nobody is there to say more: so many are banned, and all the others wait."""

    def settled() -> bool:
        return bool(night.over_the_quota()) and not night.bans_ready()

    in_time(settled, "the bans within the quota are done, and others are held", pause=5 if LARGE else 1)
    banned = night.town.books().banned
    assert 0 < len(banned) <= BANS
    assert set(banned) <= night.exact
    return banned


def _operator_lets_the_others_through(night: Night, folder: Path) -> None:
    """Sees what is held, raises the quota while the bot runs, and approves what was over it."""
    in_time(lambda: night.watcher.lines[-1]["held"].get("ban_account", 0) > 0, "held bans are seen")
    configured(folder, night.town, bans=PLENTY)
    night.bot.command("reload")
    _approve(night)


def _approve(night: Night) -> None:
    which = ("--reason", "quota", "--deed", "ban_account")
    night.bot.command("approve", *which, "--yes", "--by", "a moderator", patience=HOURS * 3600)


def _wait_for_the_bans(night: Night) -> datetime:
    """Until then and with that the operator had nothing more to say."""
    approved = datetime.now(UTC)

    def all_banned() -> bool:
        nonlocal approved
        if night.over_the_quota():
            _approve(night)  # was being judged under the old quota when the new one came
            approved = datetime.now(UTC)
        return not night.exact - set(night.town.books().banned)

    in_time(all_banned, "all raiders with a listed picture are banned", pause=5 if LARGE else 1)
    return approved


def _wait_for_the_scans(night: Night) -> None:
    def all_judged() -> bool:
        return not night.looks() and not night.unjudged(night.town.books())

    in_time(all_judged, "all is scanned and judged", pause=15 if LARGE else 1)


def _raiders_are_banned(night: Night, books: Books) -> None:
    """All but those that a mere likeness keeps for a human; none of them is dropped."""
    assert set(books.banned) == night.exact
    held = night.held_bans()
    assert set(held) == night.scene.alike
    assert all(HoldReason.NEEDS_APPROVAL in reasons for reasons in held.values())


def _others_are_untouched(night: Night, books: Books) -> None:
    """Those who show a raider's picture keep their accounts and all else that they have."""
    assert set(books.banned) <= set(night.scene.raiders)
    shown = night.flagged(books)
    for number, post in books.posts.items():
        assert number in shown or not post["removed"], f"post {number} of {post['by']} was removed"
    assert books.reported <= shown
    others = {alias for alias, name in books.uploads.items() if name not in night.scene.raiders}
    assert len(others) >= INNOCENT
    assert others <= books.files
    for record in night.ledger.intents():
        _is_about_the_raid(night, record, shown)


def _is_about_the_raid(night: Night, record: IntentRecord, shown: set[int]) -> None:
    """What waits would not touch anybody else either."""
    intent = record.intent
    if isinstance(intent, BanAccount):
        assert intent.account.handle.split("@")[0] in night.scene.raiders
    if isinstance(intent, Report | Remove) and intent.subject.kind == "post":
        assert int(intent.subject.local_id) in shown
    if isinstance(intent, Report | Remove) and intent.subject.kind == "comment":
        assert intent.subject.author is not None
        assert intent.subject.author.handle.startswith("linker")


def _everything_was_scanned(night: Night, books: Books) -> None:
    unscanned = night.unscanned(books)
    assert not unscanned, f"{len(unscanned)} uploads were never looked at: {sorted(unscanned)[:5]}"
    assert not night.ledger.backlog_size().get("parked/examine")


def _bans_came_first(night: Night, books: Books, approved: datetime) -> None:
    """Most of what was to be removed when the last of them was approved went after the last ban."""
    last = max(books.banned.values())
    done = sum(at < approved for at in books.removals)
    meanwhile = sum(approved <= at < last for at in books.removals)
    assert meanwhile <= max(UNDER_WAY, (len(night.removable()) - done) // 2)


def _no_ban_overtook_a_report_on_its_account(night: Night) -> None:
    """Each report that was planned before the ban of whom it is about had its try before it."""
    tried = _first_tries(night, Report.kind)
    reports: dict[str, list[IntentRecord]] = defaultdict(list)
    for record in night.ledger.intents(kind=Report.kind):
        if isinstance(record.intent, Report) and record.intent.subject.author is not None:
            reports[record.intent.subject.author.uri].append(record)
    bans = _first_tries(night, BanAccount.kind)
    for ban in night.ledger.intents(kind=BanAccount.kind, states=(IntentState.DONE,)):
        assert isinstance(ban.intent, BanAccount)
        before = [one for one in reports[ban.intent.account.uri] if one.id < ban.id]
        late = [one.id for one in before if one.id in tried and tried[one.id] > bans[ban.id]]
        assert not late, f"the ban {ban.id} overtook the reports {late}"


def _first_tries(night: Night, kind: str) -> Mapping[int, datetime]:
    found: dict[int, datetime] = {}
    for attempt in night.ledger.tries(kind, since=LONG_AGO):
        found.setdefault(attempt.intent_id, attempt.started_at)
    return found


def _somebody_who_watched_saw_it(night: Night) -> None:
    lines = night.watcher.lines
    assert max(line["unscanned"] for line in lines) > 0
    assert any(line["ready"].get("report") for line in lines)
    assert any(line["held"].get("ban_account") for line in lines)
    assert any(line["deeds_left"] for line in lines), "an estimate"
    in_time(lambda: lines[-1]["unscanned"] == 0, "who watches sees that all is scanned")
