"""One sandbox of Lemmy 1.0 for all tests of a module; each test makes what it needs in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.sandbox.lemmy import LemmySandbox
from adapters.sandbox.loopback import NO_AUTHORITIES

from .visitors import Visitors

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def visitors() -> Iterator[Visitors]:
    with (
        LemmySandbox(version="1.0", image_mode="StoreLinkPreviews", purge_delay=0.05) as running,
        httpx.Client(verify=NO_AUTHORITIES, timeout=20) as client,
    ):
        yield Visitors(running, client)
