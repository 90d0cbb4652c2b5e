"""What a URL stands for on one Lemmy server: a file of its own, a proxied one, or somebody else's. Pure.

The host is compared first, port included: the last part of a foreign URL may be the alias of an innocent local file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit

from adapters.whatwg import resolved, without_dots
from bot.domain.content import Alias, Comment, CommunityPage, Post, Profile, RemoteUrl, StorageKey
from bot.domain.hosts import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.content import InstanceId, Name, SubjectKey

ALIAS = re.compile(r"[A-Za-z0-9_-]{6,64}\.[A-Za-z0-9]{2,5}")
"""``<uuid>.<ext>``; before Lemmy 0.19, ten random characters instead of the UUID."""

_UUID = re.compile(
    r"(?:urn:uuid:)?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})"
    r"|([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})",
    re.IGNORECASE,
)
_STORED = re.compile(r"/image/(?:original/([^/]+)|original|process\.[a-z0-9]+)")
_ENCODED = re.compile(r"%(?!2f|25|2b)([0-7][0-9a-f])", re.IGNORECASE)
_FILE = re.compile(r"/+(?:pictrs/+image|api/+v4/+image)/+([^/]+)/*")
_PROXY = re.compile(r"/+api/+(?:v3/+image_proxy|v4/+image/+proxy)/*")
_NESTING = 20  # a proxied URL may lead to the proxy again; each layer makes the URL longer


def alias_of(text: str) -> str | None:
    """An alias as pict-rs lists it, whichever way it is written; ``None`` if it is none.

    pict-rs reads the part before the first dot as any text of a UUID may be written, with capitals or without hyphens,
    and answers with the same file: src/repo/alias.rs, ``from_existing``.
    """
    stem, dot, ending = text.partition(".")
    match = _UUID.fullmatch(stem[1:-1] if stem[:1] + stem[-1:] == "{}" else stem)
    if match is not None:
        text = "-".join(one for one in match.groups() if one).lower() + dot + ending
    return text if ALIAS.fullmatch(text) else None


def own_alias(url: str, host: str) -> str | None:
    """The alias that a URL stands for, if it leads to a file of the server at ``host`` (as ``host_of`` writes it)."""
    target = resolved(unproxied(url, host))
    if not host or target is None or host_of(target) != host:
        return None
    match = _FILE.fullmatch(_routed(target))
    if match is None:
        return None
    # Lemmy decodes the name and puts it into an address of pict-rs as it is: crates/routes/src/images.rs, full_res.
    name = unquote(match[1])
    whole, sized = (_stored(f"http://pictrs/image/{way}{name}") for way in ("original/", "process.jpg?src="))
    return None if whole and sized and whole != sized else whole or sized


def _stored(url: str) -> str | None:
    """The alias in an address of pict-rs, which decodes it once more."""
    parts = urlsplit(resolved(url) or "")
    match = _STORED.fullmatch(parts.path)
    if match is None:
        return None
    query = parse_qs(parts.query)
    return alias_of(unquote(match[1]) if match[1] else (query.get("src") or query.get("alias") or [""])[0])


def _routed(url: str) -> str:
    """The path by which a server finds the way: decoded, but for slashes, signs of percent and of plus.

    Raises ``ValueError``.
    """
    path = without_dots(urlsplit(url).path or "/")
    return _ENCODED.sub(lambda match: chr(int(match[1], 16)), path)


def unproxied(url: str, host: str) -> str:
    """The URL that our own image proxy would fetch for this one; ``url`` itself if it does not lead there."""
    for _ in range(_NESTING):
        inner = _asked_for(url, host)
        if not host_of(inner):
            return url
        url = inner
    return url


def _asked_for(url: str, host: str) -> str:
    """What our own image proxy is asked for by this URL; empty if it does not lead there."""
    if not host or host_of(url) != host or not _PROXY.fullmatch(_routed(url)):
        return ""
    return parse_qs(urlsplit(url).query).get("url", [""])[0]


def data_in(url: str, host: str) -> str | None:
    """The ``data:`` URL that an address is, or that our own image proxy is asked for."""
    url = unproxied(url, host)
    url = _asked_for(url, host) or url
    return url if url[:5].lower() == "data:" else None


def leads_to_a_file(url: str) -> bool:
    """Whether the path is that of a file of some Lemmy server, or of an image that one fetches for its readers.

    Says nothing of whose file it is, and needs no ending: what is proxied may be called anything.
    """
    try:
        path = _routed(url)
    except ValueError:
        return False
    return _PROXY.fullmatch(path) is not None or _FILE.fullmatch(path) is not None


READ = {
    Post.kind: "/api/v3/post?id=",
    Comment.kind: "/api/v3/comment?id=",
    Profile.kind: "/api/v3/user?person_id=",
    CommunityPage.kind: "/api/v3/community?id=",
}
READ_V4 = {kind: path.replace("/v3/", "/v4/").replace("/user?", "/person?") for kind, path in READ.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The addresses of one server. ``url``: how the world sees it. ``files``: where it shows its own files.

    ``retired``: where it did so once. Texts keep the addresses of the day they were written, and 1.0 does not answer
    those of 0.19. ``read``: where anybody reads what a kind of subject says.
    """

    instance: InstanceId
    url: str
    files: str = "/pictrs/image"
    retired: str = ""
    read: Mapping[str, str] = field(default_factory=lambda: READ)

    @property
    def host(self) -> str:
        """Host and port of everything that is the server's own."""
        return host_of(self.url)

    def own(self, url: str) -> bool:
        """Whether a URL leads to this server."""
        return bool(self.host) and host_of(url) == self.host

    def name_of(self, url: str) -> Name:
        """The name of the file behind a URL."""
        alias = own_alias(url, self.host)
        if alias is not None:
            return Alias(instance=self.instance, value=alias)
        return RemoteUrl(value=unproxied(url, self.host))

    def address(self, name: Name) -> str:
        """Where our server shows a file to the public; empty for a path in the store, which is not public."""
        if isinstance(name, Alias):
            return self._within(self.files, name)
        return "" if isinstance(name, StorageKey) else name.value

    def all_of(self, name: Name) -> Sequence[str]:
        """Where our server shows a file, and where it did once: a post keeps the address that it was made with."""
        if not self.retired or not isinstance(name, Alias):
            return [self.address(name)]
        return [self._within(files, name) for files in (self.files, self.retired)]

    def _within(self, files: str, name: Alias) -> str:
        return f"{self.url}{files}/{quote(name.value, safe='')}"

    def shown(self, url: str) -> str:
        """The URL itself, or where the file is shown now if it is one of ours under an address of the past."""
        if not self.retired or host_of(url) != self.host:
            return url
        path = _routed(url)
        alias = own_alias(url, self.host) if _FILE.fullmatch(path) and self.retired in path else None
        return url if alias is None else self.address(Alias(instance=self.instance, value=alias))

    def reading(self, subject: SubjectKey) -> str:
        """Where anybody reads what a subject says; the front page for what nobody but its readers can ask for."""
        path = self.read.get(subject.kind)
        return f"{self.url}/" if path is None else f"{self.url}{path}{quote(subject.local_id, safe='')}"

    def page(self, kind: str, local_id: str) -> str:
        """Where a human looks at a subject."""
        return f"{self.url}/{kind}/{local_id}"
