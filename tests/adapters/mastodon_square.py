"""A Mastodon sandbox with people who post, and the acting half of the adapter connected to it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from lemmy_town import picture

from adapters.http import Transport
from adapters.mastodon.client import MastodonClient
from adapters.mastodon.deeds import deeds
from adapters.mastodon.server import Server
from adapters.mastodon.settings import MastodonSettings
from bot.domain.content import Account, InstanceId, Post
from bot.domain.decisions import BanAccount, Limit, LimitAccount, MarkSensitive, Remove, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.mastodon.deeds import Deeds
    from adapters.sandbox.mastodon import MastodonSandbox

MAIN = InstanceId("main")
TEXT = "Automated check: please review"

TRUSTED = httpx.create_ssl_context(trust_env=False)

both = pytest.mark.parametrize("square", ["4.3", "4.6"], indirect=True)
"""For tests of what a version may do in its own way."""


class Square:
    """People, what they do, and the bot."""

    def __init__(self, box: MastodonSandbox) -> None:
        self.box = box
        self._clients: dict[str, httpx.Client] = {}

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def client(self, who: str) -> httpx.Client:
        """Somebody with all scopes; ``nobody`` has no token."""
        if who not in self._clients:
            headers = {} if who == "nobody" else {"Authorization": f"Bearer {self.box.people[who].tokens['full']}"}
            self._clients[who] = httpx.Client(base_url=self.box.url, headers=headers, trust_env=False, verify=TRUSTED)
        return self._clients[who]

    def call(self, who: str, method: str, path: str, **json: Any) -> Any:
        answer = self.client(who).request(method, path, **({"json": json} if json else {}))
        answer.raise_for_status()
        return answer.json()

    def status(self, who: str = "alice", *, pictures: int = 1, **more: Any) -> dict[str, Any]:
        """Something new with pictures, as JSON."""
        media = []
        for _ in range(pictures):
            sent = {"file": (f"{secrets.token_hex(4)}.png", picture(), "image/png")}
            media.append(self.client(who).post("/api/v2/media", files=sent).raise_for_status().json()["id"])
        text = f"look at this {secrets.token_hex(4)}"
        found: dict[str, Any] = self.call(who, "POST", "/api/v1/statuses", status=text, media_ids=media, **more)
        return found

    def post(self, who: str = "alice", **more: Any) -> Post:
        return subject(self.status(who, **more))

    def account(self, who: str) -> Account:
        return account(self.call("nobody", "GET", f"/api/v1/accounts/{self.box.people[who].id}"))

    def remote(self) -> Account:
        """Rita, of another server."""
        with self.box.state.lock:
            number = self.box.federation.account("rita").id
        return account(self.call("nobody", "GET", f"/api/v1/accounts/{number}"))

    def remote_post(self) -> Post:
        """Something new of hers, with a picture that is kept here."""
        with self.box.state.lock:
            rita = self.box.federation.account("rita")
            number = self.box.federation.status(rita, "look", pictures=[picture()]).id
        return subject(self.call("nobody", "GET", f"/api/v1/statuses/{number}"))

    def reports(self, who: str = "alice", **query: Any) -> list[dict[str, Any]]:
        """Open reports on somebody, the newest first; with ``resolved=true`` the others."""
        asked = {"target_account_id": self.box.people[who].id, **query}
        found: list[dict[str, Any]] = self.client("admin").get("/api/v1/admin/reports", params=asked).json()
        return found

    def admin_view(self, who: str = "alice") -> dict[str, Any]:
        found: dict[str, Any] = self.call("admin", "GET", f"/api/v1/admin/accounts/{self.box.people[who].id}")
        return found

    def web(self, who: str = "warden", **more: Any) -> dict[str, Any]:
        """Settings for removal by the web interface."""
        person = self.box.people[who]
        return {"email": person.email, "password": person.password, **more}

    def bot(self, *, who: str = "warden", label: str = "full", removal: Any = None, **more: Any) -> Deeds:
        """The acting half, as somebody."""
        settings = MastodonSettings.model_validate(
            {
                "id": MAIN,
                "url": self.box.url,
                "token": self.box.people[who].tokens.get(label, label),
                **({} if removal is None else {"removal": removal}),
                **more,
            }
        )
        client = MastodonClient(settings, Transport(settings.url))
        return deeds(client, Server(client))

    def warnings(self, who: str = "alice") -> int:
        """How often somebody was told of a moderator's deed."""
        number = int(self.box.people[who].id)
        told = self.box.state.notifications.values()
        return sum(one.type == "moderation_warning" and one.account_id == number for one in told)


def account(wire: dict[str, Any]) -> Account:
    local = "@" not in wire["acct"]
    return Account(
        instance=MAIN,
        local_id=wire["id"],
        uri=wire["uri"],
        handle=wire["acct"],
        home_host="here" if local else wire["acct"].split("@")[1],
        is_local=local,
    )


def subject(wire: dict[str, Any]) -> Post:
    return Post(instance=MAIN, local_id=wire["id"], uri=wire["uri"], url=wire["url"], author=account(wire["account"]))


def report(post: Post, *also: Post) -> Report:
    return Report(instance=MAIN, subject=post, text=TEXT, also=also)


def remove(post: Post) -> Remove:
    return Remove(instance=MAIN, subject=post, text=TEXT)


def mark(post: Post) -> MarkSensitive:
    return MarkSensitive(instance=MAIN, subject=post, text=TEXT)


def limit(who: Account, how: Limit = Limit.SILENCE) -> LimitAccount:
    return LimitAccount(instance=MAIN, account=who, how=how, text=TEXT)


def suspend(who: Account, **more: Any) -> BanAccount:
    return BanAccount(instance=MAIN, account=who, text=TEXT, **more)


def ids(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [str(row["id"]) for row in rows]
