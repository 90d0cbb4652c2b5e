"""What lies between the bot and the servers: a line that breaks, and a process that may die at every step on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from adapters.http import Answer, Transport
from bot.domain.errors import UnreachableError

from .tally import TALLY
from .town import PICTRS, PURGE_SECONDS, URL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .process import Process

FAULTS = (
    "",  # nothing: the fault is for the call after this one
    "unreachable",  # the request does not get there
    "overloaded",  # it gets there and is refused with 503
    "unanswered",  # it gets lost on the way, and nobody can tell
    "lost",  # it is carried out, and the answer gets lost
    "late",  # no answer, and it is carried out some seconds later
    "garbled",  # it is carried out, and the answer is no JSON
    "slow",  # it takes a while
    "limited",  # Lemmy's rate limit
    "demoted",  # the bot's account is no admin for a moment
    "refused",  # the target ranks higher
    "logged out",  # the server has forgotten the bot's token
)
LATE, SLOW, SLOW_PURGE = 7.0, 12.0, 40.0  # seconds


class _NoBuckets:
    """The bot's own limits: they would wait in real time, and are tested elsewhere."""

    def feed(self, *_: object, **__: object) -> None:
        pass

    def take(self, *_: object, **__: object) -> None:
        pass

    def drain(self, _: str) -> float:
        return 60.0


class Line(Transport):
    """Calls of one process to one server of the town."""

    def __init__(self, process: Process, url: str, **_: object) -> None:
        self.base_url = url
        self.buckets = _NoBuckets()  # type: ignore[assignment]
        self._process = process

    def read(self, once: Callable[[], Any], **_limits: Any) -> Any:
        """A fault of a read here is one that outlived all tries."""
        return once()

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        whole: bool = True,
        **_limits: Any,
    ) -> Answer:
        what = f"{method} {path}"

        def send() -> Answer:
            return self._process.world.town.answer(
                self.base_url, method, path, params=params, body=body, headers=headers
            )

        if method == "GET" or path.endswith("/login"):
            return self._asked(what, send, whole=whole)
        return self._changed(what, path, {**(params or {}), **(body or {})}, send)

    def _asked(self, what: str, send: Callable[[], Answer], *, whole: bool) -> Answer:
        world = self._process.world
        world.arrive()
        dark = self._process.world.clock.now() < world.dark_until
        if (world.deaf or dark) and not what.endswith("/login"):
            world.deaf -= 0 if dark else 1
            raise UnreachableError(f"{what}: no answer", sent=True)
        return self._checked(send(), moved=whole)

    def _changed(self, what: str, path: str, content: Mapping[str, Any], send: Callable[[], Answer]) -> Answer:
        process, world = self._process, self._process.world
        deed = process.about_to_call(path, content)
        fault = world.faults.popleft() if world.faults else ""
        if fault:
            TALLY.count("faults", fault)
        TALLY.count("deeds", "calls")

        def act() -> Answer:
            answer = send()
            world.noted(deed, path, answer)
            return answer

        process.step("before a call", resume=act)
        world.arrive()
        match fault:
            case "unreachable":
                raise UnreachableError(f"{what}: refused", sent=False)
            case "overloaded" | "unanswered":
                raise UnreachableError(f"{what}: 503", sent=True)
            case "late":
                world.send_later(LATE, act)
                raise UnreachableError(f"{what}: timed out", sent=True)
            case "limited" | "demoted" | "refused":
                codes = {"limited": "rate_limit_error", "demoted": "not_an_admin", "refused": "not_higher_admin"}
                answer = Answer(what=what, status=400, headers={}, body=json.dumps({"error": codes[fault]}).encode())
            case "logged out" if self.base_url == URL:
                world.town.forget_the_bot()
                answer = act()
            case "slow" if self.base_url == PICTRS:
                world.town.files.purge_delay = SLOW_PURGE
                answer = act()
                world.town.files.purge_delay = PURGE_SECONDS
            case "slow":
                world.clock.pass_(seconds=SLOW)
                answer = act()
            case _:
                answer = act()
        process.has_called(answer)
        process.step("after a call")
        if fault == "lost":
            raise UnreachableError(f"{what}: the answer got lost", sent=True)
        if fault == "garbled":
            answer = Answer(what=what, status=200, headers={}, body=b"<html>")
        return self._checked(answer, moved=True)
