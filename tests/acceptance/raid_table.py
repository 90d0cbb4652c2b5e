"""What came of a raid, as a table for people."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bot.operate.pace import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .raid_night import Night
    from .raid_people import Tally
    from .raid_town import Books


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Peaks of the resident memory, in MB."""

    bot: int
    workers: int  # all of them together

    @staticmethod
    def of(pid: int) -> Memory:
        """Of a bot and those that decode for it."""
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return Memory(bot=_peak(pid), workers=sum(_peak(int(child)) for child in children))


def _peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) // 1024 if found else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the night was like until the operator spoke."""

    tally: Tally
    began: datetime
    posted: datetime
    first: Mapping[str, datetime]  # bans that the quota let through, as the server's books have them
    word: datetime  # the operator's


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One row for each field."""

    posts: int
    refused_after_a_ban: int
    posts_of_others: int
    flagged: int
    banned_within_the_quota: int
    banned: int
    banned_within_the_quota_after_first_post: Sequence[str]  # first, median, last
    held_bans: Mapping[str, int]
    removed_before_the_last_ban: str
    deeds_done: Mapping[str, int]
    deeds_left: Mapping[str, int]
    uploads: int
    unscanned: int
    memory_of_the_bot: str
    memory_of_its_workers: str
    posting: str
    from_the_operators_word_to_the_last_ban: str
    until_now: str
    the_rest_by_status: str


def table(night: Night, course: Course) -> Table:
    """As it stands now."""
    books, rest, memory = night.town.books(), night.watcher.lines[-1], Memory.of(night.bot.pid)
    flagged, accepted = len(night.flagged(books)), sum(course.tally.accepted.values())
    last = max(books.banned.values(), default=course.word)
    return Table(
        posts=accepted,
        refused_after_a_ban=course.tally.refused,
        posts_of_others=len(books.posts) - accepted,
        flagged=flagged,
        banned_within_the_quota=len(course.first),
        banned=len(books.banned),
        banned_within_the_quota_after_first_post=_waits(books, course.first),
        held_bans=dict(Counter(", ".join(sorted(reasons)) for reasons in night.held_bans().values())),
        removed_before_the_last_ban=f"{sum(at < last for at in books.removals)} of {flagged}",
        deeds_done=rest["done"],
        deeds_left=rest["ready"],
        uploads=len(books.uploads),
        unscanned=len(night.unscanned(books)),
        memory_of_the_bot=f"{memory.bot} MB",
        memory_of_its_workers=f"{memory.workers} MB",
        posting=in_words(course.posted - course.began),
        from_the_operators_word_to_the_last_ban=in_words(last - course.word),
        until_now=in_words(datetime.now(UTC) - course.began),
        the_rest_by_status=in_words(None if rest["left"] is None else timedelta(seconds=rest["left"])),
    )


def _waits(books: Books, banned: Mapping[str, datetime]) -> Sequence[str]:
    began: dict[str, str] = {}
    for post in books.posts.values():
        began[post["by"]] = min(post["at"], began.get(post["by"], post["at"]))
    waits = sorted((at - type(at).fromisoformat(began[name])).total_seconds() for name, at in banned.items())
    return [f"{wait:.0f} s" for wait in ((waits[0], median(waits), waits[-1]) if waits else ())]


def tell(night: Night, course: Course) -> None:
    """Write it down where ``RAID_REPORT`` says."""
    where = os.environ.get("RAID_REPORT")
    if where is not None:
        told = {"table": asdict(table(night, course)), "watched": night.watcher.lines}
        Path(where).write_text(json.dumps(told, indent=1, default=str), encoding="utf-8")
