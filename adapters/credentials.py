"""One-time codes, and secrets that are kept in a file."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pyotp

from bot.domain.errors import NotLoggedInError

if TYPE_CHECKING:
    from pathlib import Path


def one_time_code(secret: str) -> str:
    """The code of this moment. Accepts an ``otpauth://`` URL and the bare secret.

    Raises ``NotLoggedInError`` for anything else.
    """
    try:
        if secret.startswith("otpauth://"):
            parsed = pyotp.parse_uri(secret)
            return str(parsed.now()) if isinstance(parsed, pyotp.TOTP) else ""
        return pyotp.TOTP(secret.replace(" ", "").upper()).now()
    except ValueError:
        raise NotLoggedInError("`totp_secret` is neither a Base32 secret nor an otpauth:// address") from None


def write_secretly(path: Path, content: dict[str, Any]) -> None:
    """Replace a file by one that only its owner can read, whole at every moment. Raises ``OSError``."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file)
    fresh.replace(path)
