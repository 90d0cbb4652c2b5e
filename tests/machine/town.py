"""A Lemmy server and its pict-rs in this process: the sandbox that the conformance suite compares with real servers.

No sockets and no threads: what the adapters send goes straight to the sandbox's own code, on a clock that a test moves.
"""

from __future__ import annotations

import io
import json
import time
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import urlencode

from PIL import Image
from starlette.requests import Request

from adapters.http import Answer
from adapters.sandbox.lemmy.accounts import add_account
from adapters.sandbox.lemmy.app import LemmyApp
from adapters.sandbox.lemmy.calling import Server
from adapters.sandbox.lemmy.limits import RateLimiter
from adapters.sandbox.lemmy.seeding import new_state
from adapters.sandbox.lemmy.sessions import log_in, log_out_everywhere
from adapters.sandbox.pictrs import FileStore, PictrsApp
from adapters.sandbox.pictrs.api import failure, json_answer
from adapters.sandbox.pictrs.store import AliasNotFoundError
from bot.domain.content import Account, Alias, Comment, Community, Post
from making import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.responses import Response

    from making import StillClock

URL, PICTRS = "https://lemmy.test", "https://pictrs.test"
KEY = "a key of pict-rs"
BOT, HUMAN = "warden", "admin"  # the human is the older administrator: the bot cannot act on him
PEOPLE = ("alice", "bob")
PASSWORD = "a password for tests"

POSTS = 2  # by alice and by bob
COMMENTS = 1  # by bob
PURGE_SECONDS = 1.0
"""From pict-rs' answer to the end of the file."""

SHOWN = (("post/1",), ("post/1", "post/2"), ("post/2", "comment/1"), ("comment/1",))
"""Where each file is shown: everything that is shown has two of them, and with each comes a case."""
FILES = len(SHOWN)


class _Time:
    """Stands for the module ``time`` where the sandbox or the bot ask it how long something takes."""

    strftime = staticmethod(time.strftime)
    gmtime = staticmethod(time.gmtime)

    def __init__(self, clock: StillClock) -> None:
        self._clock = clock

    def time_ns(self) -> int:
        return int(self._clock.time.timestamp() * 1e9)

    def monotonic(self) -> float:
        return self._clock.time.timestamp()


@contextmanager
def on_our_clock(clock: StillClock) -> Iterator[None]:
    """The sandbox lives by this clock, and a round of the bot ends by it: no busy machine changes what happens."""
    ours = _Time(clock)
    with (
        mock.patch("adapters.sandbox.clock.time", ours),
        mock.patch("adapters.sandbox.clock._last_ns", 0),
        mock.patch("adapters.sandbox.lemmy.state.time", ours),
        mock.patch("adapters.sandbox.lemmy.site.time", ours),
        mock.patch("adapters.sandbox.lemmy.site._CACHE_SECONDS", -1.0),  # our clock may stand still for a whole round
        mock.patch("adapters.sandbox.pictrs.store.time", ours),
        mock.patch("bot.enforce.rounds.time", ours),
    ):
        yield


@cache
def _picture(number: int) -> bytes:
    """A few pixels of one colour."""
    data = io.BytesIO()
    Image.new("RGB", (4, 4), (40 * number, 80, 120)).save(data, "PNG")
    return data.getvalue()


class Town:
    """Two servers, two administrators (one is the bot), two people, and what they posted."""

    def __init__(self, clock: StillClock) -> None:
        self.clock = clock
        self.files = FileStore(purge_delay=PURGE_SECONDS)
        self.state = new_state(URL, default_limits=False)
        self._lemmy = LemmyApp(
            Server(self.state, self.files), RateLimiter(lambda: self.state.rate_limits, clock=lambda: 0).passes
        )
        self._pictrs = PictrsApp(self.files, KEY)
        users = {
            name: add_account(self.state, name, PASSWORD, admin=name in {BOT, HUMAN}) for name in (HUMAN, BOT, *PEOPLE)
        }
        self.ids = {name: user.person_id for name, user in users.items()}
        self.tokens = {name: log_in(self.state, user) for name, user in users.items()}
        made = self.by(HUMAN, "POST", "/community", name="pictures", title="Pictures")
        self.community_id = int(made["community_view"]["community"]["id"])
        self.aliases = [self.files.ingest(_picture(number))[0].name for number in range(FILES)]
        for number in range(1, POSTS + 1):
            author = PEOPLE[(number - 1) % 2]
            self.by(author, "POST", "/post", name=f"post {number}", community_id=self.community_id)
        self.by("bob", "POST", "/comment", content="a comment", post_id=1)
        self.numbers = {"post": range(1, POSTS + 1), "comment": range(1, COMMENTS + 1)}

    # ---------------------------------------------------------------------------------------------- as the bot knows it

    def account(self, name: str) -> Account:
        number = self.ids[name]
        return Account(
            instance=HERE,
            local_id=str(number),
            uri=f"{URL}/u/{name}",
            handle=f"{name}@lemmy.test",
            home_host="lemmy.test",
            is_local=True,
        )

    @property
    def community(self) -> Community:
        uri = f"{URL}/c/pictures"
        number = str(self.community_id)
        return Community(instance=HERE, local_id=number, uri=uri, handle="pictures@lemmy.test", is_local=True)

    def subject(self, key: str) -> Post | Comment:
        """By ``post/1`` or ``comment/1``."""
        kind, number = key.split("/")
        creator = (self.state.posts if kind == "post" else self.state.comments)[int(number)].creator_id
        author = next(name for name, person in self.ids.items() if person == creator)
        uri = f"{URL}/{key}"
        return (Post if kind == "post" else Comment)(
            instance=HERE,
            local_id=number,
            uri=uri,
            url=uri,
            author=self.account(author),
            community=self.community,
            revision="1",
        )

    def alias(self, number: int) -> Alias:
        return Alias(instance=HERE, value=self.aliases[number])

    def address(self, number: int) -> str:
        return f"{URL}/pictrs/image/{self.aliases[number]}"

    def has_file(self, number: int) -> bool:
        """Whether the public gets it."""
        try:
            self.files.file(self.aliases[number])
        except AliasNotFoundError:
            return False
        return True

    # --------------------------------------------------------------------------------------------------- what people do

    def forget_the_bot(self) -> None:
        """Every token of the bot's ends; its password still opens."""
        log_out_everywhere(self.state, self.state.local_users[self.ids[BOT]])

    def resolve(self, kind: str, number: int) -> None:
        """A human closes the reports on something."""
        reports = self.state.post_reports if kind == "post" else self.state.comment_reports
        for report in list(reports.values()):
            if getattr(report, f"{kind}_id") == number and not report.resolved:
                self.by(HUMAN, "PUT", f"/{kind}/report/resolve", report_id=report.id, resolved=True)

    def purge(self, number: int) -> None:
        """A human deletes a stored file."""
        with suppress(AliasNotFoundError):
            alias = self.aliases[number]
            self.files.delete_by_token(alias, self.files._aliases[alias][1])

    # ------------------------------------------------------------------------------------------------------------ calls

    def by(self, name: str, method: str, path: str, /, **content: Any) -> Any:
        """Somebody calls the API; what came back. Raises ``AssertionError`` for an error."""
        token = {"Authorization": f"Bearer {self.tokens[name]}"}
        if method == "GET":
            answer = self.answer(URL, method, f"/api/v3{path}", params=content, headers=token)
        else:
            answer = self.answer(URL, method, f"/api/v3{path}", body=content, headers=token)
        assert answer.status == 200, (path, answer.body)
        return json.loads(answer.body)

    def answer(
        self,
        url: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """What the server at this URL says to a request."""
        path, _, query = path.partition("?")
        query = query or urlencode(params or {})
        raw = b"" if body is None else json.dumps(body).encode()
        lines = {"host": url.removeprefix("https://"), **{key.lower(): value for key, value in (headers or {}).items()}}
        if body is not None:
            lines["content-type"] = "application/json"
        request = Request(
            {
                "type": "http",
                "method": method,
                "path": path,
                "query_string": query.encode(),
                "headers": [(key.encode(), value.encode()) for key, value in lines.items()],
                "client": ("127.0.0.1", 1),
                "server": ("127.0.0.1", 443),
                "scheme": "https",
                "root_path": "",
            }
        )
        found = self._lemmy._answer(request, raw) if url == URL else self._file_store(request, path)
        return Answer(
            what=f"{method} {path}", status=found.status_code, headers=dict(found.headers), body=bytes(found.body)
        )

    def _file_store(self, request: Request, path: str) -> Response:
        try:
            return self._pictrs._internal(request, path.removeprefix("/internal/"), b"")
        except Exception as error:  # noqa: BLE001 - ``failure`` raises again what it does not know
            known = failure(error)
            return json_answer({"code": known.code, "msg": known.msg}, known.status)
