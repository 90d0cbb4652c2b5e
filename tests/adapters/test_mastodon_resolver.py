from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mastodon_reading import connect

from bot.domain.content import Attachment, InstanceId, RemoteUrl, StorageKey, SubjectKey

if TYPE_CHECKING:
    from mastodon_square import Square

MAIN = InstanceId("main")


def post(local_id: str) -> SubjectKey:
    return SubjectKey(instance=MAIN, kind="post", local_id=local_id)


def profile(local_id: str) -> SubjectKey:
    return SubjectKey(instance=MAIN, kind="profile", local_id=local_id)


def test_who_has_just_become_a_moderator_is_staff(square: Square) -> None:
    resolver = connect(square).instance.resolver
    alice = square.box.people["alice"].id
    assert alice not in resolver.staff()
    user, moderator = (square.box.state.accounts[int(square.box.people[who].id)].user for who in ("alice", "mod"))
    assert user is not None
    assert moderator is not None
    user.role = moderator.role
    assert alice in resolver.staff()


def test_addresses_and_ids_of_posts_are_located(square: Square) -> None:
    resolver = connect(square).instance.resolver
    status = square.status()
    base, number = square.box.url, status["id"]
    for text in (
        status["url"],
        status["uri"],
        number,
        f"  {status['url']}/ ",
        f"{base}/web/statuses/{number}",
        f"{base}/@alice@somewhere.test/{number}",
        f"{base}/deck/@alice/{number}",
        f"{base}/users/alice/statuses/{number}/activity",
    ):
        assert resolver.locate(text) == post(number), text


def test_accounts_are_located_by_address_and_by_handle(square: Square) -> None:
    resolver = connect(square).instance.resolver
    alice, base = square.box.people["alice"].id, square.box.url
    for text in (
        "@alice",
        f"alice@{square.box.state.host}",
        f"{base}/@alice",
        f"{base}/users/alice",
        f"{base}/admin/accounts/{alice}",
        f"{base}/ap/users/{alice}",
    ):
        assert resolver.locate(text) == profile(alice), text


def test_files_are_located_by_address_and_by_object_key(square: Square) -> None:
    resolver = connect(square).instance.resolver
    media = square.status()["media_attachments"][0]
    name = Attachment(instance=MAIN, value=media["id"])
    assert resolver.locate(media["url"]) == name
    key = media["url"].partition("/system/")[2]
    assert resolver.locate(key) == name
    assert resolver.locate(media["preview_url"]) == Attachment(instance=MAIN, value=f"{media['id']}/small")
    assert resolver.locate(media["id"]) == name  # no post has this number
    assert resolver.locate(resolver.address(name)) == name
    avatar = "accounts/avatars/000/000/012/original/0123456789abcdef.png"
    assert resolver.locate(f"bucket/{avatar}") == StorageKey(instance=MAIN, value=avatar)
    assert resolver.locate("https://far.test/a.png") == RemoteUrl(value="https://far.test/a.png")


def test_posts_of_other_servers_are_found_by_their_own_address(square: Square) -> None:
    federation = square.box.federation
    status = federation.status(federation.account("rita"), "hello")
    found = connect(square, token="full").instance.resolver.locate(status.uri)
    assert found == post(str(status.id))


@pytest.mark.parametrize("text", ["", "hello", "@nobody-there", "999999999999999", "https://far.test/about"])
def test_what_means_nothing_here_is_nothing_or_a_bare_attachment(square: Square, text: str) -> None:
    found = connect(square).instance.resolver.locate(text)
    assert found is None or found == Attachment(instance=MAIN, value=text)


def test_what_the_api_cannot_tell_is_not_made_up(square: Square) -> None:
    resolver = connect(square).instance.resolver
    name = Attachment(instance=MAIN, value=square.status()["media_attachments"][0]["id"])
    assert (resolver.names(name), resolver.uses(name)) == ((), ())
    assert (resolver.uploader(name), resolver.digest(name)) == (None, None)
