"""Images of 1.0: made anew, listed without order, purged by their names."""

from __future__ import annotations

import time

import httpx
import pytest

from adapters.sandbox.lemmy import LemmySandbox
from golden.pictures import circles
from sandbox.visitors import until

from .visitors import Visitors


def etag(visitors: Visitors, alias: str) -> str:
    return visitors.file(alias).headers["etag"]


def test_the_same_png_has_two_hashes_and_the_same_jpeg_one(visitors: Visitors) -> None:
    png, jpeg = circles(1, size=(64, 48)), circles(1, "JPEG", size=(64, 48))
    first, second = visitors.upload("alice", png), visitors.upload("bob", png)
    assert etag(visitors, first) != etag(visitors, second)
    third, fourth = visitors.upload("alice", jpeg), visitors.upload("bob", jpeg)
    assert etag(visitors, third) == etag(visitors, fourth)


def test_deleting_purges_all_names_of_the_bytes_and_no_others(visitors: Visitors) -> None:
    png, jpeg = circles(2, size=(64, 48)), circles(2, "JPEG", size=(64, 48))
    one, other = visitors.upload("alice", png), visitors.upload("bob", png)
    same, too = visitors.upload("alice", jpeg), visitors.upload("bob", jpeg)
    for alias in (one, same):
        visitors.send("warden", "/image", method="DELETE", filename=alias)
    until(lambda: visitors.file(one).status_code == visitors.file(too).status_code == 404)
    assert visitors.file(other).status_code == 200
    listed = {row["local_image"]["pictrs_alias"] for row in visitors.get("warden", "/image/list", limit=50)["items"]}
    assert other in listed
    assert not {one, same, too} & listed


def test_the_list_of_all_media_has_a_first_page_only(visitors: Visitors) -> None:
    made = {visitors.upload("alice", circles(seed, size=(64, 48))) for seed in range(3, 9)}
    page = visitors.get("warden", "/image/list", limit=50)
    shown = [row["local_image"]["pictrs_alias"] for row in page["items"]]
    assert made <= set(shown)
    assert shown != sorted(shown)
    cursor = visitors.get("warden", "/image/list", limit=2)["next_page"]
    answer = visitors.call("warden", "GET", "/image/list", params={"limit": 2, "page_cursor": cursor})
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_a_thumbnail_is_listed_with_the_author_of_the_post(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(10, size=(64, 48)))
    post = visitors.post("bob", visitors.community(), url=visitors.image_url(alias))
    thumbnail = post["thumbnail_url"].rsplit("/", 1)[1]
    listed = {
        row["local_image"]["pictrs_alias"]: row for row in visitors.get("warden", "/image/list", limit=50)["items"]
    }
    assert listed[alias]["person"]["name"] == "alice"
    assert "post" not in listed[alias]
    assert listed[thumbnail]["person"]["name"] == "bob"
    assert listed[thumbnail]["local_image"]["thumbnail_for_post_id"] == listed[thumbnail]["post"]["id"] == post["id"]


def test_one_deletes_only_uploads_of_ones_own(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(11, size=(64, 48)))
    assert visitors.refusal("bob", "/account/media", method="DELETE", filename=alias) == (404, "not_found")
    assert visitors.refusal("alice", "/image", method="DELETE", filename=alias) == (400, "not_an_admin")
    visitors.send("alice", "/account/media", method="DELETE", filename=alias)
    until(lambda: visitors.file(alias).status_code == 404)


def test_large_uploads_become_small(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(12, size=(1100, 48)))
    url = visitors.image_url(alias)
    details = visitors.box.state.image_details[url]
    assert (details.width, details.height) == (1024, 45)
    avatar = visitors.upload("alice", circles(13, size=(600, 48)), "/account/avatar")
    assert visitors.get("alice", "/account")["local_user_view"]["person"]["avatar"] == visitors.image_url(avatar)
    assert visitors.box.state.image_details[visitors.image_url(avatar)].width == 512


def test_a_new_avatar_takes_the_old_file_away(visitors: Visitors) -> None:
    old = visitors.upload("carol", circles(14, size=(64, 48)), "/account/avatar")
    new = visitors.upload("carol", circles(15, size=(64, 48)), "/account/avatar")
    until(lambda: visitors.file(old).status_code == 404)
    assert visitors.file(new).status_code == 200


def test_deleting_the_banner_of_a_community_deletes_its_icon(visitors: Visitors) -> None:
    here = visitors.community("alice")
    icon = visitors.upload("alice", circles(16, size=(64, 48)), "/community/icon", id=here)
    banner = visitors.upload("warden", circles(17, size=(64, 48)), "/community/banner", id=here)
    assert visitors.refusal("bob", "/community/banner", method="DELETE", id=here) == (400, "not_a_mod_or_admin")
    visitors.send("warden", "/community/banner", method="DELETE", id=here)
    shown = visitors.get("warden", "/community", id=here)["community_view"]["community"]
    assert "icon" not in shown
    assert shown["banner"] == visitors.image_url(banner)
    until(lambda: visitors.file(icon).status_code == 404)


def test_uploads_can_be_switched_off(visitors: Visitors) -> None:
    visitors.send("admin", "/site", method="PUT", image_upload_disabled=True)
    answer = visitors.call("alice", "POST", "/image", files={"images[]": ("x.png", circles(1), "image/png")})
    assert (answer.status_code, answer.json()["error"]) == (400, "image_upload_disabled")
    visitors.send("admin", "/site", method="PUT", image_upload_disabled=False)


@pytest.mark.parametrize("path", ["/pictrs/image/x.png", "/api/v3/image_proxy?url=x", "/api/v3/post/report/list"])
def test_the_old_places_are_empty(visitors: Visitors, path: str) -> None:
    answer = visitors.client.get(visitors.box.url + path)
    assert (answer.status_code, answer.content) == (404, b"")


def test_a_new_server_proxies_images_of_others_even_those_of_their_proxies() -> None:
    with LemmySandbox(version="1.0") as box, httpx.Client(timeout=20) as client:
        visitors = Visitors(box, client)
        far = box.remote_file(circles(20, size=(64, 48)))
        post = visitors.post("alice", visitors.community(), url=far, body=f"![x]({far})")
        assert post["url"].startswith(f"{box.url}/api/v4/image/proxy?url=http%3A%2F%2F")
        assert post["thumbnail_url"] == f"{post['url']}&max_size=512"
        assert post["body"] == f"![x]({post['url']})"
        answer = client.get(post["url"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert client.get(f"{box.url}/api/v4/image/proxy", params={"url": far + "?other"}).status_code == 404


def test_domains_that_bypass_the_proxy_are_sent_to(visitors: Visitors) -> None:
    url = f"{visitors.box.remote_url.replace('127.0.0.1', 'localhost')}/pictrs/image/x.png"
    visitors.box.state.remote_images.add(url)
    visitors.send("admin", "/site", method="PUT", image_proxy_bypass_domains="localhost,example.com")
    answer = visitors.call(None, "GET", "/image/proxy", params={"url": url})
    assert (answer.status_code, answer.headers["location"]) == (307, url)
    visitors.send("admin", "/site", method="PUT", image_proxy_bypass_domains="")


def test_thumbnails_are_as_large_as_the_site_says(visitors: Visitors) -> None:
    visitors.send("admin", "/site", method="PUT", image_max_thumbnail_size=32)
    alias = visitors.upload("alice", circles(22, size=(64, 48)))
    view = visitors.send(
        "alice", "/post", name="A post", url=visitors.image_url(alias), community_id=visitors.community()
    )
    details = view["post_view"]["image_details"]
    assert (details["width"], details["height"]) == (32, 24)
    visitors.send("admin", "/site", method="PUT", image_max_thumbnail_size=512)


def test_a_purged_post_takes_the_rows_of_its_thumbnail_along(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(21, size=(64, 48)))
    post = visitors.post("alice", visitors.community(), url=visitors.image_url(alias))
    visitors.send("warden", "/admin/purge/post", post_id=post["id"], reason="a test")
    thumbnail = post["thumbnail_url"].rsplit("/", 1)[1]
    assert not {alias, thumbnail} & set(visitors.box.state.images)
    until(lambda: visitors.file(alias).status_code == visitors.file(thumbnail).status_code == 404)


def test_a_private_site_without_federation_shows_strangers_no_images(visitors: Visitors) -> None:
    alias = visitors.upload("alice", circles(40, size=(64, 48)))
    proxied = "/image/proxy?url=http%3A%2F%2F127.0.0.1%2Fx.png"
    for federates, status in ((True, 200), (False, 401)):
        visitors.send("admin", "/site", method="PUT", private_instance=True, federation_enabled=federates)
        answer = visitors.file(alias)
        assert (answer.status_code, len(answer.content) > 0) == (status, federates)
        assert visitors.call("bob", "GET", f"/image/{alias}").status_code == 200
        assert visitors.call(None, "GET", proxied).status_code == (404 if federates else 401)
    # The server is a stranger to itself when it looks whether there is a picture to purge.
    post = visitors.post("alice", visitors.community(), url=visitors.image_url(alias))["id"]
    visitors.send("warden", "/admin/purge/post", post_id=post, reason="a test")
    visitors.send("admin", "/site", method="PUT", private_instance=False, federation_enabled=True)
    time.sleep(0.2)
    assert visitors.file(alias).status_code == 200
