"""From a path in pict-rs's file store, or an object key, to a name of that file.

No call takes a path. But each alias leads to its path (``/internal/identifier``), and a path of the newer layout says
when it was made: the files of that minute are asked first, and all of them only if it is none of these. What this
cannot find are variants (smaller copies, stills of films): they lie in the same tree, and no call leads to them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from adapters.pictrs.listing import held

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.pictrs.client import PictrsClient
    from adapters.pictrs.listing import Held

_SINCE_0_5_7 = re.compile(r"(?:.*/)?((?:[0-9a-f]{2}/){10}[0-9a-f]{12}(?:\.[a-z0-9]{2,5})?)", re.IGNORECASE)
"""A version 7 UUID in ten folders of two digits and a name of twelve: pict-rs 0.5.7 and newer, src/file_path.rs."""

_BEFORE = re.compile(r"(?:.*/)?(?:[A-Za-z0-9_-]{1,4}/){2,}[A-Za-z0-9_-]{6,}(?:\.[a-z0-9]{2,5})?")
"""Any other layout: several short folders and a longer name."""

_SCHEME = re.compile(r"(?:s3|file)://", re.IGNORECASE)
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_VERSION_7 = 12  # where the version stands among a UUID's digits; before it, the time in milliseconds

LATER = timedelta(minutes=10)
"""How long after the path was made pict-rs may have written the file down: it is received, converted, validated."""

EARLIER = timedelta(minutes=1)
"""By how much the clocks of pict-rs and its database may differ."""

PATHS_ASKED = 20_000
"""Files whose paths are asked for, one call each, before a path counts as not found."""

DIGESTS_READ = 500_000
"""Files whose digests are read, a hundred in a call."""


class Paths:
    """Answers for one pict-rs. Raises ``PlatformError`` where it cannot be asked."""

    def __init__(self, client: PictrsClient) -> None:
        """``client``: of that pict-rs."""
        self._client = client

    def alias_of(self, text: str) -> str | None:
        """An alias of the file that a path, an object key or a SHA-256 means; ``None`` where it means none."""
        text = text.strip()
        if _DIGEST.fullmatch(text):
            return self._with_digest(text.lower())
        if text.lower().startswith(("http://", "https://")):
            return None  # whoever owns that host may let any path stand behind it
        path = _without_scheme(text).partition("?")[0]
        if (match := _SINCE_0_5_7.fullmatch(path)) is not None:
            path = match[1].lower()  # some file systems make no difference; the layout before does
            at = made_at(path)
            return (None if at is None else self._near(path, at)) or self._anywhere(path)
        return self._anywhere(path) if _BEFORE.fullmatch(path) else None

    def _near(self, path: str, at: datetime) -> str | None:
        found: list[tuple[timedelta, Held]] = []
        for one in held(self._client, older_than=at + LATER, most=PATHS_ASKED):
            if one.at < at - EARLIER:
                break
            found.append((abs(one.at - at), one))
        return self._among((one for _, one in sorted(found, key=lambda pair: pair[0])), path)

    def _anywhere(self, path: str) -> str | None:
        return self._among(held(self._client, most=PATHS_ASKED), path)

    def _among(self, files: Iterable[Held], path: str) -> str | None:
        for one in files:
            for alias in one.aliases[:1]:  # all names of a file have one path
                known = self._client.identifier(alias)
                if known is not None and _means(path, known):
                    return alias
        return None

    def _with_digest(self, sha256: str) -> str | None:
        for one in held(self._client, most=DIGESTS_READ):
            if one.sha256 == sha256 and one.aliases:
                return one.aliases[0]
        return None


def _means(path: str, known: str) -> bool:
    """Before a path may stand the store's folder, or a bucket. Its first folders or its ending may be missing."""
    return any(
        f"/{path}".endswith(f"/{one}") or f"/{one}".endswith(f"/{path}")
        for one in (known, known.rpartition(".")[0] or known)
    )


def made_at(path: str) -> datetime | None:
    """When a path of the newer layout was made; ``None`` if it does not say."""
    digits = path.replace("/", "")
    if digits[_VERSION_7] != "7":
        return None
    return datetime.fromtimestamp(int(digits[:_VERSION_7], 16) / 1000, UTC)


def _without_scheme(text: str) -> str:
    """``s3://bucket/KEY`` and ``file:///mnt/files/KEY`` end like the path itself."""
    return _SCHEME.sub("", text, count=1)
