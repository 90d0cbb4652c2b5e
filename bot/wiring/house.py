"""What the settings describe, put together."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from bot.clock import SystemClock
from bot.domain.content import InstanceId
from bot.ending import TIDY
from bot.settings import LOCAL_BLOCK, digest
from bot.wiring.blocks import check_blocks, open_channel, open_instance
from bot.wiring.detectors import decode_limits
from bot.wiring.living import make_daemon
from bot.wiring.renewal import take_up
from bot.wiring.rules import read_rules, thresholds
from bot.wiring.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from adapters.registry import Platform
    from bot.attribution import Index
    from bot.classify.batcher import BatchScorer
    from bot.classify.settings import DetectorSettings
    from bot.daemon import Daemon
    from bot.enforce import Enforcement
    from bot.matching.matcher import ListMatcher
    from bot.media.decode import ProcessDecoder
    from bot.operate.brakes import StopFile
    from bot.operate.reload import Change
    from bot.pipeline import Pipeline, PresentStaff, Strangers
    from bot.pipeline.standing import Limiter
    from bot.pipeline.trial import Trial
    from bot.policy import Guard, Rule
    from bot.ports import Channel, Instance, IntentRecord, Ledger, Resolver
    from bot.settings import Settings

T = TypeVar("T")


class House:
    """What a command may need; each part is made when it is first asked for."""

    def __init__(self, settings: Settings, base: Path, ledger: Ledger | None = None) -> None:
        """``base``: the folder that relative paths start from."""
        self.settings = settings
        self.base = base
        self.clock = SystemClock()
        self.ledger = open_store(settings, base=base) if ledger is None else ledger

    def close(self) -> None:
        """Let go of the ledger."""
        self.ledger.close()

    @cached_property
    def instances(self) -> Mapping[InstanceId, Instance]:
        """Every configured server by its id."""
        from bot.notify import NotifyingEnforcer

        return {
            instance.id: replace(
                instance, enforcer=NotifyingEnforcer(instance.enforcer, self.ledger, lambda: self.channels)
            )
            for instance in (
                open_instance(number, block, self.base, self.clock, self.settings.start_from, self.ledger)
                for number, block in enumerate(self.settings.instances)
            )
        }

    @cached_property
    def channels(self) -> Sequence[Channel]:
        """By which the operators are told something."""
        return [open_channel(number, block, self.base) for number, block in enumerate(self.settings.notify)]

    @cached_property
    def index(self) -> Index:
        """Attribution."""
        from bot.attribution import Index

        return Index(self.ledger, self._resolvers)

    @property
    def _resolvers(self) -> Mapping[InstanceId, Resolver]:
        return {id_: instance.resolver for id_, instance in self.instances.items()}

    @cached_property
    def rules(self) -> Sequence[Rule]:
        """The operator's rules."""
        return read_rules(self.settings, self.base)

    @property
    def _detectors(self) -> Sequence[DetectorSettings]:
        """The entries of ``detectors``, each as its kind reads it."""
        from bot.classify.registry import read_settings

        return [read_settings(block).beside(self.base) for block in self.settings.detectors]

    @cached_property
    def guard(self) -> Guard:
        """Limits before deeds."""
        from bot.policy import Guard, Limits, Quotas

        settings = self.settings
        quotas = settings.quotas.model_dump()
        within = {key: quotas.pop(key) for key in ("per_day", "per_account", "per_community")}
        return Guard(
            limits=Limits(
                irreversible=frozenset(settings.irreversible),
                evidence=settings.evidence,
                quotas=Quotas(per_hour=quotas, **within),
                backlog_stage=settings.backlog_stage,
                protected_accounts=settings.protected.accounts,
                protected_communities=settings.protected.communities,
            )
        )

    @property
    def lasting(self) -> frozenset[str]:
        """Kinds of deeds that nothing takes back on one of the configured platforms at least."""
        from adapters.registry import PLATFORMS

        known = [PLATFORMS.get(str(block.get("platform"))) for block in self.settings.instances]
        return frozenset[str]().union(*(platform.irreversible for platform in known if platform is not None))

    @cached_property
    def matcher(self) -> ListMatcher:
        """Block and allow lists."""
        from bot.matching.lists import ListFile
        from bot.matching.matcher import ListMatcher

        files = [
            ListFile(path=self.base / one.file, list_id=one.id, mode=one.mode)
            for one in self.settings.lists
            if one.file is not None
        ]
        return ListMatcher(self.ledger, files)

    @cached_property
    def decoder(self) -> ProcessDecoder:
        """Worker processes; they start with the first file."""
        from bot.media.decode import ProcessDecoder

        media = self.settings.media
        return ProcessDecoder(workers=media.decode_workers, limits=decode_limits(media))

    @cached_property
    def scorer(self) -> BatchScorer:
        """Detectors."""
        from bot.classify.batcher import After, BatchScorer
        from bot.classify.registry import build_detectors

        detectors = self._detectors
        scorer = BatchScorer(
            build_detectors(detectors),
            after={one.id: After(**one.after.model_dump()) for one in detectors if one.after is not None},
        )
        scorer.watch(thresholds(self.rules))
        return scorer

    @cached_property
    def stop_file(self) -> StopFile:
        """The kill switch that needs no command."""
        from bot.operate.brakes import StopFile

        return StopFile(self.ledger, self.base / self.settings.stop_file)

    @cached_property
    def limiter(self) -> Limiter:
        """How quotas, breakers and the kill switch stand."""
        return self._limiter(lambda: "")

    def _limiter(self, stopped: Callable[[], str]) -> Limiter:
        from bot.pipeline.standing import Limiter
        from bot.policy import Breaker

        breaker = self.settings.breaker
        return Limiter(
            self.ledger,
            self.clock,
            breaker=Breaker(share=breaker.flagged_share, least=breaker.least),
            window=breaker.window,
            stopped=stopped,
        )

    @cached_property
    def _strangers(self) -> Strangers:
        from bot.pipeline import Strangers

        return Strangers(self.ledger, self.index, self.clock)

    @cached_property
    def _staff(self) -> PresentStaff:
        from bot.pipeline import PresentStaff

        return PresentStaff({id_: instance.resolver for id_, instance in self.instances.items()})

    @cached_property
    def enforcement(self) -> Enforcement:
        """The only part that acts."""
        from bot.enforce import Enforcement
        from bot.pipeline import Mistaken, Protection, Recheck, follow_up, forget_taken_back, remember_confirmed

        def confirmed(record: IntentRecord) -> None:
            remember_confirmed(self.ledger, record, LOCAL_BLOCK)
            follow_up(self.ledger, self.clock, record)

        return Enforcement(
            self.ledger,
            {id_: instance.enforcer for id_, instance in self.instances.items()},
            self.clock,
            confirmed=confirmed,
            taken_back=lambda record: forget_taken_back(self.ledger, record, LOCAL_BLOCK),
            recheck=Recheck(self.ledger, self.index, self.instances),
            protected=Protection(self.ledger, lambda: self.guard, self._staff),
            mistaken=Mistaken(self.ledger, self.index),
            strangers=self._strangers,
            gone_with=self._strangers.gone_with,
            unjudged=self._strangers.unjudged,
            look=self.stop_file.look,
            hands=max(1, self.settings.tasks_at_once // 2),
            unreportable=self._those(lambda platform: platform.unreportable),
        )

    def _those(self, which: Callable[[Platform], bool]) -> frozenset[InstanceId]:
        """The instances on platforms of a kind."""
        from adapters.registry import PLATFORMS

        return frozenset(id_ for id_, instance in self.instances.items() if which(PLATFORMS[instance.platform]))

    @cached_property
    def pipeline(self) -> Pipeline:
        """The road through the rooms. To be asked for inside a running event loop, by ``once`` or ``run``."""
        from adapters.embedded import within
        from bot.media.fetch import HttpFetcher
        from bot.pipeline import Pipeline, Stages
        from bot.telemetry.metrics import TimedScorer

        media = self.settings.media
        self._fetcher = HttpFetcher(
            clock=self.clock,
            allowed=[host for instance in self.instances.values() for host in instance.hosts],
            private_hosts=sorted(media.private_hosts),
            max_bytes=media.max_bytes,
            deadline=media.fetch_seconds,
            within=within,
        )
        return Pipeline(
            Stages(
                ledger=self.ledger,
                instances=self.instances,
                index=self.index,
                fetcher=self._fetcher,
                decoder=self.decoder,
                matcher=self.matcher,
                scorer=TimedScorer(self.scorer),
                rules=self.rules,
                guard=self.guard,
                limiter=self.limiter,
                enforcement=self.enforcement,
                judged=self._strangers.judged,
                staff=self._staff,
                clock=self.clock,
                names_several=self._those(lambda platform: platform.names_several),
            )
        )

    @cached_property
    def trial(self) -> Trial:
        """The rules, to be tried. Contacts nobody and writes nothing."""
        from adapters.registry import PLATFORMS
        from bot.pipeline.trial import Trial

        check_blocks(self.settings, self.base)
        file = self.stop_file  # where no bot runs, nobody has written down that it is there
        return Trial(
            ledger=self.ledger,
            clock=self.clock,
            rules=self.rules,
            guard=self.guard,
            limiter=self._limiter(lambda: f"{file.path.name} is there and stops all deeds" if file.there else ""),
            matcher=self.matcher,
            platforms={InstanceId(block["id"]): str(block["platform"]) for block in self.settings.instances},
            irreversible={name: platform.irreversible for name, platform in PLATFORMS.items()},
            revisions=self.scorer.revisions,
            passed_over=self.scorer.passed_over,
            behind={one.id: one.after.detector for one in self._detectors if one.after is not None},
            resolvers=self._resolvers,
        )

    def take_up(self, written: Settings) -> Change:
        """Go on by another configuration, as far as that is possible without a restart.

        Raises ``ConfigError`` for one that could not be started with, and ``LedgerError``; then nothing has changed.
        """
        return take_up(self, written)

    async def once(self, work: Callable[[], Awaitable[T]], *, patience: float | None = None) -> T:
        """Do one thing with the asynchronous parts, and put them away: in ``patience`` seconds, if that is given."""
        try:
            return await work()
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._put_away()

    async def _put_away(self) -> None:
        if "decoder" in self.__dict__:
            await self.decoder.aclose()
        if "scorer" in self.__dict__:
            await self.scorer.aclose()
        if "pipeline" in self.__dict__:
            await self._fetcher.aclose()

    async def run(self, read: Callable[[], Settings]) -> int:
        """The daemon, until it is stopped; how many calls to servers that do not answer it leaves behind.

        ``read`` gives the configuration as it is by then. It raises ``ConfigError``.
        """
        from bot.operate.reload import Reloader

        loop = asyncio.get_running_loop()

        async def work() -> Daemon:
            def hand_over() -> Change:
                change = self.take_up(read())
                loop.call_soon_threadsafe(
                    lambda: daemon.renew(
                        pipeline=self.pipeline,
                        poll_every=self.settings.poll_every,
                        examine_uploads=self.settings.unposted_uploads == "scan",
                    )
                )
                return change

            reloader = Reloader(self.ledger, self.clock, hand_over)
            daemon = make_daemon(self, reloader)
            await asyncio.to_thread(reloader.begin)
            await asyncio.to_thread(self.ledger.note_config, digest(self.settings), why="start")
            await self.decoder.start()
            await daemon.run()
            return daemon

        daemon = await self.once(work, patience=TIDY)
        return daemon.threads.leave()
