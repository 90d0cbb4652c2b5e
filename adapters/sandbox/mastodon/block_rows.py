"""The rows about whom the server keeps out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(slots=True, kw_only=True)
class DomainBlock:
    """What is not taken from a server. ``severity``: ``silence``, ``suspend`` or ``noop``."""

    id: int
    domain: str
    created_at: datetime
    severity: str = "silence"
    reject_media: bool = False
    reject_reports: bool = False
    private_comment: str | None = None
    public_comment: str | None = None
    obfuscate: bool = False


@dataclass(slots=True, kw_only=True)
class IpBlock:
    """Addresses that may not sign up, or not come at all."""

    id: int
    ip: str
    severity: str
    comment: str
    created_at: datetime
    expires_at: datetime | None
