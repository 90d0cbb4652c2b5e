"""Posts, their pictures, and what an edit does to both."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body, refusal
from ..waiting import eventually
from .pictures import gif, png
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def status(stage: Stage, alice: Person) -> dict[str, Any]:
    """A public post with one picture."""
    return stage.post(alice, pictures=1)


@pytest.fixture(scope="module")
def edited(stage: Stage, carol: Person) -> tuple[dict[str, Any], dict[str, Any]]:
    """A post whose picture was replaced by another: as it was, and as it is."""
    before = stage.post(carol, pictures=1)
    changed = {"status": "edited", "media_ids": [stage.picture(carol)]}
    return before, body(carol.put(f"v1/statuses/{before['id']}", **changed))


def test_id_of_a_local_status_is_made_from_its_time(status: dict[str, Any]) -> None:
    made = datetime.fromisoformat(status["created_at"]).timestamp()
    assert abs((int(status["id"]) >> 16) / 1000 - made) < 2  # the database's clock and the program's


def test_picture_comes_with_its_addresses(status: dict[str, Any]) -> None:
    (media,) = status["media_attachments"]
    assert media["type"] == "image"
    assert (media["remote_url"], media["preview_remote_url"]) == (None, None)
    assert "/original/" in media["url"]
    assert "/small/" in media["preview_url"]


def test_address_of_a_file_holds_the_id_of_its_attachment(status: dict[str, Any]) -> None:
    (media,) = status["media_attachments"]
    padded = media["id"].zfill(18)
    assert "/".join(padded[at : at + 3] for at in range(0, 18, 3)) in media["url"]


def test_file_and_its_preview_are_public(status: dict[str, Any], anonymous: Person) -> None:
    (media,) = status["media_attachments"]
    for address in (media["url"], media["preview_url"]):
        answer = anonymous.fetch(address)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")


def test_same_file_uploaded_twice_is_stored_as_the_same_bytes(stage: Stage, bob: Person, anonymous: Person) -> None:
    content = png(96, 64)
    first, second = (bob.found(f"v1/media/{stage.picture(bob, content)}")["url"] for _ in range(2))
    assert first != second
    assert anonymous.fetch(first).content == anonymous.fetch(second).content


def test_posted_upload_is_no_longer_read_by_its_id(status: dict[str, Any], alice: Person) -> None:
    answer = alice.get(f"v1/media/{status['media_attachments'][0]['id']}")
    assert refusal(answer) == (404, "Record not found")


def test_upload_is_posted_once(status: dict[str, Any], alice: Person) -> None:
    number = status["media_attachments"][0]["id"]
    answer = alice.post("v1/statuses", status="again", media_ids=[number])
    assert answer.status_code == 422


def test_animation_has_no_address_until_it_is_converted(bob: Person) -> None:
    answer = bob.upload(gif(), name="a.gif", kind="image/gif")
    assert answer.status_code == 202
    media = answer.json()
    assert media["url"] is None
    eventually(lambda: bob.get(f"v1/media/{media['id']}").status_code == 200, "an animation is still being converted")
    done = bob.found(f"v1/media/{media['id']}")
    assert done["type"] == "gifv"
    assert done["url"].endswith(".mp4")


def test_what_is_no_picture_is_refused(bob: Person) -> None:
    assert bob.upload(b"this is not a picture").status_code == 422


def test_status_is_read_without_a_token(status: dict[str, Any], anonymous: Person) -> None:
    found = anonymous.found(f"v1/statuses/{status['id']}")
    assert (found["id"], found["account"]["id"]) == (status["id"], status["account"]["id"])


@pytest.mark.parametrize("number", [NO_SUCH_ID, "abc"])
def test_missing_status_has_words_of_its_own(warden: Person, number: str) -> None:
    assert refusal(warden.get(f"v1/statuses/{number}")) == (404, "Not Found")


def test_of_several_statuses_the_missing_are_left_out(status: dict[str, Any], warden: Person) -> None:
    found = warden.get("v1/statuses", {"id[]": [status["id"], NO_SUCH_ID]})
    assert [one["id"] for one in found.json()] == [status["id"]]


def test_edit_keeps_the_id_and_tells_its_time(edited: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = edited
    assert (before["id"], before["edited_at"]) == (after["id"], None)
    assert datetime.fromisoformat(after["edited_at"]) > datetime.fromisoformat(before["created_at"])


def test_history_has_the_picture_that_was_edited_out(
    edited: tuple[dict[str, Any], dict[str, Any]], warden: Person
) -> None:
    before, after = edited
    versions = warden.found(f"v1/statuses/{before['id']}/history")
    shown = [[media["id"] for media in version["media_attachments"]] for version in versions]
    assert shown == [[before["media_attachments"][0]["id"]], [after["media_attachments"][0]["id"]]]


def test_file_that_was_edited_out_stays_public(
    edited: tuple[dict[str, Any], dict[str, Any]], anonymous: Person
) -> None:
    before, after = edited
    gone = before["media_attachments"][0]
    assert gone["id"] not in [media["id"] for media in after["media_attachments"]]
    assert anonymous.fetch(gone["url"]).status_code == 200


def test_list_of_an_account_has_unlisted_pictures_and_needs_no_token(
    stage: Stage, alice: Person, anonymous: Person
) -> None:
    hidden = stage.post(alice, pictures=1, visibility="unlisted")
    text = stage.post(alice)
    listed = anonymous.found(f"v1/accounts/{alice.id}/statuses", {"only_media": "true", "limit": 40})
    numbers = [one["id"] for one in listed]
    assert hidden["id"] in numbers
    assert text["id"] not in numbers


def test_list_of_an_account_has_replies(stage: Stage, alice: Person, bob: Person, warden: Person) -> None:
    reply = stage.post(bob, pictures=1, in_reply_to_id=stage.post(alice)["id"])
    listed = warden.found(f"v1/accounts/{bob.id}/statuses", {"only_media": "true"})
    assert reply["id"] in [one["id"] for one in listed]


def test_private_status_is_not_found_by_the_bot(stage: Stage, alice: Person, warden: Person) -> None:
    hidden = stage.post(alice, visibility="private")
    assert refusal(warden.get(f"v1/statuses/{hidden['id']}")) == (404, "Not Found")


def test_avatar_is_a_file_in_the_account(alice: Person, warden: Person, anonymous: Person) -> None:
    files = {"avatar": ("a.png", png(120, 120), "image/png")}
    changed = body(alice.client.patch("/api/v1/accounts/update_credentials", files=files))
    try:
        found = warden.found(f"v1/accounts/{alice.id}")
        assert found["avatar"] == changed["avatar"]
        assert "/avatars/" in found["avatar"]
        assert anonymous.fetch(found["avatar"]).status_code == 200
    finally:
        alice.delete("v1/profile/avatar")


def test_account_is_found_by_its_name(alice: Person, anonymous: Person) -> None:
    assert anonymous.found("v1/accounts/lookup", {"acct": alice.name})["id"] == alice.id


def test_status_is_found_by_its_address(status: dict[str, Any], stage: Stage) -> None:
    found = stage.person("warden").found("v2/search", {"q": status["url"], "resolve": "true"})
    assert [one["id"] for one in found["statuses"]] == [status["id"]]


def test_proxy_of_a_local_file(status: dict[str, Any], anonymous: Person, stage: Stage) -> None:
    media = status["media_attachments"][0]
    answer = anonymous.client.get(f"/media_proxy/{media['id']}/original")
    if stage.version < (4, 4):
        assert answer.status_code == 404
    else:
        assert (answer.status_code, answer.headers["location"]) == (302, media["url"])
