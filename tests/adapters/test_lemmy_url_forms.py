"""Every form in which a Lemmy server writes the address of a picture, in every place of a post and a comment."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.lemmy.addresses import Addresses
from adapters.lemmy.convert import Converter
from bot.domain.content import Alias, InstanceId, Name, RemoteUrl
from bot.domain.hosts import host_of

OWN, FAR = "https://own.example", "https://far.example"
FAR_AWAY = f"{FAR}/pictrs/image/f728b4fa-4248-4e3a-8a5d-2f346baa9455.webp"
MAIN = InstanceId("main")
CONVERT = Converter(addresses=Addresses(instance=MAIN, url=OWN))
WIRE = Path(__file__).parent / "golden"
SEEN = datetime(2026, 11, 22, 12, tzinfo=UTC)

ALIASES = st.uuids(version=4).map(lambda one: f"{one}.webp")
SIZES = st.sampled_from(["", "?format=webp&thumbnail=96", "?file_type=jpg&max_size=512", "#x"])
PROXIES = st.sampled_from(["/api/v3/image_proxy?url={}", "/api/v3/image_proxy?format=jpg&url={}"])
NEWER = st.sampled_from(["/api/v4/image/proxy?url={}", "/api/v4/image/proxy?url={}&max_size=512"])
ROUTES = st.sampled_from(["/pictrs/image/", "/api/v4/image/"])
REMOTE = st.from_regex(r"https://[a-z]{3,9}\.example/[a-z0-9]{1,9}(\.png|\?id=[0-9]{1,3})?", fullmatch=True)
SHAPES = st.sampled_from(
    ["![]({})", "[x]({})", "![r]\n\n[r]: {} 't'\n", "<img src='{}'>", "<a href={} >", "<{}>", "a {} b", "> - ![]({})"]
)


def through(proxy: str, url: str, host: str = OWN) -> str:
    return host + proxy.format(quote(url, safe="-_.~"))


@st.composite
def written(draw: st.DrawFn) -> tuple[str, Name]:
    """An address, and the file that it stands for."""
    name: Name = Alias(instance=MAIN, value=draw(ALIASES))
    url = f"{OWN}{draw(ROUTES)}{name.value}{draw(SIZES)}"
    match draw(st.sampled_from(["own", "other", "other's proxy"])):
        case "other":
            url = f"{FAR}{draw(ROUTES)}{draw(ALIASES)}"
            name = RemoteUrl(value=url)
        case "other's proxy":
            url = through(draw(PROXIES | NEWER), draw(REMOTE), FAR)
            name = RemoteUrl(value=url)
    for _ in range(draw(st.integers(0, 3))):
        url = through(draw(PROXIES | NEWER), url.partition("#")[0])
    return url, name


def view(kind: str) -> dict[str, Any]:
    case = {"post": "post-text-only", "comment": "comment-with-picture"}[kind]
    found: dict[str, Any] = json.loads((WIRE / f"{case}.wire.json").read_text())["view"]
    return found


@settings(max_examples=60)
@example([((FAR_AWAY, RemoteUrl(value=FAR_AWAY)), "<{}>")])
@given(st.lists(st.tuples(written(), SHAPES), min_size=1, max_size=4))
def test_every_form_is_found_in_a_comment_and_stands_for_its_file(planted: list[tuple[tuple[str, Name], str]]) -> None:
    comment = view("comment")
    comment["comment"]["content"] = "\n\n".join(shape.format(url) for (url, _), shape in planted)
    seen = CONVERT.seen_in_comment(comment, at=SEEN, backlog=False)  # type: ignore[arg-type]
    names = {one.name for one in seen}
    assert {name for (_, name), _ in planted} <= names
    hosts = {host_of(url) for (url, _), _ in planted}
    assert {host_of(one.media.url) for one in seen} <= hosts
    aliases = {name for (_, name), _ in planted if isinstance(name, Alias)}
    assert {name for name in names if isinstance(name, Alias)} == aliases, "no other host names a file of ours"


@settings(max_examples=40)
@given(written(), written())
def test_every_form_is_found_in_the_link_and_the_thumbnail_of_a_post(
    link: tuple[str, Name], thumbnail: tuple[str, Name]
) -> None:
    post = view("post")
    post["post"] |= {"url": link[0], "thumbnail_url": thumbnail[0]}
    seen = CONVERT.seen_in_post(post, at=SEEN, backlog=False)  # type: ignore[arg-type]
    assert [one.name for one in seen] == [link[1], thumbnail[1]]


@pytest.mark.parametrize("url", [f"{OWN}/about", f"{FAR}/post/1", f"{OWN}/api/v3/image_proxy/x?url=a", "https://[x"])
def test_a_page_is_no_file(url: str) -> None:
    comment = view("comment")
    comment["comment"]["content"] = f"[x]({url})"
    assert CONVERT.seen_in_comment(comment, at=SEEN, backlog=False) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("link", "video", "seen"),
    [
        (f"{FAR}/x?f=a.png", None, [f"{FAR}/x?f=a.png"]),
        (f"{FAR}/a.webp/x", None, [f"{FAR}/a.webp/x"]),
        (f"{FAR}/a.svg", None, [f"{FAR}/a.svg"]),
        (f"{FAR}/x?f=a.mp4", f"{FAR}/film", [f"{FAR}/x?f=a.mp4", f"{FAR}/film"]),
        (f"{FAR}/x", f"{FAR}/film?f=a.webm", [f"{FAR}/film?f=a.webm"]),
        (f"{FAR}/x", f"{FAR}/film", []),
        (f"{FAR}/png", None, []),
        (f"{FAR}/x?f='//a.png", None, [f"{FAR}/x?f='//a.png"]),
        (f"{FAR}/x?f='a.png", None, []),
    ],
)
def test_link_of_a_post_is_seen_where_the_pages_show_it(link: str, video: str | None, seen: list[str]) -> None:
    post = view("post")
    post["post"] |= {"url": link, "thumbnail_url": None, "url_content_type": "text/html", "embed_video_url": video}
    assert [one.media.url for one in CONVERT.seen_in_post(post, at=SEEN, backlog=False)] == seen  # type: ignore[arg-type]


@pytest.mark.timeout(120)
def test_hostile_link_of_a_post_is_read_to_the_end() -> None:
    post = view("post")
    post["post"] |= {"url": f"{FAR}/x", "thumbnail_url": None, "embed_video_url": FAR + "/" * 200_000}
    assert CONVERT.seen_in_post(post, at=SEEN, backlog=False) == []  # type: ignore[arg-type]
