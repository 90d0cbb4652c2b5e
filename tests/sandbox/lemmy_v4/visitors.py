"""People of a sandbox of Lemmy 1.0, as clients."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
        return self.client.request(method, f"{self.box.url}/api/v4{path}", headers=headers, **details)

    def get(self, who: str | None, path: str, **params: Any) -> Any:
        return self._checked(self.call(who, "GET", path, params=params))

    def send(self, who: str, path: str, *, method: str = "POST", **fields: Any) -> Any:
        return self._checked(self.call(who, method, path, json=fields))

    def refusal(self, who: str | None, path: str, *, method: str = "POST", **fields: Any) -> tuple[int, str]:
        """Status and code of a call that is refused."""
        answer = self.call(who, method, path, json=fields)
        return answer.status_code, answer.json()["error"]

    def community(self, who: str = "admin", **fields: Any) -> int:
        """The number of a new community."""
        name = f"pictures{next(self._numbers)}"
        made = self.send(who, "/community", name=name, title=name.capitalize(), **fields)
        return int(made["community_view"]["community"]["id"])

    def upload(self, who: str, data: bytes, path: str = "/image", **query: Any) -> str:
        """The alias of a new upload."""
        answer = self.call(who, "POST", path, params=query, files={"images[]": ("x.png", data, "image/png")})
        return str(self._checked(answer)["filename"])

    def image_url(self, alias: str) -> str:
        return f"{self.box.url}/api/v4/image/{alias}"

    def post(self, who: str, community: int, **fields: Any) -> dict[str, Any]:
        """The post as the answer shows it."""
        sent = {"name": "A post"} | fields
        post: dict[str, Any] = self.send(who, "/post", **sent, community_id=community)["post_view"]["post"]
        return post

    def comment(self, who: str, post: int, content: str = "a remark") -> dict[str, Any]:
        """The comment as the answer shows it."""
        made = self.send(who, "/comment", post_id=post, content=content)
        comment: dict[str, Any] = made["comment_view"]["comment"]
        return comment

    def file(self, alias: str, **query: Any) -> httpx.Response:
        return self.call(None, "GET", f"/image/{alias}", params=query)

    @staticmethod
    def _checked(answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()
