"""What is said of how a purged file came back, and what is not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import making
from bot.attribution.returns import returns
from bot.domain.content import Alias, InstanceId, MediaRef, RemoteUrl, Role, Sighting
from bot.operate.returned import in_words, ways_back
from bot.ports import NameRecord

if TYPE_CHECKING:
    from bot.attribution.returns import Returns
    from bot.domain.content import Name

ORIGIN = RemoteUrl(value="https://far.example/a.png")
LATER = making.NOW + timedelta(hours=1)


def known(name: Name, *, first_seen: Any = LATER) -> NameRecord:
    return NameRecord(name=name, url="", file_id=1, first_seen=first_seen, backlog=False)


def by_proxy() -> Sighting:
    shown = "https://here.example/api/v4/image/proxy?url=https%3A%2F%2Ffar.example%2Fa.png"
    media = MediaRef(url=shown, role=Role.ATTACHMENT)
    return Sighting(subject=making.post(), media=media, name=ORIGIN, seen_at=making.NOW)


def told(records: list[NameRecord], uploads: Any = (), sightings: Any = ()) -> Returns:
    return returns(records, uploads, sightings, purged_at=making.NOW)


def ways(found: Returns) -> tuple[int, ...]:
    return tuple(ways_back(found).values())


def test_file_for_which_nobody_is_listed_was_not_fetched_by_a_proxy_that_nobody_saw() -> None:
    found = told([known(making.alias())])
    assert ways(found) == (0, 0, 1)
    assert in_words(found).endswith("and came back once since: 1 in a way that is not known")


def test_copy_of_a_server_that_shows_the_file_by_its_proxy_was_fetched() -> None:
    elsewhere = Alias(instance=InstanceId("there"), value="b.png")
    records = [known(making.alias()), known(elsewhere), known(ORIGIN, first_seen=making.NOW)]
    assert ways(told(records, sightings=[by_proxy()])) == (0, 1, 1), "the other server shows it in no way that was seen"


def test_file_that_a_post_shows_came_back_although_nobody_is_listed_for_it() -> None:
    new = making.alias("again.png")
    found = told([known(new)], sightings=[by_proxy(), making.sighting(name=new)])
    assert ways(found) == (0, 0, 1)
    assert "not seen again" not in in_words(found)


def test_listed_upload_is_one_and_a_thumbnail_that_a_server_made_is_none() -> None:
    new, small = making.alias("again.png"), making.alias("small.png")
    upload = making.upload(name=new)
    sightings = [making.sighting(name=new), making.sighting(name=small, role=Role.THUMBNAIL)]
    assert ways(told([known(new), known(small)], [upload], sightings)) == (1, 0, 0)
    assert in_words(told([known(new, first_seen=making.NOW)], [upload])).endswith("and not seen again")
