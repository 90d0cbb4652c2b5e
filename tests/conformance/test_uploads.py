"""Uploading, and the files at their public addresses."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from .answers import body, refusal
from .pictures import FORMAT_PNG, StoredHash, png
from .stage import NO_SUCH_FILE

if TYPE_CHECKING:
    from .people import Person
    from .stage import Picture, Stage

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def picture(stage: Stage, alice: Person) -> Picture:
    """An upload of alice's."""
    return stage.picture(alice)


def test_upload_is_created_with_alias_token_and_details(stage: Stage, alice: Person) -> None:
    answer = alice.upload(png(320, 200))
    [file] = body(answer)["files"]
    stage.aliases.append(file["file"])
    assert (answer.status_code, answer.json()["msg"]) == (201, "ok")
    assert file["file"].endswith(".png")
    assert file["delete_token"]
    assert file["details"].keys() == {"width", "height", "content_type", "created_at"}
    assert [file["details"][name] for name in ("width", "height", "content_type")] == [320, 200, "image/png"]


def test_upload_without_login_is_refused(anonymous: Person) -> None:
    assert refusal(anonymous.upload(png())) == (401, "incorrect_login")


def test_text_is_not_an_upload(alice: Person) -> None:
    answer = alice.upload(b"not a picture at all\n", name="x.txt", kind="text/plain")
    assert (answer.status_code, answer.json()) == (400, {"files": None, "msg": "Invalid media file provided"})


def test_truncated_picture_is_an_error_of_the_server(alice: Person) -> None:
    answer = alice.upload(png()[:200])
    assert answer.status_code == 500
    assert answer.json()["files"] is None
    assert isinstance(answer.json()["msg"], str)


def test_upload_is_public_at_once(picture: Picture, anonymous: Person) -> None:
    answer = anonymous.fetch(picture.alias)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")


def test_plain_png_is_served_as_it_was_sent(picture: Picture, anonymous: Person) -> None:
    assert anonymous.fetch(picture.alias).content == picture.content


def test_etag_is_the_sha256_size_and_format_of_the_bytes_served(picture: Picture, anonymous: Person) -> None:
    answer = anonymous.fetch(picture.alias)
    assert StoredHash.from_etag(answer.headers["ETag"]) == StoredHash(
        sha256=hashlib.sha256(answer.content).hexdigest(), size=len(answer.content), format=FORMAT_PNG
    )


def test_range_of_one_byte_is_answered_with_the_same_etag(picture: Picture, anonymous: Person) -> None:
    whole, first = anonymous.fetch(picture.alias), anonymous.first_byte(picture.alias)
    assert (first.status_code, first.content) == (206, whole.content[:1])
    assert first.headers["ETag"] == whole.headers["ETag"]
    assert first.headers["Content-Range"] == f"bytes 0-0/{len(whole.content)}"


def test_derived_picture_carries_the_etag_of_its_original(picture: Picture, anonymous: Person) -> None:
    derived = anonymous.fetch(picture.alias, format="webp", thumbnail=96)
    assert (derived.status_code, derived.headers["Content-Type"]) == (200, "image/webp")
    assert derived.content != picture.content
    assert derived.headers["ETag"] == anonymous.first_byte(picture.alias).headers["ETag"]


def test_head_is_not_allowed(picture: Picture, anonymous: Person) -> None:
    assert anonymous.client.head(f"/pictrs/image/{picture.alias}").status_code == 405


def test_unknown_alias_is_not_found_without_a_body(anonymous: Person) -> None:
    answer = anonymous.fetch(NO_SUCH_FILE)
    assert (answer.status_code, answer.content) == (404, b"")


def test_same_bytes_twice_are_two_aliases_with_one_etag(
    stage: Stage, alice: Person, bob: Person, anonymous: Person
) -> None:
    first = stage.picture(alice)
    second = stage.picture(bob, first.content)
    assert first.alias != second.alias
    etags = [anonymous.first_byte(picture.alias).headers["ETag"] for picture in (first, second)]
    assert etags[0] == etags[1]
