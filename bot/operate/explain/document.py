"""An explanation as JSON: the names of ``shape``, moments as ISO 8601 in UTC, nothing but ASCII."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.operate.explain.shape import Explanation


def as_json(explanation: Explanation) -> str:
    """In ASCII, so that nothing in foreign text changes how the file reads in an editor."""
    return json.dumps(asdict(explanation), indent=2, default=_moment) + "\n"


def _moment(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"no word for {type(value).__name__}")
    return value.astimezone(UTC).isoformat()
