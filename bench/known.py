"""What a file costs whose digest is known, from a server that says it or from bytes that were fetched: one look-up."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bot.classify.batcher import BatchScorer
from bot.classify.opennsfw import OpenNsfwDetector, OpenNsfwSettings
from bot.clock import SystemClock
from bot.domain.content import Alias, InstanceId
from bot.domain.evidence import Evidence, Score
from bot.ledger import open_ledger
from bot.matching.matcher import ListMatcher
from bot.pipeline.scan import Scanner

FILES = 2_000
ASKED = 500


def known_file() -> dict[str, float]:
    """Milliseconds from a digest to scores and hits, median and slowest of a hundred; in a ledger of 2,000 files."""
    detector = OpenNsfwDetector(OpenNsfwSettings(id="nsfw"))
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(f"sqlite:///{Path(folder) / 'ledger.db'}", clock=SystemClock())
        digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(FILES)]
        score = Score(detector="nsfw", revision=detector.revision, label="nsfw", value=0.01)
        for number, digest in enumerate(digests):
            file = ledger.bind(Alias(instance=InstanceId("here"), value=f"{number}.jpg"), digest)
            ledger.save_scan(file, Evidence(sha256=digest, media_type="image/jpeg", size=1, scores=(score,)))
        rooms = SimpleNamespace(ledger=ledger, matcher=ListMatcher(ledger, []), scorer=BatchScorer([detector]))
        scanner = Scanner(cast("Any", rooms))
        taken = []
        for digest in digests[:: FILES // ASKED]:
            began = time.perf_counter()
            found = ledger.file_by_sha256(digest)
            assert found is not None
            assert scanner.fresh(found) is not None
            taken.append((time.perf_counter() - began) * 1000)
        ledger.close()
    taken.sort()
    return {"median_ms": statistics.median(taken), "slowest_of_100_ms": taken[-len(taken) // 100]}
