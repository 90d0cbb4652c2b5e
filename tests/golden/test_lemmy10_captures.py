"""The recorded Lemmy 1.0 against the sandbox, exchange by exchange."""

from __future__ import annotations

import pytest

from . import lemmy10_story
from .lemmy10_story import RECORDED, Story

EXCHANGES = [
    pytest.param(file, number, id=f"{file}-{number}-{exchange['name']}")
    for file, exchanges in RECORDED.items()
    for number, exchange in enumerate(exchanges)
]


@pytest.fixture(scope="module")
def lemmy10_run() -> Story:
    return lemmy10_story.run()


@pytest.mark.parametrize(("file", "number"), EXCHANGES)
def test_lemmy_1_0_answers_as_recorded(lemmy10_run: Story, file: str, number: int) -> None:
    assert lemmy10_run.replay.differences[(file, number)] == []


def test_every_recorded_exchange_of_1_0_is_played(lemmy10_run: Story) -> None:
    recorded = {(file, number) for file, exchanges in RECORDED.items() for number in range(len(exchanges))}
    assert lemmy10_run.played == recorded
