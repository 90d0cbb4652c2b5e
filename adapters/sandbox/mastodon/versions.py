"""What differs between the two Mastodons that the sandbox can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Name = Literal["4.3", "4.6"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One release. ``newer`` is true for 4.6, whose objects carry more keys and whose rules are stricter."""

    name: Name
    number: str
    api: int
    newer: bool


VERSIONS: dict[str, Version] = {
    "4.3": Version(name="4.3", number="4.3.23", api=2, newer=False),
    "4.6": Version(name="4.6", number="4.6.5", api=11, newer=True),
}
