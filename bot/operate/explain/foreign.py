"""Foreign text made harmless to look at: it may be long, in many lines, or try to change how its surroundings read."""

from __future__ import annotations

import unicodedata

LONGEST = 500
"""Characters of one foreign text that people are shown; the JSON has all of it."""

_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
"""Controls, what changes the direction of writing, what has no width, what is no character at all.

https://www.unicode.org/reports/tr44/#General_Category_Values
"""


def visible(text: str, *, longest: int | None = LONGEST) -> str:
    """In one line, with everything unseen spelt out: ``<U+202E>``."""
    cut = text if longest is None else text[:longest]
    more = f" … and {len(text) - len(cut)} characters more" if len(cut) < len(text) else ""
    return "".join(_spelt(one) for one in cut) + more


def _spelt(one: str) -> str:
    return f"<U+{ord(one):04X}>" if unicodedata.category(one) in _UNSEEN else one
