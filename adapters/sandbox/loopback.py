"""The only addresses that a sandbox server ever contacts."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import httpx

_HOSTS = {"127.0.0.1", "localhost"}
_LIMIT_SECONDS = 10.0
# Everything on this machine is plain HTTP, and to load the certificates of the world takes 40 ms for each client.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class OutsideLoopbackError(Exception):
    """An address that is not on this machine; it was not contacted."""


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname in _HOSTS


def require_loopback(url: str) -> None:
    """Raise ``OutsideLoopbackError`` for anything else."""
    if not is_loopback(url):
        raise OutsideLoopbackError(url)


def fetch(url: str, user_agent: str, *, headers: dict[str, str] | None = None) -> httpx.Response:
    """One GET without redirects; raises ``OutsideLoopbackError`` or ``httpx.HTTPError``."""
    require_loopback(url)
    with httpx.Client(verify=NO_AUTHORITIES, trust_env=False, follow_redirects=False, timeout=_LIMIT_SECONDS) as client:
        return client.get(
            url.replace("//localhost", "//127.0.0.1"), headers={"user-agent": user_agent} | (headers or {})
        )
