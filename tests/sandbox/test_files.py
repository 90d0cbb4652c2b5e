"""Uploads, thumbnails, and what ends the life of a file."""

from __future__ import annotations

import base64
import hashlib
from io import BytesIO
from typing import TYPE_CHECKING

import httpx
import pytest
from PIL import Image

from adapters.sandbox import loopback
from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.rows import LocalImage
from golden.pictures import animation, circles

from .visitors import Visitors, until

if TYPE_CHECKING:
    from adapters.sandbox.lemmy import LemmySandbox


def test_local_image_post_gets_a_smaller_thumbnail_that_nobody_uploaded(visitors: Visitors) -> None:
    post, alias = visitors.picture_post("alice", visitors.community(), circles(1))
    thumbnail = post["thumbnail_url"].rsplit("/", 1)[1]
    assert thumbnail != alias
    with Image.open(BytesIO(visitors.file(thumbnail).content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (512, 384))
    with visitors.box.state.lock:
        rows = visitors.box.state.images
        assert rows[thumbnail].local_user_id is None
        assert rows[alias].local_user_id is not None
    listed = visitors.get("warden", "/admin/list_all_media")["images"]
    assert [row["local_image"]["pictrs_alias"] for row in listed] == [alias]


def test_thumbnails_of_the_same_png_are_two_files(visitors: Visitors) -> None:
    community, alias = visitors.community(), visitors.upload("alice", circles(1))
    first, second = (visitors.post("alice", community, url=visitors.image_url(alias)) for _ in range(2))
    tags = [visitors.client.get(post["thumbnail_url"]).headers["etag"] for post in (first, second)]
    assert tags[0] != tags[1]


def test_custom_thumbnail_is_taken_as_it_is_and_makes_no_file(visitors: Visitors) -> None:
    community, alias = visitors.community(), visitors.upload("bob", circles(1))
    before = len(visitors.box.files)
    post = visitors.post("alice", community, url="https://example.com/page", custom_thumbnail=visitors.image_url(alias))
    assert post["thumbnail_url"] == visitors.image_url(alias)
    assert len(visitors.box.files) == before


def test_etag_is_the_digest_the_size_and_the_format(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(1))
    answer = visitors.file(alias)
    raw = base64.b64decode(answer.headers["etag"].strip('"'))
    expected = hashlib.sha256(answer.content).digest() + len(answer.content).to_bytes(6, "big") + bytes([7])
    assert raw == expected
    one = visitors.file(alias, headers={"Range": "bytes=0-0"})
    assert (one.status_code, one.content, one.headers["etag"]) == (206, b"\x89", answer.headers["etag"])
    beyond = visitors.file(alias, headers={"Range": f"bytes={'9' * 5000}-"})
    assert (beyond.status_code, beyond.content) == (200, answer.content), "that is no number to it"
    again = visitors.file(alias, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_head_is_refused_by_lemmy_and_answered_by_pictrs(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(1))
    assert visitors.call(None, "HEAD", f"/pictrs/image/{alias}").status_code == 405
    assert visitors.client.head(f"{visitors.box.pictrs_url}/image/original/{alias}").status_code == 200


def test_jpeg_loses_its_header_and_png_stays_as_it_is(visitors: Visitors) -> None:
    png, jpeg = circles(1), circles(2, "JPEG")
    assert visitors.file(visitors.upload("alice", png)).content == png
    assert visitors.file(visitors.upload("alice", jpeg)).content == jpeg[:2] + jpeg[20:]


def test_animations_are_kept_and_shown_as_stills(visitors: Visitors) -> None:
    alias = visitors.upload("alice", animation(1))
    assert alias.endswith(".gif")
    with Image.open(BytesIO(visitors.file(alias).content)) as picture:
        assert getattr(picture, "n_frames", 1) == 4
    still = visitors.file(alias, params={"format": "jpg", "thumbnail": 64})
    with Image.open(BytesIO(still.content)) as picture:
        assert (picture.format, max(picture.size)) == ("JPEG", 64)


def test_purge_kills_every_alias_a_moment_later(visitors: Visitors) -> None:
    aliases = sorted(visitors.upload(who, circles(1)) for who in ("alice", "bob"))
    answer = visitors.internal("POST", "purge", alias=aliases[0])
    assert answer.json() == {"aliases": aliases, "msg": "ok"}
    assert visitors.file(aliases[0]).status_code == 200
    until(lambda: visitors.internal("GET", "aliases", alias=aliases[0]).status_code == 404)
    assert [visitors.file(alias).status_code for alias in aliases] == [404, 404]
    assert visitors.internal("POST", "purge", alias=aliases[1]).status_code == 404


def test_delete_ends_one_alias_and_the_file_with_the_last(visitors: Visitors) -> None:
    first, second = (visitors.upload(who, circles(1)) for who in ("alice", "bob"))
    visitors.internal("POST", "delete", alias=first)
    until(lambda: visitors.file(first).status_code == 404)
    assert visitors.file(second).status_code == 200
    visitors.internal("POST", "delete", alias=second)
    until(lambda: len(visitors.box.files) == 0)


def test_rows_of_uploads_outlive_their_files(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(1))
    visitors.internal("POST", "purge", alias=alias)
    until(lambda: visitors.file(alias).status_code == 404)
    listed = visitors.get("warden", "/admin/list_all_media")["images"]
    assert [row["local_image"]["pictrs_alias"] for row in listed] == [alias]


def test_deleting_through_lemmy_takes_the_row_and_one_alias(visitors: Visitors) -> None:
    mine, same = (visitors.upload(who, circles(1)) for who in ("alice", "bob"))
    assert visitors.call("bob", "GET", f"/pictrs/image/delete/x/{mine}").status_code == 404
    assert visitors.call("alice", "GET", f"/pictrs/image/delete/x/{mine}").status_code == 204
    assert (visitors.file(mine).status_code, visitors.file(same).status_code) == (404, 200)
    assert len(visitors.get("warden", "/admin/list_all_media")["images"]) == 1


def test_only_the_newest_five_thousand_uploads_can_be_read(visitors: Visitors) -> None:
    state = visitors.box.state
    with state.lock:
        uploader = state.local_users[visitors.box.people["alice"].id].id
        for number in range(5003):
            alias = f"{number:05}.png"
            state.images[alias] = LocalImage(
                local_user_id=uploader, pictrs_alias=alias, pictrs_delete_token="x", published=now()
            )
    pages = [visitors.get("warden", "/admin/list_all_media", limit=50, page=page)["images"] for page in (1, 100)]
    assert pages[0][0]["local_image"]["pictrs_alias"] == "05002.png"
    assert pages[1][-1]["local_image"]["pictrs_alias"] == "00003.png"
    refused = visitors.call("warden", "GET", "/api/v3/admin/list_all_media", params={"limit": 50, "page": 101})
    assert refused.json() == {"error": "unknown", "message": "Page limit is > 100"}


def test_a_new_avatar_deletes_the_old_upload(visitors: Visitors) -> None:
    old, new = visitors.upload("alice", circles(1)), visitors.upload("alice", circles(2))
    for alias in (old, new):
        visitors.send("alice", "/user/save_user_settings", method="PUT", avatar=visitors.image_url(alias))
    assert visitors.file(old).status_code == 404
    visitors.send("alice", "/user/save_user_settings", method="PUT", avatar="")
    assert "avatar" not in visitors.get(None, "/user", username="alice")["person_view"]["person"]
    assert visitors.file(new).status_code == 404


def test_only_this_machine_is_ever_contacted(visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    def contacted(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(loopback.httpx, "Client", contacted)
    community = visitors.community()
    for url in (
        "http://192.0.2.1/x.png",
        "https://example.com/x.png",
        "http://10.0.0.1:8080/",
        "http://[2001:db8::1]/",
    ):
        post = visitors.post("alice", community, url=url)
        assert not {"url_content_type", "thumbnail_url", "embed_title"} & set(post)


def test_pages_of_hashes_lead_through_the_whole_store(visitors: Visitors) -> None:
    uploaded = [visitors.upload("alice", circles(number, size=(80, 60))) for number in range(5)]
    seen, slug, starts = [], None, []
    while True:
        page = visitors.internal("GET", "hashes", limit=2, **({"slug": slug} if slug else {})).json()["page"]
        seen += [name for entry in page["hashes"] for name in entry["aliases"]]
        starts.append((page["current"], page.get("prev")))
        slug = page.get("next")
        if slug is None:
            break
    assert seen == uploaded[::-1]
    assert [prev for _, prev in starts[1:]] == [current for current, _ in starts[:-1]]


def test_a_purged_proxied_picture_is_fetched_again(box: LemmySandbox, visitors: Visitors) -> None:
    url = box.remote_file(circles(1))
    proxied = {"proxy": url}
    first = visitors.client.get(f"{box.pictrs_url}/image/original", params=proxied)
    assert first.status_code == 200
    visitors.internal("POST", "purge", **proxied)
    until(lambda: visitors.internal("GET", "aliases", **proxied).status_code == 404)
    assert visitors.client.get(f"{box.pictrs_url}/image/original", params=proxied).content == first.content
    assert visitors.internal("GET", "aliases", **proxied).status_code == 200


def test_pictrs_that_is_gone_takes_uploads_and_pictures_with_it(box: LemmySandbox, visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(1))
    box.stop_pictrs()
    with pytest.raises(httpx.ConnectError):
        visitors.internal("GET", "hashes")
    assert visitors.file(alias).status_code == 400
    files = {"images[]": ("x.png", circles(2), "image/png")}
    assert visitors.call("alice", "POST", "/pictrs/image", files=files).status_code == 400
    box.start_pictrs()
    assert visitors.internal("GET", "aliases", alias=alias).json()["aliases"] == [alias]
    assert visitors.file(alias).status_code == 200
