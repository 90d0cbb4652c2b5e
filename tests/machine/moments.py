"""What interrupts a process, and where: it dies, is overtaken by another one, or a human does something meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .tally import TALLY

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.http import Answer

    from .process import Process
    from .world import World

ANY = "any time"
MOMENTS = (
    *("before begin", "after begin", "before a call", "after a call", "before end", "after end"),
    *("before begin of an undo", "after begin of an undo", "before set_state", "before add_entries", "before finish"),
    ANY,
)
INTERRUPTIONS = (
    *("die", "die", "die in flight", "overtaken", "overtaken"),
    *("a human acts", "a human acts", "a human decides", "a human decides", "a human decides"),
)
IN_FLIGHT = 3.0
"""Seconds after which the request of a dead process arrives."""

SOON = 10.0
"""Seconds between an attempt and its call: who was overtaken for longer does not go on."""


class CrashError(BaseException):
    """The process dies here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``what`` happens at a moment, after ``left`` others of its kind. ``deed``: of a human."""

    where: str
    left: int
    what: str
    deed: Callable[[], object]


class Moments:
    """One interruption waits at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: Plan | None = None

    def plan(self, where: str, left: int, what: str, deed: Callable[[], object]) -> None:
        if what == "die in flight":
            where = "before a call"
        self._plan = Plan(where=where, left=left, what=what, deed=deed)

    def clear(self) -> None:
        self._plan = None

    def step(self, process: Process, where: str, resume: Callable[[], Answer] | None) -> None:
        """Let happen what is to happen here. ``resume``: what is under way, and may arrive by itself."""
        plan = self._plan
        if plan is None or process is not self._world.process:
            return
        if plan.where not in {where, ANY} or not _fits(plan.what, where, process):
            return
        if plan.left > 0:
            self.plan(plan.where, plan.left - 1, plan.what, plan.deed)
            return
        self._plan = None
        match plan.what:
            case "die":
                TALLY.count("died", where)
                self._die()
            case "die in flight":
                TALLY.count("died", "with a request on its way")
                assert resume is not None
                self._world.send_later(IN_FLIGHT, resume)
                self._die()
            case "overtaken":
                TALLY.count("overtaken", where)
                self._overtake()
            case _:
                TALLY.count("humans", f"{plan.what.removeprefix('a human ')} {where}")
                plan.deed()

    def _die(self) -> None:
        self._world.process = None
        raise CrashError

    def _overtake(self) -> None:
        clock = self._world.clock
        began = clock.now()
        self._world.start().work()
        if (clock.now() - began).total_seconds() > SOON:
            raise CrashError


def _fits(what: str, where: str, process: Process) -> bool:
    if what == "die in flight":
        return where == "before a call"
    if what == "a human acts":
        # Not between a look at the server and the call that rests on it: nobody can do anything about that.
        undoing = where.endswith("of an undo") or (process.acting is not None and process.acting[1].reverting)
        return where != "before a call" and (not undoing or where in {"after a call", "before end"})
    return True
