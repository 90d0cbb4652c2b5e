"""A sandbox that tests can make misbehave, with a member who shares a listed picture on it."""

from __future__ import annotations

import hashlib
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from acceptance.bot import Bot, write_config
from adapters.sandbox.lemmy import LemmySandbox
from bot.clock import SystemClock
from bot.domain.evidence import ListMode, MatchedBy
from bot.ledger import open_ledger
from bot.ports import ListEntry
from conformance.pictures import png
from conformance.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DEEDS = ("report", "remove", "purge", "ban")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A listed picture that somebody posted."""

    who: str
    person: int
    url: str
    post: dict[str, Any]

    def call(self, deed: str) -> dict[str, str]:
        """The one call by which this is done to it, as faults know it."""
        post, person = rf'"post_id": ?{self.post["id"]}\b', rf'"person_id": ?{self.person}\b'
        alias = self.url.rsplit("/", 1)[-1]
        return {
            "report": {"path_regex": "/api/v3/post/report$", "body_regex": post},
            "remove": {"path_regex": "/api/v3/post/remove$", "body_regex": post},
            "purge": {"path_regex": f"/internal/purge.*{alias}"},
            "ban": {"path_regex": "/api/v3/user/ban$", "body_regex": person},
        }[deed] | {"method": "POST"}


class Town:
    """The sandbox, its people, and one community."""

    def __init__(self, box: LemmySandbox) -> None:
        self.box = box
        self.clients = {
            name: httpx.Client(base_url=box.url, timeout=60, headers={"Authorization": f"Bearer {person.jwt}"})
            for name, person in box.people.items()
            if person.jwt
        }
        made = self.call("admin", "POST", "community", name="pictures", title="Pictures")
        self.community = made["community_view"]["community"]["id"]

    def call(self, who: str, method: str, path: str, **payload: Any) -> dict[str, Any]:
        where = {"params": payload} if method == "GET" else {"json": payload}
        answer = self.clients[who].request(method, f"/api/v3/{path}", **where)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def join(self, who: str) -> int:
        """One more member; the number of the person."""
        sent = {"username": who, "password": "a long password", "password_verify": "a long password", "show_nsfw": True}
        token = self.call("admin", "POST", "user/register", **sent)["jwt"]
        self.clients[who] = httpx.Client(
            base_url=self.box.url, timeout=60, headers={"Authorization": f"Bearer {token}"}
        )
        return int(self.call("admin", "GET", "user", username=who)["person_view"]["person"]["id"])

    @contextmanager
    def unseen(self, bot: Bot, members: Sequence[str]) -> Iterator[list[Shared]]:
        """Each of these new members posts a picture of their own that is on the list; the bot sees it afterwards."""
        pictures = {who: png(320, 240) for who in members}
        put_on_list(bot, *pictures.values())  # not while it stands still, perhaps in the middle of writing
        bot.signal(signal.SIGSTOP)
        try:
            yield [self._share(who, content) for who, content in pictures.items()]
        finally:
            bot.signal(signal.SIGCONT)

    def _share(self, who: str, content: bytes) -> Shared:
        person, url = self.join(who), self.upload(who, content)
        return Shared(who=who, person=person, url=url, post=self.post(who, url))

    def dealt_with(self, one: Shared) -> dict[str, Any]:
        """What was done about it: how often by the server's own books, and what is so now."""
        so = {"removed": self.shown(one.post["id"])["removed"], "gone": self.gone(one.url)}
        return {**self.deeds(one.post["id"], one.who), **so, "banned": self.banned(one.who)}

    def upload(self, who: str, content: bytes) -> str:
        """A public URL."""
        answer = self.clients[who].post("/pictrs/image", files={"images[]": ("p.png", content)})
        assert answer.is_success, answer.text
        return f"{self.box.url}/pictrs/image/{answer.json()['files'][0]['file']}"

    def post(self, who: str, url: str, **more: Any) -> dict[str, Any]:
        fields = {"name": "A picture", "community_id": self.community, "url": url, **more}
        found: dict[str, Any] = self.call(who, "POST", "post", **fields)["post_view"]["post"]
        return found

    def shown(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.call("admin", "GET", "post", id=number)["post_view"]["post"]
        return found

    def banned(self, who: str) -> bool:
        return bool(self.call("admin", "GET", "user", username=who)["person_view"]["person"]["banned"])

    def gone(self, url: str) -> bool:
        return self.clients["admin"].get(url).status_code == 404

    def deeds(self, post: int, who: str) -> dict[str, int]:
        """How often each deed was done, by the server's own books."""
        log = self.call("admin", "GET", "modlog", limit=50)
        reports = self.call("admin", "GET", "post/report/list", post_id=post, unresolved_only="false")
        return {
            "report": len(reports["post_reports"]),
            "remove": sum(row["mod_remove_post"]["post_id"] == post for row in log["removed_posts"]),
            "ban": sum(row["banned_person"]["name"] == who for row in log["banned"]),
        }

    def doers(self, post: int, who: str) -> set[str]:
        """As whom these deeds were done, by the same books."""
        log = self.call("admin", "GET", "modlog", limit=50)
        reports = self.call("admin", "GET", "post/report/list", post_id=post, unresolved_only="false")
        removals = [row for row in log["removed_posts"] if row["mod_remove_post"]["post_id"] == post]
        bans = [row for row in log["banned"] if row["banned_person"]["name"] == who]
        return {row["moderator"]["name"] for row in [*removals, *bans]} | {
            row["creator"]["name"] for row in reports["post_reports"]
        }

    def forget_tokens(self, who: str) -> None:
        """The server forgets every session of somebody, as after a change of password."""
        state = self.box.state
        user = state.local_users[self.box.people[who].id].id
        for token in [token for token, row in state.tokens.items() if row.user_id == user]:
            self.box.revoke(token)

    def config(self, folder: Path, *, account: str = "warden", **changes: Any) -> Path:
        server = SimpleNamespace(url=self.box.url, pictrs_url=self.box.pictrs_url, pictrs_key=self.box.pictrs_key)
        warden = SimpleNamespace(name=account, password=self.box.people[account].password)
        return write_config(folder, server, warden, **changes)

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


ONCE = {"report": 1, "remove": 1, "ban": 1, "removed": True, "gone": True, "banned": True}
"""``dealt_with`` when everything came to pass, once."""


def put_on_list(bot: Bot, *pictures: bytes) -> None:
    """In the bot's own ledger, which is sooner done than by commands."""
    ledger = open_ledger(f"sqlite:///{bot.config.parent / 'ledger.db'}", clock=SystemClock())
    digests = [hashlib.sha256(content).hexdigest() for content in pictures]
    ledger.add_entries(
        [ListEntry(list_id="bad", mode=ListMode.BLOCK, by=MatchedBy.SHA256, digest=digest) for digest in digests]
    )
    ledger.close()


def all_dealt_with(town: Town, bot: Bot, shared: dict[str, Shared], patience: float = 180) -> None:
    """``shared``: by what went wrong with it. Everything came to pass all the same, once."""

    def found() -> dict[str, Any]:
        return {name: town.dealt_with(one) for name, one in shared.items()}

    waiting = list(shared.values())

    def done() -> bool:
        while waiting and town.banned(waiting[0].who) and town.gone(waiting[0].url):
            waiting.pop(0)
        return not waiting

    try:
        eventually(done, "all is done", deadline=patience)
    except AssertionError:
        wrong = {name: so for name, so in found().items() if so != ONCE}
        raise AssertionError(f"not done after {patience:.0f} s: {wrong}\n{bot.log.read_text()[-3000:]}") from None
    bot.wait_until_idle()
    assert found() == dict.fromkeys(shared, ONCE)


@pytest.fixture
def town() -> Iterator[Town]:
    with LemmySandbox() as box:
        built = Town(box)
        yield built
        built.close()


@pytest.fixture
def listed() -> tuple[bytes, str]:
    """A picture, and its digest for a list."""
    content = png(320, 240)
    return content, hashlib.sha256(content).hexdigest()


@pytest.fixture
def bot(town: Town, tmp_path: Path, listed: tuple[bytes, str]) -> Iterator[Bot]:
    """A bot that runs, with the picture on its block list."""
    one = Bot(town.config(tmp_path, unposted_uploads="ignore"))
    put_on_list(one, listed[0])
    one.start()
    one.wait_until_it_watches()
    yield one
    if one.runs:
        one.stop()
