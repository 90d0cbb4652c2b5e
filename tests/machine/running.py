"""How long the machine runs, and on what."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from making import StillClock

from .ledgers import opened
from .machine import Bot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = os.environ.get("MACHINE_EXAMPLES")
"""Examples of a long run, which are other ones each time."""

LONG = SIZE is not None
EXAMPLES = int(SIZE or "40")
STEPS = 20
"""Of each example, at most."""


def run(machine: type[Bot], examples: int, *, like_always: bool = not LONG) -> None:
    """Raises what the machine finds. ``like_always``: the same examples each time, and no search for a smaller one."""
    phases = (Phase.generate,) if like_always else (Phase.generate, Phase.shrink)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=like_always,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


@contextmanager
def on(name: str, folder: Path) -> Iterator[type[Bot]]:
    """The machine on one kind of database, without the log: tens of thousands of deeds fail here, as they should."""
    clock, before = StillClock(), structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        with opened(name, folder, clock) as ledgers:
            yield type(f"BotOn{name.title().replace('-', '')}", (Bot,), {"ledgers": ledgers, "clock": clock})
    finally:
        structlog.configure(wrapper_class=before)
