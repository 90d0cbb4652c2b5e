"""Who is staff of our servers now: what the ledger has of an account is as old as the look that brought it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from bot.domain.content import InstanceId
    from bot.policy import Staff
    from bot.ports import Resolver

log = structlog.get_logger(__name__)

KEPT = 30.0
"""Seconds for which an answer holds: as long as somebody may be staff already and not be protected yet. In a raid there
are many deeds a second, and all of them ask."""

KEPT_SILENT = 120.0
"""The same for a server that did not answer: the deeds of other servers must not wait for it again and again."""


class PresentStaff:
    """Asks the servers, once in a while. Thread-safe."""

    def __init__(
        self, resolvers: Mapping[InstanceId, Resolver], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """``resolvers``: one for each instance. Contacts nobody until it is asked."""
        self._resolvers = resolvers
        self._monotonic = monotonic
        self._known: dict[InstanceId, Collection[str]] = {}
        self._until: dict[InstanceId, float] = {}
        self._locks = {instance: threading.Lock() for instance in resolvers}

    def __call__(self, instances: Iterable[InstanceId]) -> Staff:
        """The staff of these servers; what one said last where it cannot be asked, and nobody where it never could."""
        return {instance: self._of(instance) for instance in instances if instance in self._resolvers}

    def _of(self, instance: InstanceId) -> Collection[str]:
        with self._locks[instance]:
            now = self._monotonic()
            if now >= self._until.get(instance, now):
                self._until[instance] = self._ask(instance)
            return self._known.get(instance, ())

    def _ask(self, instance: InstanceId) -> float:
        """Until when what is known by now holds."""
        try:
            self._known[instance] = self._resolvers[instance].staff()
        except PlatformError as error:
            log.warning("who is staff cannot be asked: what was said last counts", instance=instance, error=str(error))
            return self._monotonic() + KEPT_SILENT
        return self._monotonic() + KEPT
