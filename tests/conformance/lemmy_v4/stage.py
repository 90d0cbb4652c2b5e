"""What the tests make on a Lemmy 1.0, under which settings, and how all of it is taken away and put back again."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..answers import body
from ..pictures import png
from ..server import UnusableServerError
from .people import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..server import Server

NO_SUCH_FILE = "00000000-0000-4000-8000-00000000dead.png"
NO_SUCH_ID = 2_000_000_000
_LIMITS = ("message", "post", "register", "image", "comment", "search")
_PLENTY, _MINUTE = 9999, 60  # calls, seconds


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

    def register(self, role: str) -> Person:
        """A new account; ``role`` begins its name, so that the mod log of the server can be read."""
        name, password = f"{role}_{secrets.token_hex(4)}", secrets.token_urlsafe(12)
        person = Person(self.server, name=name, password=password)
        self.people.append(person)
        new = {"username": name, "password": password, "password_verify": password, "show_nsfw": True}
        person.use(body(person.post("account/auth/register", **new))["jwt"])
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
        made = body(person.upload(content))
        self.aliases.append(made["filename"])
        return Picture(alias=made["filename"], url=made["image_url"], content=content)

    def post(self, person: Person, community: int, **fields: Any) -> dict[str, Any]:
        """The ``post_view`` of a new post."""
        fields.setdefault("name", f"A post {secrets.token_hex(4)}")
        view: dict[str, Any] = body(person.post("post", community_id=community, **fields))["post_view"]
        self.posts.append(view["post"]["id"])
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
            self.admin.delete("image", filename=alias)  # refused for what is gone already
        left += [f"file {alias}" for alias in dict.fromkeys(self.aliases) if not self._gone(alias)]
        for community in self.communities:
            left += self._purge("community", community)
        for person in self.people:
            self.admin.post("admin/add", person_id=person.id, added=False)  # refused for people who are none
            left += self._purge("person", person.id)
        assert not left, f"could not be taken away again: {', '.join(left)}"

    def _gone(self, alias: str) -> bool:
        """Before long: the server answers before its store is done."""
        for _ in range(50):
            if self.admin.fetch(alias).status_code == 404:
                return True
            time.sleep(0.2)
        return False

    def close(self) -> None:
        """Give all connections back."""
        for person in self.people:
            person.close()

    def _purge(self, kind: str, number: int) -> list[str]:
        answer = self.admin.post(f"admin/purge/{kind}", **{f"{kind}_id": number, "reason": "end of a test"})
        if answer.is_success or answer.json().get("error") == "not_found":
            return []
        return [f"{kind} {number}: {answer.text}"]


@contextmanager
def opened(admin: Person, *, slur: str) -> Iterator[None]:
    """Let anybody register, raise the limits, store thumbnails, make ``slur`` a forbidden word; and put it back."""
    view = body(admin.get("site"))["site_view"]
    local, limit = view["local_site"], view["local_site_rate_limit"]
    if local["email_verification_required"]:
        raise UnusableServerError("the site asks for verified mail addresses: turn that off on a server for testing")
    if local["registration_mode"] == "require_application":
        waiting = body(admin.get("admin/registration_application/list", unread_only="true"))
        if waiting["items"]:
            raise UnusableServerError(
                "people are waiting for an answer to their application, and going back to asking for one would accept "
                "them all: answer them first"
            )
    before = {name: local[name] for name in ("registration_mode", "image_mode")}
    before["slur_filter_regex"] = local.get("slur_filter_regex", "")  # an empty text means none
    raised: dict[str, Any] = {}
    for name in _LIMITS:
        for what, plenty in (("max_requests", _PLENTY), ("interval_seconds", _MINUTE)):
            before[f"rate_limit_{name}_{what}"] = limit[f"{name}_{what}"]
            raised[f"rate_limit_{name}_{what}"] = plenty
    try:
        opening = {"registration_mode": "open", "image_mode": "store_link_previews", "slur_filter_regex": slur}
        body(admin.put("site", **opening, **raised))
        yield
    finally:
        body(admin.put("site", **before))
