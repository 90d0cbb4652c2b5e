"""The recorded Mastodon played against the sandbox: who said what, and what happened between the recorded calls.

What was not recorded but had to happen (posts of others, an earlier visit to the web interface) is made on the way:
through the API where a person did it, through the sandbox's own seams where the recorder did it inside the server.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from adapters.sandbox.mastodon import MastodonSandbox

from .mastodon_dialect import MASTODON
from .mastodon_people import CHAPTERS, accounts, statuses
from .pictures import circles
from .replay import Replay, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from .replay import Exchange

SIZE = (320, 240)
VERSIONS = ("4.3", "4.6")
RECORDED: dict[str, dict[str, list[Exchange]]] = {
    version: {name: load(f"mastodon-{version}", name) for name in CHAPTERS} for version in VERSIONS
}
STREAMS = {"4.3": "ws://127.0.0.1:4000", "4.6": "ws://127.0.0.1:4100"}
DEADLINE = 20.0


def picture(seed: int) -> bytes:
    """A picture of the recorded size."""
    return circles(seed, size=SIZE)


@dataclass(slots=True)
class Browser:
    """Cookies and the token of the last page."""

    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""


@dataclass(slots=True)
class Story:
    """One run: the server, who is who there, and what has been played."""

    box: MastodonSandbox
    version: str
    replay: Replay
    tokens: dict[str, str]
    played: set[tuple[str, int]] = field(default_factory=set)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: int = 0  # pictures

    @property
    def recorded(self) -> dict[str, list[Exchange]]:
        """The recording of this version."""
        return RECORDED[self.version]

    def id(self, name: str) -> str:
        """Somebody's id here."""
        return self.box.people[name].id

    def play(
        self, chapter: str, number: int, who: str | None = None, *, browser: Browser | None = None, **details: Any
    ) -> httpx.Response:
        """Play one recorded exchange as ``who``; ``bad`` has a token that is worth nothing."""
        self.played.add((chapter, number))
        exchange = self.recorded[chapter][number]
        headers = details.pop("headers", {}) | self._headers(who)
        if browser is not None:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        if "multipart" in exchange["request"]:
            details.setdefault("file", self.next_picture())
        answer = self.replay.play((chapter, number), exchange, self.box.url, headers=headers, **details)
        if browser is not None:
            self._keep(browser, answer)
        return answer

    def play_until(self, chapter: str, number: int, who: str | None = None, **details: Any) -> None:
        """The same for what the server does a moment later: again until it is as recorded."""
        end = time.monotonic() + DEADLINE
        while True:
            self.play(chapter, number, who, **details)
            if not self.replay.differences[(chapter, number)] or time.monotonic() > end:
                return
            time.sleep(0.05)

    def aside(self, method: str, path: str, who: str, **details: Any) -> Any:
        """Something that happened between the recorded calls."""
        answer = self.replay.client.request(method, self.box.url + path, headers=self._headers(who), **details)
        return answer.raise_for_status().json()

    def next_picture(self) -> bytes:
        """A picture that was not there before."""
        self.made += 1
        return picture(self.made)

    def upload(self, who: str, data: bytes | None = None, *, theirs: str = "") -> str:
        """An upload that was not recorded; ``theirs``: its recorded id, which comes up later."""
        files = {"file": ("p.png", data or self.next_picture(), "image/png")}
        made = str(self.aside("POST", "/api/v2/media", who, files=files)["id"])
        if theirs:
            self.replay.learn(theirs, made)
        return made

    def post(
        self,
        who: str,
        text: str,
        *,
        pictures: int | bytes = 0,
        theirs: str = "",
        **fields: Any,
    ) -> dict[str, Any]:
        """A post that was not recorded. Its recorded id is found by author and text, unless ``theirs`` names it."""
        if isinstance(pictures, bytes):
            fields["media_ids"] = [self.upload(who, pictures)]
        elif pictures:
            fields["media_ids"] = [self.upload(who) for _ in range(pictures)]
        made: dict[str, Any] = self.aside("POST", "/api/v1/statuses", who, json={"status": text} | fields)
        self.recognise(made, who, f"<p>{text}</p>", theirs)
        return made

    def recognise(self, made: dict[str, Any], author: str, content: str, theirs: str = "") -> None:
        """Learn the names in a status from the recorded one with this author and content."""
        found = [
            one
            for one in self.seen.values()
            if one["account"]["acct"] == author and one.get("content") == content and one["id"] not in self.replay.names
        ]
        if theirs:
            self.replay.learn(theirs, made["id"])
            found = [self.seen[theirs]] if theirs in self.seen else []
        for one in sorted(found, key=lambda one: int(one["id"]))[:1]:
            self.replay.compare(one, made)

    def report(self, who: str, whom: str, **fields: Any) -> str:
        """A report that was not recorded."""
        content = {"account_id": self.id(whom)} | fields
        return str(self.aside("POST", "/api/v1/reports", who, json=content)["id"])

    def act(self, whom: str, action: str) -> None:
        """An action of the bot's on an account that was not recorded, or its undo."""
        path = f"/api/v1/admin/accounts/{self.id(whom)}/"
        if action.startswith("un"):
            self.aside("POST", path + action, "warden_bot")
        else:
            content = {"type": action, "send_email_notification": False}
            self.aside("POST", f"{path}action", "warden_bot", json=content)

    def _headers(self, who: str | None) -> dict[str, str]:
        if who is None:
            return {}
        token = "not-a-token" if who == "bad" else self.tokens[who]
        return {"Authorization": f"Bearer {token}"}

    def _keep(self, browser: Browser, answer: httpx.Response) -> None:
        self.replay.client.cookies.clear()
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            browser.cookies[name] = value
        _, found, after = answer.text.partition('<meta name="csrf-token" content="')
        if found:
            browser.token = after.partition('"')[0]


def begin(box: MastodonSandbox, version: str, client: httpx.Client) -> Story:
    """A server as it was seeded, and everybody known by the recorded ids."""
    recorded = RECORDED[version]
    texts = {
        "https://mastodon.test": box.url,
        STREAMS[version]: box.streaming_url.replace("http", "ws", 1),
        "mastodon.test": box.state.host,
    }
    story = Story(box, version, Replay(texts, client, MASTODON), _tokens(box))
    story.seen = statuses([one for name in CHAPTERS if name != "federation" for one in recorded[name]])
    known = accounts([one for name in CHAPTERS if name != "federation" for one in recorded[name]])
    for name, person in box.people.items():
        theirs = known[name]
        story.replay.learn(theirs, person.id)
        story.replay.learn(_folders(theirs), _folders(person.id))
    return story


def _folders(number: str) -> str:
    return "/".join(number.zfill(18)[at : at + 3] for at in range(0, 18, 3))


def _tokens(box: MastodonSandbox) -> dict[str, str]:
    """By person, and by person and label as the recording writes them."""
    found = {}
    for name, person in box.people.items():
        for label, token in person.tokens.items():
            found[name if label == "full" else f"{name}_{label.replace('_', '')}"] = token
    return found


def run(version: str) -> Story:
    """Play all of it."""
    from . import mastodon_chapters, mastodon_federation, mastodon_web
    from .mastodon_hearing import Hook, filled, streaming, webhooks

    chapters: tuple[Callable[[Story], None], ...] = (
        filled,
        mastodon_chapters.instance,
        mastodon_chapters.auth,
        mastodon_chapters.scopes_and_roles,
        mastodon_chapters.media_and_statuses,
        mastodon_chapters.feeds,
        mastodon_chapters.reports,
        mastodon_chapters.actions,
        mastodon_web.earlier_visit,
        streaming,
        mastodon_chapters.blocks,
        mastodon_chapters.rate_limit,
        mastodon_web.moderation_web,
    )
    with Hook() as hook, httpx.Client(timeout=10) as client:
        with MastodonSandbox(version, webhook_url=hook.url, processing=0.4, heartbeat=0.3) as box:
            now = time.time()
            box.limiter.clock = lambda: now  # no window of a limit ends on the way
            story = begin(box, version, client)
            for chapter in chapters:
                chapter(story)
            webhooks(story, hook)
        mastodon_federation.federation(story, client)
    return story
