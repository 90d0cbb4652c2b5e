"""The daemon and what it looks after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.wiring.stores import disk

if TYPE_CHECKING:
    from bot.daemon import Daemon
    from bot.operate.keeping import Housekeeper
    from bot.operate.reload import Reloader
    from bot.pushes import Pushes
    from bot.selfcheck import SelfCheck
    from bot.watch import Watch
    from bot.wiring.house import House


def make_daemon(house: House, reloader: Reloader) -> Daemon:
    """With everything that a house has. To be asked for inside a running event loop."""
    from bot.daemon import Daemon
    from bot.operate.brakes import stop
    from bot.pushes import Pushes
    from bot.selfcheck import SelfCheck

    settings = house.settings
    start = settings.start_from
    pushes = Pushes([push for one in house.instances.values() for push in one.pushes], house.ledger, house.clock)
    accounts = SelfCheck(
        {id_: one.account for id_, one in house.instances.items() if one.account is not None},
        house.ledger,
        house.clock,
    )
    return Daemon(
        pipeline=house.pipeline,
        ledger=house.ledger,
        sources=[source for instance in house.instances.values() for source in instance.sources],
        clock=house.clock,
        poll_every=settings.poll_every,
        tasks_at_once=settings.tasks_at_once,
        examine_uploads=settings.unposted_uploads == "scan",
        backlog_from=None if start is None else house.clock.now() - start,
        look=house.stop_file.look,
        pull=lambda: stop(house.ledger, by="a signal", why="SIGUSR1"),
        reload=reloader.reload,
        listen=reloader.listen,
        watch=_watch(house, pushes, accounts),
        keep=_housekeeper(house).look,
        pushes=pushes,
        accounts=accounts,
    )


def _housekeeper(house: House) -> Housekeeper:
    from bot.operate.keeping import Housekeeper, Periods

    return Housekeeper(house.ledger, house.clock, lambda: Periods(**house.settings.retention.model_dump()))


def _watch(house: House, pushes: Pushes, accounts: SelfCheck) -> Watch:
    from bot.operate import checks
    from bot.telemetry import Sensitivity
    from bot.watch import Watch

    alarms = house.settings.alarms.model_dump()
    every = alarms.pop("every")
    return Watch(
        ledger=house.ledger,
        clock=house.clock,
        channels=house.channels,
        sources=[source.name for instance in house.instances.values() for source in instance.sources],
        limits=Sensitivity(poll_every=house.settings.poll_every, **alarms),
        every=every,
        disk=disk(house.settings.ledger, house.base),
        listen=house.settings.metrics.listen,
        look=lambda: checks.eyes(house.decoder, house.scorer),
        lists_out=lambda: house.matcher.bad_files,
        rare=lambda: frozenset().union(*(instance.rare() for instance in house.instances.values())),
        accounts_out=accounts.out,
        pushes_out=lambda: {name: (one.since, one.why) for name, one in pushes.ailing().items()},
        rules=lambda: [rule.id for rule in house.rules],
        quotas=lambda: {"hour": house.guard.limits.quotas.per_hour, "day": house.guard.limits.quotas.per_day},
        workers=lambda: house.decoder.pids,
    )
