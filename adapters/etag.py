"""The SHA-256 that pict-rs 0.5.20 and newer writes into its ETag.

Base64 of 39 bytes: the digest of the stored file, its size (6 bytes, big endian), its format. It is a claim of the
server that sends it: proof about our own files, and worth nothing about anybody else's.
"""

from __future__ import annotations

import base64
import binascii

_LENGTH = 39
_FORMATS = 16  # eleven are known; a few more may come
_LARGEST = 1 << 40


def digest_in(etag: str | None) -> str | None:
    """The digest, 64 hexadecimal digits; ``None`` for anything that pict-rs would not send."""
    text = (etag or "").strip().removeprefix("W/").strip('"')
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _LENGTH or not 0 < int.from_bytes(raw[32:38], "big") < _LARGEST or raw[38] >= _FORMATS:
        return None
    return raw[:32].hex()
