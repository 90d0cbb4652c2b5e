"""Looks after the bot while it runs: alarms, messages to the operators, metrics and health."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.notify import News, Sender, Watchdog
from bot.notify.watchdog import TICK
from bot.telemetry import AlarmBook, Senses

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from bot.ports import Channel, CheckResult, Clock, Lease, Ledger
    from bot.telemetry import Sensitivity

__all__ = ["TICK", "Watch"]

log = structlog.get_logger(__name__)


class Watch:
    """One job for the scheduler (``tick``) and one task beside it (``serve``)."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        clock: Clock,
        channels: Sequence[Channel],
        sources: Sequence[str],
        limits: Sensitivity,
        every: timedelta,
        disk: Path,
        listen: str | None,
        look: Callable[[], Awaitable[Sequence[CheckResult]]],
        lists_out: Callable[[], Sequence[str]],
        rules: Callable[[], Iterable[str]],
        quotas: Callable[[], Mapping[str, Mapping[str, int]]],
        workers: Callable[[], Iterable[int]],
        pushes_out: Callable[[], Mapping[str, tuple[datetime, str]]] = dict,
        accounts_out: Callable[[], Mapping[str, Sequence[str]]] = dict,
        rare: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        """``every``: between two looks for alarms. ``listen``: ``host:port`` for metrics and health, if at all.

        ``look`` shows a picture to decoder and detectors; the other calls are those of ``Senses`` and
        ``LedgerCollector``. Raises ``ConfigError`` where ``listen`` cannot be had.
        """
        self._acts = False
        senses = Senses(
            ledger,
            clock,
            sources=sources,
            limits=limits,
            disk=disk,
            channels=[channel.id for channel in channels],
            lists_out=lists_out,
            pushes_out=pushes_out,
            accounts_out=accounts_out,
            rare=rare,
        )
        self._watchdog = Watchdog(
            ledger=ledger,
            channels=channels,
            sender=Sender(ledger, clock),
            news=News(ledger, channels, clock),
            senses=senses,
            book=AlarmBook(ledger, repeat=limits.repeat),
            limits=limits,
            every=every,
            clock=clock,
            look=look,
        )
        self._server = None
        if listen is not None:
            from bot.telemetry.health import Health
            from bot.telemetry.metrics import LedgerCollector, build_registry
            from bot.telemetry.web import MetricsServer, Pages

            collector = LedgerCollector(
                ledger,
                clock,
                sources=sources,
                rules=rules,
                quotas=quotas,
                acts=lambda: self._acts,
                workers=workers,
            )
            pages = Pages(
                idle=lambda: self._watchdog.idle_seconds,
                health=Health(ledger, senses, limits),
                registry=build_registry(collector),
            )
            self._server = MetricsServer(pages, listen)

    async def tick(self, lease: Lease | None) -> None:
        """Due every ``TICK`` seconds. ``lease``: of this process, if it has it."""
        self._acts = lease is not None
        await self._watchdog.tick(lease)

    async def serve(self) -> None:
        """Metrics and health, until cancelled; returns at once where nobody wants them."""
        if self._server is None:
            return
        try:
            await self._server.serve()
        except Exception:
            log.exception("metrics and health are not served any more; a restart brings them back")

    def stop(self) -> None:
        """Begin nothing new."""
        self._watchdog.stop()
