"""Lemmy with its pict-rs as one instance: files go to pict-rs where the operator gave its key, the rest to Lemmy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adapters.clearing import AfterPurge, ClearingEnforcer, CommandInspector
from adapters.http import Transport
from adapters.lemmy.builder import build, public_view
from adapters.lemmy.settings import LemmySettings
from adapters.pictrs.client import PictrsClient
from adapters.pictrs.enforcer import PictrsEnforcer
from adapters.pictrs.inspector import PictrsInspector
from adapters.pictrs.resolver import PictrsFiles
from adapters.pictrs.settings import PictrsSettings  # noqa: TC001 - pydantic reads the annotation
from adapters.pictrs.source import PictrsSource
from bot.domain.decisions import PurgeFile

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from bot.domain.content import Name, Subject, SubjectKey, Upload
    from bot.domain.decisions import Intent, LastWord, Offer, Outcome, Report, Verification
    from bot.ports import CheckResult, Clock, Enforcer, Inbox, Inspector, Instance, Resolver


class LemmyWithPictrs(LemmySettings):
    """A Lemmy server, and its pict-rs where the bot can reach its internal API."""

    pictrs: PictrsSettings | None = None
    after_purge: AfterPurge | None = None


def build_lemmy(
    settings: LemmyWithPictrs,
    clock: Clock,
    start_from: timedelta | None,
    inbox: Inbox,  # noqa: ARG001 - Lemmy sends nothing by itself
) -> Instance:
    """One server, connected; contacts nobody yet. ``start_from`` as in ``adapters.lemmy.builder``."""
    instance = _with_files(
        settings,
        build(settings, clock, start_from, file_store=settings.pictrs is not None),
        clock,
        start_from,
    )
    if settings.after_purge is None:
        return instance
    clearing = ClearingEnforcer(
        instance.enforcer, settings.after_purge, public=settings.public, address=instance.resolver.address
    )
    inspector = JoinedInspector(instance.inspector, CommandInspector(settings.after_purge))
    return replace(instance, enforcer=clearing, inspector=inspector)


def _with_files(settings: LemmyWithPictrs, instance: Instance, clock: Clock, start_from: timedelta | None) -> Instance:
    if settings.pictrs is None:
        return instance
    client = PictrsClient(settings.pictrs, Transport(settings.pictrs.url))
    public, resolver = public_view(settings), instance.resolver
    files = PictrsEnforcer(instance.id, client, lambda name: public.proof(resolver.address(name)))
    feed = PictrsSource(
        f"{instance.id}/files",
        instance.id,
        client,
        address=resolver.address,
        read=instance.sources[0].read,
        clock=clock,
        start_from=start_from,
    )
    return replace(
        instance,
        sources=[*instance.sources, feed],
        rare=lambda: instance.rare() | {feed.name},
        enforcer=RoutedEnforcer(instance.enforcer, files),
        resolver=RoutedResolver(resolver, PictrsFiles(instance.id, client)),
        inspector=JoinedInspector(instance.inspector, PictrsInspector(client)),
    )


class RoutedEnforcer:
    """Purges go to the file store, everything else to the platform."""

    def __init__(self, platform: Enforcer, files: Enforcer) -> None:
        """Both of the same instance."""
        self._platform = platform
        self._files = files

    def _for(self, intent: Intent) -> Enforcer:
        return self._files if isinstance(intent, PurgeFile) else self._platform

    def offers(self, intent: Intent) -> Offer:
        """As the responsible one says."""
        return self._for(intent).offers(intent)

    def apply(self, intent: Intent) -> Outcome:
        """By the responsible one."""
        return self._for(intent).apply(intent)

    def verify(self, intent: Intent) -> Verification:
        """By the responsible one."""
        return self._for(intent).verify(intent)

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        """By the responsible one."""
        return self._for(intent).revert(intent, before)

    def last_word(self, intent: Intent, since: datetime) -> LastWord:
        """By the responsible one."""
        return self._for(intent).last_word(intent, since)

    def reopen(self, report: Report) -> Outcome:
        """By the platform."""
        return self._platform.reopen(report)


class RoutedResolver:
    """Names and digests come from the file store, everything else from the platform."""

    def __init__(self, platform: Resolver, files: PictrsFiles) -> None:
        """Both of the same instance."""
        self._platform = platform
        self._files = files

    def names(self, name: Name) -> Sequence[Name]:
        """By the file store."""
        return self._files.names(name)

    def uses(self, name: Name) -> Sequence[Subject]:
        """By the platform."""
        return self._platform.uses(name)

    def uploader(self, name: Name) -> Upload | None:
        """By the platform."""
        return self._platform.uploader(name)

    def lists_all_uploads(self) -> bool:
        """By the platform."""
        return self._platform.lists_all_uploads()

    def staff(self) -> Collection[str]:
        """By the platform."""
        return self._platform.staff()

    def address(self, name: Name) -> str:
        """By the platform."""
        return self._platform.address(name)

    def digest(self, name: Name) -> str | None:
        """By the file store."""
        return self._files.digest(name)

    def named(self, url: str) -> Name:
        """By the platform."""
        return self._platform.named(url)

    def locate(self, text: str) -> Name | SubjectKey | None:
        """By the platform; what it does not know may be a path or a digest that the file store knows."""
        return self._platform.locate(text) or self._files.located(text)


class JoinedInspector:
    """One list from several."""

    def __init__(self, *inspectors: Inspector) -> None:
        """In the order of their lines."""
        self._inspectors = inspectors

    def check(self) -> Sequence[CheckResult]:
        """The lines of all."""
        return [result for inspector in self._inspectors for result in inspector.check()]

    def repair(self) -> None:
        """All of them."""
        for inspector in self._inspectors:
            inspector.repair()
