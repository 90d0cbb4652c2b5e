"""Column types that any database keeps faithfully, whatever a foreign server put into a text."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, DateTime, Integer, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect

    from bot.domain.content import Account, Community

ESCAPED = "json:"


class AnyText(TypeDecorator[str]):
    """Text from anywhere, given back unchanged.

    SQLite refuses lone surrogates and PostgreSQL refuses NUL, and both occur in what servers send: such a text is
    stored as JSON behind ``json:``, so that one hostile post does not stop a feed for ever.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Escape what cannot be stored."""
        if value is None or _storable(value):
            return value
        return ESCAPED + json.dumps(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Take the escape away."""
        if value is not None and value.startswith(ESCAPED):
            value = json.loads(value.removeprefix(ESCAPED))
        return value if value is None else str(value)


class Utc(TypeDecorator[datetime]):
    """A moment: stored as UTC, given back aware. Refuses naive values, for nobody knows what they mean."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As UTC; SQLite keeps no offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        """Aware again."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Id = BigInteger().with_variant(Integer(), "sqlite")
"""A row's key. SQLite counts by itself only in a column that is called INTEGER."""


def fingerprint(text: str) -> str:
    """What stands for a text in an index: PostgreSQL indexes no more than about 2,700 bytes, and URLs may be longer."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest_of(known: Account | Community | None) -> str | None:
    """What stands for an account or a community in an index, wherever it was seen."""
    return None if known is None else fingerprint(known.uri)


def _storable(value: str) -> bool:
    if value.startswith(ESCAPED) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
