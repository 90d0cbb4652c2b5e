"""What came of a soak, as a table for people."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .raid_table import Memory
from .soak_story import USERS, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .bot import Bot
    from .soak_story import Comparison


@dataclass(slots=True)
class Course:
    """When what was over; seconds since the beginning."""

    began: float
    all_had_happened: float = 0.0

    @staticmethod
    def begun() -> Course:
        return Course(time.monotonic())

    def posted(self) -> None:
        """Nothing more will happen."""
        self.all_had_happened = time.monotonic() - self.began


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One row for each field."""

    lemmy: str
    accounts: int
    happened: Mapping[str, int]
    pictures: int
    deleted: int
    excused: int
    listed: int
    calls: int
    failed: Mapping[str, int]
    seconds_in_which_it_happened: int
    seconds_until_settled: int
    memory_of_the_bot: str
    calls_by_kind: Mapping[str, int] = field(default_factory=dict)


def tell(found: Comparison, course: Course, bot: Bot, version: str) -> None:
    """Write it down where ``SOAK_REPORT`` says."""
    where = os.environ.get("SOAK_REPORT")
    if where is None:
        return
    life, books = found.life, found.books
    table = Table(
        lemmy=version,
        accounts=USERS,
        happened=life.happened,
        pictures=len(life.made),
        deleted=sum(made.went is not None for made in life.made),
        excused=sum(not made.owed for made in life.made),
        listed=sum(made.listed for made in life.made),
        calls=sum(books.calls.values()),
        failed=books.failed,
        seconds_in_which_it_happened=round(course.all_had_happened),
        seconds_until_settled=round(time.monotonic() - course.began),
        memory_of_the_bot=f"{Memory.of(bot.pid).bot} MB",
        calls_by_kind=books.calls,
    )
    path = Path(where)
    if len(VERSIONS) > 1:
        path = path.with_stem(f"{path.stem}-{version}")
    path.write_text(json.dumps(asdict(table), indent=1), encoding="utf-8")
