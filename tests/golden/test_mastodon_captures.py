"""The recorded Mastodon 4.3.23 and 4.6.5 against the sandbox, exchange by exchange.

All are played. What is not compared, besides what is random or a time: how many calls a limit has left, the numbers of
notifications and of their pages (they count what else there was to tell), bit rates, the alternative text of a picture
that the sandbox does not have, the pings of a socket, the looks of HTML pages, and what two answers about the instance
said of its feeds: the recorded server had kept it from before they were changed.
"""

from __future__ import annotations

import functools

import pytest

from . import mastodon_story
from .mastodon_story import RECORDED, VERSIONS, Story

# Exchanges that are not played, and why.
NOT_PLAYED: dict[tuple[str, str, int], str] = {}

EXCHANGES = [
    pytest.param(version, file, number, id=f"{version}-{file}-{number}-{exchange.get('name', 'delivery')}")
    for version in VERSIONS
    for file, exchanges in RECORDED[version].items()
    for number, exchange in enumerate(exchanges)
    if (version, file, number) not in NOT_PLAYED
]


@functools.cache
def mastodon_run(version: str) -> Story:
    """One run for all tests of a version."""
    return mastodon_story.run(version)


@pytest.mark.parametrize(("version", "file", "number"), EXCHANGES)
def test_mastodon_answers_as_recorded(version: str, file: str, number: int) -> None:
    assert mastodon_run(version).replay.differences[(file, number)] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_exchange_is_played_or_excused(version: str) -> None:
    recorded = {(file, number) for file, exchanges in RECORDED[version].items() for number in range(len(exchanges))}
    excused = {(file, number) for one, file, number in NOT_PLAYED if one == version}
    played = mastodon_run(version).played
    assert played | excused == recorded
    assert not played & excused
