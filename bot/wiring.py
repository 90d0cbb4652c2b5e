"""The composition root: settings become objects here, and nowhere else. The only importer of ``adapters``."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bot.clock import SystemClock
from bot.domain.content import InstanceId
from bot.domain.decisions import SetSwitch
from bot.domain.errors import ConfigError
from bot.ending import TIDY
from bot.settings import LOCAL_BLOCK, digest, explain, renewed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import timedelta

    import numpy as np

    from adapters.registry import Platform
    from bot.attribution import Index
    from bot.classify.batcher import BatchScorer
    from bot.classify.calibration import Calibration
    from bot.classify.clip.settings import ClipSettings
    from bot.classify.settings import DetectorSettings
    from bot.daemon import Daemon
    from bot.enforce import Enforcement
    from bot.matching.matcher import ListMatcher
    from bot.media.decode import ProcessDecoder
    from bot.media.limits import DecodeLimits
    from bot.operate.bench import Way
    from bot.operate.brakes import StopFile
    from bot.operate.calibrate import Asked
    from bot.operate.keeping import Housekeeper
    from bot.operate.reload import Change, Reloader
    from bot.pipeline import Pipeline, Strangers
    from bot.pipeline.standing import Limiter
    from bot.pipeline.trial import Trial
    from bot.policy import Guard, Rule, ScoreAtLeast
    from bot.ports import Channel, Detector, Inbox, Instance, IntentRecord, Ledger
    from bot.pushes import Pushes
    from bot.selfcheck import SelfCheck
    from bot.settings import MediaSettings, RuleSettings, Settings
    from bot.watch import Watch

T = TypeVar("T")

RENEWED = ("rules", "guard", "limiter", "matcher")
"""Parts of the house that are made anew when the configuration is read again."""


def open_store(settings: Settings, *, base: Path) -> Ledger:
    """The ledger. A relative SQLite path starts from ``base``, the folder of the configuration file."""
    from bot.ledger import open_ledger

    return open_ledger(_database(settings.ledger, base), clock=SystemClock())


def open_store_to_look(settings: Settings, *, base: Path) -> Ledger:
    """The ledger, in which nothing can be written this way; an empty one where there is none yet."""
    from bot.ledger import open_ledger

    url = _database(settings.ledger, base)
    file = url.removeprefix("sqlite:///").partition("?")[0] if url.startswith("sqlite:///") else None
    if file and not Path(file).exists():
        return open_ledger("sqlite://", clock=SystemClock())
    return open_ledger(url, clock=SystemClock(), look_only=True)


def build_house(settings: Settings, *, base: Path, ledger: Ledger | None = None) -> House:
    """Everything that the settings describe, with nothing connected or loaded before it is used.

    ``ledger``: another one than the settings name. Raises ``ConfigError`` for instances, detectors and list files that
    cannot be used, ``LedgerError`` for the ledger.
    """
    return House(settings, base, ledger)


def open_encoder(
    settings: Settings, detector: str, *, base: Path
) -> tuple[Detector, Callable[[np.ndarray[Any, Any]], bytes]]:
    """A CLIP detector that only encodes, and what makes a file of samples from what it encoded.

    Raises ``ConfigError``.
    """
    from bot.classify.clip.extras import pack_samples
    from bot.classify.clip.variants import encoder

    said = _clip_settings(settings, detector, base)
    made = encoder(said, engine=said.engine.removesuffix("-int8")).open()
    return made, partial(pack_samples, weights=made.weights)


def encoder_variants(settings: Settings, detector: str, *, base: Path) -> tuple[Sequence[Way], float]:
    """Every way to run a CLIP detector's model here, and its ``margin``. Raises ``ConfigError``."""
    from bot.classify.clip.variants import variants

    said = _clip_settings(settings, detector, base)
    found = variants(said)
    if not found:
        raise ConfigError(f"{detector}: this model needs torch: install fediwarden[clip]")
    return found, said.margin


def open_to_measure(
    settings: Settings, only: Sequence[str], *, base: Path
) -> tuple[ProcessDecoder, BatchScorer, Sequence[DetectorSettings]]:
    """Detectors (``only`` these, or all) that look at everything, and exactly: at whatever a threshold may become.

    Raises ``ConfigError``.
    """
    from bot.classify.batcher import BatchScorer
    from bot.classify.clip.detector import ClipDetector
    from bot.classify.clip.settings import ClipSettings
    from bot.classify.registry import build_detectors, read_settings
    from bot.media.decode import ProcessDecoder

    said = [read_settings(block).beside(base) for block in settings.detectors]
    missing = sorted(set(only) - {one.id for one in said})
    if missing or not said:
        there = ", ".join(one.id for one in said) or "none"
        raise ConfigError(
            f"detectors: there is no {', '.join(missing) or 'detector'} to be measured; there is: {there}"
        )
    chosen = [one for one in said if not only or one.id in only]
    alone: list[DetectorSettings] = []
    for one in chosen:
        changes: dict[str, Any] = {"after": None}
        if isinstance(one, ClipSettings):
            changes["margin"] = 1.0  # int8 leaves nothing unexamined: where a threshold will lie is not known yet
        alone.append(one.model_copy(update=changes))
    detectors = build_detectors(alone)
    scorer = BatchScorer(detectors)
    scorer.watch(
        {one.id: dict.fromkeys(one.labels, (0.01, 0.5, 0.99)) for one in detectors if isinstance(one, ClipDetector)}
    )
    media = settings.media
    decoder = ProcessDecoder(workers=media.decode_workers, limits=_decode_limits(media))
    return decoder, scorer, chosen


def asked_by(rules: Sequence[RuleSettings]) -> Sequence[Asked]:
    """Which scores rules follow."""
    from bot.operate.calibrate import Asked

    return [
        Asked(rule=rule.id)
        if rule.when.score is None
        else Asked(
            rule=rule.id,
            detector=rule.when.score.detector,
            label=rule.when.score.label,
            at_least=rule.when.score.at_least,
            preset=rule.when.score.preset,
        )
        for rule in rules
    ]


def _clip_settings(settings: Settings, detector: str, base: Path) -> ClipSettings:
    from bot.classify.clip.settings import ClipSettings
    from bot.classify.registry import read_settings

    for block in settings.detectors:
        said = read_settings(block).beside(base) if block.get("id") == detector else None
        if isinstance(said, ClipSettings):
            return said
    raise ConfigError(f"there is no detector {detector!r} of kind clip under `detectors`")


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
                _instance(number, block, self.base, self.clock, self.settings.start_from, self.ledger)
                for number, block in enumerate(self.settings.instances)
            )
        }

    @cached_property
    def channels(self) -> Sequence[Channel]:
        """By which the operators are told something."""
        return [_channel(number, block, self.base) for number, block in enumerate(self.settings.notify)]

    @cached_property
    def index(self) -> Index:
        """Attribution."""
        from bot.attribution import Index

        return Index(self.ledger, {id_: instance.resolver for id_, instance in self.instances.items()})

    @cached_property
    def rules(self) -> Sequence[Rule]:
        """The operator's rules."""
        from bot.classify.calibration import read_calibration
        from bot.classify.registry import KINDS

        measured: dict[Any, Calibration] = {}
        needed: set[Any] = set()
        frames: dict[Any, Mapping[str, int]] = {}
        for block in self.settings.detectors:
            with suppress(ConfigError):  # told where detectors are built, and at a reload
                frames[block.get("id")] = _frames_wanted(block, self.base)
        for block in self.settings.detectors:  # an entry that cannot be used is told where detectors are built
            kind = KINDS.get(str(block.get("kind")))
            if kind is not None and kind.zero_shot:
                needed.add(block.get("id"))
            if block.get("calibration") is not None:
                path = self.base / str(block["calibration"])
                measured[block.get("id")] = found = read_calibration(path)
                if found.detector != block.get("id"):
                    raise ConfigError(f"{path}: is of the detector {found.detector!r}, not of {block.get('id')!r}")
        return [_rule(rule, self.settings, measured, needed, frames) for rule in self.settings.rules]

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
        return ProcessDecoder(workers=media.decode_workers, limits=_decode_limits(media))

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
        scorer.watch(_thresholds(self.rules))
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
    def enforcement(self) -> Enforcement:
        """The only part that acts."""
        from bot.enforce import Enforcement
        from bot.pipeline import Protection, Recheck, follow_up, forget_taken_back, remember_confirmed

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
            protected=Protection(self.ledger, lambda: self.guard),
            strangers=self._strangers,
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
                clock=self.clock,
                names_several=self._those(lambda platform: platform.names_several),
            )
        )

    @cached_property
    def trial(self) -> Trial:
        """The rules, to be tried. Contacts nobody and writes nothing."""
        from adapters.registry import PLATFORMS
        from bot.pipeline.trial import Trial

        _check_blocks(self.settings, self.base)
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
        )

    def take_up(self, written: Settings) -> Change:
        """Go on by another configuration, as far as that is possible without a restart.

        Raises ``ConfigError`` for one that could not be started with, and ``LedgerError``; then nothing has changed.
        """
        from bot.operate.reload import Change

        _check_blocks(written, self.base)
        for block in written.detectors:
            _frames_wanted(block, self.base)
        in_force, taken_up, needs_restart = renewed(self.settings, written)
        fresh = copy(self)
        fresh.settings = in_force
        for part in RENEWED:
            fresh.__dict__.pop(part, None)
        parts = {part: getattr(fresh, part) for part in RENEWED}
        if _measured_anew(self, fresh):
            taken_up = [*taken_up, "calibration"]
        watched = _thresholds(fresh.rules)
        if "scorer" in self.__dict__:
            self.scorer.check(watched)
        if "pipeline" in self.__dict__:
            parts["pipeline"] = self.pipeline.under(**parts)
        # What can fail comes first: nothing below does.
        self.ledger.note_config(digest(in_force), why="reload")
        if "scorer" in self.__dict__:
            self.scorer.watch(watched)
        self.settings = in_force
        self.__dict__.update(parts)
        return Change(taken_up=taken_up, needs_restart=needs_restart)

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
            daemon = self._daemon(reloader)
            await asyncio.to_thread(reloader.begin)
            await asyncio.to_thread(self.ledger.note_config, digest(self.settings), why="start")
            await self.decoder.start()
            await daemon.run()
            return daemon

        daemon = await self.once(work, patience=TIDY)
        return daemon.threads.leave()

    def _daemon(self, reloader: Reloader) -> Daemon:
        from bot.daemon import Daemon
        from bot.operate.brakes import stop
        from bot.pushes import Pushes
        from bot.selfcheck import SelfCheck

        settings = self.settings
        start = settings.start_from
        pushes = Pushes([push for one in self.instances.values() for push in one.pushes], self.ledger, self.clock)
        accounts = SelfCheck(
            {id_: one.account for id_, one in self.instances.items() if one.account is not None},
            self.ledger,
            self.clock,
        )
        return Daemon(
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
            reload=reloader.reload,
            listen=reloader.listen,
            watch=self._watch(pushes, accounts),
            keep=self._housekeeper().look,
            pushes=pushes,
            accounts=accounts,
        )

    def _housekeeper(self) -> Housekeeper:
        from bot.operate.keeping import Housekeeper, Periods

        return Housekeeper(self.ledger, self.clock, lambda: Periods(**self.settings.retention.model_dump()))

    def _watch(self, pushes: Pushes, accounts: SelfCheck) -> Watch:
        from bot.operate import checks
        from bot.telemetry import Sensitivity
        from bot.watch import Watch

        alarms = self.settings.alarms.model_dump()
        every = alarms.pop("every")
        return Watch(
            ledger=self.ledger,
            clock=self.clock,
            channels=self.channels,
            sources=[source.name for instance in self.instances.values() for source in instance.sources],
            limits=Sensitivity(poll_every=self.settings.poll_every, **alarms),
            every=every,
            disk=_disk(self.settings.ledger, self.base),
            listen=self.settings.metrics.listen,
            look=lambda: checks.eyes(self.decoder, self.scorer),
            lists_out=lambda: self.matcher.bad_files,
            rare=lambda: frozenset().union(*(instance.rare() for instance in self.instances.values())),
            accounts_out=accounts.out,
            pushes_out=lambda: {name: (one.since, one.why) for name, one in pushes.ailing().items()},
            rules=lambda: [rule.id for rule in self.rules],
            quotas=lambda: {"hour": self.guard.limits.quotas.per_hour, "day": self.guard.limits.quotas.per_day},
            workers=lambda: self.decoder.pids,
        )


def open_sandbox(platform: str, **options: Any) -> Any:
    """A small real server of a platform on 127.0.0.1, as a context manager. Raises ``ConfigError``.

    ``options``: of the sandbox; see there.
    """
    if platform == "mastodon":
        from adapters.sandbox.mastodon import MastodonSandbox

        return MastodonSandbox(**options)
    if platform != "lemmy":
        raise ConfigError(f"there is no sandbox for {platform!r}; there are: lemmy, mastodon")
    from adapters.sandbox.lemmy import LemmySandbox

    return LemmySandbox(**options)


def serve_lemmy(version: str, *, port: int, default_limits: bool) -> None:
    """Run a sandbox Lemmy until the process is told to stop. Raises ``ConfigError`` for an unknown version."""
    from adapters.sandbox.lemmy import VERSIONS, serve

    if version not in VERSIONS:
        raise ConfigError(f"there is no sandbox of Lemmy {version!r}; there are: {', '.join(VERSIONS)}")
    serve(port=port, default_limits=default_limits, version=version)


def serve_mastodon(version: str, *, port: int, webhook: str | None, default_limits: bool) -> None:
    """Run a sandbox Mastodon until the process is told to stop.

    Raises ``ConfigError`` for an unknown version, and for a webhook that leads away from this machine.
    """
    from adapters.sandbox.loopback import is_loopback
    from adapters.sandbox.mastodon import VERSIONS, serve

    if version not in VERSIONS:
        raise ConfigError(f"there is no sandbox of Mastodon {version!r}; there are: {', '.join(VERSIONS)}")
    if webhook is not None and not is_loopback(webhook):
        raise ConfigError(f"--webhook {webhook}: the sandbox calls this machine only, as in http://127.0.0.1:8000/")
    serve(VERSIONS[version].name, port, default_limits=default_limits, webhook_url=webhook)


def _database(url: str, base: Path) -> str:
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.startswith("sqlite:////") or url == prefix:
        return url
    return f"{prefix}{(base / url.removeprefix(prefix)).resolve()}"


def _disk(url: str, base: Path) -> Path:
    """A path on the disk that the ledger fills; that of the configuration where the ledger is on another machine."""
    prefix, database = "sqlite:///", _database(url, base)
    return Path(database.removeprefix(prefix)).parent if database.startswith(prefix) and database != prefix else base


def _channel(number: int, block: Mapping[str, Any], base: Path) -> Channel:
    from pydantic import ValidationError

    from adapters.notify.registry import CHANNELS, build_channel

    where = f"notify.{number}"
    kind = CHANNELS.get(str(block.get("kind")))
    if kind is None:
        raise ConfigError(f"{where}: `kind` is {block.get('kind')!r}; there is: {', '.join(CHANNELS)}")
    trusted = {"ca_file": base / str(block["ca_file"])} if block.get("ca_file") else {}
    try:
        settings = kind.settings.model_validate({**block, **trusted})
    except ValidationError as error:
        raise ConfigError(explain(error, where)) from None
    return build_channel(str(block["kind"]), settings)


def _instance(
    number: int, block: Mapping[str, Any], base: Path, clock: SystemClock, start_from: timedelta | None, inbox: Inbox
) -> Instance:
    platform, settings = _instance_settings(number, block, base)
    return platform.build(settings, clock, start_from, inbox)


def _check_blocks(settings: Settings, base: Path) -> None:
    """Raises ``ConfigError`` for instances and detectors that nobody could start with."""
    from bot.classify.registry import read_settings

    for number, block in enumerate(settings.instances):
        _instance_settings(number, block, base)
    for block in settings.detectors:
        read_settings(block)


def _instance_settings(number: int, block: Mapping[str, Any], base: Path) -> tuple[Platform, Any]:
    from pydantic import ValidationError

    from adapters.registry import PLATFORMS

    where = f"instances.{number}"
    platform = PLATFORMS.get(str(block.get("platform")))
    if platform is None:
        raise ConfigError(f"{where}: `platform` is {block.get('platform')!r}; there is: {', '.join(PLATFORMS)}")
    placed = _placed(block, base)
    if "token_file" in platform.settings.model_fields:
        # A token that is kept between runs saves a login, and servers count those.
        placed.setdefault("token_file", base / f"{block.get('id')}.token")
    web = (placed.get("removal") or {}).get("web") if isinstance(placed.get("removal"), dict) else None
    if isinstance(web, dict):
        web.setdefault("session_file", base / f"{block.get('id')}.session")  # for the same reason
    try:
        return platform, platform.settings.model_validate(placed)
    except ValidationError as error:
        raise ConfigError(explain(error, where)) from None


def _placed(block: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """With the paths of files, which start from the folder of the configuration."""
    return {
        key: base / one
        if key.endswith("_file") and isinstance(one, str) and one
        else _placed(one, base)
        if isinstance(one, dict)
        else one
        for key, one in block.items()
        if not (key.endswith("_file") and not one)
    }


def _measured_anew(running: House, fresh: House) -> bool:
    """Whether rules whose words stayed the same follow another measurement: only the file's content has changed."""
    before, after = ({rule.id: rule for rule in house.settings.rules} for house in (running, fresh))
    then = {rule.id: rule.when.score for rule in running.rules}
    return any(rule.when.score != then.get(rule.id) and before.get(rule.id) == after[rule.id] for rule in fresh.rules)


def _thresholds(rules: Sequence[Rule]) -> Mapping[str, Mapping[str, Sequence[float]]]:
    """Detector to label to the values from which on rules fire."""
    found: dict[str, dict[str, list[float]]] = {}
    for score in (rule.when.score for rule in rules):
        if score is not None:
            found.setdefault(score.detector, {}).setdefault(score.label, []).append(score.at_least)
    return found


def _frames_wanted(block: Mapping[str, Any], base: Path) -> Mapping[str, int]:
    """Labels that want several frames of what moves. Raises ``ConfigError``."""
    from bot.classify.registry import frames_wanted, read_settings

    return frames_wanted(read_settings(block).beside(base))


def _decode_limits(media: MediaSettings) -> DecodeLimits:
    from bot.media.limits import DecodeLimits

    return DecodeLimits(
        wall_seconds=media.decode_seconds, max_frames=media.animation_frames, video_frames=media.video_frames
    )


def _score(
    rule: RuleSettings,
    measured: Mapping[Any, Calibration],
    needed: Collection[Any],
    frames: Mapping[Any, Mapping[str, int]],
) -> ScoreAtLeast | None:
    """``measured``: calibrations by detector. ``needed``: detectors whose scores mean nothing without one.

    ``frames``: by detector and label, how many frames of what moves a rule wants that does not say so itself.
    """
    from bot.policy import ScoreAtLeast

    said = rule.when.score
    if said is None:
        return None
    calibration = measured.get(said.detector)
    at_least = said.at_least
    if said.preset is not None:
        if calibration is None:
            raise ConfigError(
                f"rule {rule.id}: `preset` needs `calibration` at the detector {said.detector!r}, which "
                "`fediwarden calibrate` writes"
            )
        at_least = calibration.at(said.label, said.preset)
    if at_least is None:
        raise ConfigError(f"rule {rule.id}: has no threshold")
    revisions = frozenset({calibration.revision} if calibration is not None and calibration.enough else ())
    return ScoreAtLeast(
        detector=said.detector,
        label=said.label,
        at_least=at_least,
        frames=said.frames or frames.get(said.detector, {}).get(said.label, 1),
        calibrated_for=revisions if said.detector in needed or said.preset is not None else None,
        preset=said.preset is not None,
    )


def _rule(
    rule: RuleSettings,
    settings: Settings,
    measured: Mapping[Any, Calibration],
    needed: Collection[Any],
    frames: Mapping[Any, Mapping[str, int]],
) -> Rule:
    from bot.policy import Condition, Rule, Want
    from bot.policy.rules import SHOWN

    when = rule.when
    return Rule(
        id=rule.id,
        stage=settings.stage if rule.stage is None else rule.stage,
        when=Condition(
            lists=when.lists,
            near=when.near,
            score=_score(rule, measured, needed, frames),
            platforms=when.platforms,
            roles=when.roles or SHOWN,
            local_author=None if when.author is None else when.author == "local",
            account_younger_than=when.account_younger_than,
            account_items_below=when.account_items_below,
        ),
        then=[
            Want(kind=kind, switch=rule.switch.turn, value=rule.switch.to)
            if kind == SetSwitch.kind and rule.switch is not None
            else Want(kind=kind, scope=rule.ban.scope, days=rule.ban.days, how=rule.limit.how)
            for kind in rule.then
        ],
        unattended=rule.unattended,
        uncalibrated=rule.uncalibrated == "accept",
        any_use=rule.any_use,
        hold_first=rule.hold_first,
        min_attribution=rule.attribution,
        text=rule.text,
    )
