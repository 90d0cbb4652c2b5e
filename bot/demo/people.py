"""People who use the demo's server, by plain HTTP like any client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

PASSWORD = "demo-password"  # noqa: S105  of people who exist while the demo runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody with an account on the demo's server."""

    name: str
    client: httpx.Client

    def call(self, method: str, path: str, **payload: Any) -> dict[str, Any]:
        """Call the server's API as this member; raises ``httpx.HTTPStatusError`` for a refusal."""
        if method == "GET":
            answer = self.client.get(f"/api/v3/{path}", params=payload)
        else:
            answer = self.client.request(method, f"/api/v3/{path}", json=payload)
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    def upload(self, data: bytes) -> str:
        """Store a picture; its public URL."""
        answer = self.client.post("/pictrs/image", files={"images[]": ("picture", data)})
        answer.raise_for_status()
        return str(self.client.base_url.join(f"/pictrs/image/{answer.json()['files'][0]['file']}"))

    def post(self, title: str, url: str, community: int) -> int:
        """Post a picture; the post's id."""
        made = self.call("POST", "post", name=title, url=url, community_id=community)
        return int(made["post_view"]["post"]["id"])


def register(server: str, name: str) -> Member:
    """A new account."""
    client = httpx.Client(base_url=server, timeout=30, trust_env=False)
    member = Member(name=name, client=client)
    made = member.call("POST", "user/register", username=name, password=PASSWORD, password_verify=PASSWORD)
    client.headers["Authorization"] = f"Bearer {made['jwt']}"
    return member


def existing(server: str, name: str, token: str) -> Member:
    """An account that the server came with."""
    headers = {"Authorization": f"Bearer {token}"}
    return Member(name=name, client=httpx.Client(base_url=server, timeout=30, trust_env=False, headers=headers))
