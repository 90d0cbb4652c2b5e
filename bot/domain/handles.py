"""How a human writes the name of an account or community, and how two of them are compared."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from bot.domain.hosts import LONGEST_LABEL, in_ascii

_HANDLE = re.compile(r"[^@/\s]+@[^@/\s]+")
_PAGE = re.compile(r"/(?:@|[uc]/)([^@/\s]+)(?:@([^@/\s]+))?")


def plain(text: str) -> str:
    """What two ways to write the same have in common: ``@Alice@here.example`` is ``alice@here.example``.

    Of an address only the scheme and the host are the same in capitals. A host in another script is the one that is
    looked up for it: people write the one, servers the other, and Mastodon both.
    """
    text = text.strip()
    if "://" not in text:
        name, at, host = text.lstrip("@!").rpartition("@")
        return f"{name.casefold()}@{_looked_up(host)}" if at else host.casefold()
    scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.casefold()}://{_looked_up(host)}{slash}{path}".rstrip("/")


def _looked_up(place: str) -> str:
    """A host, with its port if it has one; what cannot be looked up is only the same as itself."""
    host, colon, port = place.partition(":")
    if host.isascii():
        return place.casefold()
    labels = unicodedata.normalize("NFKC", host).lower().replace("。", ".").split(".")
    return f"{'.'.join(map(_label, labels))}{colon}{port.casefold()}"


def _label(text: str) -> str:
    """One label in ASCII. That is enough for comparing; what is looked up, ``adapters.whatwg`` writes."""
    try:
        written = in_ascii(text)
    except UnicodeError:
        return text
    return written if len(written) <= LONGEST_LABEL else text


def meant(text: str) -> frozenset[str]:
    """Everything that an account or community may be called that is written like this, as ``plain`` has it.

    The page that a browser shows is not always the ActivityPub address, so its handle is meant too. Raises
    ``ValueError`` for what is neither ``name@host`` nor an address.
    """
    written = plain(text)
    if "://" not in written:
        if not _HANDLE.fullmatch(written):
            raise ValueError("write name@host, or the whole address, which begins with https://")
        return frozenset({written})
    try:
        address = urlsplit(written)
    except ValueError:
        raise ValueError("is not an address") from None
    if address.scheme not in {"http", "https"} or not address.netloc or not address.path or re.search(r"\s", written):
        raise ValueError("is not the address of an account or community: write it whole, or write name@host")
    page = _PAGE.fullmatch(address.path)
    return frozenset({written} if page is None else {written, plain(f"{page[1]}@{page[2] or address.netloc}")})
