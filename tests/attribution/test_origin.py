"""Whom a name accuses, and whom it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import making
from bot.attribution import attribute
from bot.domain.content import CommunityPage, MediaRef, RemoteUrl, Role, Sighting
from bot.domain.evidence import Attribution, How

if TYPE_CHECKING:
    from bot.domain.content import Account

URL = "https://far.example/pictrs/image/a.png"
SHOWN = "https://here.example/api/v3/image_proxy?url=https%3A%2F%2Fthird.example%2Fa.png"


def stranger(name: str = "rita", host: str = "far.example") -> Account:
    uri = f"https://{host}/u/{name}"
    return making.account(name, uri=uri, handle=f"{name}@{host}", home_host=host, is_local=False)


def seen(url: str = URL, author: Account | None = None, role: Role = Role.ATTACHMENT, post: int = 1) -> Sighting:
    subject = making.post(post, author or stranger())
    return Sighting(subject=subject, media=MediaRef(url=url, role=role), name=RemoteUrl(value=url), seen_at=making.NOW)


def told(*sightings: Sighting, **more: Any) -> tuple[str | None, How]:
    found = attribute(sightings[0].name, uploads=(), sightings=sightings, **more)
    return (found.uploader.handle if found.uploader else None), found.how


@pytest.mark.parametrize("role", [Role.ATTACHMENT, Role.INLINE, Role.AVATAR, Role.BANNER])
def test_file_on_its_authors_server_is_the_authors(role: Role) -> None:
    assert told(seen(role=role)) == ("rita@far.example", How.HOSTED_BY_AUTHORS_SERVER)
    assert told(seen(URL.replace("far.example", "FAR.example:443"))) == (
        "rita@far.example",
        How.HOSTED_BY_AUTHORS_SERVER,
    )


def test_link_to_a_neighbours_file_is_weak_evidence_and_a_thumbnail_none() -> None:
    assert told(seen(role=Role.LINK)) == ("rita@far.example", How.AUTHOR_OF_ONLY_USE)
    assert told(seen(role=Role.THUMBNAIL)) == (None, How.UNKNOWN)


def test_file_that_two_accounts_of_its_server_show_is_neithers() -> None:
    assert told(seen(), seen(author=stranger("rolf"), post=2)) == (None, How.UNKNOWN)


def test_file_that_others_show_too_stays_the_one_neighbours() -> None:
    assert told(seen(author=making.account(), post=2), seen()) == ("rita@far.example", How.HOSTED_BY_AUTHORS_SERVER)


def test_custom_emoji_is_nobodys_however_few_show_it() -> None:
    assert told(seen(role=Role.EMOJI)) == (None, How.UNKNOWN)
    assert told(seen("https://third.example/a", role=Role.EMOJI)) == (None, How.UNKNOWN)
    assert told(seen(role=Role.EMOJI), seen(role=Role.THUMBNAIL, post=2)) == (None, How.UNKNOWN)


def test_picture_that_is_shown_as_such_too_is_no_mere_emoji() -> None:
    assert told(seen(role=Role.EMOJI), seen(post=2)) == ("rita@far.example", How.HOSTED_BY_AUTHORS_SERVER)
    assert told(seen(role=Role.EMOJI, author=stranger("rolf")), seen(post=2)) == (None, How.UNKNOWN)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("url", [URL, "https://third.example/a.png"], ids=["at home", "on a third host"])
def test_file_that_a_page_of_nobodys_shows_is_not_the_first_ones_who_posts_it(role: Role, url: str) -> None:
    page = CommunityPage(instance=making.HERE, local_id="5", uri="u", url="u", community=making.community())
    assert told(seen(url, role=role), replace(seen(url, role=Role.BANNER), subject=page)) == (None, How.UNKNOWN)


def test_picture_that_the_authors_server_only_proxied_does_not_lie_there() -> None:
    proxied = "https://far.example/api/v3/image_proxy?url=https%3A%2F%2Fthird.example%2Fa.png"
    assert told(seen(proxied)) == ("rita@far.example", How.AUTHOR_OF_ONLY_USE)


def test_copy_of_the_proxy_is_known_by_what_it_was_fetched_for() -> None:
    origin = Attribution(uploader=stranger(), how=How.HOSTED_BY_AUTHORS_SERVER)
    found = attribute(making.alias(), uploads=(), sightings=(), proxied=origin)
    assert (found.uploader, found.how) == (stranger(), How.PROXIED_FOR)
    own = attribute(making.alias(), uploads=[making.upload()], sightings=(), proxied=origin)
    assert own.how is How.LISTED, "somebody stored the same bytes himself"


def test_likeness_is_the_weakest_evidence_and_yields_to_all_other() -> None:
    like = Attribution(uploader=making.account("bob"), how=How.LISTED)
    found = attribute(making.alias(), uploads=(), sightings=(), resembles=like)
    assert (found.uploader, found.how) == (making.account("bob"), How.LOOKS_LIKE)
    assert attribute(making.alias(), uploads=[making.upload()], sightings=(), resembles=like).how is How.LISTED
    assert told(seen(), resembles=like)[1] is How.HOSTED_BY_AUTHORS_SERVER


def test_poster_of_a_local_file_without_a_record_is_not_its_uploader() -> None:
    found = attribute(making.alias(), uploads=(), sightings=[making.sighting()])
    assert (found.uploader, found.how) == (None, How.UNKNOWN)
