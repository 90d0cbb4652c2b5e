"""Numbers that a listing passed over. Pure.

Lemmy sorts by a date that remote authors choose: an item dated into the past never comes near the top. Its local id
tells: every id between two that were listed belongs to such an item, to one that is hidden, or to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    Waiting = dict[str, Any]

Ranges = list[list[int]]
"""Numbers as ``[first, last]`` pairs, JSON only."""

WIDEST = 500
"""Numbers in one gap that are looked up one by one; a wider one is a jump of the database's sequence."""

MOST = 2000
"""Numbers that wait to be looked up; what is over that is reported as a hole."""

AHEAD = 16
"""Numbers behind the highest that are looked up in turn while nothing new is listed: what came last may be dated into
the past, and an edit that arrives from elsewhere uses up a number (``INSERT ... ON CONFLICT``)."""


def passed_over(ranges: Ranges, top: int, seen: Iterable[int], above: int) -> tuple[Ranges, int]:
    """What is missing between ``above`` and the highest number, and that number, once ``seen`` was listed.

    ``ranges`` and ``top``: the result of the page before; at first nothing and ``above``.
    """
    for number in sorted(n for n in seen if n > above):
        if number > top:
            if number > top + 1:
                ranges = [*ranges, [top + 1, number - 1]]
            top = number
        else:
            ranges = [part for pair in ranges for part in _without(pair, number)]
    return ranges, top


def thinned(ranges: Ranges, lost: Sequence[int]) -> tuple[Ranges, Sequence[int]]:
    """While a walk goes on: not more than ``MOST`` ranges, and what was given up for that.

    ``lost``: how many numbers, the lowest and the highest; empty at first. The lowest narrow ranges go first, as at the
    end of the walk. The lowest of all stays, and wide ones do while there are others: there the walk has yet to come.
    """
    excess = len(ranges) - MOST
    if excess <= 0:
        return ranges, lost
    order = sorted(range(1, len(ranges)), key=lambda at: (ranges[at][1] - ranges[at][0] >= WIDEST, at))
    gone = sorted(order[:excess])
    count, lowest, highest = lost or (0, ranges[gone[0]][0], 0)
    count += sum(ranges[at][1] - ranges[at][0] + 1 for at in gone)
    lost = [count, min(lowest, ranges[gone[0]][0]), max(highest, ranges[gone[-1]][1])]
    return [pair for at, pair in enumerate(ranges) if at not in set(gone)], lost


def told(lost: Sequence[int]) -> Sequence[str]:
    """What was given up on the way, in words."""
    if not lost:
        return ()
    count, lowest, highest = lost
    between = f"{count} numbers between {lowest} and {highest}"
    return [f"{between} were not listed when they were passed, and too many wait to be asked for one by one"]


def bounded(ranges: Ranges) -> tuple[Ranges, Sequence[str]]:
    """The ranges that are worth looking up, and in words those that are not."""
    kept, holes, left = [], [], MOST
    for first, last in reversed(ranges):
        width = last - first + 1
        if width <= min(WIDEST, left):
            kept.append([first, last])
            left -= width
        else:
            holes.append(f"numbers {first} to {last} were never listed, and are too many to ask for one by one")
    return kept[::-1], holes


def within(waiting: Sequence[Waiting]) -> tuple[list[Waiting], Sequence[str]]:
    """What may go on waiting, the newest before all, and in words what is given up."""
    kept: list[Waiting] = []
    holes, left = [], MOST
    for gap in reversed(waiting):
        width = how_many([gap])
        if width <= left:
            kept.append(gap)
        else:
            ranges = ", ".join(f"{first} to {last}" if last > first else f"{first}" for first, last in gap["numbers"])
            holes.append(f"numbers {ranges} were never listed, and too many wait to be asked for one by one")
        left -= width
    return kept[::-1], holes


def how_many(waiting: Sequence[Waiting]) -> int:
    """How many numbers wait."""
    return sum(last - first + 1 for gap in waiting for first, last in gap["numbers"])


def first_of(ranges: Ranges, count: int) -> tuple[list[int], Ranges]:
    """The lowest ``count`` numbers, and what is left without them."""
    taken: list[int] = []
    rest: Ranges = []
    for first, last in ranges:
        part = range(first, min(last, first + count - len(taken) - 1) + 1)
        taken.extend(part)
        if first + len(part) <= last:
            rest.append([first + len(part), last])
    return taken, rest


def _without(pair: list[int], number: int) -> Ranges:
    first, last = pair
    if not first <= number <= last:
        return [pair]
    return [part for part in ([first, number - 1], [number + 1, last]) if part[0] <= part[1]]
