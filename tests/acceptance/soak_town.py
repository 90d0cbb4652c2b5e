"""A small Lemmy in a process of its own under bad weather, with another server that sends it posts, and its books.

Run as a program it answers one JSON request a line on stdin with one JSON document a line on stdout.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .raid_town import Process, has, new_accounts, say

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = re.compile(r"http://127\.0\.0\.1:\d+/(?:pictrs|api/v4)/image/(?!proxy\?)[\w.-]+")
_PROXIED = re.compile(r"(?<=/api/v4/image/proxy\?url=)[\w%.~-]+")

_AS_IN_019 = {
    "mod_remove_post": "ModRemovePost",
    "mod_remove_comment": "ModRemoveComment",
    "admin_ban": "ModBan",
    "mod_ban_from_community": "ModBanFromCommunity",
}
"""Kinds of the mod log of 1.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A post or comment, by the server's own tables."""

    kind: str
    number: int
    by: str
    shows: frozenset[str]
    alive: bool  # not deleted by its author
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What became of everything, by the server's own tables."""

    places: Mapping[tuple[str, int], Place]
    uploads: Mapping[str, str]  # alias to account
    stored: frozenset[str]  # all aliases that were ever given out, thumbnails and what is gone among them
    files: frozenset[str]  # aliases that the store still has
    reports: Counter[tuple[str, int, str]]  # of a post or comment, by whom
    deeds: Counter[tuple[str, Any, str, bool]]  # kind of the mod log, what or who, by whom, on or off
    when: Mapping[tuple[str, str], str]  # a report or an entry of the mod log, and what or who, to its time
    calls: Mapping[str, int]
    failed: Mapping[str, int]
    refused: Mapping[str, int]  # calls of the bot that were over a limit, by limiter


class SoakTown(Process):
    """The server, from outside."""

    def __init__(
        self, *, share: float, seed: int, tedious: bool, default_limits: bool = False, version: str = "0.19"
    ) -> None:
        """``share``: of the bot's calls that fail; ``tedious``: also in ways that cost the bot half a minute.

        ``default_limits``: Lemmy's own rate limits instead of hardly any.
        """
        words = (str(share), str(seed), str(int(tedious)), str(int(default_limits)), version)
        super().__init__("acceptance.soak_town", *words)

    def rounds(self) -> dict[str, int]:
        """How often each feed has given out its first page, unharmed."""
        found: dict[str, int] = self._ask({"rounds": True})
        return found

    def arrives(self, kind: str, author: str, image: bytes, *, age: float, post: int | None = None) -> dict[str, Any]:
        """A post or comment from another server, dated back (or into the future) by so many seconds."""
        shown = base64.b64encode(image).decode()
        found: dict[str, Any] = self._ask({"arrives": kind, "by": author, "image": shown, "age": age, "post": post})
        return found

    def changes(self, kind: str, number: int, image: bytes | None) -> str:
        """Its author changes (or, without a picture, deletes) what came from another server; the picture's address."""
        shown = None if image is None else base64.b64encode(image).decode()
        found: str = self._ask({"changes": kind, "number": number, "image": shown})
        return found

    def books(self) -> Books:
        """As they stand."""
        told = self._ask({"books": True})
        places = [Place(**{**place, "shows": frozenset(place["shows"])}) for place in told["places"]]
        return Books(
            places={(place.kind, place.number): place for place in places},
            uploads=told["uploads"],
            stored=frozenset(told["stored"]),
            files=frozenset(told["files"]),
            reports=Counter(map(tuple, told["reports"])),
            deeds=Counter(map(tuple, told["deeds"])),
            when={(what, str(target)): at for what, target, at in told["when"]},
            calls=told["calls"],
            failed=told["failed"],
            refused=told["refused"],
        )


def _serve(share: float, seed: int, *, tedious: bool, default_limits: bool, version: str) -> None:
    from adapters.sandbox.lemmy import LemmySandbox

    from .soak_weather import Weather

    refused, stored = _count_refusals(), _Images()
    weather = Weather(share=share, seed=seed, tedious=tedious, version=version)
    with LemmySandbox(faults=weather, default_limits=default_limits, version=version) as box:
        weather.revoke = lambda: _forget_tokens(box)
        box.files._aliases = stored
        say(box.announcement() | {"remote": box.remote_url})
        for line in sys.stdin:
            asked = json.loads(line)
            if "accounts" in asked:
                say(new_accounts(box, asked))
            elif "rounds" in asked:
                say(dict(weather.rounds))
            elif "arrives" in asked:
                say(_arrival(box, asked))
            elif "changes" in asked:
                say(_changed(box, asked))
            else:
                of_weather = {"calls": weather.calls, "failed": weather.failed}
                say({**_told(box), **of_weather, "stored": sorted(stored.ever), "refused": refused})


class _Images(dict[str, Any]):
    """The table of the store's aliases, which forgets none that it has held."""

    def __init__(self) -> None:
        super().__init__()
        self.ever: set[str] = set()

    def __setitem__(self, alias: str, image: Any) -> None:
        self.ever.add(alias)
        super().__setitem__(alias, image)


def _count_refusals() -> Counter[str]:
    """By limiter, of calls from this machine's own address: members come from others (see ``Poster``)."""
    from adapters.sandbox.lemmy import sandbox
    from adapters.sandbox.lemmy.limits import RateLimiter

    refused: Counter[str] = Counter()

    class Counting(RateLimiter):
        def passes(self, kind: Any, address: str) -> bool:
            passed = RateLimiter.passes(self, kind, address)
            refused[kind] += not passed and address == "127.0.0.1"
            return passed

    sandbox.RateLimiter = Counting  # type: ignore[misc]
    return refused


def _forget_tokens(box: Any) -> None:
    state = box._state
    with state.lock:
        user = state.local_users[box.people["warden"].id].id
        for token in [token for token, row in state.tokens.items() if row.user_id == user]:
            del state.tokens[token]


def _arrival(box: Any, asked: dict[str, Any]) -> dict[str, Any]:
    from adapters.sandbox.clock import now

    url = box.remote_file(base64.b64decode(asked["image"]))
    published = now() - timedelta(seconds=asked["age"]) if asked["age"] else None
    if asked["arrives"] == "post":
        number = box.federate_post(author=asked["by"], name="From afar", url=url, published=published)
    else:
        number = box.federate_comment(asked["post"], f"Look: ![]({url})", author=asked["by"], published=published)
    return {"number": number, "url": url}


def _changed(box: Any, asked: dict[str, Any]) -> str:
    from adapters.sandbox.clock import now

    state = box._state
    url: str = "" if asked["image"] is None else box.remote_file(base64.b64decode(asked["image"]))
    with state.lock:
        row = (state.posts if asked["changes"] == "post" else state.comments)[asked["number"]]
        if not url:
            row.deleted = True
        elif asked["changes"] == "post":
            row.body = f"{row.body or ''}\n\n![]({url})"
        else:
            row.content += f"\n\n![]({url})"
        row.updated = now()
    return url


def _told(box: Any) -> dict[str, Any]:
    state = box.state
    with state.lock:
        names = {one.id: _handle(one) for one in state.people.values()}
        users = {user.id: names[user.person_id] for user in state.local_users.values()}
        images = dict(state.images)
        posts = [
            _place("post", row, names, f"{row.url} {row.body} {row.thumbnail_url}") for row in state.posts.values()
        ]
        comments = [_place("comment", row, names, row.content) for row in state.comments.values()]
        reports = [("post", one.post_id, names[one.creator_id]) for one in state.post_reports.values()]
        reports += [("comment", one.comment_id, names[one.creator_id]) for one in state.comment_reports.values()]
        when = [("post report", one.post_id, one.published) for one in state.post_reports.values()]
        when += [("comment report", one.comment_id, one.published) for one in state.comment_reports.values()]
        log = _log(box, names)
        deeds = [deed for deed, _ in log]
        when += [(deed[0], deed[1], at) for deed, at in log]
    return {
        "places": [*posts, *comments],
        "uploads": {alias: users[one.local_user_id] for alias, one in images.items() if one.local_user_id},
        "files": [alias for alias in images if has(box, alias)],
        "reports": reports,
        "deeds": deeds,
        "when": when,
    }


def _log(box: Any, names: Mapping[int, str]) -> list[tuple[tuple[str, Any, str, bool], Any]]:
    """The mod log: of each entry its kind, what or who, by whom, on or off; and when. 1.0 has a table of its own."""
    if box.announcement()["version"].startswith("1.0"):
        return [
            (
                (
                    _AS_IN_019.get(entry.kind, entry.kind),
                    entry.comment_id or entry.post_id or names.get(entry.person_id),
                    names[entry.mod_id],
                    not entry.is_revert,
                ),
                entry.published,
            )
            for entry in box._server.v4.modlog
        ]
    return [
        (
            (
                entry.kind,
                names[entry.other_person_id] if entry.other_person_id else entry.post_id or entry.comment_id,
                names[entry.mod_person_id],
                entry.on,
            ),
            entry.when,
        )
        for entry in box.state.modlog
    ]


def _handle(person: Any) -> str:
    host = person.actor_id.split("/")[2]
    return str(person.name if person.local else f"{person.name}@{host}")


def _place(kind: str, row: Any, names: Mapping[int, str], text: str) -> dict[str, Any]:
    shows = sorted({*_FILE.findall(text), *map(unquote, _PROXIED.findall(text))})
    return {
        "kind": kind,
        "number": row.id,
        "by": names[row.creator_id],
        "shows": shows,
        "alive": not row.deleted,
        "at": row.published,
    }


if __name__ == "__main__":
    _serve(
        float(sys.argv[1]),
        int(sys.argv[2]),
        tedious=sys.argv[3] == "1",
        default_limits=sys.argv[4] == "1",
        version=sys.argv[5],
    )
