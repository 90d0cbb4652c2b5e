"""A small Lemmy in a process of its own, as slow and as strict as a real one, and its books.

Run as a program it answers one JSON request a line on stdin with one JSON document a line on stdout.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

FOR_EVER = 10**9
SLOW = "^/api/v3/(post/report|post/list|user/ban|modlog|site|user|comment|post)$"


@dataclass(frozen=True, slots=True)
class Books:
    """What became of everything, by the server's own tables."""

    posts: dict[int, dict[str, Any]]  # by, removed, at, alias
    comments: dict[int, dict[str, Any]]  # by, removed
    banned: dict[str, datetime]  # by whom is not told: the bot is the only admin that acts
    removals: list[datetime]
    reports: list[datetime]
    reported: set[int]  # posts
    uploads: dict[str, str]  # alias -> account
    files: set[str]  # aliases that the store still has
    registration: str


class Process:
    """A server in a process of its own, which answers one line with one line."""

    def __init__(self, module: str, *words: str) -> None:
        """``module``: what is run; ``words``: what it is told."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._asking = threading.Lock()
        self.about: dict[str, Any] = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(60)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def accounts(self, prefix: str, number: int) -> dict[str, str]:
        """New accounts, logged in: name to token."""
        found: dict[str, str] = self._ask({"accounts": prefix, "number": number})
        return found

    def _ask(self, what: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        with self._asking:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the sandbox ended with {self._process.poll()}"
        return json.loads(line)


class Town(Process):
    """The server, from outside."""

    def __init__(self, *, slow: float, removing: float) -> None:
        """``slow``: seconds that an answer to the bot's kind of call takes longer; ``removing``: to a removal."""
        super().__init__("acceptance.raid_town", str(slow), str(removing))

    def books(self) -> Books:
        """As they stand."""
        told = self._ask({"books": True})
        return Books(
            posts={int(number): post for number, post in told["posts"].items()},
            comments={int(number): comment for number, comment in told["comments"].items()},
            banned={name: datetime.fromisoformat(at) for name, at in told["banned"].items()},
            removals=[datetime.fromisoformat(at) for at in told["removals"]],
            reports=[datetime.fromisoformat(at) for at in told["reports"]],
            reported=set(told["reported"]),
            uploads=told["uploads"],
            files=set(told["files"]),
            registration=told["registration"],
        )


def _serve(slow: float, removing: float) -> None:
    from adapters.sandbox.lemmy import LemmySandbox, delay

    with LemmySandbox(default_limits=True) as box:
        box.faults.before("*", SLOW, delay(slow), times=FOR_EVER, server="lemmy")
        box.faults.before("*", "^/api/v3/post/remove$", delay(removing), times=FOR_EVER, server="lemmy")
        say(box.announcement())
        for line in sys.stdin:
            asked = json.loads(line)
            say(new_accounts(box, asked) if "accounts" in asked else _told(box))


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what, default=str) + "\n")
    sys.stdout.flush()


def new_accounts(box: Any, asked: dict[str, Any]) -> dict[str, str]:
    from adapters.sandbox.lemmy.accounts import add_account
    from adapters.sandbox.lemmy.sessions import log_in

    made = {}
    state = box.state
    with state.lock:
        for number in range(asked["number"]):
            name = f"{asked['accounts']}{number}"
            user = add_account(state, name, "not-a-secret-here")
            made[name] = log_in(state, user, address="127.0.0.1")
    return made


def _told(box: Any) -> dict[str, Any]:
    state = box.state
    with state.lock:
        names = {person.id: person.name for person in state.people.values()}
        users = {user.id: names[user.person_id] for user in state.local_users.values()}
        return {
            "posts": {
                post.id: {
                    "by": names[post.creator_id],
                    "removed": post.removed,
                    "at": post.published,
                    "alias": (post.url or "").rsplit("/", 1)[-1],
                }
                for post in state.posts.values()
            },
            "comments": {
                comment.id: {"by": names[comment.creator_id], "removed": comment.removed}
                for comment in state.comments.values()
            },
            "banned": {
                names[entry.other_person_id]: entry.when
                for entry in state.modlog
                if entry.kind == "ModBan" and entry.on
            },
            "removals": [entry.when for entry in state.modlog if entry.kind == "ModRemovePost" and entry.on],
            "reports": [report.published for report in state.post_reports.values()],
            "reported": [report.post_id for report in state.post_reports.values()],
            "uploads": {
                alias: users[image.local_user_id] for alias, image in state.images.items() if image.local_user_id
            },
            "files": [alias for alias in state.images if has(box, alias)],
            "registration": state.local_site.registration_mode,
        }


def has(box: Any, alias: str) -> bool:
    from adapters.sandbox.pictrs.store import AliasNotFoundError

    try:
        box.files.file(alias)
    except AliasNotFoundError:
        return False
    return True


if __name__ == "__main__":
    _serve(*map(float, sys.argv[1:]))
