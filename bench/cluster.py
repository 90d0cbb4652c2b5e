"""How long one picture takes that is posted many times: judging it, and carrying out what follows.

No server is asked and no picture is decoded: what is measured is the bot's own work, for the ledger is real.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.attribution import Index
from bot.domain.content import Account, Alias, Community, InstanceId, MediaRef, Post, Role, Sighting, Upload
from bot.domain.decisions import AlreadyDone, Done, LastWord, Offer, PurgeFile, Stage, Verification
from bot.domain.evidence import Hit, ListMode, MatchedBy, Score
from bot.enforce import Enforcement
from bot.ledger import open_ledger
from bot.pipeline import Pipeline, Stages
from bot.pipeline.standing import Limiter
from bot.policy import Breaker, Condition, Guard, Limits, Rule, Want
from bot.ports import Batch, Decoded, Fetched, Gone, Instance, TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.content import Name, Subject
    from bot.domain.decisions import Intent, Outcome
    from bot.ports import Task

HERE = InstanceId("here")
BYTES = b"the same picture every time"
START = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAGE = 50


class Moving:
    """A clock that jumps to the next thing to do."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time


class Platform:
    """A server that answers at once, and counts."""

    def __init__(self) -> None:
        self.so: set[tuple[str, str]] = set()
        self.order: list[str] = []

    def offers(self, intent: Intent) -> Offer:
        return Offer(supported=True, reversible=not isinstance(intent, PurgeFile), route="memory")

    def verify(self, intent: Intent) -> Verification:
        so = (intent.kind, intent.target) in self.so
        return Verification(so=so, by_us=so or None, state={"so": so})

    def apply(self, intent: Intent) -> Outcome:
        if (intent.kind, intent.target) in self.so:
            return AlreadyDone(by_us=True)
        self.so.add((intent.kind, intent.target))
        self.order.append(intent.kind)
        return Done()

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:  # noqa: ARG002 - the promise of what it stands for
        self.so.discard((intent.kind, intent.target))
        return Done()

    def last_word(self, intent: Intent, since: datetime) -> LastWord:  # noqa: ARG002 - the promise of what it stands for
        return LastWord.NOBODYS

    def reopen(self, report: object) -> Outcome:  # noqa: ARG002 - the promise of what it stands for
        return Done()


class World:
    """Every post shows the same bytes under another name, stored by one of ``accounts``."""

    revisions: Mapping[str, str] = {"none": "1"}
    views = ()

    def __init__(self, posts: int, accounts: int, folder: Path) -> None:
        self.posts, self.accounts = posts, accounts
        self.clock = Moving()
        self.ledger = open_ledger(f"sqlite:///{folder}/ledger.db", clock=self.clock)
        self.platform = Platform()
        self.digest_of_all = hashlib.sha256(BYTES).hexdigest()
        kinds = ("report", "remove", "purge_file", "ban_account")
        rule = Rule(
            id="known",
            when=Condition(lists=("bad",)),
            then=[Want(kind=kind) for kind in kinds],
            stage=Stage.ENFORCE,
        )
        instance = Instance(
            id=HERE,
            platform="lemmy",
            sources=[self],  # type: ignore[list-item]
            resolver=self,
            enforcer=self.platform,
            inspector=None,  # type: ignore[arg-type]
            hosts=(),
        )
        self.pipeline = Pipeline(
            Stages(
                ledger=self.ledger,
                instances={HERE: instance},
                index=Index(self.ledger, {HERE: self}),
                fetcher=self,
                decoder=self,
                matcher=self,
                scorer=self,
                rules=[rule],
                guard=Guard(limits=Limits(irreversible=frozenset({"purge_file"}), evidence="none")),
                limiter=Limiter(self.ledger, self.clock, breaker=Breaker(), window=timedelta(hours=1)),
                enforcement=Enforcement(self.ledger, {HERE: self.platform}, self.clock, confirmed=lambda _: None),
                clock=self.clock,
            )
        )

    def account(self, number: int) -> Account:
        name = f"raider{number % self.accounts}"
        return Account(
            instance=HERE,
            local_id=name,
            uri=f"https://here.example/u/{name}",
            handle=f"{name}@here.example",
            home_host="here.example",
            is_local=True,
            created_at=START - timedelta(hours=1),
        )

    def alias(self, number: int) -> Alias:
        return Alias(instance=HERE, value=f"{number:08}.png")

    def address(self, name: Name) -> str:
        return f"https://here.example/pictrs/image/{name.value}"

    def sighting(self, number: int) -> Sighting:
        community = Community(
            instance=HERE, local_id="1", uri="https://here.example/c/a", handle="a@here.example", is_local=True
        )
        page = f"https://here.example/post/{number}"
        post = Post(
            instance=HERE,
            local_id=str(number),
            uri=page,
            url=page,
            author=self.account(number),
            community=community,
            revision="1",
        )
        media = MediaRef(url=self.address(self.alias(number)), role=Role.ATTACHMENT)
        return Sighting(subject=post, media=media, name=self.alias(number), seen_at=self.clock.now())

    # what the pipeline asks
    def names(self, name: Name) -> Sequence[Name]:
        return [self.alias(number) for number in range(self.seen) if self.alias(number) != name]

    def uploader(self, name: Name) -> Upload:
        number = int(name.value.split(".")[0])
        return Upload(name=name, url=self.address(name), uploader=self.account(number), uploaded_at=START)

    def digest(self, name: Name) -> str | None:  # noqa: ARG002 - the promise of what it stands for
        return self.digest_of_all

    def uses(self, name: Name) -> Sequence[Subject]:  # noqa: ARG002 - the promise of what it stands for
        return ()

    def read(self, key: object) -> Gone:  # noqa: ARG002 - the promise of what it stands for
        return Gone(detail="")

    def locate(self, text: str) -> None:  # noqa: ARG002 - the promise of what it stands for
        return None

    async def fetch(self, url: str) -> Fetched:
        return Fetched(url=url, final_url=url, data=BYTES, declared_type="image/png")

    async def decode(self, data: bytes, views: object) -> Decoded:  # noqa: ARG002 - the promise of what it stands for
        return Decoded(
            media_type="image/png",
            width=1,
            height=1,
            frames=1,
            pixels="ab" * 32,
            pdq="cd" * 32,
            pdq_quality=100,
            views={},
        )

    async def score(self, decoded: object) -> tuple[list[Score], tuple[str, ...]]:  # noqa: ARG002 - the promise of what it stands for
        return [Score(detector="none", revision="1", label="x", value=0.0)], ()

    def match(self, *, sha256: str, pixels: object, pdq: object, pdq_quality: object) -> list[Hit]:  # noqa: ARG002 - the promise of what it stands for
        return [Hit(list_id="bad", mode=ListMode.BLOCK, by=MatchedBy.SHA256, entry=sha256)]

    # the day
    async def judge(self) -> None:
        """Page after page arrives, and all that is to be looked at is looked at before the next."""
        for first in range(0, self.posts, PAGE):
            self.seen = min(first + PAGE, self.posts)
            batch = Batch(sightings=[self.sighting(number) for number in range(first, self.seen)])
            self.ledger.record("", batch, examine_uploads=False)
            await self._work([kind for kind in TaskKind if kind not in {TaskKind.ENFORCE, TaskKind.REVISIT}])
            self.clock.time += timedelta(seconds=1)

    async def act(self) -> None:
        lease = self.ledger.acquire("bench", seconds=1e9)
        await self._work([TaskKind.ENFORCE], lease)

    async def _work(self, kinds: Sequence[TaskKind], lease: Any = None) -> None:
        idle = 0
        while True:
            tasks: Sequence[Task] = self.ledger.take(kinds, limit=8, lease_seconds=1e6)
            if not tasks:
                idle += 1
                if idle > 40:
                    return
                self.clock.time += timedelta(seconds=1)
                continue
            idle = 0
            await asyncio.gather(*(self.pipeline.run(task, lease) for task in tasks))


async def measure(posts: int, accounts: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(posts, accounts, Path(folder))
        began, cpu = time.perf_counter(), time.process_time()
        await world.judge()
        judged, judged_cpu = time.perf_counter() - began, time.process_time() - cpu
        began, cpu = time.perf_counter(), time.process_time()
        await world.act()
        acted, acted_cpu = time.perf_counter() - began, time.process_time() - cpu
        counts = world.ledger.counts()
        bans = [place for place, kind in enumerate(world.platform.order, 1) if kind == "ban_account"]
        done = f"{counts['reported']}/{counts['removed']}/{counts['purged']}/{counts['banned']}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"| {posts} | {accounts} | {judged:.1f} ({judged_cpu:.1f}) | {acted:.1f} ({acted_cpu:.1f}) | {done} "
            f"| {bans[-1] if bans else '-'} of {len(world.platform.order)} | {peak} MB |",
            flush=True,
        )
        world.ledger.close()


def main() -> None:
    """Print a row for each number of posts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, nargs="+", default=[250, 500, 1000])
    parser.add_argument("--accounts", type=int, default=50)
    wanted = parser.parse_args()
    print("| posts | accounts | judged, s (CPU) | acted, s (CPU) | done | last ban is deed | peak |")
    print("|---|---|---|---|---|---|---|")
    for posts in wanted.posts:
        asyncio.run(measure(posts, wanted.accounts))


if __name__ == "__main__":
    main()
