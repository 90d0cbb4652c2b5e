"""What the server knows of reports: whom they are about, what they name, and who closed them.

It is the only log that the API shows. An account action closes all open reports on its target, the form of a report
closes that one, and each then says who did it: so this is also how the bot tells its own deeds from those of others.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.server import Server

PAGE = 200
PAGES = 5
"""A thousand reports on one account, or by us on it, are looked through, the newest first."""

SKEW = timedelta(minutes=5)
"""How far a server's clock may be behind ours. To take an older word for a new one only asks a human too much."""

KEPT = 5.0
"""Seconds for which a list of our own reports on an account holds."""

LISTS_BOTH = 10
"""The API version (4.6) from which on open and closed reports are listed together; before, both means closed ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """One report. ``statuses`` is empty where it names the account only, and where remote posts are gone."""

    id: str
    target: str
    ours: bool
    resolved: bool
    resolved_by_us: bool | None  # ``None``: open, or the server does not say who
    resolved_at: datetime | None
    created_at: datetime | None
    statuses: Mapping[str, Mapping[str, Any]]

    def names_only(self, status_id: str) -> bool:
        """Whether it is about this one post."""
        return set(self.statuses) == {status_id}

    @property
    def described(self) -> str:
        """For people."""
        return f"report {self.id}, {'resolved' if self.resolved else 'open'}"


class ReportBook:
    """Reads the reports of one server."""

    def __init__(
        self, client: MastodonClient, server: Server, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """``server``: of ``client``."""
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, bool], tuple[float, Sequence[Filed]]] = {}
        self._client = client
        self._server = server
        web = client.settings.removal.web
        self._email = web.email.lower() if web is not None else None

    def open_about(self, account_id: str) -> Sequence[Filed]:
        """Everybody's open reports on an account, newest first. Raises ``PlatformError``."""
        query = {"target_account_id": account_id}
        return [filed for filed in self._listed(query) if not filed.resolved]  # GoToSocial lists the others as well

    def about(self, account_id: str) -> tuple[Sequence[Filed], Sequence[Filed]]:
        """Everybody's open reports on an account, and those that are closed. Raises ``PlatformError``."""
        query: dict[str, Any] = {"target_account_id": account_id, "resolved": True}
        both = self._lists_both()
        found = list(self._listed({**query, "unresolved": True} if both else query))
        opened = [filed for filed in found if not filed.resolved] if both else self.open_about(account_id)
        return opened, [filed for filed in found if filed.resolved]

    def ours_about(self, account_id: str) -> Iterator[Filed]:
        """Our own reports on an account, open ones first, then by age, the newest first. Raises ``PlatformError``.

        Kept for a few seconds, for nobody but us files them. ``forget`` is called after every deed.
        """
        yield from self._ours(account_id, resolved=False)
        yield from self._ours(account_id, resolved=True)

    def forget(self) -> None:
        """A deed went out: what is known is old."""
        with self._lock:
            self._kept.clear()

    def _ours(self, account_id: str, *, resolved: bool) -> Sequence[Filed]:
        with self._lock:
            kept = self._kept.get((account_id, resolved))
        if kept is not None and self._monotonic() - kept[0] < KEPT:
            return kept[1]
        query: dict[str, Any] = {"target_account_id": account_id, "account_id": self._server.me(urgent=True).id}
        both = self._lists_both()
        if both:
            query |= {"resolved": True, "unresolved": True}
        elif resolved:
            query |= {"resolved": True}
        at = self._monotonic()
        ours = [filed for filed in self._listed(query) if filed.ours and filed.target == account_id]
        found = {which: [filed for filed in ours if filed.resolved is which] for which in (False, True)}
        with self._lock:
            for which in (False, True) if both else (resolved,):
                self._kept[account_id, which] = (at, found[which])
        return found[resolved]

    def one(self, report_id: str) -> Filed:
        """A report by its id. Raises ``PlatformError``."""
        path = f"/api/v1/admin/reports/{report_id}"
        return self._read(self._client.object(path, urgent=True))

    def _lists_both(self) -> bool:
        api = self._server.now(urgent=True).api
        return api is not None and api >= LISTS_BOTH

    def _listed(self, query: Mapping[str, Any]) -> Iterator[Filed]:
        above: dict[str, Any] = {}
        for _ in range(PAGES):
            asked = {**query, "limit": PAGE, **above}
            rows = self._client.listing("/api/v1/admin/reports", asked, urgent=True).rows
            for row in rows:
                yield self._read(row)
            if len(rows) < PAGE:
                return
            above = {"max_id": rows[-1]["id"]}

    def _read(self, row: Any) -> Filed:
        me = self._server.me(urgent=True).id
        try:
            closer = row.get("action_taken_by_account")
            return Filed(
                id=str(row["id"]),
                target=str(row["target_account"]["id"]),
                ours=str(row["account"]["id"]) == me,
                resolved=bool(row["action_taken"]),
                resolved_by_us=self._is_us(closer, me) if row["action_taken"] else None,
                resolved_at=_moment(row.get("action_taken_at")),
                created_at=_moment(row.get("created_at")),
                statuses={str(status["id"]): status for status in row.get("statuses") or ()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadAnswerError(f"a report is not in the shape of Mastodon's ({type(error).__name__})") from error

    def _is_us(self, closer: Mapping[str, Any] | None, me: str) -> bool | None:
        """The token's account, or the one that signs in at the web interface."""
        if not closer:
            return None
        email = closer.get("email")
        return str(closer["id"]) == me or (self._email is not None and str(email).lower() == self._email)


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
