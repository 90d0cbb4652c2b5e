"""Takes one post or file through the stages at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.content import SubjectKey
from bot.operate.pasted import pasted
from bot.ports import Batch, Gone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.content import InstanceId, Name
    from bot.domain.evidence import Scan
    from bot.pipeline import Pipeline
    from bot.ports import Instance, IntentRecord, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """One file, what is known of it now, and the intents of its case."""

    name: Name
    scan: Scan | None
    intents: Sequence[IntentRecord]


async def process(
    ledger: Ledger, instances: Mapping[InstanceId, Instance], pipeline: Pipeline, text: str
) -> Sequence[Processed]:
    """Read what ``text`` names (URL of a post, comment or image, or an alias), and examine all its media.

    Empty when no instance knows it. Raises ``PlatformError`` when a server cannot be asked.
    """
    text = pasted(text)
    names: dict[str, Name] = {}
    for instance in instances.values():
        meant = await asyncio.to_thread(instance.resolver.locate, text)
        if meant is None:
            continue
        if isinstance(meant, SubjectKey):
            batch = await asyncio.to_thread(instance.sources[0].read, meant)
            if isinstance(batch, Gone):
                continue
            await asyncio.to_thread(_record, ledger, batch)
            # Profiles and community pages come along with a post; only what it shows itself was asked for.
            names |= {str(s.name): s.name for s in batch.sightings if s.subject.key == meant}
        else:
            address = instance.resolver.address(meant)
            await asyncio.to_thread(ledger.add_name, meant, address)
            names[str(meant)] = meant
    return [await _one(ledger, pipeline, name) for name in names.values()]


def _record(ledger: Ledger, batch: Batch) -> None:
    ledger.record("", batch, examine_uploads=False)


async def _one(ledger: Ledger, pipeline: Pipeline, name: Name) -> Processed:
    scan = await pipeline.examine(str(name))
    record = await asyncio.to_thread(ledger.name, str(name))
    file = await asyncio.to_thread(ledger.file, record.file_id) if record is not None else None
    if file is None or file.case is None:
        return Processed(name=name, scan=scan, intents=())
    return Processed(name=name, scan=scan, intents=await asyncio.to_thread(_intents, ledger, file.case))


def _intents(ledger: Ledger, case: int) -> Sequence[IntentRecord]:
    return ledger.intents(case=case)
