"""What Lemmy finds out about the link of a post: its type, its title, and a picture to show for it."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import httpx

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.proxying import details_of, proxied_image
from adapters.sandbox.lemmy.rows import LocalImage
from adapters.sandbox.loopback import OutsideLoopbackError, fetch
from adapters.sandbox.pictrs.formats import BrokenMediaError, InvalidMediaError
from adapters.sandbox.pictrs.network import download
from adapters.sandbox.pictrs.store import AliasNotFoundError
from adapters.sandbox.pictrs.validation import RefusedError, ValidatorUnreachableError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Server
    from adapters.sandbox.lemmy.rows import Post
    from adapters.sandbox.pictrs.store import Alias, StoredFile

_FIRST_BYTES = 1024 * 1024
_UNREACHABLE = (OutsideLoopbackError, httpx.HTTPError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a link says of itself."""

    content_type: str | None = None
    title: str | None = None
    description: str | None = None
    image: str | None = None
    video: str | None = None


class _OpenGraph(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.properties: dict[str, str] = {}
        self.description: str | None = None
        self.title: str | None = None
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        content = given.get("content")
        if tag == "title":
            self._in_title = True
        elif tag == "meta" and content is not None:
            name = given.get("property") or ""
            if name.startswith("og:"):
                self.properties.setdefault(name.removeprefix("og:"), content)
            elif given.get("name") == "description":
                self.description = content

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title = (self.title or "") + data


def look_at(server: Server, url: str | None) -> Metadata:
    """Fetch a link. Only this machine is ever contacted; of anything else nothing is known."""
    if url is None:
        return Metadata()
    alias = own_alias(server, url)
    if alias is not None:
        return Metadata(content_type=_type_of_own(server, alias))
    try:
        answer = _get(server, url)
        if "location" in answer.headers:
            answer = _get(server, answer.headers["location"])
    except _UNREACHABLE:
        return Metadata()
    content_type = answer.headers.get("content-type") or mimetypes.guess_type(urlsplit(url).path)[0]
    if content_type is None or content_type.split(";")[0].strip() not in {"text/html", "application/xhtml+xml"}:
        return Metadata(content_type=content_type)
    page = _OpenGraph()
    page.feed(answer.content[:_FIRST_BYTES].decode("utf-8", "replace"))
    image, video = page.properties.get("image"), page.properties.get("video")
    return Metadata(
        content_type=content_type,
        title=page.properties.get("title") or page.title,
        description=page.properties.get("description") or page.description,
        image=None if image is None else urljoin(url, image),
        video=None if video is None else urljoin(url, video),
    )


def _get(server: Server, url: str) -> httpx.Response:
    agent = f"Lemmy/{server.version}; +{server.state.url}"
    return fetch(url, agent, headers={"range": f"bytes=0-{_FIRST_BYTES - 1}"})


def own_alias(server: Server, url: str) -> str | None:
    """The alias in a URL of one of our own files."""
    prefix = server.images_url
    alias = url.removeprefix(prefix).split("?")[0]
    # Where 1.0 shows its files it also has its proxy.
    return alias if url.startswith(prefix) and alias != "proxy" else None


def _type_of_own(server: Server, alias: str) -> str | None:
    try:
        return server.files.file(alias).found.format.content_type
    except AliasNotFoundError:
        return mimetypes.guess_type(alias)[0]


def describe(server: Server, post: Post, custom_thumbnail: str | None) -> None:
    """Fill in what is known of the link of a post, and make a thumbnail. Must not be called with the lock held."""
    found = look_at(server, post.url)
    is_image = found.content_type is not None and found.content_type.startswith("image")
    url = proxied_image(server, post.url) if is_image and post.url is not None else post.url
    picture = post.url if is_image else found.image
    may_store = server.state.local_site.enable_nsfw or not post.nsfw
    if not is_image and custom_thumbnail is not None:
        thumbnail: str | None = proxied_image(server, custom_thumbnail)
    elif picture is not None and may_store:
        thumbnail = make_thumbnail(server, picture, post)
    else:
        thumbnail = picture
    with server.state.lock:
        post.url = url
        post.embed_title, post.embed_description, post.embed_video_url = found.title, found.description, found.video
        post.thumbnail_url, post.url_content_type = thumbnail, found.content_type


def make_thumbnail(server: Server, url: str, post: Post) -> str:
    """A small copy in our own store, uploaded by nobody; the URL itself if none can be made."""
    if server.image_mode == "None":
        return url
    if server.image_mode == "ProxyAllImages":
        return proxied_image(server, url, thumbnail=True)
    alias = own_alias(server, url)
    try:
        data = server.files.file(alias).data if alias is not None else download(url)
        made, file = server.files.ingest(data, resize=server.thumbnail_side)
    except (
        *_UNREACHABLE,
        AliasNotFoundError,
        InvalidMediaError,
        BrokenMediaError,
        RefusedError,
        ValidatorUnreachableError,
    ):
        return url
    return remember_image(server, made, file, uploader=None, thumbnail_for=post.id)


def remember_image(
    server: Server, made: Alias, file: StoredFile, *, uploader: int | None, thumbnail_for: int | None = None
) -> str:
    """Note an alias with its uploader (a local user's number, or nobody) and its size; returns its public URL."""
    state = server.state
    link = f"{server.images_url}{made.name}"
    with state.lock:
        state.images[made.name] = LocalImage(
            local_user_id=uploader,
            pictrs_alias=made.name,
            pictrs_delete_token=made.token,
            published=now(),
            thumbnail_for_post_id=thumbnail_for,
        )
        state.image_details[link] = details_of(link, file)
    return link
