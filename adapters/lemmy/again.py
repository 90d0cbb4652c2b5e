"""What was read is read again, ever more rarely: no listing of Lemmy's is sorted by edits. Pure.

Lemmy writes thumbnails, types and proxied addresses after it has published a post, and replaces the thumbnails of
federated posts (LemmyNet/lemmy 0.19, crates/apub/src/objects/post.rs); an edit moves nothing to the top. A page of
fifty costs one call, so listings are read again rather than single posts. What no listing shows, because it is dated
into the past or hidden at the moment, is asked for by its number; so is what a listing shows days down when it is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROUNDS = (
    (timedelta(minutes=3), timedelta(minutes=1)),
    (timedelta(hours=1), timedelta(minutes=10)),
    (timedelta(days=1), timedelta(hours=3)),
    (timedelta(days=30), timedelta(days=7)),
)
"""How far back, and how often. Those that are due take turns, page by page; one goes on where it stopped."""

PACE = timedelta(seconds=10)
"""Between two pages: six calls in a minute of the hundred and eighty that Lemmy allows, however often we are asked."""

HURRY = timedelta(seconds=2)
"""For which a round that is late is read on with what the server's limit has to spare, after each of these pages."""

LOOKS = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=7),
)
"""When what was found by its number, or was new far down, is asked for again, each counted from the look before."""

TRIES_OF_A_LOOK = 4
"""Tries, a minute apart, at a look that the server fails at: the next one may be a day away."""

TRIES = 8
"""Of a page that the server fails at, before the round that it is of is over: more than a minute."""

MOST = 3000
"""Numbers that are looked at again; beyond that the longest known go first, and are holes."""

LISTED = MOST // 2
"""Up to so many, what a listing shows far down is among them: it is read again rarely there."""

LET_GO = f"a number that was to be asked for again was let go, for {MOST} others wait: what comes there is not seen"
"""The same words each time, so that ``status`` counts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """How far each round has come. Every part of it is JSON."""

    read_at: str  # the last page of any round
    states: Sequence[Mapping[str, Any]]  # ``began``, ``at`` (``None``: nothing is under way) and ``failed`` of each
    turn: int  # whose page was the last

    @classmethod
    def begin(cls, now: datetime) -> Rounds:
        """Nothing is due yet: what there is was read just now."""
        began = {"began": now.isoformat(), "at": None}
        return cls(read_at=now.isoformat(), states=[began for _ in ROUNDS], turn=0)

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None, now: datetime) -> Rounds:
        """As a cursor holds it."""
        if kept is None or len(kept["states"]) != len(ROUNDS):
            return cls.begin(now)
        return cls(read_at=kept["read_at"], states=kept["states"], turn=kept["turn"])

    def kept(self) -> dict[str, Any]:
        """For the cursor."""
        return {"read_at": self.read_at, "states": list(self.states), "turn": self.turn}

    def due(self, now: datetime) -> int | None:
        """Which round reads a page now."""
        if timedelta(0) <= now - datetime.fromisoformat(self.read_at) < PACE:
            return None
        for step in range(1, len(ROUNDS) + 1):
            which = (self.turn + step) % len(ROUNDS)
            state, (_, every) = self.states[which], ROUNDS[which]
            if state["at"] is not None or not timedelta(0) <= now - datetime.fromisoformat(state["began"]) < every:
                return which
        return None

    def late(self, now: datetime) -> int | None:
        """Which round is under way for so long that the next of it is due; none where the server failed just now."""
        if self.states[self.turn].get("failed"):
            return None
        for which, (state, (_, every)) in enumerate(zip(self.states, ROUNDS, strict=True)):
            if state["at"] is not None and now - datetime.fromisoformat(state["began"]) > every:
                return which
        return None

    def place(self, which: int) -> Any:
        """Where the page of this round begins; ``None``: at the top."""
        return self.states[which]["at"]

    def over(self, which: int, oldest: datetime, now: datetime) -> bool:
        """Whether a page that reaches down to ``oldest`` ends the round: it began then, and looks back from there."""
        began = now if self.place(which) is None else datetime.fromisoformat(self.states[which]["began"])
        return oldest < began - ROUNDS[which][0]

    def after(self, which: int, following: Any, now: datetime) -> Rounds:
        """Once a page was read. ``following is None``: the round is over."""
        states = list(self.states)
        began = now.isoformat() if self.place(which) is None else states[which]["began"]
        states[which] = {"began": began, "at": following}
        return Rounds(read_at=now.isoformat(), states=states, turn=which)


def unread(rounds: Rounds, which: int, now: datetime) -> tuple[Rounds, Sequence[str]]:
    """Once the server has failed at a page in the middle of a round; and in words what is given up for that."""
    states = list(rounds.states)
    failed = int(states[which].get("failed", 0)) + 1
    states[which] = {**states[which], "failed": failed, **({"at": None} if failed >= TRIES else {})}
    after = Rounds(read_at=now.isoformat(), states=states, turn=which)
    span = ROUNDS[which][0]
    return after, [f"edits of the last {span}: the server fails at a page of them"] if failed >= TRIES else []


def watched(
    watch: Sequence[Mapping[str, Any]], number: int, now: datetime
) -> tuple[list[dict[str, Any]], Sequence[str]]:
    """With a number that was found by asking for it; and in words what had to make room for it."""
    kept = [dict(one) for one in watch if one["number"] != number]
    kept.append({"number": number, "looks": 0, "due": (now + LOOKS[0]).isoformat()})
    return kept[-MOST:], [LET_GO] * max(0, len(kept) - MOST)


def next_due(watch: Sequence[Mapping[str, Any]], now: datetime) -> list[int]:
    """The numbers whose time has come, the longest overdue first."""
    due = sorted((str(one["due"]), int(one["number"])) for one in watch)
    return [number for at, number in due if datetime.fromisoformat(at) <= now]


def looked_at(watch: Sequence[Mapping[str, Any]], number: int, now: datetime, *, there: bool) -> list[dict[str, Any]]:
    """After a look: the next one is later, and after the last, or where nothing was found, there is none."""
    kept = []
    for one in watch:
        looks = one["looks"] + 1
        if one["number"] != number:
            kept.append(dict(one))
        elif there and looks < len(LOOKS):
            kept.append({"number": number, "looks": looks, "due": (now + LOOKS[looks]).isoformat()})
    return kept


def in_vain(watch: Sequence[Mapping[str, Any]], number: int, now: datetime) -> list[dict[str, Any]]:
    """After a look that the server failed at: soon once more, and in the end as if it had been one."""
    tries = next((one.get("failed", 0) + 1 for one in watch if one["number"] == number), 0)
    if tries >= TRIES_OF_A_LOOK:
        return looked_at(watch, number, now, there=True)
    due = (now + LOOKS[0]).isoformat()
    return [{**one, "failed": tries, "due": due} if one["number"] == number else dict(one) for one in watch]
