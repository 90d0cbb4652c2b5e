"""Images of a Lemmy 1.0: every upload is made anew, the list of all of them cannot be paged, deleting one purges it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from starlette.responses import JSONResponse, Response

from adapters.sandbox.lemmy.errors import LemmyError, unknown
from adapters.sandbox.lemmy.images import shown_file
from adapters.sandbox.lemmy.links import remember_image
from adapters.sandbox.lemmy.multipart import uploaded_file
from adapters.sandbox.lemmy.proxying import NOT_FETCHED, proxied_file
from adapters.sandbox.lemmy.rights import require_admin
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.cursors import Cursor, Listing, checked_limit
from adapters.sandbox.lemmy.v4.errors import CausedError, not_found
from adapters.sandbox.lemmy.v4.messages.site import DeleteImage, GetImage, ImageProxy, Page
from adapters.sandbox.lemmy.v4.purges import forget_aliases
from adapters.sandbox.lemmy.v4.views import Views
from adapters.sandbox.pictrs.api import failure
from adapters.sandbox.pictrs.errors import PictrsError
from adapters.sandbox.pictrs.formats import BrokenMediaError, InvalidMediaError, probe
from adapters.sandbox.pictrs.queries import is_url
from adapters.sandbox.pictrs.store import AliasNotFoundError
from adapters.sandbox.pictrs.validation import RefusedError, ValidatorUnreachableError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.messages.site import Nothing
    from adapters.sandbox.lemmy.rows import Json, LocalImage, Person

PICTRS = "http://pictrs:8080/"  # where a real server finds its pict-rs; error messages tell it
_LIST_LIMIT = 20


def require_pictrs(call: Call, path: str) -> None:
    """Raise what Lemmy says while its pict-rs is away."""
    if not call.server.files.available:
        raise unknown(f"error sending request for url ({PICTRS}{path})")


def take_upload(call: Call, side: int, *, still: bool = False) -> tuple[str, str]:
    """Alias and address of what was sent, made anew and no larger than ``side`` pixels; ``still``: nothing that moves.

    Even what is small enough is made anew, and a PNG then bears the time: the same picture twice has two hashes.
    """
    require_pictrs(call, "image")
    try:
        data = uploaded_file(call.headers.get("content-type"), call.body)
        if still:
            _check_still(data)
        alias, file = call.server.files.ingest(data, resize=side)
    except (PictrsError, InvalidMediaError, BrokenMediaError, RefusedError, ValidatorUnreachableError) as error:
        code = "pictrs_invalid_image_upload"
        raise CausedError(code, "PictrsInvalidImageUpload", message=failure(error).msg) from error
    return alias.name, remember_image(call.server, alias, file, uploader=call.me.id)


def _check_still(data: bytes) -> None:
    if probe(data).format.kind == "Animation":
        raise PictrsError(400, "media-disallowed", "Media type wasn't allowed for this upload")


@route("POST", "/api/v4/image", bucket="image", login=True, locked=False, strict=True)
def upload(call: Call, _: Nothing) -> Json:
    """Pass a file on to pict-rs and remember who sent it. The banned may do so too."""
    settings = call.server.v4.settings
    if settings.image_upload_disabled:
        raise LemmyError("image_upload_disabled")
    alias, url = take_upload(call, settings.image_max_upload_size)
    return {"image_url": url, "filename": alias}


@route("DELETE", "/api/v4/image", DeleteImage, bucket="image", login=True, locked=False, strict=True)
def delete_image(call: Call, form: DeleteImage) -> Json:
    """Purge a file with all its names; only administrators. It counts as an upload does."""
    require_admin(call)
    require_pictrs(call, f"internal/purge?alias={form.filename}")
    try:
        forget_aliases(call, call.server.files.purge(form.filename))
    except AliasNotFoundError as error:
        raise _gone("purge", form.filename) from error
    return {"success": True}


def _gone(deed: str, alias: str) -> LemmyError:
    address = f"{PICTRS}internal/{deed}?alias={alias}"
    return unknown(f"HTTP status client error (404 Not Found) for url ({address})")


@route("DELETE", "/api/v4/account/media", DeleteImage, login=True, locked=False)
def delete_own_image(call: Call, form: DeleteImage) -> Json:
    """Delete one alias of one's own."""
    with call.state.lock:
        image = call.state.images.get(form.filename)
        if image is None or image.local_user_id != call.me.id:
            raise not_found("NotFound")
    require_pictrs(call, f"internal/delete?alias={form.filename}")
    try:
        call.server.files.delete(form.filename)
    except AliasNotFoundError as error:
        raise _gone("delete", form.filename) from error
    forget_aliases(call, [form.filename])
    return {"success": True}


def _owner(call: Call, image: LocalImage) -> Person | None:
    """Who is listed with an image: its uploader, or the author of the post that it is the thumbnail of."""
    state = call.state
    if image.thumbnail_for_post_id is not None:
        post = state.posts.get(image.thumbnail_for_post_id)
        return None if post is None else state.people[post.creator_id]
    user = next((user for user in state.local_users.values() if user.id == image.local_user_id), None)
    return None if user is None else state.people[user.person_id]


@route("GET", "/api/v4/image/list", Page, login=True)
def list_all_media(call: Call, form: Page) -> Json:
    """Everybody's uploads and all thumbnails, in no order; there is a second page, but nobody can get at it."""
    require_admin(call)
    limit = checked_limit(form.limit, _LIST_LIMIT)
    if form.page_cursor is not None:
        Cursor.read(form.page_cursor)
        raise not_found('syntax error at or near ")"')
    found = [(image, owner) for image in call.state.images.values() if (owner := _owner(call, image)) is not None]
    # Any order that has nothing to do with time or name; a real one changes with every update of a row.
    found.sort(key=lambda pair: hashlib.sha256(pair[0].pictrs_alias.encode()).digest())
    found = found[:limit]
    views = Views.of(call)
    items = [views.image_view(image, owner) for image, owner in found]
    following = {"next_page": Cursor(False, found[-1][0].pictrs_alias).text} if len(found) == limit else {}
    return {"items": items} | following


@route("GET", "/api/v4/account/media/list", Page, login=True)
def list_media(call: Call, form: Page) -> Json:
    """A page of one's own uploads and thumbnails, by their random names."""
    images = call.state.images
    mine = [image for image in images.values() if _owner(call, image) is call.person]
    listing: Listing[LocalImage] = Listing(
        order=lambda image: tuple(-ord(character) for character in image.pictrs_alias),
        name=lambda image: image.pictrs_alias,
        find=images.get,
    )
    found, around = listing.page(mine, form.page_cursor, checked_limit(form.limit, _LIST_LIMIT))
    views = Views.of(call)
    return {"items": [views.image_view(image, call.person) for image in found]} | around


@route("GET", "/api/v4/image/proxy", ImageProxy, locked=False)
def image_proxy(call: Call, form: ImageProxy) -> Response:
    """An image of another server that one of our posts shows; fetched again if it is not here any more."""
    if call.viewer is None and call.server.closed_to_strangers:
        return Response(b"", status_code=401)
    if not is_url(form.url):
        raise unknown("relative URL without a base")
    with call.state.lock:
        if form.url not in call.state.remote_images:
            raise not_found("NotFound")
    bypassed = (call.server.v4.settings.image_proxy_bypass_domains or "").split(",")
    if urlsplit(form.url).hostname in bypassed:
        return Response(b"", status_code=307, headers={"location": form.url})
    require_pictrs(call, f"image/original?proxy={form.url}")
    files = call.server.files
    try:
        proxied_file(call.server, form.url)
        alias = files.resolve(None, form.url)
        path = _unwrapped(form.url).path
        answer = shown_file(call, alias, source=path, format_=form.file_type, thumbnail=form.max_size)
    except AliasNotFoundError:
        return Response(b"", status_code=404)
    except NOT_FETCHED as error:
        known = failure(error)
        return JSONResponse({"code": known.code, "msg": known.msg}, status_code=known.status)
    return _named(answer, path.rsplit("/", 1)[-1])


def _unwrapped(url: str) -> SplitResult:
    """What a proxy's address stands for: a post from another server may come with one of that server's proxy."""
    parts = urlsplit(url)
    if not parts.path.endswith(("/api/v4/image/proxy", "/api/v3/image_proxy")):
        return parts
    inner = dict(parse_qsl(parts.query)).get("url")
    return parts if inner is None else _unwrapped(inner)


@route("GET", "/api/v4/image/health")
def pictrs_health(call: Call, _: Nothing) -> Json:
    """Whether the store of images is there."""
    require_pictrs(call, "healthz")
    return {"success": True}


@route("GET", "/api/v4/image/{}", GetImage, locked=False)
def get_image(call: Call, form: GetImage) -> Response:
    """A file, or a smaller copy of it, to nearly anyone. What is missing has no body."""
    if call.viewer is None and call.server.closed_to_strangers:
        return Response(b"", status_code=401)
    (alias,) = call.path
    require_pictrs(call, f"image/original/{alias}")
    try:
        answer = shown_file(call, alias, source=alias, format_=form.file_type, thumbnail=form.max_size)
    except AliasNotFoundError:
        return Response(b"", status_code=404)
    return _named(answer, alias)


def _named(answer: Response, name: str) -> Response:
    """With a name for whoever saves it."""
    if name:
        answer.headers["content-disposition"] = f'inline; filename="{quote(name, safe="")}"'
    return answer
