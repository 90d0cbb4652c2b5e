"""Requests that no good client makes: whoever is strict with them on the sandbox is strict with them everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .answers import body, refusal
from .people import LAST
from .stage import NO_SUCH_FILE, NO_SUCH_ID

if TYPE_CHECKING:
    import httpx

    from .people import Person
    from .stage import Picture, Stage

pytestmark = pytest.mark.conformance
JSON = {"Content-Type": "application/json"} | LAST
UNREADABLE_PATH = (500, {"msg": "Provided process path is invalid", "code": "invalid-process-path"})
NO_RANGE = {"msg": "Range header not satisfiable", "code": "range-not-satisfiable"}


@pytest.fixture(scope="module")
def picture(stage: Stage) -> Picture:
    """A file that nothing happens to."""
    return stage.bare_picture()


def removal(person: Person, content: str, kind: str = "application/json") -> httpx.Response:
    headers = JSON | {"Content-Type": kind}
    return person.client.post("/api/v3/post/remove", content=content.encode(), headers=headers)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "EOF while parsing an object at line 1 column 1"),
        ('{"post_id":1,}', "trailing comma at line 1 column 14"),
        ('{"post_id":999,"post_id":999,"removed":true}', "duplicate field `post_id` at line 1 column 24"),
        ('{"post_id":NaN,"removed":true}', "expected value at line 1 column 12"),
        ('{"post_id":9,"reason":"\\ud800"}', "unexpected end of hex escape at line 1 column 30"),
        ('{"post_id":-0}', "invalid type: floating point `-0.0`, expected i32 at line 1 column 13"),
    ],
)
def test_a_body_that_is_no_json_is_told_its_fault(warden: Person, content: str, message: str) -> None:
    answer = removal(warden, content)
    assert refusal(answer) == (400, "unknown")
    assert answer.json()["message"] == f"Json deserialize error: {message}"


def test_who_is_nobody_is_told_so_whatever_he_sends(anonymous: Person) -> None:
    for content in ("{", "{}", '{"post_id":"x"}'):
        assert refusal(removal(anonymous, content)) == (401, "incorrect_login")
    for content, kind in (("", "application/json"), ("{}", "text/plain")):
        assert refusal(removal(anonymous, content, kind)) == (400, "unknown")


def test_a_body_has_two_mebibytes_at_most(warden: Person) -> None:
    answer = removal(warden, '{"post_id":999,"removed":true,"reason":"' + "x" * 2_100_000 + '"}')
    assert refusal(answer) == (413, "unknown")
    assert answer.json()["message"].endswith("bytes) is larger than allowed (limit: 2097152 bytes).")


def test_a_nul_reaches_no_table(stage: Stage, alice: Person, warden: Person, community: int) -> None:
    number = stage.post(alice, community)["post"]["id"]
    for answer in (
        warden.get("search", q="\0"),
        warden.post("post/remove", post_id=number, removed=False, reason="\0"),
    ):
        assert refusal(answer) == (400, "unknown")
        assert answer.json()["message"] == 'invalid byte sequence for encoding "UTF8": 0x00'


def test_strangers_have_saved_nothing(stage: Stage, alice: Person, anonymous: Person, community: int) -> None:
    number = stage.post(alice, community)["post"]["id"]
    body(alice.put("post/save", post_id=number, save=True))
    mine = body(alice.get("post/list", saved_only="true", community_id=community))["posts"]
    assert number in {view["post"]["id"] for view in mine}
    assert body(anonymous.get("post/list", saved_only="true"))["posts"] == []
    assert refusal(anonymous.get("post/site_metadata", url=f"{anonymous.client.base_url}")) == (401, "incorrect_login")


def test_other_methods_are_told_the_right_one(anonymous: Person) -> None:
    paths = {"/api/v3/search": "GET", "/api/v3/modlog": "GET", f"/pictrs/image/{NO_SUCH_FILE}": "GET"}
    for path, allowed in paths.items():
        answer = anonymous.client.request("PUT", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert anonymous.client.request("POST", "/pictrs/image/").status_code == 404


def test_languages_that_are_none_and_letters_that_cannot_be_sent(bob: Person) -> None:
    answer = bob.put("user/save_user_settings", discussion_languages=[NO_SUCH_ID])
    assert refusal(answer) == (400, "unknown")
    assert "violates foreign key constraint" in answer.json()["message"]
    assert refusal(bob.put("user/save_user_settings", email="bob@example.com")) == (400, "no_email_setup")
    assert refusal(bob.post("user/block", person_id=NO_SUCH_ID, block=True)) == (400, "person_block_already_exists")
    blocked = bob.post("community/block", community_id=NO_SUCH_ID, block=True)
    assert refusal(blocked) == (400, "community_block_already_exists")


def test_votes_are_for_moderators(stage: Stage, alice: Person, bob: Person, warden: Person, community: int) -> None:
    number = stage.post(alice, community)["post"]["id"]
    body(bob.post("post/like", post_id=number, score=-1))
    views = body(warden.get("post/like/list", post_id=number))["post_likes"]
    assert [(view["creator"]["id"], view["score"]) for view in views] == [(bob.id, -1), (alice.id, 1)]
    assert refusal(alice.get("post/like/list", post_id=number)) == (400, "not_a_mod_or_admin")
    comment = stage.comment(alice, number, "a remark")["comment"]["id"]
    [only] = body(warden.get("comment/like/list", comment_id=comment))["comment_likes"]
    assert (only["creator"]["id"], only["score"], only["creator_banned_from_community"]) == (alice.id, 1, False)
    assert refusal(alice.post("comment/distinguish", comment_id=comment, distinguished=True)) == (
        400,
        "not_a_mod_or_admin",
    )


def test_applications_and_messages_one_by_one(alice: Person, bob: Person, warden: Person) -> None:
    answer = warden.get("admin/registration_application", person_id=alice.id)
    assert refusal(answer) == (400, "couldnt_find_registration_application")
    assert refusal(alice.get("admin/registration_application", person_id=alice.id)) == (400, "not_an_admin")
    made = body(alice.post("private_message", recipient_id=bob.id, content="words"))
    number = made["private_message_view"]["private_message"]["id"]
    refused = bob.post("private_message/delete", private_message_id=number, deleted=True)
    assert refusal(refused) == (400, "edit_private_message_not_allowed")
    gone = body(alice.post("private_message/delete", private_message_id=number, deleted=True))
    message = gone["private_message_view"]["private_message"]
    assert (message["deleted"], message["content"]) == (True, "words")


@pytest.mark.parametrize(
    ("asked", "status", "size"),
    [
        ("bytes=0-0", 206, 1),
        ("bytes= 0-1", 206, 2),
        ("bytes=0-1,x", 206, 2),
        ("bytes=-3", 206, 3),
        ("bytes=5-3", 200, None),
        ("bytes=a-b", 200, None),
        ("bytes=", 200, None),
        ("bytes=-0", 416, 0),
        ("bytes=99999999-", 416, 0),
        ("bytes=0-1,3-4", 416, None),
        ("BYTES=0-0", 416, None),
    ],
)
def test_ranges_that_can_be_read_and_others(
    stage: Stage, picture: Picture, asked: str, status: int, size: int | None
) -> None:
    answer = stage.pictrs.get(f"/image/original/{picture.alias}", headers={"Range": asked})
    assert answer.status_code == status
    if size is not None:
        assert len(answer.content) == size
        assert ("content-range" in answer.headers) == (status == 206)
    elif status == 416:
        assert answer.json() == NO_RANGE


def test_preconditions_of_a_file(stage: Stage, picture: Picture) -> None:
    address = f"/image/original/{picture.alias}"
    tag, far, long_ago = stage.pictrs.get(address).headers["etag"], "2035", "2001"
    date = "Mon, 01 Jan {} 00:00:00 GMT"
    asked = [
        ({"If-None-Match": f'"x", W/{tag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": "garbage", "If-Modified-Since": date.format(far)}, 200),
        ({"If-Modified-Since": date.format(far)}, 304),
        ({"If-Modified-Since": date.format(long_ago)}, 200),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": tag}, 200),
        ({"If-Unmodified-Since": date.format(long_ago)}, 412),
        ({"If-Range": '"x"', "Range": "bytes=0-0"}, 200),
        ({"If-Range": tag, "Range": "bytes=0-0"}, 206),
    ]
    found = [stage.pictrs.get(address, headers=headers).status_code for headers, _ in asked]
    assert found == [status for _, status in asked]


@pytest.mark.parametrize("operation", ["thumbnail=-1", "thumbnail=", "Thumbnail=5", "resize=x", "crop=0x9", "blur=x"])
def test_copies_that_cannot_be_read(stage: Stage, operation: str) -> None:
    answer = stage.pictrs.get(f"/image/process.jpg?src={NO_SUCH_FILE}&{operation}")
    assert (answer.status_code, answer.json()) == UNREADABLE_PATH


def test_a_copy_of_less_than_nothing(picture: Picture, anonymous: Person) -> None:
    answer = anonymous.fetch(picture.alias, thumbnail=-1)
    assert (answer.status_code, answer.json()) == UNREADABLE_PATH
    assert anonymous.fetch(picture.alias, format="").headers["content-type"] == "image/jpeg"


def test_what_pictrs_does_not_even_look_up(stage: Stage, picture: Picture) -> None:
    statuses = {
        ("POST", f"/image/original/{NO_SUCH_FILE}"): 405,
        ("PUT", f"/image/delete/x/{NO_SUCH_FILE}"): 405,
        ("HEAD", f"/image/details/original/{NO_SUCH_FILE}"): 405,
        ("HEAD", f"/image/process.jpg?src={picture.alias}&thumbnail=33"): 404,
        ("GET", "/image/original/"): 404,
        ("GET", "/image/original?proxy=x"): 400,
        ("GET", "/internal/aliases?proxy=x"): 400,
        ("GET", "/image/download"): 400,
        ("GET", "/image/download?url=x"): 400,
    }
    assert {call: stage.pictrs.request(*call).status_code for call in statuses} == statuses


@pytest.mark.parametrize(
    ("query", "msg"),
    [
        ("timestamp=2001-01-01", "the 'separator' component could not be parsed"),
        ("timestamp=2026-13-01T00:00:00Z", "month was not in range"),
        ("timestamp=2026-01-01T00:00:00", "the 'offset hour' component could not be parsed"),
        ("limit=1&limit=2", "duplicate field `limit`"),
    ],
)
def test_pages_of_files_that_cannot_be_asked_for(stage: Stage, query: str, msg: str) -> None:
    answer = stage.pictrs.get(f"/internal/hashes?{query}")
    assert (answer.status_code, answer.json()) == (400, {"code": "invalid-query", "msg": msg})


def test_uploads_of_nothing(stage: Stage, alice: Person) -> None:
    through = alice.upload(b"")
    assert (through.status_code, through.json()["msg"]) == (400, "Uploaded file is empty")
    nameless = stage.pictrs.post("/image", files={"images[]": (None, b"x")})
    assert (nameless.status_code, nameless.json()["msg"]) == (400, "Filename is missing")
