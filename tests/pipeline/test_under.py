"""Another configuration while a file is on its way: no verdict mixes the two."""

from __future__ import annotations

import asyncio
import hashlib

import making
from bot.domain.decisions import IntentState, Stage
from pipeline.test_examine import BAD, CLAY, World


def test_file_on_its_way_arrives_by_the_rules_it_began_with():
    world = World()
    old = making.rule(text="old words")
    new = making.rule(text="new words", stage=Stage.OBSERVE)
    stages = world.pipeline._s
    before = world.pipeline.under(rules=[old], guard=stages.guard, limiter=stages.limiter, matcher=stages.matcher)
    scoring, go_on = asyncio.Event(), asyncio.Event()
    score = world.score

    async def slow(decoded):
        scoring.set()
        await go_on.wait()
        return await score(decoded)

    async def run():
        world.score = slow
        first = asyncio.create_task(before.examine(str(world.see(BAD))))
        await scoring.wait()
        after = before.under(rules=[new], guard=stages.guard, limiter=stages.limiter, matcher=stages.matcher)
        go_on.set()
        await first
        world.listed.add(hashlib.sha256(CLAY).hexdigest())
        await after.examine(str(world.see(CLAY, name="b.png", post=2)))

    asyncio.run(run())
    records = world.ledger.intents()
    assert {record.rule_digest for record in records if record.case == 1} == {old.digest}
    assert {record.rule_digest for record in records if record.case == 2} == {new.digest}
    assert {record.state for record in records if record.case == 2} == {IntentState.HELD}
    assert world.ledger.rule_text(old.digest) != world.ledger.rule_text(new.digest)
    assert "old words" in (world.ledger.rule_text(old.digest) or "")
    world.ledger.close()
