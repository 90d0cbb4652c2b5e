"""What a browser asks for when a page leads to an address: https://url.spec.whatwg.org, as far as the web needs it.

An address may be written so that a browser makes sense of it and hardly anything else does: the picture stands there
all the same. Pure; takes anything and never raises.
"""

from __future__ import annotations

import html
import re
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import idna

from bot.domain.hosts import LONGEST_LABEL, PORTS, in_ascii

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTROLS = "".join(map(chr, range(0x21)))
_BREAKS = str.maketrans("", "", "\t\n\r")
_SCRIPT_SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_AUTHORITY = re.compile(r"/*([^/?#]*)")
_MARKDOWN_HOST = re.compile(r"((?:https?:)?//)(?:[^/?#]*@)?([^/?#%;'{}|\\^`<>\" ]*)", re.IGNORECASE)
_ENCODED = re.compile(r"[\x00-\x20\\\x7f]")
_ENDING = re.compile(r"[?#]")
_PLACE = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(0*[0-9]{0,5}))?")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f#%/:<>?@\[\\\]^|]")
_USER = "%!$&'()*+,:~"
_ODD_REFERENCE = re.compile(r"&[a-z#][a-z0-9]{1,31};", re.IGNORECASE)
_FILMS = (".mp4", ".m4v", ".ogv", ".webm", ".mpg", ".mpeg")
_LAST_PORT = 65535
_LONGEST_HOST = 255
_HERE, _UP = {".", "%2e"}, {"..", ".%2e", "%2e.", "%2e%2e"}
_LONGEST_DOTS = len("%2e%2e")


def resolved(text: str, base: str | None = None) -> str | None:
    """The http(s) URL that ``text`` leads to on a page of ``base``; ``None`` if it leads nowhere else on the web.

    Scheme and host come in lower case, without the port that the scheme implies, the path without dots, and what is
    blank or invisible in it encoded. Beyond that the address stays as it was written.
    """
    text = without_breaks(text)
    match = _SCHEME.match(text)
    scheme, rest = (match[1].lower(), text[match.end() :]) if match is not None else ("", text)
    head = _ENDING.split(rest, maxsplit=1)[0]
    rest = head.replace("\\", "/") + rest[len(head) :]
    page = urlsplit(base or "")
    if scheme and scheme not in PORTS:
        return None
    if rest.startswith("//") or (scheme and page.scheme != scheme):
        return _whole(scheme or page.scheme, rest)
    if not page.scheme or not rest or rest.startswith("#"):
        return None
    return _joined(page.scheme, page.netloc, rest if rest.startswith("/") else f"/{rest}")


def without_breaks(text: str) -> str:
    """What is left of an address when the blanks around it, and tabs and ends of lines in it, are taken out."""
    return text.strip(_CONTROLS).translate(_BREAKS)


def from_markdown(text: str) -> Iterator[str]:
    """What stands in a page for an address in Markdown: itself; and what Lemmy's own pages make of it.

    These encode what a browser would read as something else, so that a backslash, a tab and the end of a line are part
    of the path, and drop a host of more than 255 characters, so that the browser takes what follows it for the host:
    markdown-it 14, ``normalizeLink``; mdurl 2, ``parse`` and ``encode``. A reference to no character is read as far as
    it means one (``unescapeAll``), and the address of a film is put into the page with all its references:
    markdown-it-html5-media 0.8.
    """
    yield text
    encoded = _ENCODED.sub(lambda match: f"%{ord(match[0]):02X}", text.strip(_SCRIPT_SPACE))
    match = _MARKDOWN_HOST.match(encoded)
    if match is not None and len(match[2]) > _LONGEST_HOST:
        encoded = match[1] + encoded[match.end() :]
    if encoded != text:
        yield encoded
    if _ODD_REFERENCE.search(encoded) or ("&" in encoded and encoded.lower().endswith(_FILMS)):
        yield html.unescape(encoded)


def without_dots(path: str) -> str:
    """A path that begins with a slash, without ``.`` and ``..``, encoded ones included."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for number, segment in enumerate(segments, start=1):
        lower = segment.lower() if len(segment) <= _LONGEST_DOTS else segment
        if lower in _UP:
            del kept[-1:]
        if lower not in _UP | _HERE:
            kept.append(segment)
        elif number == len(segments):
            kept.append("")
    return "/" + "/".join(kept)


def _whole(scheme: str, rest: str) -> str | None:
    match = _AUTHORITY.match(rest)
    return None if match is None or not scheme else _joined(scheme, match[1], rest[match.end() :])


def _joined(scheme: str, authority: str, rest: str) -> str | None:
    user, at, place = authority.rpartition("@")
    match = _PLACE.fullmatch(place)
    host = _host(match[1]) if match is not None else None
    if match is None or host is None:
        return None
    port = int(match[2].lstrip("0") or "0") if match[2] else PORTS[scheme]
    if port > _LAST_PORT:
        return None
    head = _ENDING.split(rest, maxsplit=1)[0]
    path = without_dots(head) if head else ""
    written = "" if port == PORTS[scheme] else f":{port}"
    who = quote(user, safe=_USER, errors="replace")
    return _visible(f"{scheme}://{who}{at}{host}{written}{path}{rest[len(head) :]}")


def _host(text: str) -> str | None:
    if text.startswith("["):
        try:
            zone = IPv6Address(text[1:-1]).scope_id
        except AddressValueError:
            return None
        return text.lower() if zone is None else None
    host = unquote(text)
    if not host.isascii():
        host = ascii_host(host)
    return host.lower() if host and not _FORBIDDEN.search(host) else None


def ascii_host(host: str) -> str:
    """A host as it is looked up, which is how servers write it, too; empty if it cannot be."""
    try:
        host = idna.uts46_remap(host, std3_rules=False, transitional=False)
    except idna.IDNAError:
        return ""
    try:
        return idna.encode(host).decode()
    except idna.IDNAError:  # an emoji, for instance: browsers know such hosts, the newer standard does not
        if any(len(one) > LONGEST_LABEL for one in host.split(".")):
            return ""
        return ".".join(map(in_ascii, host.split(".")))


def _visible(url: str) -> str:
    if url.isascii() and url.isprintable() and " " not in url:
        return url
    return "".join(one if one.isprintable() and one != " " else _encoded(one) for one in url)


def _encoded(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
