"""What the server says of its limits. Nothing here uses one up."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ..answers import body
from .pictures import png

if TYPE_CHECKING:
    import httpx

    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def told(answer: httpx.Response) -> tuple[int, int, datetime]:
    """Limit, remainder and end of the window."""
    headers = answer.headers
    assert MOMENT.fullmatch(headers["x-ratelimit-reset"]), headers["x-ratelimit-reset"]
    reset = datetime.fromisoformat(headers["x-ratelimit-reset"])
    return int(headers["x-ratelimit-limit"]), int(headers["x-ratelimit-remaining"]), reset


def test_every_answer_counts_down(warden: Person) -> None:
    limit, first, _ = told(warden.get("v1/admin/reports", {"limit": 1}))
    _, second, reset = told(warden.get("v1/admin/reports", {"limit": 1}))
    assert first <= limit
    assert second < first or reset.timestamp() % 300 < 2  # unless a window ended in between


def test_window_is_five_minutes_by_the_clock(warden: Person) -> None:
    _, _, reset = told(warden.get("v1/admin/reports", {"limit": 1}))
    assert reset.replace(microsecond=0).timestamp() % 300 == 0
    assert (reset - datetime.now(UTC)).total_seconds() < 330


def test_refusal_counts_too(warden: Person) -> None:
    answer = warden.get("v1/admin/ip_blocks")
    assert answer.status_code == 403
    assert told(answer)[0] > 0


def test_upload_tells_of_the_uploads_of_half_an_hour(alice: Person, stage: Stage) -> None:
    limit, _, reset = told(alice.upload(png(32, 32)))
    assert limit == 30
    assert reset.replace(microsecond=0).timestamp() % 1800 == 0


def test_deletion_tells_of_the_deletions_of_half_an_hour(alice: Person, stage: Stage) -> None:
    answer = alice.delete(f"v1/statuses/{stage.post(alice)['id']}")
    assert body(answer)
    limit, _, reset = told(answer)
    assert limit == 30
    assert reset.replace(microsecond=0).timestamp() % 1800 == 0


def test_streams_and_files_are_not_counted(stage: Stage, alice: Person, anonymous: Person) -> None:
    status = stage.post(alice, pictures=1)
    assert "x-ratelimit-limit" not in anonymous.fetch(status["media_attachments"][0]["url"]).headers
