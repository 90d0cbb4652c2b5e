"""Who is staff now is asked of the servers; what they said last counts where they do not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import making
from bot.domain.content import InstanceId
from bot.domain.errors import UnreachableError
from bot.pipeline import PresentStaff
from bot.pipeline.staff import KEPT, KEPT_SILENT

if TYPE_CHECKING:
    from collections.abc import Collection

THERE = InstanceId("there")


class Server:
    """What a test says of who is staff there, and how often that was asked for."""

    def __init__(self, *staff: str) -> None:
        self.now: Collection[str] = set(staff)
        self.silent = False
        self.asked = 0

    def staff(self) -> Collection[str]:
        self.asked += 1
        if self.silent:
            raise UnreachableError("no answer", sent=False)
        return self.now


class World:
    """Two servers and a clock."""

    def __init__(self) -> None:
        self.here, self.there = Server("1"), Server("2")
        self.time = 0.0
        resolvers = {making.HERE: self.here, THERE: self.there}
        self.staff = PresentStaff(resolvers, monotonic=lambda: self.time)  # type: ignore[arg-type]


def test_who_becomes_staff_is_known_after_a_while_and_not_asked_for_with_every_deed() -> None:
    world = World()
    assert world.staff([making.HERE]) == {making.HERE: {"1"}}
    world.here.now = {"1", "7"}
    for world.time in (1.0, KEPT - 1, KEPT + 1, KEPT + 2):
        told = world.staff([making.HERE])
    assert (told, world.here.asked) == ({making.HERE: {"1", "7"}}, 2)
    assert not world.there.asked, "nothing is about an account of that server"


def test_what_a_silent_server_said_last_counts_and_the_others_do_not_wait_for_it() -> None:
    world = World()
    world.staff([making.HERE, THERE])
    world.here.silent = world.there.silent = True
    world.there.now = {"8"}
    for world.time in (KEPT + 1, KEPT + 2, KEPT_SILENT - 1):
        assert world.staff([making.HERE, THERE]) == {making.HERE: {"1"}, THERE: {"2"}}
    assert (world.here.asked, world.there.asked) == (2, 2)
    world.there.silent = False
    world.time = KEPT + KEPT_SILENT + 2
    assert world.staff([THERE]) == {THERE: {"8"}}


def test_a_server_that_never_answered_and_one_that_is_not_configured_any_more_have_no_staff_that_is_known() -> None:
    world = World()
    world.here.silent = True
    assert world.staff([making.HERE, InstanceId("gone")]) == {making.HERE: ()}
