"""No deed twice, none lost, order kept, undo restores, for every interleaving of crash, retry, human act and undo.

``MACHINE_EXAMPLES=2000`` makes a long run of it and prints where it got to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ledger.backends import SHARED

from .running import EXAMPLES, LONG, STEPS, on, run
from .tally import TALLY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(0 if LONG else 900)

REACHED = (
    *(("deeds", what) for what in ("changed the server", "tried again", "report opened again")),
    *(("undo", what) for what in ("changed the server", "left alone what was so or not ours")),
    ("undo", "found as it was before the bot came"),
    *(("died", ""), ("died", "with a request on its way"), ("overtaken", ""), ("humans", "changed the server")),
    *(("faults", "lost"), ("faults", "late")),
    *(("decided", what) for what in ("approve", "dismiss", "undo", "stop", "release")),
)
"""Where the machine has to get to, or it would prove nothing."""

RARELY = (
    ("overtaken", "and lost the lease in the middle"),
    *(("faults", "a request arrived late"), ("decided", "undo since"), ("decided", "open breaker")),
    *(("ended", "held, for nobody could tell whether it was done"), ("ended", "ready, behind what waits for a human")),
)
"""And where a run of so many has to."""

MANY = 1000


def test_in_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TALLY.clear()
    with on("sqlite-memory", tmp_path) as machine:
        run(machine, EXAMPLES)
    if LONG:
        with capsys.disabled():
            print(f"\n{EXAMPLES} examples of {STEPS} steps at most\n\n{TALLY.table()}")  # noqa: T201 - it was asked for
    wanted = (*REACHED, *RARELY) if EXAMPLES >= MANY else REACHED
    assert not [f"{group}: {what}" for group, what in wanted if not TALLY.of(group, what)]


@pytest.mark.parametrize("name", SHARED)
def test_on_a_shared_database(name: str, tmp_path: Path) -> None:
    with on(name, tmp_path) as machine:
        run(machine, max(8, EXAMPLES // 10))
