"""What goes wrong with the calls of a bot: every so many fail, in every way in turn, always in the same order.

Calls that only members make are left alone, so that all that a test plans to happen does happen.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from adapters.sandbox.faults import Delay, Drop, Faults, Truncate, respond

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.sandbox.faults import Action

HTML = "<html><body><h1>Bad Gateway</h1></body></html>"
STARTING = '{"error":"Lemmy is currently starting"}'

BEFORE: Mapping[str, Action] = {
    "connection closed": Drop(),
    "500, JSON": respond(500, '{"error":"unknown","message":"boom"}'),
    "500, HTML": respond(500, HTML, "text/html"),
    "502, HTML": respond(502, HTML, "text/html"),
    "503, HTML": respond(503, HTML, "text/html"),
    "503, starting": respond(503, STARTING),
    "HTML with 200": respond(200, HTML, "text/html"),
    "other JSON with 200": respond(200, '{"unexpected":true}'),
    "a JSON list with 200": respond(200, "[]"),
    "carried out, body cut": Truncate(),
    "slow": Delay(1.5),
}
"""Instead of the server's work, but for the last two."""

AFTER: Mapping[str, Action] = {
    "carried out, answer lost": Drop(),
    "carried out, then 502": respond(502, HTML, "text/html"),
    "carried out, then HTML with 200": respond(200, HTML, "text/html"),
}
AFTER_SHARE = 0.25

LIMITED = {
    "0.19": {"rate_limit_error": respond(400, '{"error":"rate_limit_error"}')},
    "1.0": {"too_many_requests": respond(429, '{"error":"too_many_requests"}')},
}
"""What Lemmy's own API says, and no file. By version."""

POOL = "Timeout occurred while waiting for a slot to become available"
_NO_CONNECTION = respond(400, f'{{"error":"unknown","message":"{POOL}"}}')
TROUBLE = {
    "0.19": {
        "400, no connection to the database": _NO_CONNECTION,
        "400, comments": respond(400, '{"error":"couldnt_get_comments"}'),
    },
    "1.0": {"400, no connection to the database": _NO_CONNECTION},
}
"""The same of a Lemmy whose database fails."""

HANGS = 21.0  # seconds: the bot's own calls wait for twenty, its downloads for ten
TEDIOUS: Mapping[str, Sequence[Action]] = {
    "429, HTML": (respond(429, HTML, "text/html"),),
    "time-out": (Delay(HANGS), Drop()),
}
TEDIOUS_AFTER: Mapping[str, Sequence[Action]] = {"carried out, then time-out": (Delay(HANGS), Drop())}
"""For the bot waits ten seconds, or twenty, after these: a small soak has no time for them. Nor for ten minutes, or an
hour, after a login that is refused for the rate."""
_LOGIN = re.compile(r"/api/v3/user/login|/api/v4/account/auth/login")

REVOKED, REVOCATIONS = "token revoked", 4
"""So many in all: Lemmy lets nobody log in more than ten times an hour."""

_MEMBERS = re.compile(r"(POST|PUT|DELETE) /api/v[34]/(post|comment|community|(post|comment)/delete)")
_OWN_FILE = re.compile(
    r"POST /pictrs/image|GET /pictrs/image/delete/mine/.*|POST /api/v4/image|DELETE /api/v4/account/media"
)
_A_FILE = re.compile(r"/pictrs/.*|/api/v4/image/(proxy|[\w-]+\.\w+)")
_NAME = re.compile(r"(?<=/image/)(original/)?[\w-]+\.\w+")
FEEDS = {
    "0.19": {
        "/api/v3/post/list": "posts",
        "/api/v3/comment/list": "comments",
        "/api/v3/admin/list_all_media": "uploads",
    },
    "1.0": {"/api/v4/post/list": "posts", "/api/v4/comment/list": "comments", "/internal/hashes": "uploads"},
}
"""What brings posts, comments and what was uploaded. By version: the list of uploads of 1.0 shows fifty of them."""


@dataclass(slots=True)
class Weather(Faults):
    """Faults by chance instead of by rule."""

    share: float = 0.0
    tedious: bool = False
    seed: int = 0
    version: str = "0.19"
    revoke: Callable[[], None] = lambda: None
    calls: Counter[str] = field(default_factory=Counter)  # of the bot, by kind
    failed: Counter[str] = field(default_factory=Counter)  # of these, by what went wrong
    rounds: Counter[str] = field(default_factory=Counter)  # first pages that a feed has given out unharmed
    _chance: random.Random = field(init=False)
    _decks: dict[str, list[str]] = field(default_factory=dict)
    _spoilt: Counter[str] = field(default_factory=Counter)  # first pages on their way that will not arrive

    def __post_init__(self) -> None:
        self._chance = random.Random(f"weather {self.seed}")

    def take(
        self,
        stage: str,
        server: str,
        method: str,
        path: str,
        query: str,
        body: bytes | None = None,
    ) -> list[Action]:
        """What goes wrong with this call."""
        call = f"{method} {path}"
        if server == "lemmy" and (_MEMBERS.fullmatch(call) or _OWN_FILE.fullmatch(call)):
            return []
        with self._lock:
            if stage == "before":
                self.calls[f"{server}: {method} {_NAME.sub('…', path)}"] += 1
            what = self._fault(stage, api=server == "lemmy" and not _A_FILE.fullmatch(path))
            if what in LIMITED[self.version] and _LOGIN.fullmatch(path) and not self.tedious:
                what = None
            feeds = FEEDS[self.version]
            if path in feeds and _is_first(query):
                self._turn(stage, f"{path}?{query}", feeds[path], spoilt=what is not None)
            if what is not None:
                self.failed[what] += 1
        if what is None:
            return []
        if what == REVOKED:
            self.revoke()
            return []
        long = {**TEDIOUS, **TEDIOUS_AFTER}
        return list(long[what]) if what in long else [{**BEFORE, **AFTER, **self._of_api}[what]]

    @property
    def _of_api(self) -> Mapping[str, Action]:
        return {**LIMITED[self.version], **TROUBLE[self.version]}

    def _fault(self, stage: str, *, api: bool) -> str | None:
        share = AFTER_SHARE if stage == "after" else 1 - AFTER_SHARE
        if self._chance.random() >= self.share * share:
            return None
        if stage == "before":
            kinds = [*BEFORE, *(self._of_api if api else ()), *(TEDIOUS if self.tedious else ())]
        else:
            kinds = [*AFTER, *(TEDIOUS_AFTER if self.tedious else ())]
        deck = self._decks.setdefault(f"{stage} {api}", [])
        if not deck:
            deck += kinds
            if api and stage == "before" and self.failed[REVOKED] < REVOCATIONS:
                deck.append(REVOKED)
            self._chance.shuffle(deck)
        return deck.pop()

    def _turn(self, stage: str, which: str, feed: str, *, spoilt: bool) -> None:
        if stage == "before":
            self._spoilt[which] += spoilt
        elif self._spoilt[which] > 0:
            self._spoilt[which] -= 1
        elif not spoilt:
            self.rounds[feed] += 1


def _is_first(query: str) -> bool:
    asked = parse_qs(query)
    others = {"page_cursor", "slug", "timestamp", "search_term"} & asked.keys()
    return not others and asked.get("page", ["1"]) == ["1"]
