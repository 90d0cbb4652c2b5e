"""Numbers of posts that the server said are not there. Pure.

A Lemmy whose database fails may say that of a post which is there. The last step of ``GET /post`` notes how many
comments we have read, and whatever goes wrong with that is ``couldnt_find_post``, a pool without a free connection
included; and where it could not find out that we are an admin, it knows no post that was removed or deleted
(LemmyNet/lemmy 0.19.20, ``update_read_comments`` of crates/api_common/src/utils.rs, crates/api_crud/src/post/read.rs;
the latter in 1.0, too). So such a number is asked for once more, with what a turn leaves over.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.lemmy import gaps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AFTER = timedelta(minutes=5)
"""Between the two times: longer than the moment in which a database has no connection left."""

MOST = gaps.WIDEST
"""Numbers that wait for their second time; beyond that the longest known go. Most of them were never given to a post,
and they come in stretches, as after a jump of the database's sequence: of two thousand that wait in gaps, a quarter at
most is asked for twice, in twenty minutes where nothing else waits."""


def noted(kept: Sequence[Mapping[str, Any]], number: int, now: datetime) -> list[dict[str, Any]]:
    """With a number that was denied for the first time."""
    return [*without(kept, number), {"number": number, "since": now.isoformat()}][-MOST:]


def without(kept: Sequence[Mapping[str, Any]], number: int) -> list[dict[str, Any]]:
    """Once a number was asked for again."""
    return [dict(one) for one in kept if one["number"] != number]


def due(kept: Sequence[Mapping[str, Any]], now: datetime) -> list[int]:
    """The numbers whose time has come, the longest known first."""
    ages = [(one["number"], now - datetime.fromisoformat(one["since"])) for one in kept]
    return [number for number, age in ages if not timedelta(0) <= age < AFTER]
