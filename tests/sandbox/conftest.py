"""A sandbox for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.sandbox.lemmy import LemmySandbox
from adapters.sandbox.loopback import NO_AUTHORITIES

from .visitors import Visitors

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def box() -> Iterator[LemmySandbox]:
    with LemmySandbox(thumbnail_again=0.5) as running:
        yield running


@pytest.fixture(scope="module")
def shared() -> Iterator[Visitors]:
    """One sandbox for all tests of a module that only ask, or are refused."""
    with LemmySandbox() as running, httpx.Client(verify=NO_AUTHORITIES, timeout=10) as client:
        yield Visitors(running, client)


@pytest.fixture
def visitors(box: LemmySandbox) -> Iterator[Visitors]:
    with httpx.Client(verify=NO_AUTHORITIES, timeout=10) as client:
        yield Visitors(box, client)
