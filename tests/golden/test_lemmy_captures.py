"""The recorded Lemmy 0.19.20 against the sandbox, exchange by exchange."""

from __future__ import annotations

import pytest

from . import lemmy_story
from .lemmy_story import NOT_PLAYED, RECORDED, Story

EXCHANGES = [
    pytest.param(file, number, id=f"{file}-{number}-{exchange['name']}")
    for file, exchanges in RECORDED.items()
    for number, exchange in enumerate(exchanges)
    if (file, number) not in NOT_PLAYED
]


@pytest.fixture(scope="module")
def lemmy_run() -> Story:
    return lemmy_story.run()


@pytest.mark.parametrize(("file", "number"), EXCHANGES)
def test_lemmy_answers_as_recorded(lemmy_run: Story, file: str, number: int) -> None:
    assert lemmy_run.replay.differences[(file, number)] == []


def test_every_recorded_exchange_is_played_or_excused(lemmy_run: Story) -> None:
    recorded = {(file, number) for file, exchanges in RECORDED.items() for number in range(len(exchanges))}
    assert lemmy_run.played | set(NOT_PLAYED) == recorded
    assert not lemmy_run.played & set(NOT_PLAYED)
