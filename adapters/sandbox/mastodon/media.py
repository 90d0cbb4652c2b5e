"""Uploads: pictures are ready at once, moving ones a while later."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import ApiError, PageError, invalid, record_not_found
from adapters.sandbox.mastodon.files import stored_path
from adapters.sandbox.mastodon.forms import Upload
from adapters.sandbox.mastodon.kinds import PICTURES, SOUNDS, VIDEOS
from adapters.sandbox.mastodon.pictures import NotAPictureError, Picture, store_picture
from adapters.sandbox.mastodon.rows import Media
from adapters.sandbox.mastodon.status_views import media_view
from adapters.sandbox.mastodon.text import number
from adapters.sandbox.mastodon.videos import Moving, NotAVideoError, store_animation, store_video

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Json

_LARGEST_PICTURE = 16 << 20  # bytes
_LARGEST_VIDEO = 99 << 20  # bytes
_NOT_AS_SAID = "File has contents that are not what they are reported to be"
_PROCESSING = 206


@route("POST", "/api/v2/media", "write", "write:media", locked=False)
def upload(call: Call) -> Json:
    """Store a file; what moves is not ready when the answer comes."""
    media = _store(call, wait=call.server.processing)
    if not media.processed:
        call.status = 202
    return _finish(call, media)


@route("POST", "/api/v1/media", "write", "write:media", locked=False)
def upload_at_once(call: Call) -> Json:
    """Store a file and answer when it is ready."""
    return _finish(call, _store(call, wait=0))


def _finish(call: Call, media: Media) -> Json:
    with call.state.lock:
        call.state.media[media.id] = media
        _describe(call, media)
        return media_view(call.state, media)


def _store(call: Call, *, wait: float) -> Media:
    sent = call.params.get("file")
    if not isinstance(sent, Upload):
        raise invalid("File can't be blank")
    content_type = sent.content_type.lower()
    with call.state.lock:
        media = Media(
            id=call.state.snowflake(),
            account_id=call.me.id,
            created_at=now(),
            type="image",
            original=None,
            small=None,
            meta=None,
            blurhash=None,
            ready_at=now(),
        )
    if content_type in PICTURES:
        _store_picture(call, media, sent, wait)
    elif content_type in VIDEOS:
        if len(sent.data) > _LARGEST_VIDEO:
            raise invalid("File file size must be less than 99 MB")
        try:
            _keep_moving(call, media, store_video(sent.data), "video", wait)
        except NotAVideoError as error:
            raise invalid(str(error) or _NOT_AS_SAID) from None
    elif content_type in SOUNDS:
        raise ApiError(501, "The sandbox does not take sound")
    else:
        raise invalid("File content type is invalid", "File is invalid")
    return media


def _store_picture(call: Call, media: Media, sent: Upload, wait: float) -> None:
    if len(sent.data) > _LARGEST_PICTURE:
        raise invalid("File file size must be less than 16 MB")
    try:
        if sent.content_type.lower() == "image/gif":
            moving = store_animation(sent.data)
            if moving is not None:
                _keep_moving(call, media, moving, "gifv", wait)
                return
        stored = store_picture(sent.data, call.version)
    except NotAPictureError:
        raise invalid(_NOT_AS_SAID) from None
    _keep(call, media, stored.original, stored.small)
    media.meta = {"original": stored.original.meta, "small": stored.small.meta}
    media.blurhash = stored.blurhash


def _keep(call: Call, media: Media, original: Picture, small: Picture) -> None:
    media.original = stored_path("media_attachments/files", media.id, "original", original.extension)
    stem = media.original.replace("/original/", "/small/").rpartition(".")[0]
    media.small = f"{stem}.{small.extension}"
    call.state.files.put(media.original, original.data, original.content_type)
    call.state.files.put(media.small, small.data, small.content_type)


def _keep_moving(call: Call, media: Media, moving: Moving, kind: str, wait: float) -> None:
    _keep(call, media, moving.original, moving.small)
    media.type, media.blurhash = kind, moving.blurhash
    media.meta = {"original": moving.meta, "small": moving.small.meta}
    media.ready_at = now() + timedelta(seconds=wait)


def _describe(call: Call, media: Media) -> None:
    params = call.params
    if "description" in params:
        media.description = params.text("description") or None
    if params.text("focus"):
        try:
            x, y = (float(part) for part in params.text("focus").split(","))
        except ValueError:
            return
        media.meta = (media.meta or {}) | {"focus": {"x": x, "y": y}}


def _own_unposted(call: Call) -> Media:
    media = call.state.media.get(number(call.path[0])) if call.path[0].isdigit() else None
    if media is None or media.account_id != call.me.id or media.status_id is not None:
        raise record_not_found()
    return media


@route("GET", "/api/v1/media/{}", "write", "write:media")
def show(call: Call) -> Json:
    """One's own upload, as long as it is in no status; to everybody else there is none."""
    media = _own_unposted(call)
    if not media.processed:
        call.status = _PROCESSING
    return media_view(call.state, media)


@route("PUT", "/api/v1/media/{}", "write", "write:media")
def update(call: Call) -> Json:
    """Describe one's own upload."""
    media = _own_unposted(call)
    _describe(call, media)
    return media_view(call.state, media)


@route("DELETE", "/api/v1/media/{}", "write", "write:media")
def destroy(call: Call) -> Json:
    """Take back an upload that is in no status; 4.3 cannot."""
    if not call.version.newer:
        raise PageError(404)
    media = _own_unposted(call)
    for path in (media.original, media.small):
        call.state.files.delete(path)
    del call.state.media[media.id]
    return {}
