"""What the machine has seen, for whoever wants to know where it gets to."""

from __future__ import annotations

from collections import Counter

GROUPS = ("rules", "faults", "died", "overtaken", "humans", "decided", "deeds", "undo", "ended")


class Tally:
    """How often what happened, in groups."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()

    def count(self, group: str, what: str) -> None:
        assert group in GROUPS, group
        self._seen[group, what] += 1

    def of(self, group: str, what: str = "") -> int:
        """Of all in a group, if nothing is named."""
        return sum(number for key, number in self._seen.items() if key[0] == group and what in {"", key[1]})

    def clear(self) -> None:
        self._seen.clear()

    def table(self) -> str:
        """In Markdown, the most frequent first."""
        lines = ["| what | times | of which |", "|---|---:|---|"]
        for group in GROUPS:
            some = sorted(((number, what) for (of, what), number in self._seen.items() if of == group), reverse=True)
            parts = ", ".join(f"{what} {number:,}" for number, what in some)
            lines.append(f"| {group} | {self.of(group):,} | {parts} |")
        return "\n".join(lines)


TALLY = Tally()
"""Of all worlds so far."""
