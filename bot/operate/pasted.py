"""What an operator pastes, as the platforms take it: from a log, the listing of a store, or our own commands."""

from __future__ import annotations

import re
from urllib.parse import unquote

_DIGEST = re.compile(r"(?:sha256[:= ]\s*)?([0-9a-f]{64})(?:[0-9a-f]{14})?", re.IGNORECASE)
"""A SHA-256, as ``who`` and lists write it, or with the fourteen digits of size and format that pict-rs puts behind."""

_NAME = re.compile(r"(?:(?:alias|attachment|key):[^/]+/|url:(?=https?://))(.+)")
"""A name as our commands print it."""

_ON_THE_WEB = re.compile(r"(?:https?|data):", re.IGNORECASE)
_AROUND = "\"'`"


def pasted(text: str) -> str:
    """The same text without what stands around it. Addresses on the web stay as they are."""
    text = text.strip().strip(_AROUND).strip()
    if (name := _NAME.fullmatch(text)) is not None:
        text = name[1]
    if (digest := _DIGEST.fullmatch(text)) is not None:
        return digest[1].lower()
    return text if _ON_THE_WEB.match(text) else _path(text)


def _path(text: str) -> str:
    """Of a path: with slashes of one kind, none twice, none at its end, and none encoded."""
    text = text.replace("\\", "/")
    if "%2f" in text.lower():
        text = unquote(text)
    return re.sub(r"(?<!:)/{2,}", "/", text).rstrip("/")
