"""People of a sandbox, as clients."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from adapters.sandbox.lemmy import LemmySandbox


class Visitors:
    """Calls to one sandbox, in the name of whoever is named first; ``None`` is a stranger."""

    def __init__(self, box: LemmySandbox, client: httpx.Client) -> None:
        self.box = box
        self.client = client
        self._numbers = itertools.count(1)

    def call(self, who: str | None, method: str, path: str, **details: Any) -> httpx.Response:
        headers = dict(details.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.box.people[who].jwt}"
        return self.client.request(method, self.box.url + path, headers=headers, **details)

    def get(self, who: str | None, path: str, **params: Any) -> Any:
        return self._checked(self.call(who, "GET", f"/api/v3{path}", params=params))

    def send(self, who: str, path: str, *, method: str = "POST", **fields: Any) -> Any:
        return self._checked(self.call(who, method, f"/api/v3{path}", json=fields))

    def refusal(self, who: str | None, path: str, *, method: str = "POST", **fields: Any) -> tuple[int, str]:
        """Status and code of a call that is refused."""
        answer = self.call(who, method, f"/api/v3{path}", json=fields)
        return answer.status_code, answer.json()["error"]

    def community(self, who: str = "alice", name: str | None = None, **fields: Any) -> int:
        """The number of a new community."""
        name = name or f"pictures{next(self._numbers)}"
        made = self.send(who, "/community", name=name, title=name.capitalize(), **fields)
        return int(made["community_view"]["community"]["id"])

    def upload(self, who: str, data: bytes) -> str:
        """The alias of a new upload."""
        answer = self.call(who, "POST", "/pictrs/image", files={"images[]": ("x.png", data, "image/png")})
        return str(self._checked(answer)["files"][0]["file"])

    def image_url(self, alias: str) -> str:
        return f"{self.box.url}/pictrs/image/{alias}"

    def post(self, who: str, community: int, **fields: Any) -> dict[str, Any]:
        """The post as the answer shows it."""
        post: dict[str, Any] = self.send(who, "/post", **({"name": "A post"} | fields), community_id=community)[
            "post_view"
        ]["post"]
        return post

    def picture_post(self, who: str, community: int, data: bytes) -> tuple[dict[str, Any], str]:
        """A post of a new upload, and the alias."""
        alias = self.upload(who, data)
        return self.post(who, community, url=self.image_url(alias)), alias

    def file(self, alias: str, **details: Any) -> httpx.Response:
        return self.call(None, "GET", f"/pictrs/image/{alias}", **details)

    def internal(self, method: str, path: str, **params: Any) -> httpx.Response:
        """A call of pict-rs with its key."""
        headers = {"X-Api-Token": self.box.pictrs_key}
        return self.client.request(method, f"{self.box.pictrs_url}/internal/{path}", headers=headers, params=params)

    @staticmethod
    def _checked(answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()


def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that happens in the background."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
