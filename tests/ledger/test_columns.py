"""Column types: what goes in comes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from bot.ledger.columns import AnyText, Utc, fingerprint

DIALECTS = [sqlite.dialect(), postgresql.dialect()]


@given(st.text(st.characters(codec=None)) | st.text().map(lambda text: f"json:{text}"))
def test_any_text_is_stored_in_what_every_database_takes(text: str) -> None:
    column = AnyText()
    for dialect in DIALECTS:
        stored = column.process_bind_param(text, dialect)
        assert stored is not None
        assert "\0" not in stored
        stored.encode()
        assert column.process_result_value(stored, dialect) == text
    assert fingerprint(text) == fingerprint(text)


@given(st.text())
def test_plain_text_is_stored_as_it_is(text: str) -> None:
    if "\0" not in text and not text.startswith("json:"):
        assert AnyText().process_bind_param(text, DIALECTS[0]) == text


@given(st.datetimes(datetime(1900, 1, 2), datetime(9000, 1, 1), timezones=st.timezones() | st.just(UTC)))  # noqa: DTZ001 - hypothesis takes naive bounds
def test_moments_come_back_as_utc(moment: datetime) -> None:
    column = Utc()
    for dialect in DIALECTS:
        back = column.process_result_value(column.process_bind_param(moment, dialect), dialect)
        assert back == moment.astimezone(UTC)
        assert back is not None
        assert back.tzinfo is UTC


def test_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Utc().process_bind_param(datetime(2026, 1, 1), DIALECTS[0])  # noqa: DTZ001 - the point
    east = datetime(2026, 1, 1, 3, tzinfo=timezone(timedelta(hours=3)))
    assert Utc().process_bind_param(east, DIALECTS[0]) == datetime(2026, 1, 1)  # noqa: DTZ001 - SQLite's
