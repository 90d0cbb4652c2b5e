"""What really became of everything, in the order in which it did, and who did it: written beside the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decisions import BanAccount, PurgeFile, Remove, Report, Scope, SetSwitch

from .town import BOT, HUMAN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.decisions import Intent

    from .town import Town

FOREVER = "for good"
US, SOMEBODY, TIME = "the bot", "somebody", "time"


@dataclass(frozen=True, slots=True)
class Deed:
    """On whose behalf the bot calls: an intent, forwards or backwards."""

    intent: int
    key: str
    undoing: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One thing became another. ``deed``: of the bot's changes, what it was about."""

    number: int
    key: str
    before: str
    after: str
    who: str
    deed: Deed | None = None

    @property
    def to_the_point(self) -> bool:
        """Not a side effect: removing a post also closes reports on it."""
        return self.deed is not None and self.deed.key == self.key


class Books:
    """The history of one town."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.now = self._look()
        self.history: list[Change] = []

    def note(self, who: str, deed: Deed | None = None) -> Sequence[Change]:
        """Write down what is other than it was at the last look."""
        found = self._look()
        changes = [
            Change(len(self.history) + place, key, self.now[key], found[key], who, deed)
            for place, key in enumerate(key for key in found if found[key] != self.now[key])
        ]
        self.now = found
        self.history += changes
        return changes

    def of(self, key: str) -> list[Change]:
        """The history of one thing."""
        return [change for change in self.history if change.key == key]

    def last(self, key: str) -> Change | None:
        """What happened to it last."""
        return next((change for change in reversed(self.history) if change.key == key), None)

    def forwards(self, intent: int) -> list[Change]:
        """What an intent has changed of its own target."""
        return [
            change
            for change in self.history
            if change.to_the_point
            and change.deed is not None
            and not change.deed.undoing
            and change.deed.intent == intent
        ]

    def _look(self) -> dict[str, str]:
        town, state = self._town, self._town.state
        found: dict[str, str] = {}
        for kind, rows, reports in (
            ("post", state.posts, state.post_reports),
            ("comment", state.comments, state.comment_reports),
        ):
            for number in town.numbers[kind]:
                row = rows.get(number)
                found[f"{kind}/{number}"] = "erased" if row is None else "removed" if row.removed else "shown"
                found[f"report/{kind}/{number}"] = "none"
            for report in reports.values():
                if report.creator_id == town.ids[BOT]:
                    number = getattr(report, f"{kind}_id")
                    found[f"report/{kind}/{number}"] = "resolved" if report.resolved else "open"
        for name, number in town.ids.items():
            if name in {BOT, HUMAN}:
                continue
            person = state.people[number]
            found[f"ban/{number}@site"] = self._ban(person.banned, person.ban_expires)
            key = (town.community_id, number)
            found[f"ban/{number}@{town.community_id}"] = self._ban(
                key in state.community_bans, state.community_bans.get(key)
            )
        found["switch/registration"] = state.local_site.registration_mode
        for number, alias in enumerate(town.aliases):
            found[f"file/{alias}"] = "there" if town.has_file(number) else "gone"
        return found

    def _ban(self, banned: bool, expires: datetime | None) -> str:
        if not banned or (expires is not None and expires <= self._town.clock.now()):
            return "none"
        return FOREVER if expires is None else expires.isoformat()

    def still(self, value: str) -> str:
        """What a value has become by the mere passing of time."""
        if value[:2] == "20" and value <= self._town.clock.now().isoformat():
            return "none"
        return value

    def is_so(self, intent: Intent) -> bool:
        """Whether the server's own state is what this intent wants."""
        return fulfils(self.now[key_of(intent)], intent)


def fulfils(value: str, intent: Intent) -> bool:
    """Whether this is what an intent wants."""
    match intent:
        case Remove():
            return value in {"removed", "erased"}
        case PurgeFile():
            return value == "gone"
        case BanAccount():
            return value == FOREVER or (intent.days is not None and value != "none")
        case Report():
            return value != "none"
        case SetSwitch():
            return value == "Closed"
        case _:
            raise AssertionError(intent)


def key_of(intent: Intent) -> str:
    """Where the books keep what an intent is about."""
    match intent:
        case Report():
            return f"report/{intent.subject.kind}/{intent.subject.local_id}"
        case Remove():
            return f"{intent.subject.kind}/{intent.subject.local_id}"
        case PurgeFile():
            return f"file/{intent.name.value}"
        case BanAccount():
            place = "site" if intent.scope is Scope.SITE else intent.community_id
            return f"ban/{intent.account.local_id}@{place}"
        case SetSwitch():
            return f"switch/{intent.switch.value}"
        case _:
            raise AssertionError(intent)
