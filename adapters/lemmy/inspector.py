"""Looks at a Lemmy server and the bot's account there before anything is switched on."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from adapters.lemmy.account import ban
from bot.domain.errors import NotLoggedInError, PlatformError, RateLimitedError, UnreachableError
from bot.domain.hosts import host_of
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.lemmy.account import Account
    from adapters.lemmy.client import LemmyClient, Site
    from adapters.lemmy.wire import Json
    from adapters.public import PublicView
    from bot.ports import Clock

CALLS_PER_TAKEDOWN = 13
"""Calls of the message limiter that report, removal and ban cost together, each checked before and after."""


APART = timedelta(seconds=10)
"""By how much the clocks of bot and server may differ: what is dated into the future is passed over."""


def not_reached(error: Exception, url: str, what: str = "server") -> CheckResult:
    """The line that says why a server has not told ``what`` it was asked for."""
    match error:
        case NotLoggedInError():
            remedy = "check `username`, `password`, `totp_secret` or `token` of this instance"
        case RateLimitedError():
            remedy = f"wait {error.retry_after:.0f} s and check again"
        case UnreachableError():
            remedy = f"is {url} right, and does the server answer there from this machine?"
        case _:
            remedy = f"does a Lemmy answer at {url}, or something else?"
    return CheckResult(what=what, ok=False, detail=str(error), remedy=remedy)


class LemmyInspector:
    """Checks one server."""

    missing_file = "/pictrs/image/fediwarden-check.png"

    def __init__(self, client: LemmyClient, public: PublicView, account: Account, clock: Clock) -> None:
        """``public``: how the world sees the server of ``client``; ``account``: the bot's there."""
        self._client = client
        self._clock = clock
        self._account = account
        self._settings = client.settings
        self._public = public

    def check(self) -> Sequence[CheckResult]:
        """Everything that has to be right, most important first; stops where nothing further can be known."""
        site = self._attempt("server", self._site)
        if isinstance(site, CheckResult):
            return [site]
        results = [self._version(site), self._address(site)]
        if not results[0].ok:
            return results
        me = self._attempt("login", lambda: self._me(site))
        if isinstance(me, CheckResult):
            return [*results, me]
        results.append(CheckResult(what="login", ok=True, detail=f"logged in as {me['person']['name']}"))
        site = self._client.site()
        results += [self._admin(me), *self._settings_of(site, me), self._limits(site), self._public_address()]
        results += self._clocks()
        results.append(self._attempt("hidden communities", lambda: self._account.hidden(mend=False)))
        if me["local_user"].get("admin"):
            results.append(self._seniority(site, me))
        return results

    def repair(self) -> None:
        """Switch on what the account needs to see everything. Raises ``PlatformError``."""
        site = self._client.site(fresh=True)
        languages = sorted(self._account.offered(site))
        self._save({**self._account.wanted, "bot_account": True, "discussion_languages": languages})
        self._account.lift_blocks()
        self._account.hidden(mend=True)
        self._client.site(fresh=True)  # what is remembered of the account is not so any more

    def _save(self, body: Mapping[str, Any]) -> None:
        self._client.do("PUT", self._account.settings_path, body)

    def _attempt(self, what: str, look: Callable[[], Any]) -> Any:
        """What ``look`` gives, or the line that says why it gave nothing."""
        try:
            return look()
        except (PlatformError, KeyError, TypeError) as error:
            return not_reached(error, self._settings.url, what)

    def _site(self) -> Site:
        """The site as a stranger sees it if need be: a wrong password must not look like a dead server."""
        try:
            return self._client.site(fresh=True)
        except NotLoggedInError:
            return self._client.site_of_strangers()

    def _me(self, site: Site) -> Json:
        self._client.my_id()
        me = self._client.site().me or site.me
        if me is None:
            raise NotLoggedInError(f"{self._settings.url} does not know the account")
        return me

    def _version(self, site: Site) -> CheckResult:
        spelled = str(site.json.get("version", "unknown"))
        if site.version[:2] == (0, 19) and site.version >= (0, 19, 4):
            return CheckResult(what="version", ok=True, detail=f"Lemmy {spelled}")
        if site.version[:1] >= (1,):
            remedy = "it was upgraded a moment ago; check again in a few minutes"
        else:
            remedy = "update Lemmy to the newest 0.19; below 0.19.4 there is no upload list"
        return CheckResult(what="version", ok=False, detail=f"Lemmy {spelled}", remedy=remedy)

    def _address(self, site: Site) -> CheckResult:
        actor = str(site.json["site_view"]["site"].get("actor_id", ""))
        if host_of(actor) == host_of(self._settings.public):
            return CheckResult(what="address", ok=True, detail=self._settings.public)
        return CheckResult(
            what="address",
            ok=False,
            detail=f"the server calls itself {actor}: its own files would be taken for somebody else's",
            remedy=f"write `public_url: {actor.rstrip('/')}` beside `url`",
        )

    def _clocks(self) -> Sequence[CheckResult]:
        """By the date of an answer that no cache keeps; nothing where there is none."""
        before = self._clock.now()
        try:
            answer = self._client.transport.call("GET", self._client.api + self._client.who_am_i)
            theirs = parsedate_to_datetime(answer.headers["date"])
        except (PlatformError, KeyError, TypeError, ValueError):
            return ()
        ahead, behind = before - theirs, theirs - self._clock.now()
        if max(ahead, behind) <= APART:
            return [CheckResult(what="clock", ok=True, detail="this machine and the server agree")]
        word = "ahead of" if ahead > APART else "behind"
        detail = f"this machine is {max(ahead, behind).total_seconds():.0f} s {word} the server"
        remedy = "have both follow a time server: by its clock the bot tells what is new and what has come back"
        return [CheckResult(what="clock", ok=False, detail=detail, remedy=remedy)]

    def _admin(self, me: Json) -> CheckResult:
        name, banned = me["person"]["name"], ban(me)
        if banned is not None:
            return banned
        if me["local_user"].get("admin"):
            return CheckResult(what="admin", ok=True, detail=f"{name} is an admin")
        remedy = f"let an admin make {name} an admin: the upload list, removals and bans need it"
        return CheckResult(what="admin", ok=False, detail=f"{name} is not an admin", remedy=remedy)

    def _settings_of(self, site: Site, me: Json) -> Sequence[CheckResult]:
        wrong = self._account.off(me)
        missing = self._account.unchosen(site)
        blocked = self._account.blocked(site)
        remedy = "let `fediwarden check --repair` set it, or set it on the account's settings page"
        results = [
            CheckResult(
                what="account settings",
                ok=not wrong,
                detail=f"not set as they have to be: {', '.join(wrong)}"
                if wrong
                else "nothing is hidden from the account",
                remedy=remedy if wrong else "",
            )
        ]
        if missing:
            detail = f"{len(missing)} languages are not selected: what is written in them is never seen"
            results.append(CheckResult(what="languages", ok=False, detail=detail, remedy=remedy))
        else:
            results.append(CheckResult(what="languages", ok=True, detail="all languages"))
        if blocked:
            detail = f"the account blocks others ({', '.join(blocked)}): what they post is never seen"
            results.append(
                CheckResult(
                    what="blocks", ok=False, detail=detail, remedy="lift them, or let `fediwarden check --repair` do so"
                )
            )
        return results

    def _limits(self, site: Site) -> CheckResult:
        limits = site.json["site_view"]["local_site_rate_limit"]
        per_minute = limits["message"] * 60 / max(1, limits["message_per_second"])
        takedowns = int(per_minute / CALLS_PER_TAKEDOWN)
        detail = (
            f"{limits['message']} calls in {limits['message_per_second']} s: about {takedowns} full takedowns a minute"
        )
        if takedowns >= 5:
            return CheckResult(what="rate limits", ok=True, detail=detail)
        remedy = "raise the rate limit for messages in the site settings"
        return CheckResult(what="rate limits", ok=False, detail=detail, remedy=remedy)

    def _public_address(self) -> CheckResult:
        look = self._attempt("public address", lambda: self._public.look(self.missing_file))
        if isinstance(look, CheckResult):
            return look
        if look.shown is False:
            return CheckResult(what="public address", ok=True, detail="missing files are missing there")
        folder = self.missing_file.rpartition("/")[0]
        remedy = f"let {folder}/ of the public address answer from this machine as it does for everybody"
        return CheckResult(what="public address", ok=False, detail=look.detail, remedy=remedy)

    def _seniority(self, site: Site, me: Json) -> CheckResult:
        """Among admins the one with the lower id wins: ``is_higher_admin_check`` of Lemmy 0.19."""
        # The list is sorted by who became admin first; of their ids only those of the persons are shown.
        earlier = [
            admin["person"]["name"]
            for admin in site.json.get("admins", ())
            if admin["person"]["id"] < me["person"]["id"]
        ]
        if not earlier:
            return CheckResult(what="seniority", ok=True, detail="no admin ranks above the account")
        detail = f"ranks below {', '.join(earlier)}: their posts, and they themselves, are theirs to handle"
        return CheckResult(what="seniority", ok=True, detail=detail)
