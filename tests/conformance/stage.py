"""What the tests make on the server: people, a community, pictures, posts; and how to take it all away again."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from .answers import body
from .people import PATIENCE, Person
from .pictures import png

if TYPE_CHECKING:
    from .server import Server

NO_SUCH_FILE = "00000000-0000-4000-8000-00000000dead.png"
NO_SUCH_ID = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An upload: its alias, its public address, and the bytes that were sent."""

    alias: str
    url: str
    content: bytes


class Stage:
    """Makes things under random names and remembers them."""

    def __init__(self, server: Server, admin: Person) -> None:
        self.server = server
        self.admin = admin
        self.people: list[Person] = []
        self.aliases: list[str] = []
        self.posts: list[int] = []
        self.communities: list[int] = []
        self.pictrs = httpx.Client(
            base_url=server.pictrs_url, timeout=PATIENCE, headers={"X-Api-Token": server.pictrs_key}
        )

    def register(self, role: str) -> Person:
        """A new account; ``role`` begins its name, so that the mod log of the server can be read."""
        name, password = f"{role}_{secrets.token_hex(4)}", secrets.token_urlsafe(12)
        person = Person(self.server, name=name, password=password)
        self.people.append(person)
        answer = person.post(
            "user/register", username=name, password=password, password_verify=password, show_nsfw=True
        )
        person.use(body(answer)["jwt"])
        return person

    def community(self) -> int:
        """A new community of the first administrator's, so that nobody else is a moderator in it."""
        name = f"pictures_{secrets.token_hex(4)}"
        made = body(self.admin.post("community", name=name, title="Pictures"))["community_view"]["community"]["id"]
        self.communities.append(made)
        return int(made)

    def picture(self, person: Person, content: bytes | None = None) -> Picture:
        """An upload by ``person``, of new random pixels unless told otherwise."""
        content = png() if content is None else content
        alias = body(person.upload(content))["files"][0]["file"]
        return self._keep(alias, content)

    def bare_picture(self, content: bytes | None = None) -> Picture:
        """A file given to pict-rs itself, of which Lemmy knows nothing."""
        content = png() if content is None else content
        answer = self.pictrs.post("/image", files={"images[]": ("picture.png", content, "image/png")})
        return self._keep(body(answer)["files"][0]["file"], content)

    def post(self, person: Person, community: int, **fields: Any) -> dict[str, Any]:
        """The ``post_view`` of a new post."""
        fields.setdefault("name", f"A post {secrets.token_hex(4)}")
        view: dict[str, Any] = body(person.post("post", community_id=community, **fields))["post_view"]
        self.posts.append(view["post"]["id"])
        if "thumbnail_url" in view["post"]:
            self.aliases.append(alias_of(view["post"]["thumbnail_url"]))
        return view

    def comment(self, person: Person, post_id: int, content: str) -> dict[str, Any]:
        """The ``comment_view`` of a new comment; it goes when its post goes."""
        view: dict[str, Any] = body(person.post("comment", post_id=post_id, content=content))["comment_view"]
        return view

    def clear(self) -> None:
        """Purge everything that was made. What fails is tried no further and reported together at the end."""
        left = []
        for post_id in self.posts:
            left += self._purge("post", post_id)
        for alias in dict.fromkeys(self.aliases):
            self.admin.client.get(
                f"/pictrs/image/delete/any-token/{alias}"
            )  # for its row; the file may be gone already
            if self.pictrs.post("/internal/purge", params={"alias": alias}).status_code not in {200, 404}:
                left.append(f"file {alias}")
        for community in self.communities:
            left += self._purge("community", community)
        for person in self.people:
            self.admin.post("admin/add", person_id=person.id, added=False)  # refused for people who are none
            left += self._purge("person", person.id)
        assert not left, f"could not be taken away again: {', '.join(left)}"

    def close(self) -> None:
        """Give all connections back."""
        self.pictrs.close()
        for person in self.people:
            person.close()

    def _keep(self, alias: str, content: bytes) -> Picture:
        self.aliases.append(alias)
        return Picture(alias=alias, url=f"{self.server.url}/pictrs/image/{alias}", content=content)

    def _purge(self, kind: str, number: int) -> list[str]:
        answer = self.admin.post(f"admin/purge/{kind}", **{f"{kind}_id": number, "reason": "end of a test"})
        if answer.is_success or answer.json().get("error") == f"couldnt_find_{kind}":
            return []
        return [f"{kind} {number}: {answer.text}"]


def alias_of(url: str) -> str:
    """The alias at the end of a public address."""
    return url.rsplit("/", 1)[-1]
