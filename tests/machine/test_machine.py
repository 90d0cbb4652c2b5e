"""No deed twice, none lost, order kept, undo restores: for every interleaving of crash, retry, human action and undo."""

from __future__ import annotations

import os

import structlog
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.ledger import open_ledger
from ledger.backends import BACKENDS
from making import StillClock

from .machine import Bot
from .world import TALLY


def test_m(tmp_path):
    clock = StillClock()
    with BACKENDS["sqlite-memory"].url(tmp_path) as url:
        ledger = open_ledger(url, clock=clock)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))

        class Here(Bot):
            ledgers = [ledger]

        Here.clock = clock
        n = int(os.environ.get("FEDIWARDEN_EXAMPLES", "40"))
        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=n,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            ),
        )
        for k, v in sorted(TALLY.items()):
            print(f"{v:7} {k}")
