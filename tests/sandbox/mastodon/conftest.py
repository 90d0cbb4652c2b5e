"""A sandbox for each test, called in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.sandbox.mastodon import MastodonSandbox

from .square import Square

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def opened() -> Iterator[Callable[..., Square]]:
    """Opens sandboxes that are closed when the test ends."""
    boxes: list[MastodonSandbox] = []

    def open_(*args: object, **settings: object) -> Square:
        boxes.append(MastodonSandbox(*args, **settings))  # type: ignore[arg-type]
        return Square(boxes[-1])

    yield open_
    for box in boxes:
        box.stop()


@pytest.fixture(params=["4.3", "4.6"])
def square(request: pytest.FixtureRequest, opened: Callable[..., Square]) -> Square:
    """Either version."""
    return opened(request.param, processing=0.0)


@pytest.fixture
def older(opened: Callable[..., Square]) -> Square:
    return opened("4.3")


@pytest.fixture
def newer(opened: Callable[..., Square]) -> Square:
    return opened("4.6")
