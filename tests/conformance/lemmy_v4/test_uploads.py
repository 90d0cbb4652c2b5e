"""What becomes of uploaded files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from ..answers import refusal
from ..pictures import StoredHash, png, size_of
from .stage import NO_SUCH_FILE

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance


def test_etag_is_the_digest_of_what_is_served(stage: Stage, alice: Person, anonymous: Person) -> None:
    picture = stage.picture(alice)
    answer = anonymous.fetch(picture.alias)
    assert answer.headers["content-type"] == "image/png"
    stored = StoredHash.from_etag(answer.headers["etag"])
    assert (stored.sha256, stored.size) == (hashlib.sha256(answer.content).hexdigest(), len(answer.content))


def test_the_same_picture_twice_is_two_files(stage: Stage, alice: Person, bob: Person, anonymous: Person) -> None:
    content = png()
    tags = [anonymous.fetch(stage.picture(who, content).alias).headers["etag"] for who in (alice, bob)]
    assert tags[0] != tags[1]


def test_a_smaller_copy_bears_the_tag_of_its_original(stage: Stage, alice: Person, anonymous: Person) -> None:
    alias = stage.picture(alice).alias
    small = anonymous.fetch(alias, file_type="png", max_size=96)
    assert max(size_of(small.content)) <= 96
    assert small.headers["etag"] == anonymous.fetch(alias).headers["etag"]


def test_what_is_no_picture_is_refused(stage: Stage, alice: Person) -> None:
    answer = alice.upload(b"not a file", name="x.txt", kind="text/plain")
    assert refusal(answer) == (400, "pictrs_invalid_image_upload")


def test_uploading_wants_a_login(stage: Stage, anonymous: Person) -> None:
    assert refusal(anonymous.upload(png())) == (401, "incorrect_login")


def test_a_missing_file_has_no_body(anonymous: Person) -> None:
    answer = anonymous.fetch(NO_SUCH_FILE)
    assert (answer.status_code, answer.content) == (404, b"")
