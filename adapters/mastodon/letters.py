"""What a server sends by itself, and how much of it is kept: what is needed to see media, and nothing of people.

Mastodon's webhooks carry every post of its own accounts, those for followers and for single readers too, and e-mail
and IP addresses of accounts. None of that gets into a letter. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from adapters.mastodon.basket import Basket
from adapters.mastodon.convert import hidden, quoted, unfinished, unwrapped
from adapters.mastodon.mailbox import Mailbox
from bot.domain.errors import NotFoundError, PlatformError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.mastodon import wire
    from adapters.mastodon.convert import Converter
    from adapters.mastodon.reader import Reader
    from bot.domain.content import SubjectKey
    from bot.ports import Batch, Cursor, Gone, Inbox

LETTERS_AT_ONCE = 50
PENDING_AT_ONCE = 10
FIRST_WAIT = timedelta(seconds=5)
"""For a file that the server is still at work on, or a post that it fails to show; each further wait is twice
as long."""

TRIES = 10
"""Looks at a post whose files are not ready, or that the server fails to show: for an hour and a half, which is more
than Mastodon gives itself for a film."""

MOST_PENDING = 500
REPORTED_AT_ONCE = 40

_STATUS = (
    *("id", "uri", "url", "created_at", "edited_at", "visibility", "sensitive", "content", "media_attachments"),
    *("card", "emojis", "in_reply_to_account_id"),
)
_ACCOUNT = (
    *("id", "username", "acct", "url", "uri", "created_at", "avatar", "header", "note", "roles", "emojis"),
    *("suspended",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is stored. ``sweep``: an account to be looked through, and why."""

    payload: Mapping[str, Any]
    sweep: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is not stored, but counted."""

    reason: str


def letter_of(event: str, what: object) -> Kept | Left:
    """From an event of a webhook or a stream and what it is about. Takes anything and never raises."""
    try:
        return _letter_of(event, what)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Left(reason="not understood")


def _letter_of(event: str, what: Any) -> Kept | Left:
    match event:
        case "status.created" | "status.updated" | "update" | "status.update":
            return _of_status(what)
        case "delete":
            return Kept(payload={"kind": "deleted", "id": str(what)})
        case "account.created" | "account.approved" | "account.updated":
            account = _some(what["account"], _ACCOUNT)
            sweep = None if event == "account.updated" else (str(account["id"]), "new")
            return Kept(payload={"kind": "account", "account": account}, sweep=sweep)
        case "report.created" | "report.updated":
            target = str(what["target_account"]["id"])
            shown = [str(status["id"]) for status in what.get("statuses") or () if hidden(status) is None]
            payload = {"kind": "report", "account": target, "statuses": shown[:REPORTED_AT_ONCE]}
            return Kept(payload=payload, sweep=(target, "reported"))
        case _:
            return Left(reason="event of no concern")


def _of_status(what: Any) -> Kept | Left:
    # Whose boost only some may see is not ours to keep, whatever is boosted.
    reason = hidden(what) or hidden(unwrapped(what))
    if reason is not None:
        return Left(reason=reason)
    whole = unwrapped(what)
    status = _shown(whole)
    inner = quoted(whole)
    if inner is not None and hidden(inner) is None:
        status["quote"] = {"quoted_status": _shown(inner)}
    return Kept(payload={"kind": "status", "status": status})


def _shown(status: wire.Status) -> dict[str, Any]:
    attached: object = status.get("media_attachments", [])
    if not isinstance(attached, list) or not all(isinstance(one, dict) for one in attached):
        raise TypeError("media_attachments is not a list of objects")
    return {**_some(status, _STATUS), "account": _some(status["account"], _ACCOUNT)}


def _some(what: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    found = {key: what[key] for key in keys if key in what}
    _ = found["id"]
    return found


class LetterSource:
    """Reads the letters of one push and makes sightings of them."""

    def __init__(self, name: str, inbox: Inbox, reader: Reader) -> None:
        """``name``: of the push, and of the cursor: ``mastodon-main/webhook``."""
        self._name = name
        self._mailbox = Mailbox(inbox, name)
        self._reader = reader

    @property
    def name(self) -> str:
        """As above."""
        return self._name

    def poll(self, after: Cursor | None) -> Batch:
        """Letters that came since, and posts whose files were not ready, or that could not be read, when theirs came.

        Letters are forgotten once the cursor that stands behind them was committed. ``PlatformError`` as every source.
        """
        state: Mapping[str, Any] = after or {"letter": 0, "pending": []}
        letters = self._mailbox.letters(state["letter"], limit=LETTERS_AT_ONCE)
        basket, pending = Basket(newest_last=True), list(state["pending"])
        if letters or pending:
            converter = self._reader.converter()
            for letter in letters:
                try:
                    pending = self._open(letter.payload, pending, basket, converter)
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    basket.holes.append(f"letter {letter.id} is not in the shape of ours ({type(error).__name__})")
            pending = self._look_again(pending, basket, converter)
        if len(pending) > MOST_PENDING:
            basket.holes.append(f"{len(pending) - MOST_PENDING} posts that were to be looked at again: too many wait")
            pending = pending[-MOST_PENDING:]
        cursor = {"letter": letters[-1].id if letters else state["letter"], "pending": pending}
        return basket.batch(cursor, more=len(letters) == LETTERS_AT_ONCE)

    def read(self, what: SubjectKey) -> Batch | Gone:
        """One subject of any kind again, as it is now."""
        return self._reader.read(what)

    def _open(
        self, payload: Mapping[str, Any], pending: list[dict[str, Any]], basket: Basket, converter: Converter
    ) -> list[dict[str, Any]]:
        match payload.get("kind"):
            case "status":
                status = cast("wire.Status", payload["status"])
                again = self._see(status, basket, converter)
                return [*pending, self._wait(str(status["id"]), 0)] if again else pending
            case "account":
                self._reader.see_account(payload["account"], basket, converter=converter, backlog=False)
            case "report":
                ids = [str(status_id) for status_id in payload["statuses"]]
                failed = [one for one in ids if self._see_again(one, basket, converter)]
                return [*pending, *(self._wait(one, 0) for one in failed)]
            case "deleted":
                basket.drop("deleted by its author")
                return [one for one in pending if one["id"] != payload["id"]]
        return pending

    def _look_again(self, pending: list[dict[str, Any]], basket: Basket, converter: Converter) -> list[dict[str, Any]]:
        now, left, looked = self._reader.clock.now(), [], 0
        for one in pending:
            if looked >= PENDING_AT_ONCE or datetime.fromisoformat(one["due"]) > now:
                left.append(one)
                continue
            looked += 1
            again = self._see_again(one["id"], basket, converter)
            if again and one["tries"] + 1 >= TRIES:
                basket.holes.append(f"post {one['id']} is given up after {TRIES} looks: {again}")
            elif again:
                left.append(self._wait(one["id"], one["tries"] + 1))
        return left

    def _see_again(self, status_id: str, basket: Basket, converter: Converter) -> str:
        try:
            status = self._reader.status(status_id)
        except NotFoundError:
            basket.drop("gone meanwhile")
            return ""
        except PlatformError as error:
            self._reader.bear(error)
            return str(error)
        return self._see(status, basket, converter)

    def _see(self, status: wire.Status, basket: Basket, converter: Converter) -> str:
        """Why it has to be looked at again; empty: it need not be."""
        try:
            self._reader.see(status, basket, converter=converter, backlog=False)
            return "its files are not ready" if unfinished(status) else ""
        except PlatformError as error:
            self._reader.bear(error)
            return str(error)
        except (TypeError, AttributeError):
            return ""  # ``see`` has said what is wrong with it

    def _wait(self, status_id: str, tries: int) -> dict[str, Any]:
        due = self._reader.clock.now() + FIRST_WAIT * 2**tries
        return {"id": status_id, "due": due.isoformat(), "tries": tries}
