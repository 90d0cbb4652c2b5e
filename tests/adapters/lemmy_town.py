"""A sandbox with people who post, and the adapter connected to it."""

from __future__ import annotations

import io
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
from PIL import Image

from adapters.registry import PLATFORMS
from bot.domain.content import InstanceId, SubjectKey
from bot.ledger import open_ledger

if TYPE_CHECKING:
    from adapters.sandbox.lemmy import LemmySandbox
    from bot.domain.content import Subject
    from bot.ports import Instance

MAIN = InstanceId("main")


class TestClock:
    """The time, with an offset that a test sets."""

    __test__ = False

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


def picture() -> bytes:
    """A new PNG that nobody has."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (8, 8), secrets.token_bytes(192)).resize((64, 48)).save(buffer, "PNG")
    return buffer.getvalue()


class Town:
    """People, one community of the admin's, and what they do."""

    api = "/api/v3"
    files = "/pictrs/image"

    def __init__(self, box: LemmySandbox) -> None:
        self.box = box
        self.clock = TestClock()
        self._clients: dict[str, httpx.Client] = {}
        self.community_name = f"pictures_{secrets.token_hex(4)}"
        made = self.call("admin", "POST", "community", name=self.community_name, title="Pictures")
        self.community: int = made["community_view"]["community"]["id"]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def name(self, who: str) -> str:
        """The name that somebody has on the server."""
        return str(getattr(self.box.people[who], "name", who))

    def client(self, who: str) -> httpx.Client:
        if who not in self._clients:
            headers = {"Authorization": f"Bearer {self.box.people[who].jwt}"}
            self._clients[who] = httpx.Client(base_url=self.box.url, headers=headers, timeout=30, trust_env=False)
        return self._clients[who]

    def call(self, who: str, method: str, path: str, **payload: Any) -> dict[str, Any]:
        where: dict[str, Any] = {"params": payload} if method == "GET" else {"json": payload}
        answer = self.client(who).request(method, f"{self.api}/{path}", **where)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def upload(self, who: str = "alice", content: bytes | None = None) -> str:
        """An alias."""
        files = {"images[]": ("p.png", picture() if content is None else content, "image/png")}
        answer = self.client(who).post("/pictrs/image", files=files)
        assert answer.is_success, answer.text
        return str(answer.json()["files"][0]["file"])

    def url(self, alias: str) -> str:
        return f"{self.box.url}{self.files}/{alias}"

    def post(self, who: str = "alice", **fields: Any) -> int:
        made = self.call(who, "POST", "post", **{"name": "A post", "community_id": self.community, **fields})
        return int(made["post_view"]["post"]["id"])

    def comment(self, post: int, content: str, who: str = "bob") -> int:
        made = self.call(who, "POST", "comment", post_id=post, content=content)
        return int(made["comment_view"]["comment"]["id"])

    def settings(self, **changes: Any) -> Any:
        block = {
            "id": "main",
            "platform": "lemmy",
            "url": self.box.url,
            "username": self.name("warden"),
            "password": self.box.people["warden"].password,
            "pictrs": {"url": self.box.pictrs_url, "api_key": self.box.pictrs_key},
        } | changes
        return PLATFORMS["lemmy"].settings.model_validate({k: v for k, v in block.items() if v is not None})

    def connect(self, *, start_from: timedelta | None = timedelta(0), **changes: Any) -> Instance:
        inbox = open_ledger("sqlite://", clock=self.clock)
        return PLATFORMS["lemmy"].build(self.settings(**changes), self.clock, start_from, inbox)

    def subject(self, instance: Instance, kind: str, number: int) -> Subject:
        batch = instance.sources[0].read(SubjectKey(instance=MAIN, kind=kind, local_id=str(number)))
        found: Subject = next(s.subject for s in batch.sightings if s.subject.kind == kind)  # type: ignore[union-attr]
        return found


class NewTown(Town):
    """The same on Lemmy 1.0."""

    api = "/api/v4"
    files = "/api/v4/image"

    def upload(self, who: str = "alice", content: bytes | None = None) -> str:
        """An alias. The server stores a picture of its own making."""
        files = {"images[]": ("p.png", picture() if content is None else content, "image/png")}
        answer = self.client(who).post("/api/v4/image", files=files)
        assert answer.is_success, answer.text
        return str(answer.json()["filename"])
