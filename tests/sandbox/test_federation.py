"""What comes from the remote instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from starlette.responses import Response

from adapters.sandbox.lemmy import LemmySandbox
from adapters.sandbox.serving import LoopbackServer
from golden.pictures import circles

from .visitors import Visitors, until

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


def test_remote_posts_bear_the_marks_of_their_server(box: LemmySandbox, visitors: Visitors) -> None:
    number = box.federate_post(image=circles(1), body="hello")
    view = visitors.get("warden", "/post", id=number)["post_view"]
    post = view["post"]
    assert (post["local"], view["creator"]["local"], view["community"]["local"]) == (False, False, False)
    assert post["ap_id"].startswith(f"{box.remote_url}/post/")
    assert post["thumbnail_url"].startswith(f"{box.url}/pictrs/image/")
    remote = visitors.client.get(post["url"], headers={"Range": "bytes=0-0"})
    assert (remote.status_code, len(remote.content)) == (206, 1)
    assert len(remote.headers["etag"]) == 54
    site = visitors.get("warden", "/user", person_id=post["creator_id"])["site"]
    assert site["actor_id"] == f"{box.remote_url}/"


def test_thumbnails_of_remote_posts_are_replaced_and_the_first_one_stays(box: LemmySandbox, visitors: Visitors) -> None:
    number = box.federate_post(image=circles(1))
    before = visitors.get("warden", "/post", id=number)["post_view"]["post"]["thumbnail_url"]

    def shown() -> str:
        return str(visitors.get("warden", "/post", id=number)["post_view"]["post"]["thumbnail_url"])

    until(lambda: shown() != before)
    assert visitors.client.get(before).status_code == 200
    assert visitors.client.get(shown()).status_code == 200
    assert visitors.get("warden", "/admin/list_all_media")["images"] == []


def test_remote_comments_and_pictures_in_them(box: LemmySandbox, visitors: Visitors) -> None:
    url = box.remote_file(circles(1))
    post = box.federate_post(name="talk")
    first = box.federate_comment(post, f"![x]({url})")
    box.federate_comment(post, "yes", author="admin", parent_id=first)
    found = visitors.get("warden", "/comment/list", type_="All", post_id=post, sort="Old")["comments"]
    assert [row["comment"]["path"].count(".") for row in found] == [1, 2]
    assert [row["comment"]["local"] for row in found] == [False, False]
    assert visitors.client.get(url).status_code == 200


def test_a_remote_community_is_known_once_somebody_asked_for_it(box: LemmySandbox, visitors: Visitors) -> None:
    assert visitors.get("warden", "/community/list", type_="All")["communities"] == []
    found = visitors.get("warden", "/resolve_object", q=f"!far@{box.federation.domain}")["community"]
    assert (found["community"]["name"], found["subscribed"]) == ("far", "NotSubscribed")
    number = found["community"]["id"]
    followed = visitors.send("warden", "/community/follow", community_id=number, follow=True)
    assert followed["community_view"]["subscribed"] == "Pending"
    until(lambda: visitors.get("warden", "/community", id=number)["community_view"]["subscribed"] == "Subscribed")


def test_a_removal_here_leaves_the_file_there(box: LemmySandbox, visitors: Visitors) -> None:
    number = box.federate_post(image=circles(1))
    url = visitors.get("warden", "/post", id=number)["post_view"]["post"]["url"]
    visitors.send("warden", "/post/remove", post_id=number, removed=True, reason="x")
    visitors.send("warden", "/admin/purge/post", post_id=number, reason="x")
    assert visitors.client.get(url).status_code == 200


def test_everything_remote_is_shown_through_the_proxy_if_the_server_is_set_so() -> None:
    with LemmySandbox(image_mode="ProxyAllImages") as box, httpx.Client() as client:
        visitors = Visitors(box, client)
        number = box.federate_post(image=circles(1))
        post = visitors.get("warden", "/post", id=number)["post_view"]["post"]
        assert post["url"].startswith(f"{box.url}/api/v3/image_proxy?url=http%3A%2F%2F127.0.0.1%3A")
        assert client.get(post["url"]).status_code == 200
        assert len(box.state.images) == 0


def test_proxy_fetches_what_stands_before_an_ampersand() -> None:
    with LemmySandbox(image_mode="ProxyAllImages") as box, httpx.Client() as client:
        far = box.remote_file(circles(1)) + "?format=png&thumbnail=96"
        number = box.federate_post(url=far)
        shown = Visitors(box, client).get("warden", "/post", id=number)["post_view"]["post"]["url"]
        assert box.files.proxied(far)
        assert box.files.proxied(far.removesuffix("&thumbnail=96")) is None
        assert client.get(shown).status_code == 200
        assert box.files.proxied(far.removesuffix("&thumbnail=96"))


def test_no_local_copies_if_the_server_is_set_so() -> None:
    with LemmySandbox(image_mode="None") as box, httpx.Client() as client:
        number = box.federate_post(image=circles(1))
        post = Visitors(box, client).get("warden", "/post", id=number)["post_view"]["post"]
        assert post["thumbnail_url"] == post["url"]
        assert len(box.files) == 0


def test_the_remote_instance_is_among_the_federated_ones(box: LemmySandbox, visitors: Visitors) -> None:
    linked = visitors.get(None, "/federated_instances")["federated_instances"]["linked"]
    assert [instance["domain"] for instance in linked] == [box.federation.domain]


def test_what_comes_from_a_blocked_server_is_in_no_list_of_ones_own(box: LemmySandbox, visitors: Visitors) -> None:
    post = box.federate_post()
    comment = box.federate_comment(post, "hello")
    far = box.state.posts[post].community_id
    number = box.state.communities[far].instance_id

    def seen() -> tuple[bool, bool, bool]:
        query = {"type_": "All", "sort": "New"}
        posts = [row["post"]["id"] for row in visitors.get("erin", "/post/list", **query)["posts"]]
        comments = [row["comment"]["id"] for row in visitors.get("erin", "/comment/list", **query)["comments"]]
        places = [row["community"]["id"] for row in visitors.get("erin", "/community/list", type_="All")["communities"]]
        return post in posts, comment in comments, far in places

    assert seen() == (True, True, True)
    assert visitors.send("erin", "/site/block", instance_id=number, block=True) == {"blocked": True}
    assert seen() == (False, False, False)
    [block] = visitors.get("erin", "/site")["my_user"]["instance_blocks"]
    assert (block["instance"]["id"], block["site"]["instance_id"]) == (number, number)
    assert visitors.get("erin", "/post", id=post)["post_view"]["post"]["id"] == post
    assert visitors.send("erin", "/site/block", instance_id=number, block=False) == {"blocked": False}
    assert seen() == (True, True, True)
    own = box.state.site.instance_id
    assert visitors.refusal("erin", "/site/block", instance_id=own, block=True) == (400, "cant_block_local_instance")
    missing = visitors.refusal("erin", "/site/block", instance_id=999, block=True)
    assert missing == (400, "instance_block_already_exists")


def test_picture_that_the_validator_refuses_is_in_the_post_and_not_behind_the_proxy() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(b"", 403)(scope, receive, send)

    validator = LoopbackServer(refuse)
    validator.start()
    for url, status, code in (
        (f"{validator.url}/check", 400, "failed-external-validation"),
        (f"http://localhost:{validator.port}/check", 500, "http-client-error"),  # no name leads to this machine
    ):
        with LemmySandbox(image_mode="ProxyAllImages", validation_url=url) as box, httpx.Client() as client:
            number = box.federate_post(image=circles(1))
            post = Visitors(box, client).get("warden", "/post", id=number)["post_view"]
            assert "image_details" not in post
            answer = client.get(post["post"]["url"])
            assert (answer.status_code, answer.json()["code"]) == (status, code)
    validator.stop()


def test_proxy_sends_to_hosts_that_would_limit_it(box: LemmySandbox, visitors: Visitors) -> None:
    url = "https://i.imgur.com/x.png"
    assert visitors.call(None, "GET", "/api/v3/image_proxy", params={"url": url}).status_code == 404
    box.state.remote_images.add(url)
    answer = visitors.call(None, "GET", "/api/v3/image_proxy", params={"url": url})
    assert (answer.status_code, answer.headers["location"]) == (307, url)
    refused = visitors.call(None, "GET", "/api/v3/image_proxy", params={"url": "x.png"})
    assert (refused.status_code, refused.json()["message"]) == (400, "relative URL without a base")
