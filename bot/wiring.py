"""The composition root: settings become objects here, and nowhere else. The only importer of ``adapters``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from bot.clock import SystemClock
from bot.domain.errors import ConfigError
from bot.settings import LOCAL_BLOCK, explain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path

    from bot.attribution import Index
    from bot.classify.batcher import BatchScorer
    from bot.domain.content import InstanceId
    from bot.enforce import Enforcement
    from bot.matching.matcher import ListMatcher
    from bot.media.decode import ProcessDecoder
    from bot.operate.brakes import StopFile
    from bot.pipeline import Pipeline
    from bot.pipeline.standing import Limiter
    from bot.policy import Guard, Rule
    from bot.ports import Instance, Ledger
    from bot.settings import RuleSettings, Settings

T = TypeVar("T")


def open_store(settings: Settings, *, base: Path) -> Ledger:
    """The ledger. A relative SQLite path starts from ``base``, the folder of the configuration file."""
    from bot.ledger import open_ledger

    return open_ledger(_database(settings.ledger, base), clock=SystemClock())


def build_house(settings: Settings, *, base: Path) -> House:
    """Everything that the settings describe, with nothing connected or loaded before it is used.

    Raises ``ConfigError`` for instances, detectors and list files that cannot be used, ``LedgerError`` for the ledger.
    """
    return House(settings, base)


class House:
    """What a command may need; each part is made when it is first asked for."""

    def __init__(self, settings: Settings, base: Path) -> None:
        """``base``: the folder that relative paths start from."""
        self.settings = settings
        self.base = base
        self.clock = SystemClock()
        self.ledger = open_store(settings, base=base)

    def close(self) -> None:
        """Let go of the ledger."""
        self.ledger.close()

    @cached_property
    def instances(self) -> Mapping[InstanceId, Instance]:
        """Every configured server by its id."""
        return {
            instance.id: instance
            for instance in (
                _instance(number, block, self.base, self.clock, self.settings.start_from)
                for number, block in enumerate(self.settings.instances)
            )
        }

    @cached_property
    def index(self) -> Index:
        """Attribution."""
        from bot.attribution import Index

        return Index(self.ledger, {id_: instance.resolver for id_, instance in self.instances.items()})

    @cached_property
    def rules(self) -> Sequence[Rule]:
        """The operator's rules."""
        return [_rule(rule, self.settings) for rule in self.settings.rules]

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
        from bot.media.limits import DecodeLimits

        media = self.settings.media
        limits = DecodeLimits(wall_seconds=media.decode_seconds)
        return ProcessDecoder(workers=media.decode_workers, limits=limits)

    @cached_property
    def scorer(self) -> BatchScorer:
        """Detectors."""
        from bot.classify.batcher import BatchScorer
        from bot.classify.registry import build_detectors, read_settings

        return BatchScorer(build_detectors([read_settings(block) for block in self.settings.detectors]))

    @cached_property
    def stop_file(self) -> StopFile:
        """The kill switch that needs no command."""
        from bot.operate.brakes import StopFile

        return StopFile(self.ledger, self.base / self.settings.stop_file)

    @cached_property
    def limiter(self) -> Limiter:
        """How quotas, breakers and the kill switch stand."""
        from bot.pipeline.standing import Limiter
        from bot.policy import Breaker

        breaker = self.settings.breaker
        return Limiter(
            self.ledger,
            self.clock,
            breaker=Breaker(share=breaker.flagged_share, least=breaker.least),
            window=breaker.window,
        )

    @cached_property
    def enforcement(self) -> Enforcement:
        """The only part that acts."""
        from bot.enforce import Enforcement
        from bot.pipeline import remember_confirmed

        return Enforcement(
            self.ledger,
            {id_: instance.enforcer for id_, instance in self.instances.items()},
            self.clock,
            confirmed=lambda record: remember_confirmed(self.ledger, record, LOCAL_BLOCK),
            look=self.stop_file.look,
        )

    @cached_property
    def pipeline(self) -> Pipeline:
        """The road through the rooms. To be asked for inside a running event loop, by ``once`` or ``run``."""
        from bot.media.fetch import HttpFetcher
        from bot.pipeline import Pipeline, Stages

        media = self.settings.media
        self._fetcher = HttpFetcher(
            clock=self.clock,
            allowed=[host for instance in self.instances.values() for host in instance.hosts],
            private_hosts=sorted(media.private_hosts),
            max_bytes=media.max_bytes,
            deadline=media.fetch_seconds,
        )
        return Pipeline(
            Stages(
                ledger=self.ledger,
                instances=self.instances,
                index=self.index,
                fetcher=self._fetcher,
                decoder=self.decoder,
                matcher=self.matcher,
                scorer=self.scorer,
                rules=self.rules,
                guard=self.guard,
                limiter=self.limiter,
                enforcement=self.enforcement,
                clock=self.clock,
            )
        )

    async def once(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do one thing with the asynchronous parts, and put them away."""
        try:
            return await work()
        finally:
            if "decoder" in self.__dict__:
                await self.decoder.aclose()
            if "scorer" in self.__dict__:
                await self.scorer.aclose()
            if "pipeline" in self.__dict__:
                await self._fetcher.aclose()

    async def run(self) -> None:
        """The daemon, until it is stopped."""
        from bot.daemon import Daemon
        from bot.operate.brakes import stop

        async def work() -> None:
            settings = self.settings
            start = settings.start_from
            daemon = Daemon(
                pipeline=self.pipeline,
                ledger=self.ledger,
                sources=[source for instance in self.instances.values() for source in instance.sources],
                clock=self.clock,
                poll_every=settings.poll_every,
                tasks_at_once=settings.tasks_at_once,
                examine_uploads=settings.unposted_uploads == "scan",
                backlog_from=None if start is None else self.clock.now() - start,
                look=self.stop_file.look,
                pull=lambda: stop(self.ledger, by="a signal", why="SIGUSR1"),
            )
            await self.decoder.start()
            await daemon.run()

        await self.once(work)


def open_sandbox(platform: str) -> Any:
    """A small real server of a platform on 127.0.0.1, as a context manager. Raises ``ConfigError``."""
    if platform != "lemmy":
        raise ConfigError(f"there is no sandbox for {platform!r}; there is: lemmy")
    from adapters.sandbox.lemmy import LemmySandbox

    return LemmySandbox()


def serve_sandbox(platform: str, *, port: int, default_limits: bool) -> None:
    """Run a sandbox until the process is told to stop. Raises ``ConfigError`` for an unknown platform."""
    if platform != "lemmy":
        raise ConfigError(f"there is no sandbox for {platform!r}; there is: lemmy")
    from adapters.sandbox.lemmy import serve

    serve(port=port, default_limits=default_limits)


def _database(url: str, base: Path) -> str:
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.startswith("sqlite:////") or url == prefix:
        return url
    return f"{prefix}{(base / url.removeprefix(prefix)).resolve()}"


def _instance(
    number: int, block: Mapping[str, Any], base: Path, clock: SystemClock, start_from: timedelta | None
) -> Instance:
    from pydantic import ValidationError

    from adapters.registry import PLATFORMS

    where = f"instances.{number}"
    platform = PLATFORMS.get(str(block.get("platform")))
    if platform is None:
        raise ConfigError(f"{where}: `platform` is {block.get('platform')!r}; there is: {', '.join(PLATFORMS)}")
    # A token that is kept between runs saves a login, and servers count those.
    token_file = base / str(block.get("token_file") or f"{block.get('id')}.token")
    try:
        settings = platform.settings.model_validate({**block, "token_file": token_file})
    except ValidationError as error:
        raise ConfigError(explain(error, where)) from None
    return platform.build(settings, clock, start_from)


def _rule(rule: RuleSettings, settings: Settings) -> Rule:
    from bot.policy import Condition, Rule, ScoreAtLeast, Want
    from bot.policy.rules import SHOWN

    when = rule.when
    return Rule(
        id=rule.id,
        stage=settings.stage if rule.stage is None else rule.stage,
        when=Condition(
            lists=when.lists,
            near=when.near,
            score=ScoreAtLeast(**when.score.model_dump()) if when.score else None,
            platforms=when.platforms,
            roles=when.roles or SHOWN,
            local_author=None if when.author is None else when.author == "local",
            account_younger_than=when.account_younger_than,
            account_items_below=when.account_items_below,
        ),
        then=[Want(kind=kind, scope=rule.ban.scope, days=rule.ban.days) for kind in rule.then],
        unattended=rule.unattended,
        any_use=rule.any_use,
        hold_first=rule.hold_first,
        min_attribution=rule.attribution,
        text=rule.text,
    )
