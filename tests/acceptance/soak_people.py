"""What people do while the bot looks on: they post, comment, link, edit, delete; another server sends what it has.

Which things happen, with which pictures and by whom, the seed says alone. What they happen to (an edit, a deletion, a
comment) is chosen among what is there at that moment.
"""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .raid_people import Poster, picture, png

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .soak_town import SoakTown

BEGINNINGS = ("post", "arriving_post", "text")
"""What happens first, one after the other. It stays, so that there is always something to edit and to answer."""

HANDS = 4
SIZE = (96, 72)
HOUR = 3600.0

KINDS = {
    "post": 26,
    "text": 10,
    "comment": 18,
    "link": 6,
    "arriving_post": 12,
    "arriving_comment": 6,
    "edit": 8,
    "edit_afar": 3,
    "delete": 5,
    "delete_afar": 2,
    "take_back": 4,
}
"""Of a hundred things that happen, so many are of each kind."""

MAY_BE_LISTED = {"post", "text", "comment", "arriving_post", "arriving_comment"}
LISTED = 0.06
"""Share of these that show a picture of the list, each by an account of its own."""

ROUNDS = 6
"""How often a feed has to have given out its first page, unharmed, while something is there, before it is owed although
it was deleted: an answer may reach a bot that is killed, or be thrown away with its walk because a later page fails."""


@dataclass(slots=True)
class Made:
    """A picture that was shown or stored. ``by``: who stored it."""

    url: str
    by: str
    feed: str  # that brings it
    appeared: int  # rounds of that feed before it appeared
    listed: bool = False
    went: int | None = None  # rounds of that feed before it was deleted
    at_once: bool = True  # the feed listed it as soon as it was there

    @property
    def owed(self) -> bool:
        """Whether the feed listed it often enough, or does so still."""
        return self.went is None or (self.at_once and self.went - self.appeared >= ROUNDS)


@dataclass(slots=True)
class Item:
    """A post or comment that can be edited, answered and deleted. ``token``: of its author, if he is local."""

    kind: str
    number: int
    by: str
    token: str | None
    made: list[Made]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that happens."""

    number: int
    kind: str
    listed: bool

    @property
    def content(self) -> bytes:
        """Another picture for each turn."""
        return png(picture(10_000_000 + self.number, SIZE))


def plan(items: int, seed: int) -> Sequence[Turn]:
    """So many turns, the same ones for the same seed."""
    chance = random.Random(seed)
    kinds = [*BEGINNINGS, *chance.choices(list(KINDS), list(KINDS.values()), k=items)][:items]
    listed = [kind in MAY_BE_LISTED and chance.random() < LISTED for kind in kinds]
    return [
        Turn(seed * 1_000_000 + number, kind, listed[number] and number >= len(BEGINNINGS))
        for number, kind in enumerate(kinds)
    ]


@dataclass
class Life:
    """Plays turns. Thread-safe."""

    town: SoakTown
    poster: Poster
    users: Mapping[str, str]
    strangers: Mapping[str, str]  # who show what is listed
    made: list[Made] = field(default_factory=list)
    happened: dict[str, int] = field(default_factory=dict)
    _items: list[Item] = field(default_factory=list)
    _leaving: list[tuple[Made, Callable[[], object]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def _left(self) -> list[str]:
        return list(self.strangers)

    def play(self, turns: Sequence[Turn], pause: Callable[[], None] = lambda: None) -> None:
        """By several hands at once; ``pause`` before each turn."""
        alone = max(0, len(BEGINNINGS) - sum(self.happened.values()))
        self._some(turns[:alone], pause)
        turns = turns[alone:]
        with ThreadPoolExecutor(HANDS) as hands:
            for running in [hands.submit(self._some, turns[share::HANDS], pause) for share in range(HANDS)]:
                running.result()

    def _some(self, turns: Sequence[Turn], pause: Callable[[], None]) -> None:
        for turn in turns:
            pause()
            getattr(self, f"_{turn.kind}")(turn, random.Random(f"turn {turn.number}"))
            with self._lock:
                self.happened[turn.kind] = self.happened.get(turn.kind, 0) + 1
            if turn.number % 10 == 0:
                self.let_go()

    def let_go(self) -> int:
        """Delete what the feeds have listed often enough; how much has to wait."""
        rounds = self.town.rounds()
        with self._lock:
            due = [one for one in self._leaving if rounds.get(one[0].feed, 0) - one[0].appeared >= ROUNDS]
            self._leaving = [one for one in self._leaving if one not in due]
        for made, go in due:
            go()
            made.went = rounds[made.feed]
        return len(self._leaving)

    # -- who and what

    def _who(self, turn: Turn, chance: random.Random) -> tuple[str, str]:
        with self._lock:
            name = self._left.pop() if turn.listed else None
        if name is not None:
            return name, self.strangers[name]
        name = chance.choice(list(self.users))
        return name, self.users[name]

    def _upload(self, turn: Turn, name: str, token: str) -> Made | None:
        """``None`` where the account is banned already."""
        appeared = self.town.rounds().get("uploads", 0)
        url = self.poster.upload(token, turn.content)
        return (
            None
            if url is None
            else self._keep(Made(url, name, "uploads", appeared, turn.listed, at_once=self.poster.TELLS))
        )

    def _keep(self, made: Made) -> Made:
        with self._lock:
            self.made.append(made)
        return made

    def _add(self, item: Item) -> None:
        with self._lock:
            self._items.append(item)

    def _some_item(self, chance: random.Random, which: Callable[[Item], bool], *, take: bool = False) -> Item | None:
        """One that shows nothing listed; those would be gone before long."""
        with self._lock:
            there = self._items[len(BEGINNINGS) :] if take else self._items
            fit = [one for one in there if which(one) and not any(made.listed for made in one.made)]
            found = chance.choice(fit) if fit else None
            if found is not None and take:
                self._items.remove(found)
        return found

    # -- what happens

    def _post(self, turn: Turn, chance: random.Random) -> None:
        name, token = self._who(turn, chance)
        made = self._upload(turn, name, token)
        number = None if made is None else self.poster.post(token, name=f"A walk, {turn.number}", url=made.url)
        if made is not None and number is not None:
            self._add(Item("post", number, name, token, [made]))

    def _text(self, turn: Turn, chance: random.Random) -> None:
        name, token = self._who(turn, chance)
        made = self._upload(turn, name, token)
        body = "" if made is None else f"Thoughts, and a picture: ![]({made.url})"
        number = None if made is None else self.poster.post(token, name=f"A thought, {turn.number}", body=body)
        if made is not None and number is not None:
            self._add(Item("post", number, name, token, [made]))

    def _comment(self, turn: Turn, chance: random.Random) -> None:
        name, token = self._who(turn, chance)
        made = self._upload(turn, name, token)
        if made is not None:
            self._answer(name, token, f"This one: ![]({made.url})", [made], chance)

    def _answer(self, name: str, token: str, content: str, made: list[Made], chance: random.Random) -> None:
        post = self._some_item(chance, lambda one: one.kind == "post")
        assert post is not None
        answer = self.poster.call(token, "comment", post_id=post.number, content=content)
        if answer.is_client_error and post not in self._items:
            self._answer(name, token, content, made, chance)  # it was deleted at that very moment
        elif not self.poster.is_banned(answer):
            number = answer.raise_for_status().json()["comment_view"]["comment"]["id"]
            self._add(Item("comment", int(number), name, token, made))

    def _link(self, turn: Turn, chance: random.Random) -> None:
        """Somebody shows what somebody else has stored, here or far away."""
        name, token = self._who(turn, chance)
        with self._lock:
            shown = chance.choice([made for made in self.made if not made.listed])
        if chance.random() < 0.5:
            number = self.poster.post(token, name=f"Who is this? {turn.number}", url=shown.url)
            assert number is not None
            self._add(Item("post", number, name, token, []))
        else:
            self._answer(name, token, f"As in ![]({shown.url})", [], chance)

    def _arriving_post(self, turn: Turn, chance: random.Random) -> None:
        """Now, days late, or from the future by its own account."""
        age = chance.choice([0.0, 2 * HOUR, 72 * HOUR, -HOUR, -48 * HOUR])
        self._arrives("post", turn, chance, age, None)

    def _arriving_comment(self, turn: Turn, chance: random.Random) -> None:
        post = self._some_item(chance, lambda one: one.kind == "post")
        assert post is not None
        self._arrives("comment", turn, chance, chance.choice([0.0, 2 * HOUR, 72 * HOUR, -HOUR]), post.number)

    def _arrives(self, kind: str, turn: Turn, chance: random.Random, age: float, post: int | None) -> None:
        author = f"stranger{turn.number}" if turn.listed else f"friend{chance.randrange(20)}"
        appeared = self.town.rounds().get(f"{kind}s", 0)
        told = self.town.arrives(kind, author, turn.content, age=age, post=post)
        made = self._keep(Made(told["url"], author, f"{kind}s", appeared, turn.listed))
        self._add(Item(kind, told["number"], author, None, [made]))

    def _edit(self, turn: Turn, chance: random.Random) -> None:
        """Of a local item: one more picture, or another one instead."""
        item = self._some_item(chance, lambda one: one.token is not None)
        assert item is not None
        assert item.token is not None
        made = self._upload(turn, item.by, item.token)
        assert made is not None
        if item.kind == "comment":
            change: dict[str, Any] = {"comment_id": item.number, "content": f"Corrected: ![]({made.url})"}
        elif chance.random() < 0.5:
            change = {"post_id": item.number, "url": made.url}
        else:
            change = {"post_id": item.number, "body": f"More: ![]({made.url})"}
        self.poster.call(item.token, item.kind, method="PUT", **change).raise_for_status()

    def _edit_afar(self, turn: Turn, chance: random.Random) -> None:
        item = self._some_item(chance, lambda one: one.token is None)
        assert item is not None
        appeared = self.town.rounds().get(f"{item.kind}s", 0)
        made = Made(self.town.changes(item.kind, item.number, turn.content), item.by, f"{item.kind}s", appeared)
        item.made.append(self._keep(made))

    def _delete(self, turn: Turn, chance: random.Random) -> None:
        """A post or comment goes; what was uploaded for it stays."""
        item = self._some_item(chance, lambda one: one.token is not None, take=True)
        if item is not None and item.token is not None:
            self.poster.delete(item.token, item.kind, item.number).raise_for_status()

    def _delete_afar(self, turn: Turn, chance: random.Random) -> None:
        """Something that arrives is deleted there: at once, or when it was listed often enough.

        What is dated back stands on no first page. It is asked for by its number within minutes, and excused before.
        """
        at_once = chance.random() < 0.5
        appeared = self.town.rounds().get("posts", 0)
        told = self.town.arrives("post", "hasty", turn.content, age=chance.choice([0.0, HOUR]) if at_once else 0.0)
        made = self._keep(Made(told["url"], "hasty", "posts", appeared))
        self._goes(made, lambda: self.town.changes("post", told["number"], None), at_once=at_once)

    def _take_back(self, turn: Turn, chance: random.Random) -> None:
        """An upload is deleted by who made it: at once, or when it was listed often enough."""
        name, token = self._who(turn, chance)
        made = self._upload(turn, name, token)
        assert made is not None
        alias = made.url.rsplit("/", 1)[1]
        self._goes(made, lambda: self.poster.take_back(token, alias), at_once=chance.random() < 0.5)

    def _goes(self, made: Made, go: Callable[[], object], *, at_once: bool) -> None:
        if at_once:
            go()
            made.went = self.town.rounds().get(made.feed, 0)
        else:
            with self._lock:
                self._leaving.append((made, go))
