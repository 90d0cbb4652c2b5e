"""Images: uploading them through Lemmy, showing them, deleting them, and who uploaded which."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_plus, urlsplit

from starlette.responses import JSONResponse, Response

from adapters.sandbox.clock import chrono_ns
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import record_not_found, unknown
from adapters.sandbox.lemmy.links import remember_image
from adapters.sandbox.lemmy.messages.people import ListMedia
from adapters.sandbox.lemmy.messages.site import GetImage, ImageProxy, Nothing
from adapters.sandbox.lemmy.multipart import uploaded_file
from adapters.sandbox.lemmy.proxying import NOT_FETCHED, proxied_file
from adapters.sandbox.lemmy.rights import require_admin
from adapters.sandbox.lemmy.text import span
from adapters.sandbox.lemmy.views import image_view
from adapters.sandbox.pictrs.api import failure
from adapters.sandbox.pictrs.errors import PictrsError
from adapters.sandbox.pictrs.formats import TARGETS, BrokenMediaError, InvalidMediaError
from adapters.sandbox.pictrs.queries import is_url, wanted_size
from adapters.sandbox.pictrs.serve_file import file_answer
from adapters.sandbox.pictrs.store import AliasNotFoundError
from adapters.sandbox.pictrs.validation import RefusedError, ValidatorUnreachableError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Json
    from adapters.sandbox.pictrs.store import StoredFile

_BYPASSED = {"i.imgur.com"}
"""``proxy_bypass_domains``, unless they are set."""


def _require_pictrs(call: Call, path: str) -> None:
    if not call.server.files.available:
        raise unknown(f"error sending request for url (http://pictrs:8080/{path})")


@route("POST", "/pictrs/image", bucket="image", login=True, locked=False, strict=True)
def upload(call: Call, _: Nothing) -> Response:
    """Pass a file on to pict-rs and remember who sent it."""
    _require_pictrs(call, "image")
    try:
        alias, file = call.server.files.ingest(uploaded_file(call.headers.get("content-type"), call.body))
    except (PictrsError, InvalidMediaError, BrokenMediaError, RefusedError, ValidatorUnreachableError) as error:
        known = failure(error)
        return JSONResponse({"files": None, "msg": known.msg}, status_code=known.status)
    remember_image(call.server, alias, file, uploader=call.me.id)
    details = {
        "width": file.found.width,
        "height": file.found.height,
        "content_type": file.found.format.content_type,
        "created_at": chrono_ns(file.created_ns),
    }
    shown = {"file": alias.name, "delete_token": alias.token, "details": details}
    return JSONResponse({"files": [shown], "msg": "ok"}, status_code=201)


def shown_file(call: Call, alias: str, *, source: str, format_: str | None, thumbnail: int | None) -> Response:
    """The answer for a file, or for a copy of it in a format or of a size; raises ``AliasNotFoundError``."""
    files = call.server.files
    if format_ is None and thumbnail is None:
        file = files.file(alias)
        return _answer(call, file, file.data, file.found.format.content_type, file.created_ns)
    name = source.rsplit(".", 1)[-1] if format_ is None else format_
    target = TARGETS.get(name.lower(), TARGETS["jpg"])
    try:
        side = wanted_size([] if thumbnail is None else [("thumbnail", str(thumbnail))])
    except PictrsError as error:
        return error.answer
    file, data, made_ns = files.variant(alias, target, side)
    return _answer(call, file, data, target.content_type, made_ns)


def _answer(call: Call, file: StoredFile, data: bytes, content_type: str, modified_ns: int) -> Response:
    return file_answer(call.headers, data, content_type=content_type, etag=file.etag, modified_ns=modified_ns)


@route("GET", "/pictrs/image/{}", GetImage, bucket=None, locked=False, strict=True)
def get_image(call: Call, form: GetImage) -> Response:
    """A file, or a smaller copy of it, to anyone. What is missing has no body."""
    (alias,) = call.path
    _require_pictrs(call, f"image/original/{alias}")
    try:
        return shown_file(call, alias, source=alias, format_=form.format, thumbnail=form.thumbnail)
    except AliasNotFoundError:
        return Response(b"", status_code=404)


@route("GET", "/pictrs/image/delete/{}/{}", bucket=None, login=True, strict=True)
def delete_image(call: Call, __: Nothing) -> Response:
    """Delete one alias: one's own, or as an administrator any. The token in the address counts for nothing."""
    _, alias = call.path
    image = call.state.images.get(alias)
    if image is None or not (call.me.admin or image.local_user_id == call.me.id):
        raise record_not_found()
    del call.state.images[alias]
    _require_pictrs(call, f"image/delete/{image.pictrs_delete_token}/{alias}")
    with suppress(AliasNotFoundError):  # Lemmy does not look at what pict-rs answers
        call.server.files.delete_by_token(alias, image.pictrs_delete_token)
    return Response(status_code=204)


@route("GET", "/pictrs/healthz", bucket=None)
def pictrs_health(call: Call, _: Nothing) -> Response:
    """Whether the store of images is there."""
    _require_pictrs(call, "healthz")
    return Response(b"")


def _as_pictrs_reads(url: str) -> str:
    """What pict-rs is asked for: 0.19 writes the URL into a query as it is, where an ampersand ends it.

    What is encoded in it is decoded there, once more.
    """
    asked = unquote_plus(url.partition("#")[0].partition("&")[0])
    return quote(asked, safe="/?#[]@:!$&'()*+,;=%~-._")


@route("GET", "/api/v3/image_proxy", ImageProxy, bucket=None, locked=False)
def image_proxy(call: Call, form: ImageProxy) -> Response:
    """An image of another server that one of our posts shows; fetched again if it is not here any more."""
    if not is_url(form.url):
        raise unknown("relative URL without a base")
    with call.state.lock:
        if form.url not in call.state.remote_images:
            raise record_not_found()
    if urlsplit(form.url).hostname in _BYPASSED:
        return Response(b"", status_code=307, headers={"location": form.url})
    _require_pictrs(call, f"image/original?proxy={form.url}")
    url = _as_pictrs_reads(form.url)
    try:
        proxied_file(call.server, url)
        alias = call.server.files.resolve(None, url)
        return shown_file(call, alias, source=form.url, format_=form.format, thumbnail=form.thumbnail)
    except AliasNotFoundError:
        return Response(b"", status_code=404)
    except NOT_FETCHED as error:
        known = failure(error)
        return JSONResponse({"code": known.code, "msg": known.msg}, status_code=known.status)


def _media(call: Call, form: ListMedia, uploader: int | None) -> Json:
    page = span(form.page, form.limit)
    users = {user.id: user for user in call.state.local_users.values()}
    found = [
        (image, users[image.local_user_id])
        for image in call.state.images.values()
        if image.local_user_id in users and uploader in {None, image.local_user_id}
    ]
    found.sort(key=lambda pair: pair[0].published, reverse=True)
    return {"images": [image_view(call.state, image, user) for image, user in found[page]]}


@route("GET", "/api/v3/account/list_media", ListMedia, login=True)
def list_media(call: Call, form: ListMedia) -> Json:
    """A page of one's own uploads, the newest first."""
    return _media(call, form, call.me.id)


@route("GET", "/api/v3/admin/list_all_media", ListMedia, login=True)
def list_all_media(call: Call, form: ListMedia) -> Json:
    """A page of everybody's uploads; what nobody uploaded, thumbnails that is, is not among them."""
    require_admin(call)
    return _media(call, form, None)
