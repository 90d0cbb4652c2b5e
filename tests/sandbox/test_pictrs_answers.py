"""What pict-rs refuses, and what it does not mind."""

from __future__ import annotations

import uuid
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from golden.pictures import circles

from .visitors import until

if TYPE_CHECKING:
    import httpx

    from .visitors import Visitors

MISSING = "00000000-0000-4000-8000-00000000dead.png"
NOT_FOUND = b'{"code":"alias-not-found","msg":"Requested a file that doesn\'t exist"}'
NO_QUERY = "data did not match any variant of untagged enum"


def pictrs(visitors: Visitors, method: str, path: str, **details: Any) -> httpx.Response:
    headers = {"X-Api-Token": visitors.box.pictrs_key} | details.pop("headers", {})
    return visitors.client.request(method, visitors.box.pictrs_url + path, headers=headers, **details)


@pytest.mark.parametrize(
    ("limit", "msg"),
    [
        ("-1", "invalid digit found in string"),
        ("x", "invalid digit found in string"),
        ("1.5", "invalid digit found in string"),
        ("", "cannot parse integer from empty string"),
        ("18446744073709551616", "number too large to fit in target type"),
        ("9" * 5000, "number too large to fit in target type"),
    ],
)
def test_limits_that_are_no_unsigned_number(shared: Visitors, limit: str, msg: str) -> None:
    answer = shared.internal("GET", "hashes", limit=limit)
    assert (answer.status_code, answer.text) == (400, f'{{"code":"invalid-query","msg":"{msg}"}}')


def test_limits_may_have_a_plus_sign_and_be_large(shared: Visitors) -> None:
    pages = [shared.internal("GET", "hashes", limit=limit).json()["page"] for limit in ("+1", "0070000")]
    assert [page["limit"] for page in pages] == [1, 70000]


def test_a_timestamp_that_is_none(shared: Visitors) -> None:
    answer = shared.internal("GET", "hashes", timestamp="zzz")
    assert answer.json() == {"code": "invalid-query", "msg": "the 'year' component could not be parsed"}


def test_what_is_missing_counts_as_deleted(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(1))
    assert pictrs(visitors, "DELETE", f"/image/delete/any/{MISSING}").status_code == 204
    refused = pictrs(visitors, "DELETE", f"/image/delete/{uuid.uuid4()}/{alias}")
    assert (refused.status_code, refused.json()["code"]) == (403, "invalid-delete-token")


def test_an_upload_is_one_file(visitors: Visitors) -> None:
    two = [("images[]", (f"{number}.png", circles(number), "image/png")) for number in (1, 2)]
    answer = pictrs(visitors, "POST", "/image", files=two)
    assert (answer.status_code, answer.text) == (
        400,
        '{"code":"file-upload-error","msg":"Too many files in request"}',
    )
    through = visitors.call("alice", "POST", "/pictrs/image", files=two)
    assert (through.status_code, through.json()["msg"]) == (400, "Too many files in request")
    assert len(visitors.box.files) == 0


@pytest.mark.parametrize(
    ("content_type", "code", "msg"),
    [
        (None, "file-upload-error", "No Content-Type `form-data` header"),
        (
            "application/json",
            "file-upload-error",
            "Parsed Content-Type did not have 'multipart' top-level media type",
        ),
        ("multipart/form-data", "file-upload-error", "Multipart boundary is missing"),
        ("multipart/form-data; boundary=other", "file-upload-error", "Multipart stream is incomplete"),
        ("multipart/form-data; boundary=abc", "validate-no-files", "No files present in upload"),
    ],
)
def test_uploads_that_are_no_form(shared: Visitors, content_type: str | None, code: str, msg: str) -> None:
    said = {} if content_type is None else {"Content-Type": content_type}
    answer = pictrs(shared, "POST", "/image", content=b"--abc--\r\n", headers=said)
    assert (answer.status_code, answer.json()) == (400, {"code": code, "msg": msg})
    through = shared.call("alice", "POST", "/pictrs/image", content=b"--abc--\r\n", headers=said)
    assert (through.status_code, through.json()["msg"]) == (400, msg)


def test_details_by_path_are_those_by_query(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(1))
    by_path = pictrs(visitors, "GET", f"/image/details/original/{alias}")
    by_query = pictrs(visitors, "GET", "/image/details/original", params={"alias": alias})
    assert (by_path.status_code, by_path.content) == (200, by_query.content)
    missing = pictrs(visitors, "GET", f"/image/details/original/{MISSING}")
    assert (missing.status_code, missing.content) == (404, NOT_FOUND)


@pytest.mark.parametrize("extension", ["zzz", "PNG", "mp4"])
def test_copies_in_formats_that_are_none(shared: Visitors, extension: str) -> None:
    answer = pictrs(shared, "GET", f"/image/process.{extension}", params={"src": MISSING})
    assert (answer.status_code, answer.text) == (
        400,
        '{"code":"invalid-file-extension","msg":"Process endpoint was called with invalid extension"}',
    )


def test_copies_of_nothing(shared: Visitors) -> None:
    answer = pictrs(shared, "GET", "/image/process.zzz")
    assert (answer.status_code, answer.json()["msg"]) == (400, f"{NO_QUERY} ProcessSource")
    assert pictrs(shared, "GET", "/image/process.jpeg", params={"src": MISSING}).status_code == 404


@pytest.mark.parametrize(
    ("method", "what", "allowed"),
    [
        ("GET", "purge", "POST"),
        ("GET", "set_not_found", "POST"),
        ("POST", "hashes", "GET"),
        ("GET", "variants", "DELETE"),
    ],
)
def test_other_methods_are_405_for_whoever_has_the_key(shared: Visitors, method: str, what: str, allowed: str) -> None:
    answer = shared.internal(method, what)
    assert (answer.status_code, answer.content, answer.headers["allow"]) == (405, b"", allowed)
    assert shared.internal(method, "nonsense").status_code == 404
    assert shared.client.request(method, f"{shared.box.pictrs_url}/internal/{what}").status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "code", "msg"),
    [
        ('{"alias":"zzz"}', 404, "alias-not-found", "Requested a file that doesn't exist"),
        ('{"proxy":"http://127.0.0.1:9/x"}', 400, "proxy-not-allowed", "Cannot use proxied media as Not Found image"),
        ("{}", 400, "invalid-json", f"{NO_QUERY} AliasQuery"),
        ("zzz", 400, "invalid-json", "expected value at line 1 column 1"),
    ],
)
def test_pictures_that_cannot_stand_for_missing_ones(
    shared: Visitors, body: str, status: int, code: str, msg: str
) -> None:
    said = {"Content-Type": "application/json"}
    answer = pictrs(shared, "POST", "/internal/set_not_found", content=body, headers=said)
    assert (answer.status_code, answer.json()) == (status, {"code": code, "msg": msg})


def test_unchanged_says_nothing_else(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(1))
    for tag in (visitors.file(alias).headers["etag"], "*"):
        answer = pictrs(visitors, "GET", f"/image/original/{alias}", headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content) == (304, b"")
        assert not {"content-type", "cache-control", "accept-ranges", "etag"} & set(answer.headers)


def drawn(size: tuple[int, int], kind: str = "PNG", frames: int = 1) -> bytes:
    """A black picture, with a point that moves."""
    pictures = [Image.new("1", size) for _ in range(frames)]
    for number, picture in enumerate(pictures):
        picture.putpixel((number % size[0], number // size[0]), 1)
    buffer = BytesIO()
    more = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    pictures[0].save(buffer, kind, **more)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("picture", "code", "msg"),
    [
        (drawn((10_001, 1)), "validate-width", "Too wide"),
        (drawn((1, 10_001)), "validate-height", "Too tall"),
        (drawn((8_000, 5_001)), "validate-area", "Too many pixels"),
        (drawn((20_000, 10_000)), "validate-width", "Too wide"),
        (drawn((1_921, 1), "GIF"), "validate-width", "Too wide"),
        (drawn((1_900, 1_100), "GIF"), "validate-area", "Too many pixels"),
        (drawn((31, 31), "GIF", frames=901), "validate-frames", "Too many frames"),
    ],
    ids=["wide", "tall", "large", "too large to look at", "wide animation", "large animation", "frames"],
)
def test_pictures_that_are_too_large(shared: Visitors, picture: bytes, code: str, msg: str) -> None:
    files = {"images[]": ("x.png", picture, "image/png")}
    answer = pictrs(shared, "POST", "/image", files=files)
    assert (answer.status_code, answer.json()) == (400, {"code": code, "msg": msg})
    through = shared.call("alice", "POST", "/pictrs/image", files=files)
    assert (through.status_code, through.json()) == (400, {"files": None, "msg": msg})


def test_as_large_as_may_be(shared: Visitors) -> None:
    for picture in (drawn((10_000, 10)), drawn((1_920, 1_080), "GIF")):
        files = {"images[]": ("x.png", picture, "image/png")}
        assert pictrs(shared, "POST", "/image", files=files).status_code == 201


def test_a_file_that_comes_again_while_it_is_purged_goes_with_the_others(visitors: Visitors) -> None:
    visitors.box.files.purge_delay = 0.3
    picture = circles(1)
    first = visitors.upload("alice", picture)
    assert visitors.internal("POST", "purge", alias=first).json()["aliases"] == [first]
    again = visitors.upload("bob", picture)
    assert visitors.file(again).status_code == 200
    until(lambda: visitors.file(again).status_code == 404)
    assert visitors.file(first).status_code == 404


def test_a_picture_that_is_not_there_cannot_be_proxied(visitors: Visitors) -> None:
    gone = f"{visitors.box.remote_url}/pictrs/image/{MISSING}"
    for path, query in (("/image/original", {"proxy": gone}), ("/image/download", {"url": gone})):
        answer = pictrs(visitors, "GET", path, params=query)
        said = {"code": "download-file-error", "msg": "Unable to download image, bad response 404 Not Found"}
        assert (answer.status_code, answer.json()) == (500, said)
