"""List files: one fingerprint a line.

::

    # anything after a hash sign
    sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  spam wave of June
    pixels 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
    pdq    f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22
    9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

A bare digest is the SHA-256 of a file's bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.errors import ConfigError
from bot.domain.evidence import ListMode, MatchedBy
from bot.ports import ListEntry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")
_KINDS: Final = {by.value: by for by in MatchedBy}
_FOREIGN: Final = {32: "md5", 40: "sha1", 128: "sha512"}  # hexadecimal digits of what other lists use
_REMEDY: Final = "write '<kind> <64 hexadecimal digits> [note]' with kind sha256, pixels or pdq"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """A list kept in a file."""

    path: Path
    list_id: str
    mode: ListMode


def parse_list_file(path: Path, list_id: str, mode: ListMode) -> Sequence[ListEntry]:
    """All entries of a file, in its order, each digest once.

    Raises ``ConfigError`` naming the file, the line and the remedy; then no entry of the file is used.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the list cannot be read ({error}); correct the path or the file") from error
    entries: dict[tuple[MatchedBy, str], ListEntry] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            entry = parse_line(line, list_id, mode)
        except ConfigError as error:
            raise ConfigError(f"{path}, line {number}: {error}") from None
        if entry is not None:
            entries.setdefault((entry.by, entry.digest), entry)
    return list(entries.values())


def parse_line(line: str, list_id: str, mode: ListMode) -> ListEntry | None:
    """One entry; ``None`` for an empty line or a comment. Raises ``ConfigError`` with the remedy."""
    words = line.partition("#")[0].split(maxsplit=2)
    if not words:
        return None
    if len(words) == 1:
        words = ["sha256", *words]
    kind, digest, *note = words
    by = _KINDS.get(kind.lower())
    if by is None:
        raise ConfigError(_unknown(kind, digest))
    if _DIGEST.fullmatch(digest) is None:
        foreign = _FOREIGN.get(len(digest))
        looks = f" (as long as a {foreign} digest)" if foreign else ""
        raise ConfigError(f"{_short(digest)} is no {by.value} digest{looks}; {_REMEDY}")
    entry = ListEntry(list_id=list_id, mode=mode, by=by, digest=digest.lower(), note=note[0].strip() if note else "")
    check_entry(entry)
    return entry


def check_entry(entry: ListEntry) -> None:
    """Raises ``ConfigError`` for an entry that no list may have: PDQ on an allow list.

    Pictures that only resemble an allowed one are what somebody would make to slip through.
    """
    if entry.mode is ListMode.ALLOW and not entry.by.exact:
        raise ConfigError(
            f"allow list {entry.list_id!r} has a pdq entry, but allow lists match exactly; "
            "use the file's sha256 or pixels digest"
        )


def _unknown(kind: str, digest: str) -> str:
    if kind.lower() in _FOREIGN.values() or len(kind) in _FOREIGN:
        return f"md5 and sha1 are not supported: only sha256, pixels and pdq are; {_REMEDY}"
    if _DIGEST.fullmatch(kind) is not None:
        return f"the kind is missing before the digest and the note {_short(digest)}; {_REMEDY}"
    return f"unknown kind {_short(kind)}; {_REMEDY}"


def _short(word: str) -> str:
    return repr(word if len(word) <= 20 else word[:20] + "…")
