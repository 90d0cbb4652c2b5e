"""The platforms there are. A new one is a folder beside this file and an entry here."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from adapters.mastodon.builder import build as build_mastodon
from adapters.mastodon.settings import MastodonSettings
from adapters.routing import LemmyWithPictrs, build_lemmy
from bot.domain.decisions import PurgeFile, Remove

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from pydantic import BaseModel

    from bot.ports import Clock, Inbox, Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """How to read an instance's block of the configuration, and what to make of it."""

    settings: type[BaseModel]
    build: Callable[[Any, Clock, timedelta | None, Inbox], Instance]
    irreversible: frozenset[str]  # kinds of deeds that nothing takes back, as far as that is known without asking
    names_several: bool = False  # one report may name several posts of an account
    unreportable: bool = False  # takes no report on a banned account; what is done to one closes the reports on it


PLATFORMS: Mapping[str, Platform] = MappingProxyType(
    {
        "lemmy": Platform(settings=LemmyWithPictrs, build=build_lemmy, irreversible=frozenset({PurgeFile.kind})),
        "mastodon": Platform(
            settings=MastodonSettings,
            build=build_mastodon,
            irreversible=frozenset({PurgeFile.kind, Remove.kind}),
            names_several=True,
            unreportable=True,
        ),
    }
)
"""Platform name to how it is configured and built, in alphabetical order."""
