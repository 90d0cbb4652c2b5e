"""Bans from the site and from a community: what they stop, what they undo, whom they cannot reach."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from .answers import body, refusal
from .pictures import png
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance

WEEK = 7 * 24 * 3600


@pytest.fixture(scope="module")
def offender(stage: Stage) -> Person:
    """Somebody whom the tests of this module ban and unban as they like."""
    return stage.register("offender")


@pytest.fixture(scope="module")
def banned(stage: Stage, warden: Person) -> Person:
    """Somebody who is banned for good, and holds a token from before."""
    person = stage.register("banned")
    ban(warden, person)
    return person


def ban(warden: Person, person: Person, **fields: Any) -> dict[str, Any]:
    return body(warden.post("user/ban", **{"person_id": person.id, "ban": True, "reason": "a reason", **fields}))


def unban(warden: Person, person: Person) -> dict[str, Any]:
    return ban(warden, person, ban=False)


def exclude(warden: Person, person: Person, community: int, **fields: Any) -> dict[str, Any]:
    content = {"community_id": community, "person_id": person.id, "ban": True, "reason": "a reason", **fields}
    return body(warden.post("community/ban_user", **content))


def test_ban_answers_with_the_banned_person(offender: Person, warden: Person) -> None:
    answer = ban(warden, offender)
    person = answer["person_view"]["person"]
    assert (answer["banned"], person["id"], person["banned"]) == (True, offender.id, True)
    assert "ban_expires" not in person


def test_ban_with_an_expiry_says_when_it_ends(offender: Person, warden: Person) -> None:
    expires = int(time.time()) + WEEK
    person = ban(warden, offender, expires=expires)["person_view"]["person"]
    assert person["banned"] is True
    assert datetime.fromisoformat(person["ban_expires"]) == datetime.fromtimestamp(expires, UTC)


def test_ban_is_seen_in_the_person(offender: Person, warden: Person, anonymous: Person) -> None:
    ban(warden, offender)
    assert body(anonymous.get("user", person_id=offender.id))["person_view"]["person"]["banned"] is True


def test_second_ban_replaces_the_expiry_of_the_first(offender: Person, warden: Person) -> None:
    ban(warden, offender, expires=int(time.time()) + WEEK)
    person = ban(warden, offender)["person_view"]["person"]
    assert person["banned"] is True
    assert "ban_expires" not in person


def test_unban_answers_with_the_free_person(offender: Person, warden: Person) -> None:
    ban(warden, offender, expires=int(time.time()) + WEEK)
    answer = unban(warden, offender)
    person = answer["person_view"]["person"]
    assert (answer["banned"], person["banned"]) == (False, False)
    assert "ban_expires" not in person


def test_unban_can_be_repeated(offender: Person, warden: Person) -> None:
    unban(warden, offender)
    assert unban(warden, offender)["banned"] is False


def test_banned_people_are_listed_for_administrators(banned: Person, warden: Person) -> None:
    assert banned.id in {view["person"]["id"] for view in body(warden.get("user/banned"))["banned"]}


def test_expiry_in_the_past_is_refused(offender: Person, warden: Person) -> None:
    answer = warden.post("user/ban", person_id=offender.id, ban=True, reason="x", expires=int(time.time()) - 3600)
    assert refusal(answer) == (400, "ban_expiration_in_past")


def test_ban_of_a_missing_person_is_not_found(warden: Person) -> None:
    answer = warden.post("user/ban", person_id=NO_SUCH_ID, ban=True, reason="x")
    assert refusal(answer) == (404, "couldnt_update_user")


def test_older_administrator_cannot_be_banned(admin: Person, warden: Person) -> None:
    answer = warden.post("user/ban", person_id=admin.id, ban=True, reason="x")
    assert refusal(answer) == (400, "not_higher_admin")


def test_ban_is_not_for_ordinary_users(offender: Person, alice: Person) -> None:
    assert refusal(alice.post("user/ban", person_id=offender.id, ban=True, reason="x")) == (400, "not_an_admin")


def test_token_of_a_banned_person_is_bad(banned: Person) -> None:
    assert refusal(banned.get("user/validate_auth")) == (400, "not_logged_in")


def test_banned_person_cannot_upload(banned: Person) -> None:
    assert refusal(banned.upload(png())) == (401, "incorrect_login")


def test_banned_person_cannot_post(banned: Person, community: int) -> None:
    answer = banned.post("post", name="a post", community_id=community)
    assert refusal(answer) == (401, "incorrect_login")


def test_banned_person_cannot_log_in(banned: Person, anonymous: Person) -> None:
    answer = anonymous.post("user/login", username_or_email=banned.name, password=banned.password)
    assert refusal(answer) == (400, "site_ban")


def test_unban_does_not_bring_the_token_back_but_login_works(stage: Stage, warden: Person) -> None:
    person = stage.register("returner")
    ban(warden, person)
    unban(warden, person)
    assert refusal(person.get("user/validate_auth")) == (400, "not_logged_in")
    person.sign_in()
    assert body(person.get("user/validate_auth")) == {"success": True}


def test_ban_without_remove_data_leaves_posts_and_files(
    stage: Stage, community: int, warden: Person, anonymous: Person
) -> None:
    person = stage.register("left")
    picture = stage.picture(person)
    post = stage.post(person, community, url=picture.url)["post"]["id"]
    ban(warden, person, remove_data=False)
    assert body(anonymous.get("post", id=post))["post_view"]["post"]["removed"] is False
    assert anonymous.fetch(picture.alias).status_code == 200


def test_community_ban_answers_with_the_person_who_is_not_banned_from_the_site(
    offender: Person, community: int, warden: Person
) -> None:
    unban(warden, offender)
    answer = exclude(warden, offender, community, expires=int(time.time()) + WEEK)
    assert answer.keys() == {"person_view", "banned"}
    assert (answer["banned"], answer["person_view"]["person"]["id"]) == (True, offender.id)
    assert answer["person_view"]["person"]["banned"] is False


def test_community_ban_and_unban_can_be_repeated(offender: Person, community: int, warden: Person) -> None:
    states = [exclude(warden, offender, community, ban=ban)["banned"] for ban in (True, True, False, False, True)]
    assert states == [True, True, False, False, True]


def test_community_ban_is_not_for_ordinary_users(offender: Person, community: int, alice: Person) -> None:
    answer = alice.post("community/ban_user", community_id=community, person_id=offender.id, ban=True, reason="x")
    assert refusal(answer) == (400, "not_a_mod_or_admin")


def test_person_banned_from_a_community_cannot_post_there_but_is_logged_in(
    stage: Stage, community: int, warden: Person
) -> None:
    person = stage.register("excluded")
    exclude(warden, person, community)
    answer = person.post("post", name="a post", community_id=community)
    assert refusal(answer) == (400, "banned_from_community")
    assert body(person.get("user/validate_auth")) == {"success": True}


def test_posts_of_a_person_banned_from_the_community_say_so(stage: Stage, community: int, warden: Person) -> None:
    person = stage.register("excluded")
    post = stage.post(person, community)["post"]["id"]
    exclude(warden, person, community)
    assert body(warden.get("post", id=post))["post_view"]["creator_banned_from_community"] is True
    exclude(warden, person, community, ban=False)
    assert body(warden.get("post", id=post))["post_view"]["creator_banned_from_community"] is False
