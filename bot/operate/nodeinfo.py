"""What a server says it is, asked before anything is written about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.domain.errors import BadAnswerError, PlatformError, UnreachableError

PATIENCE = 20.0  # seconds for one answer
OLDEST_LISTED = (0, 19, 4)
"""Since Lemmy 0.19.4 administrators can list every upload with its uploader
(https://github.com/LemmyNet/lemmy/releases/tag/0.19.4); before that nobody can be told from the poster."""

NEWEST_LEMMY = 1
"""Major version of the newest Lemmy whose API is known here."""

OLDEST_MASTODON = (4, 3)
"""Since 4.3 a Mastodon tells what it offers and what a token may do (``api_versions``, ``/api/v1/apps``)."""

LIKE_MASTODON = frozenset(
    {
        "mastodon",
        "hometown",
        "glitch",
        "glitch-soc",
        "fedibird",
        "akkoma",
        "pleroma",
        "rebased",
        "gotosocial",
        "sharkey",
    }
)
"""Software that is spoken to by Mastodon's API. `check` says what of it each of them offers."""


class UnsupportedServerError(PlatformError):
    """The server runs something that this version of Fediwarden does not speak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """Who answers at an address."""

    url: str  # scheme, host and port, where the redirects led
    public_url: str  # what the server itself says its address is: image links have it in them
    name: str  # lower case: "lemmy"
    version: str

    @property
    def platform(self) -> str:
        """How the configuration calls what is spoken to it."""
        return "mastodon" if self.name in LIKE_MASTODON else self.name

    def __str__(self) -> str:
        return f"{self.name.capitalize()} {self.version}"


def origin_of(text: str) -> str:
    """``lemmy.example/`` to ``https://lemmy.example``: scheme, host and port. Raises ``ValueError``."""
    parts = urlsplit(text.strip() if "://" in text else f"https://{text.strip()}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write the address of your server, such as https://lemmy.example")
    if parts.username is not None or parts.password is not None:
        raise ValueError("leave name and password out of the address")
    implied = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port not in {None, implied} else ""  # raises ValueError for a port that is none
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def ask(origin: str) -> Software:
    """Nodeinfo of the server at ``origin``. Raises ``PlatformError`` with what to look at."""
    with httpx.Client(timeout=PATIENCE, follow_redirects=True, trust_env=False) as client:
        answer = _get(client, f"{origin}/nodeinfo/2.1")
        told = _software(answer)
        called = ""
        if told is None:
            # The links name the server's public address, which may not be the one that we were given.
            for href in _links(_get(client, f"{origin}/.well-known/nodeinfo")):
                answer = _get(client, f"{origin}{urlsplit(href).path}")
                told = _software(answer)
                if told is not None:
                    called = href
                    break
        if told is None:
            raise BadAnswerError(
                f"{origin} answers, but does not say what it is (nodeinfo, HTTP {answer.status_code}): either no "
                "fediverse server listens there, or something in front of it, such as a login page, answers instead"
            )
        url = origin_of(str(answer.url))
        public = _public(client, url, told[1]) if told[0] == "lemmy" or not called else _origin_or(called, url)
        return Software(url=url, public_url=public, name=told[0], version=told[1])


def require_supported(software: Software) -> None:
    """Raises ``UnsupportedServerError`` unless it is something that this version works with."""
    number = _number(software.version)
    if software.platform == "mastodon":
        if software.name in {"mastodon", "hometown"} and number < OLDEST_MASTODON:
            raise UnsupportedServerError(
                f"{software.url} runs {software}, which does not tell what it offers; update it to 4.3 or newer first"
            )
        return
    if software.name != "lemmy":
        raise UnsupportedServerError(
            f"{software.url} runs {software}. This version of Fediwarden works with Lemmy 0.19 and 1.0, and Mastodon "
            "4.3 or newer; others can be added (docs/adding-a-platform.md)"
        )
    if number[0] > NEWEST_LEMMY:
        raise UnsupportedServerError(
            f"{software.url} runs {software}, which came after this version of Fediwarden; it works with Lemmy 0.19 "
            "and 1.0"
        )
    if number < OLDEST_LISTED:
        raise UnsupportedServerError(
            f"{software.url} runs {software}, which cannot say who uploaded a file; update it to the newest 0.19 first"
        )


def _get(client: httpx.Client, url: str) -> httpx.Response:
    try:
        answer = client.get(url)
    except httpx.TimeoutException:
        raise UnreachableError(f"{url} did not answer within {PATIENCE:.0f} seconds; is it up?", sent=False) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnreachableError(
            f"{url} cannot be reached: {error}. Is the address right, and can this machine see the server?", sent=False
        ) from None
    if answer.status_code >= 500:
        raise UnreachableError(
            f"{url} answers HTTP {answer.status_code}: it is starting, migrating or in trouble; try again later",
            sent=False,
        )
    return answer


def _public(client: httpx.Client, url: str, version: str) -> str:
    """A bot beside its server reaches it under an inner address; posts have the public one."""
    path, field = ("/api/v3/site", "actor_id") if _number(version) < (1,) else ("/api/v4/site", "ap_id")
    try:
        return origin_of(_json(_get(client, f"{url}{path}"))["site_view"]["site"][field])
    except (PlatformError, KeyError, TypeError, AttributeError, ValueError):
        return url  # not a Lemmy, or not now: nothing better is known


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json() if answer.is_success else None
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _software(answer: httpx.Response) -> tuple[str, str] | None:
    match _json(answer).get("software"):
        case {"name": str(name), "version": str(version)}:
            return name.lower(), version
        case _:
            return None


def _links(answer: httpx.Response) -> list[str]:
    links = _json(answer).get("links")
    hrefs = [link.get("href") for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    known = [href for href in hrefs if isinstance(href, str) and urlsplit(href).path.startswith("/")]
    return sorted(known, key=lambda href: urlsplit(href).path, reverse=True)


def _origin_or(href: str, url: str) -> str:
    try:
        return origin_of(href)
    except ValueError:
        return url


def _number(version: str) -> tuple[int, ...]:
    """``0.19.20-rc.1`` to ``(0, 19, 20)``; what is not a number counts as 0."""
    parts = version.partition("-")[0].partition("+")[0].split(".")
    return tuple(int(part) if part.isdecimal() else 0 for part in parts)
