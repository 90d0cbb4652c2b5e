"""People of a sandbox, as clients that call it in this process."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import httpx
from PIL import Image

if TYPE_CHECKING:
    from adapters.sandbox.mastodon import MastodonSandbox
    from adapters.sandbox.mastodon.rows import Account, Status


class Square:
    """Calls to one sandbox, in the name of whoever is named first, as ``name`` or ``name/label``; or of nobody."""

    def __init__(self, box: MastodonSandbox) -> None:
        self.box = box

    def call(self, who: str | None, method: str, path: str, **details: Any) -> httpx.Response:
        headers = dict(details.pop("headers", {}))
        if who is not None:
            name, _, label = who.partition("/")
            headers["Authorization"] = f"Bearer {self.box.people[name].tokens[label or 'full']}"
        return asyncio.run(self._send(method, path, headers, details))

    async def _send(self, method: str, path: str, headers: dict[str, str], details: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.box.app)
        async with httpx.AsyncClient(transport=transport, base_url=self.box.url) as client:
            return await client.request(method, path, headers=headers, **details)

    def get(self, who: str | None, path: str, **params: Any) -> Any:
        return self._checked(self.call(who, "GET", path, params=params))

    def send(self, who: str | None, path: str, method: str = "POST", **fields: Any) -> Any:
        return self._checked(self.call(who, method, path, json=fields))

    def refusal(self, who: str | None, path: str, method: str = "POST", **fields: Any) -> tuple[int, str]:
        """Status and sentence of a call that is refused."""
        answer = self.call(who, method, path, json=fields) if method != "GET" else self.call(who, method, path)
        return answer.status_code, answer.json()["error"]

    def upload(self, who: str, data: bytes | None = None, kind: str = "image/png", version: int = 2) -> dict[str, Any]:
        file = {"file": ("x", data or png(), kind)}
        return dict(self._checked(self.call(who, "POST", f"/api/v{version}/media", files=file)))

    def post(self, who: str, text: str = "a post", pictures: int = 0, **fields: Any) -> dict[str, Any]:
        media = [self.upload(who)["id"] for _ in range(pictures)]
        return dict(self.send(who, "/api/v1/statuses", status=text, media_ids=media, **fields))

    def report(self, who: str, whom: str, *statuses: dict[str, Any], **fields: Any) -> dict[str, Any]:
        named = {"account_id": self.id(whom), "status_ids": [status["id"] for status in statuses]}
        return dict(self.send(who, "/api/v1/reports", **(named | fields)))

    def act(self, whom: str, kind: str, **fields: Any) -> Any:
        return self.send("warden/bot", f"/api/v1/admin/accounts/{self.id(whom)}/action", type=kind, **fields)

    def undo(self, whom: str, deed: str) -> Any:
        return self.send("warden/bot", f"/api/v1/admin/accounts/{self.id(whom)}/{deed}")

    def id(self, name: str) -> str:
        return self.box.people[name].id if name in self.box.people else name

    def account(self, name: str) -> Account:
        found = self.box.state.local(name)
        assert found is not None
        return found

    def status(self, shown: dict[str, Any]) -> Status:
        return self.box.state.statuses[int(shown["id"])]

    def file(self, url: str) -> httpx.Response:
        return self.call(None, "GET", url.removeprefix(self.box.url))

    def feed(self, who: str | None = "warden/bot", **params: Any) -> list[str]:
        """What the public feed has, by its texts."""
        return [status["content"][3:-4] for status in self.get(who, "/api/v1/timelines/public", **params)]

    @staticmethod
    def _checked(answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()


def png(colour: tuple[int, int, int] = (200, 80, 40), size: tuple[int, int] = (64, 48)) -> bytes:
    """A synthetic picture."""
    return encoded(Image.linear_gradient("L").resize(size).convert("RGB").point(lambda v: v * colour[0] // 255), "PNG")


def encoded(picture: Image.Image, kind: str, **settings: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **settings)
    return out.getvalue()


def animation(side: int = 64) -> bytes:
    """Three frames of a fifth of a second."""
    frames = [Image.new("RGB", (side, side), (60 * number, 10, 10)) for number in range(3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=200)
