"""The Mastodon of the demo: who posts there, and what its owner sees of it afterwards."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from bot.demo import pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from rich.console import Console

    Check = Callable[[str, bool], None]

PEOPLE = ("alice", "bob", "carol", "dave", "erin", "frank")
DRAWINGS = 30
LISTED, SCORED = "dave", "erin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """The two posts that rules fire on, and the file of the first."""

    listed: str
    listed_file: str
    scored: str


class Town:
    """A small Mastodon, and everybody's client for it."""

    def __init__(self, open_sandbox: Callable[..., Any], stack: ExitStack) -> None:
        """Starts it. ``stack`` ends it."""
        self.listen = f"127.0.0.1:{_free_port()}"
        hook = f"http://{self.listen}/mastodon"
        self.box = stack.enter_context(open_sandbox("mastodon", webhook_url=hook, separate_file_server=True))
        self.flagged: Flagged | None = None
        self._clients = {name: self._client(name, stack) for name in ("admin", *PEOPLE)}

    def _client(self, name: str, stack: ExitStack) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.box.people[name].tokens['full']}"}
        return stack.enter_context(httpx.Client(base_url=self.box.url, timeout=30, trust_env=False, headers=headers))

    def settings(self, folder: Path) -> Mapping[str, Any]:
        """The bot's block: a token of few scopes, the webhook, and the moderators' pages for removals."""
        warden = self.box.people["warden"]
        return {
            "id": "demo-mastodon",
            "platform": "mastodon",
            "url": self.box.url,
            "token": warden.tokens["bot"],
            "calls": 30_000,
            "webhook": {"listen": self.listen, "secret": self.box.webhook_secret},
            "removal": {
                "web": {
                    "email": warden.email,
                    "password": warden.password,
                    "session_file": str(folder / "mastodon.session"),
                }
            },
        }

    def flood(self, console: Console) -> None:
        """Everybody posts; a listed picture as a reply, which no timeline has, and one that scores high."""
        first = self._post("alice", pictures.drawing(900))
        for number in range(DRAWINGS):
            self._post(PEOPLE[number % len(PEOPLE)], pictures.drawing(1000 + number))
        listed = self._post(LISTED, pictures.always_match(), in_reply_to_id=first["id"])
        scored = self._post(SCORED, pictures.clay_wall())
        self.flagged = Flagged(
            listed=listed["id"], listed_file=listed["media_attachments"][0]["url"], scored=scored["id"]
        )
        console.print(
            f"{DRAWINGS + 1} harmless pictures were posted by {len(PEOPLE)} people on the Mastodon meanwhile."
        )

    def look(self, check: Check) -> None:
        """Whether everything is as the bot says."""
        posts = self._posts
        check("the listed picture's post is gone", self._shown(posts.listed) is None)
        check("its file is not public any more", self._get(posts.listed_file).status_code != 200)
        check("who posted it is suspended", bool(self._account(LISTED)["suspended"]))
        check("it was reported once", self._reports(LISTED) == [posts.listed])
        scored = self._shown(posts.scored)
        check("the scored picture's post is there, behind a warning", scored is not None and scored["sensitive"])
        account = self._account(SCORED)
        check("who posted it is limited", bool(account["silenced"]))
        check("and not suspended: that waits for a human", not account["suspended"])
        check("its report is open", self._reports(SCORED, resolved=False) == [posts.scored])
        touched = [name for name in PEOPLE if any(self._account(name)[flag] for flag in ("suspended", "silenced"))]
        check("nobody else is touched", touched == [LISTED, SCORED])

    def look_again(self, check: Check) -> None:
        """After a human has decided."""
        posts = self._posts
        check("dismissed: the limit is lifted", not self._account(SCORED)["silenced"])
        check("dismissed: its report is resolved", self._reports(SCORED, resolved=False) == [])
        check("undone: the suspension is lifted", not self._account(LISTED)["suspended"])
        check("not undone: the removed post stays gone", self._shown(posts.listed) is None)

    @property
    def _posts(self) -> Flagged:
        if self.flagged is None:
            raise RuntimeError("nothing was posted yet")
        return self.flagged

    def _post(self, who: str, picture: bytes, **more: Any) -> dict[str, Any]:
        client = self._clients[who]
        kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
        uploaded = client.post("/api/v2/media", files={"file": (f"picture.{kind}", picture, f"image/{kind}")})
        uploaded.raise_for_status()
        fields = {"status": "A picture", "media_ids": [uploaded.json()["id"]], **more}
        posted = client.post("/api/v1/statuses", json=fields)
        posted.raise_for_status()
        made: dict[str, Any] = posted.json()
        return made

    def _get(self, path: str, **query: Any) -> httpx.Response:
        return self._clients["admin"].get(path, params=query)

    def _shown(self, status: str) -> dict[str, Any] | None:
        """As a member sees it."""
        answer = self._clients["carol"].get(f"/api/v1/statuses/{status}")
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _account(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._get(f"/api/v1/admin/accounts/{self.box.people[name].id}").json()
        return found

    def _reports(self, about: str, *, resolved: bool | None = None) -> list[str]:
        """The posts that reports on somebody name."""
        query = {"target_account_id": self.box.people[about].id}
        both = [{}, {"resolved": "true"}] if resolved is None else [{}]
        reports = [report for more in both for report in self._get("/api/v1/admin/reports", **query, **more).json()]
        return [status["id"] for report in reports for status in report["statuses"]]


def _free_port() -> int:
    """For the bot's webhooks: the server has to know it before the bot runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
