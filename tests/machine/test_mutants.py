"""The machine can fail: bots with one thing wrong with them, each of which it has to catch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.domain.decisions import Done, Failed, IntentState
from bot.enforce import Enforcement
from bot.enforce.rounds import Progress

from .test_machine import STEPS, on, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bot.domain.decisions import Attempt, Intent, Outcome, Verification
    from bot.ports import Enforcer, IntentRecord

EXAMPLES = 150
"""At most: each of them is caught by the first few dozens."""


class ActsFirst(Enforcement):
    """Calls the server before it has written that it will."""

    def _do(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        enforcer.apply(record.intent)
        return super()._do(record, enforcer, fence)


class AsksNobody(Enforcement):
    """Tries again what was interrupted, as if it had not been begun."""

    def _recover(self, record: IntentRecord, enforcer: Enforcer, attempt: Attempt) -> Progress:
        self._docket.end(attempt, Failed(note="interrupted"), state=IntentState.READY)
        return Progress(again_at=self._clock.now())


class ForgetsFailures(Enforcement):
    """Takes every answer for a yes."""

    def _finish(self, record: IntentRecord, enforcer: Enforcer, attempt: Attempt, outcome: Outcome) -> Progress:
        return super()._finish(record, enforcer, attempt, Done() if isinstance(outcome, Failed) else outcome)


class UndoesOnPaper(Enforcement):
    """Writes that it was undone."""

    def _undo(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        attempt = self._docket.begin(record.id, reverting=True, before={}, fence=fence)
        self._docket.end(attempt, Done(), state=IntentState.UNDONE)
        return Progress()


class _OursAlone:
    """A server on which everything was done by the bot."""

    def __init__(self, real: Enforcer) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def verify(self, intent: Intent) -> Verification:
        return replace(self._real.verify(intent), by_us=True)


class OverrulesHumans(Enforcement):
    """Takes back what others have done since."""

    def _undo(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        return super()._undo(record, _OursAlone(enforcer), fence)  # type: ignore[arg-type]


def _first_of_all(record: IntentRecord, others: list[IntentRecord], docket: Any) -> Any:
    tries = [attempt for one in [record, *others] for attempt in docket.attempts(one.id) if not attempt.reverting]
    return min(tries, key=lambda attempt: attempt.id).before if tries else None


def _whatever(*_: object, **__: object) -> None:
    return None


@contextmanager
def _blind_to_fences() -> Iterator[None]:
    """Whoever was overtaken goes on."""
    with mock.patch("bot.ledger.deeds.newest_fence") as newest:
        newest.return_value.__ne__ = lambda *_: False
        yield


PATCHES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "does not wait for what may still arrive": lambda: mock.patch("bot.enforce.apply.LATE", timedelta(0)),
    "keeps no order": lambda: mock.patch("bot.enforce.rounds.blocker", _whatever),
    "does not see the kill switch": lambda: mock.patch("bot.ledger.deeds.stop_in", _whatever),
    "does not look at the lease": _blind_to_fences,
    "restores what was so before anything": lambda: mock.patch("bot.enforce.undo._before", _first_of_all),
    "purges what was dismissed": lambda: mock.patch("bot.operate.undo._begun", lambda _: False),  # noqa: PT008
}


@pytest.fixture(autouse=True)
def silent(quiet: None) -> None:
    """As the machine itself."""


@pytest.mark.parametrize("mutant", [ActsFirst, AsksNobody, ForgetsFailures, UndoesOnPaper, OverrulesHumans])
def test_a_bot_that_is_wrong_is_caught(mutant: type[Enforcement], tmp_path: Path) -> None:
    with on("sqlite-memory", tmp_path) as machine:
        machine.enforcement = mutant
        catch(machine)


@pytest.mark.parametrize("wrong", PATCHES)
def test_a_bot_with_a_wrong_part_is_caught(wrong: str, tmp_path: Path) -> None:
    with on("sqlite-memory", tmp_path) as machine, PATCHES[wrong]():
        catch(machine)


def catch(machine: Any) -> None:
    """The machine fails, and not because it could not run."""
    with pytest.raises(AssertionError) as caught:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert str(caught.value)


__all__ = ["quiet"]
