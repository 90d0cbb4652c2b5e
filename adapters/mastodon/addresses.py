"""What a URL or an object key stands for on one Mastodon server. Pure.

A key is ``[cache/]<class>/<attachment>/<id in groups of three>/<style>/<file>`` (config/initializers/paperclip.rb), and
GoToSocial's is ``<account>/<kind>/<style>/<id>.<suffix>``. The id of an attachment is all that the API knows it by; the
file name in it is random, so that an address cannot be made from an id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bot.domain.content import Attachment, RemoteUrl, StorageKey
from bot.domain.hosts import host_of

if TYPE_CHECKING:
    from bot.domain.content import InstanceId, Name

PREVIEW = "small"
"""The style that a server makes of a picture, or of a moment of a film; a name of its own, for its bytes differ."""

_KEY = re.compile(
    r"(?:^|/)(?P<key>(?:cache/)?(?P<what>media_attachments/(?:files|thumbnails)|accounts/(?:avatars|headers)|"
    r"custom_emojis/images|preview_cards/images|site_uploads/files)/(?P<id>\d{3}(?:/\d{3}){0,5})/"
    r"(?P<style>original|small|static|[a-z0-9@]+)/[^/]+)$"
)
_FILESERVER = re.compile(
    r"(?:^|/)(?P<key>[0-9A-HJKMNP-TV-Z]{26}/(?P<what>attachment|avatar|header|emoji)/"
    r"(?P<style>original|small|static)/(?P<id>[0-9A-HJKMNP-TV-Z]{26})\.[A-Za-z0-9]+)$"
)
_PROXY = re.compile(r"/media_proxy/(?P<id>[0-9A-Za-z]+)(?:/(?P<style>original|small))?/?")
_ATTACHED = {"media_attachments/files", "attachment"}
_OF_PREVIEW = {"media_attachments/thumbnails"}


def proxied(url: str | None) -> bool:
    """Whether a URL makes our server fetch the file first, which it does thirty times in ten minutes."""
    try:
        return url is not None and _PROXY.fullmatch(urlsplit(url).path) is not None
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The addresses of one server. ``url``: how the world sees it; ``files``: where its files are, if elsewhere."""

    instance: InstanceId
    url: str
    files: str | None = None

    @property
    def host(self) -> str:
        """Host and port of the server's own pages."""
        return host_of(self.url)

    def own(self, url: str) -> bool:
        """Whether a URL leads to this server, or to where its files are."""
        host = host_of(url)
        return bool(host) and host in {self.host, host_of(self.files or "")}

    def attachment(self, media_id: str, *, preview: bool = False) -> Attachment:
        """The name of a file of a status, or of what the server shows of it before it is opened."""
        return Attachment(instance=self.instance, value=f"{media_id}/{PREVIEW}" if preview else media_id)

    def stored(self, url: str, *, local: bool) -> Name:
        """The name behind a URL that our server itself gave for one of its files, wherever it keeps them.

        ``local``: of its own. What it holds of others is under ``cache/``; anything else of theirs is still theirs.
        """
        name = self._named(urlsplit(url).path)
        if name is None or (not local and not self.own(url) and not _is_copy(name)):
            return RemoteUrl(value=url)
        return name

    def name_of(self, url: str) -> Name:
        """The name behind any URL: only what leads to our own server is our file."""
        if not self.own(url):
            return RemoteUrl(value=url)
        path = urlsplit(url).path
        if match := _PROXY.fullmatch(path):
            return self.attachment(match["id"], preview=match["style"] == PREVIEW)
        return self._named(path) or RemoteUrl(value=url)

    def key(self, text: str) -> Name | None:
        """The name behind an object key or a path of the file store, with or without what stands before it."""
        return self._named(text)

    def account_of(self, key: StorageKey) -> str | None:
        """The id of the account whose avatar or header a key is; ``None`` for other keys."""
        match = _KEY.search(key.value)
        if match is None or not match["what"].startswith("accounts/"):
            return None
        return _number(match["id"])

    def address(self, name: Name) -> str:
        """Where our server shows a file to the public. For an attachment: by the way that knows it by its id."""
        match name:
            case Attachment():
                media_id, _, style = name.value.partition("/")
                return f"{self.url}/media_proxy/{media_id}/{style or 'original'}"
            case StorageKey():
                return f"{self.files or f'{self.url}/system'}/{name.value}"
            case _:
                return name.value

    def page(self, acct: str, local_id: str) -> str:
        """Where a human looks at a status, of whichever server, without leaving ours."""
        return f"{self.url}/@{acct}/{local_id}"

    def profile(self, acct: str) -> str:
        """Where a human looks at an account."""
        return f"{self.url}/@{acct}"

    def _named(self, path: str) -> Name | None:
        path = unquote(path)
        match = _KEY.search(path) or _FILESERVER.search(path)
        if match is None:
            return None
        number = _number(match["id"])
        if match["what"] in _ATTACHED:
            return self.attachment(number, preview=match["style"] == PREVIEW)
        if match["what"] in _OF_PREVIEW:
            return self.attachment(number, preview=True)
        return StorageKey(instance=self.instance, value=match["key"])


def _is_copy(name: Name) -> bool:
    return isinstance(name, StorageKey) and name.value.startswith("cache/")


def _number(groups: str) -> str:
    """``117/661/712/687/223/564`` as the id that it is; GoToSocial's are left alone."""
    digits = groups.replace("/", "")
    return str(int(digits)) if digits.isdecimal() else digits
