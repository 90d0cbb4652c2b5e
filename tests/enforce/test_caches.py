"""A purged file that a cache goes on showing: not done, tried for long, and ours when it is gone at last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import making
from bot.domain.decisions import STILL_SERVED, AlreadyDone, Verification
from bot.enforce.apply import CACHE_TRIES, TRIES
from enforce.platform import Platform
from enforce.test_apply import BAN, PURGE, World

if TYPE_CHECKING:
    import pytest

    from bot.domain.decisions import Intent, Outcome


class BehindCache(Platform):
    """Purges at once; the public sees the file until ``cached`` looks are over."""

    cached = 10**6

    def verify(self, intent: Intent) -> Verification:
        found = super().verify(intent)
        if intent.kind != "purge_file" or not found.so:
            return found
        self.cached -= 1
        return Verification(so=False, detail=f"{STILL_SERVED}: …") if self.cached > 0 else Verification(so=True)

    def apply(self, intent: Intent) -> Outcome:
        outcome = super().apply(intent)
        return AlreadyDone(note="no such name (any more)") if isinstance(outcome, AlreadyDone) else outcome


def behind_cache(looks: int) -> World:
    world = World()
    world.platform = BehindCache()
    world.platform.cached = looks
    world.restart()
    return world


def test_purge_that_a_cache_outlives_is_held_in_the_end_and_holds_nothing_up() -> None:
    world = behind_cache(10**6)
    world.plan(PURGE, BAN)
    began = world.clock.now()
    world.work()
    assert world.clock.now() == began  # nobody waits seconds for what takes days
    world.work()
    assert world.states() == {"purge_file": "ready", "ban_account": "done"}
    world.settle()
    (record,) = world.ledger.intents(case=1, kind="purge_file")
    assert record.state.value == "held"
    assert record.attempts == CACHE_TRIES > TRIES
    assert STILL_SERVED in record.detail
    assert world.ledger.left_in_caches() == [1]
    assert world.platform.done["purge_file"] == 1
    world.ledger.close()


def test_purge_is_ours_when_the_cache_forgets() -> None:
    world = behind_cache(5)
    world.plan(PURGE)
    world.settle()
    assert world.states() == {"purge_file": "done"}
    assert len(world.confirmed) == 1
    assert world.ledger.outcomes()["purge_file", "done"] == 1
    world.ledger.close()


class Stuck(Platform):
    """Takes every purge, and carries none out."""

    def verify(self, intent: Intent) -> Verification:
        return Verification(so=False) if intent.kind == "purge_file" else super().verify(intent)


def test_purges_that_are_not_carried_out_keep_no_ban_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes a quarter of a minute: a round is over after one, and the first is to be tried again by then."""
    monkeypatch.setattr("bot.enforce.rounds.SLICE", 1)
    world = World()
    world.platform = Stuck()
    world.restart()
    purges = [replace(PURGE, name=making.alias(f"{number}.png")) for number in range(10)]
    world.plan(*purges, BAN)
    began = world.clock.now()
    for _ in range(2):
        world.work()
    assert world.states()["ban_account"] == "done"
    assert world.clock.now() - began < timedelta(seconds=20)
    for _ in range(10):
        world.work()
    tries = [one.attempts for one in world.ledger.intents(case=1, kind="purge_file")]
    assert min(tries) == 1, "and none of them the others"
    world.ledger.close()
