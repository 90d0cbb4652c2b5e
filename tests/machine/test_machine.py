"""No deed twice, none lost, order kept, undo restores, for every interleaving of crash, retry, human act and undo.

``FEDIWARDEN_EXAMPLES=2000`` makes a long run of it, other examples each time, and prints where it got to.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.ledger import open_ledger
from ledger.backends import BACKENDS, SHARED
from making import StillClock

from .machine import Bot
from .world import TALLY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = "FEDIWARDEN_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("FEDIWARDEN_EXAMPLES", "60"))
STEPS = 20

pytestmark = [pytest.mark.timeout(0)] if LONG else []

REACHED = (
    *("deeds that changed something", "deeds tried again", "undo changed something", "report opened again"),
    *("processes died", "died while a request was on its way", "lease lost in the middle", "a request arrived late"),
    *("humans changed something", "undone: as it was before", "undo left alone what was so or not ours"),
    *("held, and nobody could tell whether it was done", "waits for a held report or removal"),
    *("decided: approve", "decided: dismiss", "decided: undo", "decided: undo since", "decided: stop"),
    *("decided: release", "decided: open breaker"),
)
"""Where the machine has to get to, or it would prove nothing."""


def profile(examples: int) -> settings:
    """The same examples in every run of the suite; a long run makes its own."""
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=not LONG,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Tens of thousands of deeds fail here, as they should."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.configure(wrapper_class=before)


@contextmanager
def on(name: str, folder: Path) -> Iterator[type[Bot]]:
    """The machine on one kind of database; where others may share it, each process has a connection of its own."""
    backend, clock = BACKENDS[name], StillClock()
    with ExitStack() as stack:
        url = stack.enter_context(backend.url(folder))
        ledgers = [open_ledger(url, clock=clock) for _ in range(3 if backend.shared else 1)]
        for ledger in ledgers:
            stack.callback(ledger.close)
        yield type(f"BotOn{name.title().replace('-', '')}", (Bot,), {"ledgers": ledgers, "clock": clock})


def test_in_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TALLY.clear()
    with on("sqlite-memory", tmp_path) as machine:
        run_state_machine_as_test(machine, settings=profile(EXAMPLES))
    assert not [what for what in REACHED if not TALLY[what]]
    if LONG:
        with capsys.disabled():
            print(f"\n{EXAMPLES} examples of {STEPS} steps")  # noqa: T201  what a long run is made for
            print("\n".join(f"{number:9,} {what}" for what, number in sorted(TALLY.items())))  # noqa: T201


@pytest.mark.parametrize("name", SHARED)
def test_on_a_shared_database(name: str, tmp_path: Path) -> None:
    with on(name, tmp_path) as machine:
        run_state_machine_as_test(machine, settings=profile(max(8, EXAMPLES // 10)))
