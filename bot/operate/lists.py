"""The lists in the ledger: adding from a picture, a digest or a case; taking out; showing."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING

from bot.domain.errors import FediwardenError
from bot.domain.evidence import Evidence, ListMode, MatchedBy, Unscannable
from bot.ports import ListEntry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.ports import Decoder, Ledger

_DIGEST = re.compile(r"^(?:(?P<kind>sha256|pixels|pdq):)?(?P<hex>[0-9a-fA-F]{64})$")


class ListError(FediwardenError):
    """What was given cannot be put on that list."""


def from_digest(list_id: str, mode: ListMode, text: str, note: str) -> Sequence[ListEntry]:
    """``sha256:…``, ``pixels:…``, ``pdq:…`` or a bare SHA-256. Raises ``ListError``."""
    match = _DIGEST.match(text.strip())
    if match is None:
        raise ListError(f"{text!r} is not a digest: write sha256:, pixels: or pdq: and 64 hexadecimal digits")
    by = MatchedBy(match["kind"] or "sha256")
    return _entries(list_id, mode, {by: match["hex"].lower()}, note, None)


async def from_picture(list_id: str, mode: ListMode, path: Path, note: str, decoder: Decoder) -> Sequence[ListEntry]:
    """Every fingerprint of a picture that the mode of the list takes. Raises ``ListError``."""
    try:
        data = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise ListError(f"{path}: {error.strerror}") from None
    decoded = await decoder.decode(data, ())
    prints: dict[MatchedBy, str | None] = {MatchedBy.SHA256: hashlib.sha256(data).hexdigest()}
    if isinstance(decoded, Unscannable):
        raise ListError(
            f"{path}: {decoded.detail}; to list its bytes all the same, give sha256:{prints[MatchedBy.SHA256]}"
        )
    prints |= {MatchedBy.PIXELS: decoded.pixels, MatchedBy.PDQ: decoded.pdq}
    return _entries(list_id, mode, prints, note or path.name, None)


def from_case(list_id: str, mode: ListMode, ledger: Ledger, number: int, note: str) -> Sequence[ListEntry]:
    """Fingerprints of the files of a case. Raises ``ListError``."""
    case = ledger.case(number)
    if case is None:
        raise ListError(f"there is no case {number}; `fediwarden cases` lists them")
    entries: list[ListEntry] = []
    for file_id in case.files:
        file = ledger.file(file_id)
        scan = file.scan if file is not None else None
        if isinstance(scan, Evidence):
            prints = {MatchedBy.SHA256: scan.sha256, MatchedBy.PIXELS: scan.pixels, MatchedBy.PDQ: scan.pdq}
            entries += _entries(list_id, mode, prints, note or f"case {number}", number)
    return entries


def _entries(
    list_id: str, mode: ListMode, prints: dict[MatchedBy, str | None], note: str, case: int | None
) -> Sequence[ListEntry]:
    """Allow lists take exact fingerprints only: a near match must never excuse a file."""
    if mode is ListMode.ALLOW and not any(by.exact for by in prints):
        raise ListError("an allow list takes exact digests only (sha256, pixels)")
    return [
        ListEntry(list_id=list_id, mode=mode, by=by, digest=digest, note=note, case=case)
        for by, digest in prints.items()
        if digest is not None and (by.exact or mode is ListMode.BLOCK)
    ]
