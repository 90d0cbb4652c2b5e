"""What the audit chain costs: the same deeds written with it and without it, by turns, and how fast it is verified."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from bot.clock import SystemClock
from bot.domain.decisions import Allow, BanAccount, Done, IntentState, PurgeFile, Remove, Report
from bot.ledger import chain, open_ledger
from bot.ports import Batch
from ledger.docket import verdict
from making import EXACT, HERE, account, address, alias, evidence, hit, post, sighting

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.ledger import SqlLedger

APPEND = chain.append


def nothing(*_: Any) -> list[int]:
    return []


def case(ledger: SqlLedger, number: int, fence: int) -> None:
    """A file is flagged; four deeds are planned, begun, ended; one is undone."""
    name = alias(f"{number}.png")
    seen = sighting(post(number), name)
    ledger.record("", Batch(sightings=[seen]), examine_uploads=False)
    file_id = ledger.bind(name, f"{number:064x}")
    ledger.save_scan(file_id, evidence(hit()))
    case_number = ledger.open_case(file_id).number
    who = account(f"a{number}")
    intents = [
        Report(instance=HERE, subject=post(number), text="please review"),
        Remove(instance=HERE, subject=post(number), text="please review"),
        PurgeFile(instance=HERE, name=name, url=address(name)),
        BanAccount(instance=HERE, account=who),
    ]
    records = ledger.add_verdict(case_number, file_id, verdict(EXACT), [(intent, Allow()) for intent in intents])
    for record in records:
        attempt = ledger.begin(record.id, reverting=False, before={"removed": False}, fence=fence)
        ledger.end(attempt, Done(note="done"), state=IntentState.DONE)
    ledger.set_state(records[1].id, IntentState.UNDOING, by="mod")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=150, help="in each round")
    parser.add_argument("--rounds", type=int, default=4)
    wanted = parser.parse_args()
    ways: dict[str, Callable[..., Any]] = {"without": nothing, "with": APPEND}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        ledgers = {way: open_ledger(f"sqlite:///{folder}/{way}.db", clock=SystemClock()) for way in ways}
        for turn in range(wanted.rounds):
            for way, append in ways.items():
                chain.append = append
                ledger = ledgers[way]
                lease = ledger.acquire("bench", seconds=3600)
                assert lease is not None
                began = time.perf_counter()
                for number in range(wanted.cases):
                    case(ledger, turn * wanted.cases + number + 1, lease.fence)
                seconds[way].append(time.perf_counter() - began)
        chain.append = APPEND
        per_case = {way: statistics.median(times) / wanted.cases * 1000 for way, times in seconds.items()}
        began = time.perf_counter()
        report = ledgers["with"].verify()
        verifying = time.perf_counter() - began
        sizes = {way: (Path(folder) / f"{way}.db").stat().st_size for way in ways}
        for ledger in ledgers.values():
            ledger.close()
    assert not report.problems
    print(f"{datetime.now(UTC):%Y-%m-%d}, {wanted.cases * wanted.rounds} cases, {report.entries} entries")
    for way, milliseconds in per_case.items():
        print(f"{way:>8} the chain: {milliseconds:6.2f} ms a case")
    print(f"   ratio: {per_case['with'] / per_case['without']:.2f}")
    print(f"   verify: {report.entries / verifying:,.0f} entries a second")
    print(f"   size: {sizes['without'] / 1e6:.1f} MB without, {sizes['with'] / 1e6:.1f} MB with")


if __name__ == "__main__":
    main()
