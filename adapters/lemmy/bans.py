"""Bans from the site and from communities, and lifting them.

``remove_data`` is never sent: with a ban it deletes files and hides everything for good, and 0.19 does the same again
with an *un*ban (LemmyNet/lemmy 0.19.20, crates/api/src/local_user/ban_person.rs).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.lemmy.convert import moment
from adapters.outcome import before_deed
from bot.domain.decisions import AlreadyDone, Done, LastWord, Offer, Refused, Scope, Verification
from bot.domain.errors import BadAnswerError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.modlog import Entry, ModLog
    from adapters.lemmy.requestor import Endpoints
    from bot.domain.decisions import BanAccount, Outcome
    from bot.ports import Clock

DEFAULT_REASON = "Automated check"
LIFTED = "Reverted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How somebody stands with the site or a community."""

    banned: bool
    expires: datetime | None

    @property
    def state(self) -> dict[str, Any]:
        """What undo needs to know."""
        return {"banned": self.banned, "ban_expires": self.expires.isoformat() if self.expires else None}

    def fulfils(self, intent: BanAccount) -> bool:
        """A ban for days is content with any ban, one for good only with its like."""
        return self.banned and (intent.days is not None or self.expires is None)


class Bans:
    """Bans by the bot's account on one server."""

    route = "Lemmy API v3"
    remark = ""  # what a ban leaves open on this server

    def __init__(self, client: LemmyClient, endpoints: Endpoints, modlog: ModLog, clock: Clock) -> None:
        """``endpoints`` and ``modlog``: of ``client``."""
        self._client = client
        self._endpoints = endpoints
        self._modlog = modlog
        self._clock = clock

    def offers(self, intent: BanAccount) -> Offer:
        """Both kinds of ban; a community has to be named for the one."""
        why_not = ""
        if intent.scope is Scope.COMMUNITY and intent.community_id is None:
            why_not = "a ban from a community needs a community"
        return Offer(supported=not why_not, reversible=True, route=self.route, why_not=why_not)

    def apply(self, intent: BanAccount) -> Outcome:
        """Ban, unless that is so already: every call writes the public mod log again."""
        standing = before_deed(lambda: self._standing(intent))
        if standing.fulfils(intent):
            by_us = before_deed(lambda: self._by_us(intent))
            return AlreadyDone(note=self._remarked(_described(standing)), by_us=bool(by_us))
        expires = None if intent.days is None else self._clock.now() + timedelta(days=intent.days)
        self._set(intent, ban=True, expires=expires, reason=intent.text.strip() or DEFAULT_REASON)
        done = f"banned for {intent.days} days" if intent.days else "banned until somebody lifts it"
        return Done(note=self._remarked(done))

    def verify(self, intent: BanAccount) -> Verification:
        """Ask for the account, and the mod log for who banned it."""
        try:
            standing = self._standing(intent)
        except NotFoundError as error:
            return Verification(so=False, detail=str(error))
        by_us = self._by_us(intent) if standing.banned else None
        detail = self._remarked(_described(standing)) if standing.banned else _described(standing)
        return Verification(so=standing.fulfils(intent), by_us=by_us, detail=detail, state=standing.state)

    def last_word(self, intent: BanAccount, since: datetime) -> LastWord:
        """Who has banned the account or let it back in since."""
        entry = self._entry(intent)
        if entry is None or not entry.is_newer(since):
            return LastWord.NOBODYS
        if entry.by != self._client.my_id(urgent=True):
            return LastWord.ANOTHERS
        # Only what was to end can have ended by itself; anything else of ours was another deed.
        ran_out = entry.on and entry.expires is not None and entry.expires <= self._clock.now()
        return LastWord.OURS if ran_out and intent.days is not None else LastWord.NOBODYS

    def revert(self, intent: BanAccount, before: Mapping[str, Any]) -> Outcome:
        """Lift the ban, or give a ban that was there before its end back."""
        if not isinstance(before.get("banned"), bool):
            return Refused(code="unknown_before", note="nobody knows how it was before the ban")
        standing = before_deed(lambda: self._standing(intent))
        until = moment(before["ban_expires"]) if before.get("ban_expires") else None
        was_banned = before["banned"] and (until is None or until > self._clock.now())
        if not was_banned:
            if not standing.banned:
                return AlreadyDone(note="not banned")
            self._set(intent, ban=False, expires=None, reason=LIFTED)
            return Done(note="ban lifted")
        if standing.banned and standing.expires == until:
            return AlreadyDone(note=f"{_described(standing)}, as before")
        self._set(intent, ban=True, expires=until, reason=LIFTED)
        return Done(note="the ban from before is back")

    def _remarked(self, said: str) -> str:
        return f"{said}. {self.remark}" if self.remark else said

    def _set(self, intent: BanAccount, *, ban: bool, expires: datetime | None, reason: str) -> None:
        person = int(intent.account.local_id)
        until = None if expires is None else int(expires.timestamp())
        if intent.scope is Scope.SITE:
            self._endpoints.user.ban(ban=ban, person_id=person, expires=until, reason=reason)
        else:
            community = int(intent.community_id or 0)
            self._endpoints.community.ban_user(
                ban=ban, person_id=person, community_id=community, expires=until, reason=reason
            )

    def _standing(self, intent: BanAccount) -> Standing:
        if intent.scope is Scope.COMMUNITY:
            # No view of a person tells this; the newest entry of the mod log does.
            entry = self._entry(intent)
            return self._stands(banned=entry is not None and entry.on, expires=entry.expires if entry else None)
        try:
            view = self._endpoints.user.get(person_id=int(intent.account.local_id), limit=1)
            person = view["person_view"]["person"]
            expires = person.get("ban_expires")
            return self._stands(banned=bool(person["banned"]), expires=moment(expires) if expires else None)
        except (KeyError, TypeError, ValueError) as error:
            raise BadAnswerError(f"account {intent.account.local_id} has an unknown shape") from error

    def _stands(self, *, banned: bool, expires: datetime | None) -> Standing:
        # Lemmy clears bans that have run out only now and then.
        banned = banned and (expires is None or expires > self._clock.now())
        return Standing(banned=banned, expires=expires if banned else None)

    def _entry(self, intent: BanAccount) -> Entry | None:
        person = int(intent.account.local_id)
        if intent.scope is Scope.SITE:
            return self._modlog.site_ban(person)
        return self._modlog.community_ban(person, int(intent.community_id or 0))

    def _by_us(self, intent: BanAccount) -> bool | None:
        entry = self._entry(intent)
        if entry is None or not entry.on:
            return None
        return entry.by == self._client.my_id(urgent=True)


def _described(standing: Standing) -> str:
    if not standing.banned:
        return "not banned"
    return f"banned until {standing.expires:%Y-%m-%d %H:%M} UTC" if standing.expires else "banned for good"
