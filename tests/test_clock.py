from datetime import UTC, datetime, timedelta

import pytest

from bot import clock


def test_time_stands_still_rather_than_run_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    true = datetime(2026, 11, 22, 12, tzinfo=UTC)
    told = [true, true + timedelta(seconds=1), true - timedelta(days=1), true + timedelta(seconds=2)]

    class Told(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return told.pop(0)

    monkeypatch.setattr(clock, "datetime", Told)
    steady = clock.SystemClock()
    assert steady.now() == true + timedelta(seconds=1)
    assert steady.now() == true + timedelta(seconds=1)
    assert steady.now() == true + timedelta(seconds=2)
