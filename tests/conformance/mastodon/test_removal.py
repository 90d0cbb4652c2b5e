"""What is left of a post that is gone: its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..answers import body
from ..waiting import eventually

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance


def test_deleted_post_leaves_its_file_public(stage: Stage, alice: Person, anonymous: Person) -> None:
    status = stage.post(alice, pictures=1)
    body(alice.delete(f"v1/statuses/{status['id']}"))
    stage.gone(anonymous, status["id"])
    assert anonymous.fetch(status["media_attachments"][0]["url"]).status_code == 200


def test_author_may_delete_the_file_with_the_post_since_4_4(stage: Stage, alice: Person, anonymous: Person) -> None:
    status = stage.post(alice, pictures=1)
    address = status["media_attachments"][0]["url"]
    body(alice.delete(f"v1/statuses/{status['id']}", {"delete_media": "true"}))
    stage.gone(anonymous, status["id"])
    if stage.version < (4, 4):
        assert anonymous.fetch(address).status_code == 200  # the word is not known there
    else:
        eventually(lambda: anonymous.fetch(address).status_code == 404, "a file is still served")


def test_upload_that_nobody_posted_is_public_for_who_knows_its_address(
    stage: Stage, bob: Person, anonymous: Person
) -> None:
    address = bob.found(f"v1/media/{stage.picture(bob)}")["url"]
    assert anonymous.fetch(address).status_code == 200


def test_deleting_a_post_gives_its_text_back(stage: Stage, alice: Person) -> None:
    status = stage.post(alice, "to be deleted", pictures=1)
    answer = body(alice.delete(f"v1/statuses/{status['id']}"))
    assert (answer["id"], answer["text"]) == (status["id"], "to be deleted")
    assert answer["media_attachments"][0]["id"] == status["media_attachments"][0]["id"]
