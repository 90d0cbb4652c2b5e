"""Looks at the media of single accounts, for what no public timeline shows: replies, unlisted posts, limited accounts.

Accounts that are new, reported or flagged are looked at again and again for a day; all others of the server in turn,
those with nothing new left out. Every look costs calls of the limit for paged ones, which timelines need too, so that
the operator sets how many there are in an hour (``sweeps.per_hour``).

The cursor holds ``letter`` (what was read of the inbox), ``queue`` (accounts, when they are due, the looks that
are left, and the tries that failed), ``roster`` (how far the list of all accounts has been read, and since when),
``todo`` (those of its last page that are still to be looked at), ``credit_at`` (from when on looks were saved up),
``floor`` and ``cutoff`` as in ``adapters.mastodon.window``.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.mastodon.basket import Basket
from adapters.mastodon.convert import moment
from adapters.mastodon.mailbox import Mailbox
from bot.domain.errors import LedgerError, NotFoundError, NotPermittedError, PlatformError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.convert import Converter
    from adapters.mastodon.reader import Reader
    from adapters.mastodon.settings import SweepSettings
    from bot.domain.content import SubjectKey
    from bot.ports import Batch, Clock, Cursor, Gone, Inbox

LIMIT = 40
PAGES = 3
"""Of one account at one look: what is older was seen by an earlier one, or stays a hole."""

AT_ONCE = 5
"""Accounts in one poll."""

SAVED = timedelta(minutes=15)
"""For how long looks are saved up while there was nothing to look at."""

LETTERS = 200
ROSTER_PAGE = 100
MOST_QUEUED = 2000

LOOKS = {
    "flagged": (timedelta(0), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1)),
    "reported": (timedelta(0), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1)),
    "new": (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1)),
    "failed": (timedelta(0),),  # one of the list that could not be looked at when it was its turn
}
"""When an account is looked at after it became interesting."""

TRIES = 5
"""For one look at an account whose posts the server fails to show, while it answers everything else."""

FIRST_WAIT = timedelta(minutes=2)
"""After the first of them; each further wait is twice as long."""

NOTED_AGAIN = timedelta(hours=1)
"""An account that is noted more often than that is noted once: a flagged post is read several times."""


class Notes:
    """Accounts that were flagged, left where the sweep finds them. Thread-safe."""

    def __init__(self, name: str, inbox: Inbox, clock: Clock) -> None:
        """``name``: of the sweep."""
        self._name = name
        self._inbox = inbox
        self._clock = clock
        self._noted: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def flagged(self, account_id: str) -> None:
        """Have an account looked through soon. What cannot be noted is no fault of the caller's."""
        now = self._clock.now()
        with self._lock:
            noted = self._noted.get(account_id)
            if noted is not None and now - noted < NOTED_AGAIN:
                return
            self._noted = {one: at for one, at in self._noted.items() if now - at < NOTED_AGAIN}
            self._noted[account_id] = now
        try:
            self._inbox.deliver(self._name, {"account": account_id, "why": "flagged"})
        except LedgerError:
            with self._lock:
                self._noted.pop(account_id, None)


class SweepSource:
    """Accounts, one after the other."""

    def __init__(
        self,
        name: str,
        client: MastodonClient,
        reader: Reader,
        inbox: Inbox,
        settings: SweepSettings,
        start_from: timedelta | None,
    ) -> None:
        """``name``: also that of the letters that ask for an account."""
        self._name = name
        self._client = client
        self._reader = reader
        self._mailbox = Mailbox(inbox, name)
        self._settings = settings
        self._start_from = start_from

    @property
    def name(self) -> str:
        """Key of the cursor: ``mastodon-main/sweeps``."""
        return self._name

    def poll(self, after: Cursor | None) -> Batch:
        """As many accounts as there is room for."""
        now, basket = self._reader.clock.now(), Basket()
        state: dict[str, Any] = dict(after) if after is not None else self._begin(now)
        state = self._noted(state, now, basket)
        looks = self._looks(state, now)
        if looks > 0:
            converter = self._reader.converter()
            state = self._sweep(state, looks, now, basket, converter)
        return basket.batch(state, more=False)

    def read(self, what: SubjectKey) -> Batch | Gone:
        """One subject of any kind again, as it is now."""
        return self._reader.read(what)

    def _begin(self, now: datetime) -> dict[str, Any]:
        cutoff = None if self._start_from is None else (now - self._start_from).isoformat()
        return {
            "letter": 0,
            "queue": [],
            "roster": {"at": None, "began": None, "before": None},
            "todo": [],
            "credit_at": (now - timedelta(hours=1) / max(1, self._settings.per_hour)).isoformat(),
            "floor": now.isoformat(),
            "cutoff": cutoff,
        }

    def _noted(self, state: dict[str, Any], now: datetime, basket: Basket) -> dict[str, Any]:
        """Put those in the queue that somebody asked for."""
        letters = self._mailbox.letters(state["letter"], limit=LETTERS)
        queue = {str(one["account"]): one for one in state["queue"]}
        for letter in letters:
            account, why = str(letter.payload["account"]), str(letter.payload["why"])
            waits = LOOKS.get(why, LOOKS["flagged"])
            known = queue.get(account)
            due = now + waits[0]
            if known is None or (why != "new" and datetime.fromisoformat(known["due"]) > due):
                queue[account] = {"account": account, "why": why, "looks": 0, "since": now.isoformat()}
                queue[account]["due"] = due.isoformat()
        waiting = sorted(queue.values(), key=lambda one: str(one["due"]))
        if len(waiting) > MOST_QUEUED:
            basket.holes.append(f"{len(waiting) - MOST_QUEUED} accounts that were to be swept: too many wait")
            waiting = waiting[:MOST_QUEUED]
        return {**state, "queue": waiting, "letter": letters[-1].id if letters else state["letter"]}

    def _looks(self, state: Mapping[str, Any], now: datetime) -> int:
        """How many accounts may be looked at now."""
        if self._settings.per_hour == 0:
            return 0
        saved = min(SAVED, now - datetime.fromisoformat(state["credit_at"]))
        return max(0, min(AT_ONCE, saved // (timedelta(hours=1) / self._settings.per_hour)))

    def _sweep(
        self, state: dict[str, Any], looks: int, now: datetime, basket: Basket, converter: Converter
    ) -> dict[str, Any]:
        spent = 0
        queue = list(state["queue"])
        while spent < looks and queue and datetime.fromisoformat(queue[0]["due"]) <= now:
            one = queue.pop(0)
            spent += 1
            failed = self._look_through(one["account"], state, basket, converter)
            if (following := _following(one, failed, now, basket)) is not None:
                queue.append(following)
                queue.sort(key=lambda waiting: str(waiting["due"]))
        state = {**state, "queue": queue}
        while spent < looks:
            if not state["todo"]:
                turned = self._turn_page(state, now, basket, converter)
                if turned is None:
                    break
                state = turned
                spent += 1
                continue
            account, *rest = state["todo"]
            spent += 1
            failed = self._look_through(account, state, basket, converter)
            state = {**state, "todo": rest}
            if failed and all(one["account"] != account for one in state["queue"]):
                one = {"account": account, "why": "failed", "looks": 0, "since": now.isoformat()}
                following = _following(one, failed, now, basket)
                state["queue"] = sorted([*state["queue"], following], key=lambda waiting: str(waiting["due"]))
        step = timedelta(hours=1) / self._settings.per_hour
        credit = max(datetime.fromisoformat(state["credit_at"]), now - SAVED) + spent * step
        return {**state, "credit_at": credit.isoformat()}

    def _turn_page(
        self, state: dict[str, Any], now: datetime, basket: Basket, converter: Converter
    ) -> dict[str, Any] | None:
        """The next page of the list of all local accounts; ``None`` where the next round is not due yet."""
        roster = state["roster"]
        if roster["at"] is None and roster["began"] is not None:
            if now - datetime.fromisoformat(roster["began"]) < self._settings.every:
                return None
            roster = {"at": None, "began": None, "before": roster["began"]}
        began = roster["began"] or now.isoformat()
        query = {"origin": "local", "status": "active", "limit": ROSTER_PAGE, "max_id": roster["at"]}
        try:
            page = self._client.listing("/api/v2/admin/accounts", query)
        except (NotPermittedError, NotFoundError):
            return None  # ``check`` says what is missing
        except PlatformError as error:
            self._reader.bear(error)
            basket.holes.append(f"the list of accounts cannot be read on: {error}")
            return None
        todo = []
        for row in page.rows:
            try:
                account = row["account"]
                todo += [str(row["id"])] if _has_news(account, roster["before"]) else []
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                basket.holes.append(f"an account of the list is not in Mastodon's shape ({error})")
                continue
            self._reader.see_account(account, basket, converter=converter, backlog=self._is_old(account, state))
        at = (page.following or {}).get("max_id")
        return {**state, "roster": {**roster, "at": at, "began": began}, "todo": todo}

    def _look_through(self, account_id: str, state: Mapping[str, Any], basket: Basket, converter: Converter) -> str:
        """The newest posts of one account that show something, replies and unlisted ones among them.

        What it failed at, or nothing. Raises ``PlatformError`` only where the whole server cannot be asked.
        """
        floor = datetime.fromisoformat(state["floor"])
        cutoff = None if state["cutoff"] is None else datetime.fromisoformat(state["cutoff"])
        below: str | None = None
        failed = ""
        for _ in range(PAGES):
            query = {"only_media": True, "exclude_reblogs": True, "limit": LIMIT, "max_id": below}
            try:
                page = self._client.listing(f"/api/v1/accounts/{account_id}/statuses", query)
            except NotFoundError:
                return failed  # suspended or deleted meanwhile
            except PlatformError as error:
                self._reader.bear(error)
                return str(error)
            older = False
            for row in page.rows:
                written = _written(row)
                old = written is None or written <= floor
                if old and cutoff is not None and written is not None and written < cutoff:
                    older = True
                    continue
                failed = self._reader.see_row(row, basket, converter=converter, backlog=old) or failed
            below = (page.following or {}).get("max_id")
            if older or below is None or len(page.rows) < LIMIT:
                return failed
        if state["roster"]["before"] is None:  # later rounds have seen what is behind
            basket.holes.append(f"media posts of account {account_id} behind the newest {PAGES * LIMIT}")
        return failed

    def _is_old(self, account: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
        """Pictures of a page have no date: what the first round over all accounts shows was there before."""
        born = _written(account)
        first = state["roster"]["before"] is None
        return first and (born is None or born <= datetime.fromisoformat(state["floor"]))


def _following(one: dict[str, Any], failed: str, now: datetime, basket: Basket) -> dict[str, Any] | None:
    """When an account is to be looked at again: soon, where the look failed, for some times."""
    tries = int(one.get("tries", 0)) + 1
    if failed and tries < TRIES:
        return {**one, "tries": tries, "due": (now + FIRST_WAIT * 2 ** (tries - 1)).isoformat()}
    if failed:
        basket.holes.append(f"posts of account {one['account']}, after {TRIES} looks: {failed}")
    waits = LOOKS.get(one["why"], LOOKS["flagged"])
    if one["looks"] + 1 >= len(waits):
        return None
    due = max(datetime.fromisoformat(one["since"]) + waits[one["looks"] + 1], now)
    return {**one, "tries": 0, "looks": one["looks"] + 1, "due": due.isoformat()}


def _written(row: Mapping[str, Any]) -> datetime | None:
    try:
        return moment(row["created_at"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _has_news(account: Mapping[str, Any], before: str | None) -> bool:
    """Whether an account may have posted since a round began; the server tells the day only."""
    last = account.get("last_status_at")
    if not last:
        return False
    return before is None or str(last)[:10] >= before[:10]
