"""Bans: where they are told, and that they do not end the uploads of an account."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body, refusal
from ..pictures import png
from ..waiting import eventually
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance
DAY = 86400
REASON = {"reason": "a test"}


@pytest.fixture
def mallory(stage: Stage) -> Person:
    """Somebody to ban."""
    return stage.register("mallory")


def ban(warden: Person, person: Person, *, on: bool = True, **fields: Any) -> dict[str, Any]:
    answer = warden.post("admin/ban", person_id=person.id, ban=on, **(REASON | fields))
    view: dict[str, Any] = body(answer)["person_view"]
    return view


def test_the_view_of_a_person_tells_a_ban_and_its_end(warden: Person, mallory: Person) -> None:
    view = ban(warden, mallory, expires_at=int(time.time()) + DAY)
    assert view["banned"] is True
    assert view["ban_expires_at"].endswith("Z")
    assert "banned" not in view["person"]
    shown = body(warden.get("person", person_id=mallory.id))["person_view"]
    assert (shown["banned"], shown["ban_expires_at"]) == (True, view["ban_expires_at"])
    assert ban(warden, mallory)["ban_expires_at"] == view["ban_expires_at"]
    back = ban(warden, mallory, on=False)
    assert (back["banned"], "ban_expires_at" in back) == (False, False)


def test_the_banned_still_come_in_and_upload_but_cannot_post(
    stage: Stage, warden: Person, mallory: Person, anonymous: Person, community: int
) -> None:
    ban(warden, mallory)
    assert body(mallory.get("account/validate_auth")) == {"success": True}
    mallory.sign_in()
    assert anonymous.fetch(stage.picture(mallory, png()).alias).status_code == 200
    assert refusal(mallory.post("post", name="A post", community_id=community)) == (400, "site_ban")


def test_a_ban_with_data_is_taken_back_without_the_files(
    stage: Stage, warden: Person, mallory: Person, anonymous: Person, community: int
) -> None:
    picture = stage.picture(mallory)
    number = stage.post(mallory, community, url=picture.url)["post"]["id"]

    def removed() -> bool:
        return bool(body(warden.get("post", id=number))["post_view"]["post"]["removed"])

    ban(warden, mallory, remove_or_restore_data=True)
    eventually(removed, "a ban with data removes posts")
    eventually(lambda: anonymous.fetch(picture.alias).status_code == 404, "a ban with data deletes files")
    entry = body(warden.get("modlog", type_="admin_ban", other_person_id=mallory.id))["items"][0]["modlog"]
    assert entry["child_count"] == 1
    ban(warden, mallory, on=False, remove_or_restore_data=True)
    eventually(lambda: not removed(), "the posts come back")
    assert anonymous.fetch(picture.alias).status_code == 404


def test_bans_are_written_down_and_taken_back(warden: Person, mallory: Person) -> None:
    ban(warden, mallory)
    ban(warden, mallory, on=False)
    items = body(warden.get("modlog", type_="admin_ban", other_person_id=mallory.id))["items"]
    assert [item["modlog"]["is_revert"] for item in items] == [True, False]
    assert {item["moderator"]["id"] for item in items} == {warden.id}


def test_refusals_of_a_ban(admin: Person, warden: Person, alice: Person, mallory: Person) -> None:
    wanted = {"ban": True, **REASON}
    assert refusal(alice.post("admin/ban", person_id=mallory.id, **wanted)) == (400, "not_an_admin")
    assert refusal(warden.post("admin/ban", person_id=admin.id, **wanted)) == (400, "not_higher_admin")
    assert refusal(warden.post("admin/ban", person_id=NO_SUCH_ID, **wanted)) == (400, "unknown")
    assert refusal(warden.post("admin/ban", person_id=mallory.id, ban=True)) == (400, "unknown")
    past = warden.post("admin/ban", person_id=mallory.id, expires_at=int(time.time()) - DAY, **wanted)
    assert refusal(past) == (400, "ban_expiration_in_past")


def test_a_community_ban_is_no_ban_from_the_site(stage: Stage, warden: Person, mallory: Person, community: int) -> None:
    number = stage.post(mallory, community)["post"]["id"]
    wanted = {"community_id": community, "person_id": mallory.id, **REASON}
    assert body(warden.post("community/ban_user", ban=True, **wanted))["person_view"]["banned"] is False
    view = body(warden.get("post", id=number))["post_view"]
    assert (view["creator_banned"], view["creator_banned_from_community"]) == (False, True)
    body(warden.post("community/ban_user", ban=False, **wanted))
    assert body(warden.get("post", id=number))["post_view"]["creator_banned_from_community"] is False
