"""Looks at a Mastodon server and the bot's account there before anything is switched on."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING, Any

from adapters.http import Transport
from adapters.mastodon.capabilities import LIKE_MASTODON, Permission
from bot.domain.errors import (
    NotLoggedInError,
    NotPermittedError,
    PlatformError,
    RateLimitedError,
    UnreachableError,
)
from bot.domain.hosts import host_of
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from adapters.mastodon.capabilities import Capabilities, Me
    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.server import Server
    from adapters.mastodon.settings import WebhookSettings

SCOPES = {
    "read:statuses": "to read posts",
    "read:accounts": "to read accounts",
    "write:reports": "to report",
    "admin:read:accounts": "to see what is so before it acts on an account",
    "admin:read:reports": "to find its own reports again",
    "admin:write:accounts": "to limit and suspend accounts",
    "admin:write:reports": "to open reports again",
}
PERMISSIONS = {
    Permission.MANAGE_REPORTS: "Manage Reports",
    Permission.MANAGE_USERS: "Manage Users",
}
_BY_PLAIN_CALL = (
    "reads, reports, and removes single posts by the call of their authors; account actions are not Mastodon's"
)
SOFTWARE = {
    "gotosocial": "GoToSocial: reads and reports; its only deed is the suspension of an account, which deletes what it "
    "posted and cannot be undone; no removal of single posts, no marking as sensitive",
    "akkoma": f"Akkoma: {_BY_PLAIN_CALL}",
    "pleroma": f"Pleroma: {_BY_PLAIN_CALL}",
    "rebased": f"Rebased: {_BY_PLAIN_CALL}",
    "sharkey": "Sharkey: reads, and removes single posts by the call of their authors; its Mastodon API has no reports "
    "and no account actions",
}
"""What servers that are not Mastodon offer of it."""


class MastodonInspector:
    """Checks one server."""

    def __init__(
        self,
        client: MastodonClient,
        server: Server,
        *,
        removals: Callable[[], Iterable[CheckResult]] = lambda: (),
    ) -> None:
        """``removals``: lines on the ways by which a post can be removed."""
        self._client = client
        self._settings = client.settings
        self._server = server
        self._removals = removals

    def check(self) -> Sequence[CheckResult]:
        """Everything that has to be right, most important first; stops where nothing further can be known."""
        caps = self._attempt("server", lambda: self._server.now(fresh=True))
        if isinstance(caps, CheckResult):
            return [caps]
        results = [self._software(caps)]
        if caps.me is None:
            remedy = "make an application at Preferences, Development, of the bot's account, and configure its token"
            return [*results, CheckResult(what="token", ok=False, detail=caps.trouble, remedy=remedy)]
        results += [
            CheckResult(what="token", ok=True, detail=f"accepted, of {caps.me.handle}"),
            self._address(caps),
            self._scopes(caps.me),
            self._role(caps, caps.me),
            *self._two_factor(caps.me),
            *self._feeds(caps),
            *self._blocks(caps.me),
            self._streaming(caps),
            *self._webhook(caps),
            self._sweeps(),
            CheckResult(
                what="unposted uploads",
                ok=True,
                detail="cannot be seen: no call of the API shows a file before it is posted, to nobody but its owner; "
                "Mastodon deletes what is not posted within a day",
            ),
        ]
        lines = self._attempt("removals", lambda: list(self._removals()))
        return [*results, *([lines] if isinstance(lines, CheckResult) else lines)]

    def repair(self) -> None:
        """Nothing: the scopes that the bot asks for do not let it change its own account."""

    def _attempt(self, what: str, look: Callable[[], Any]) -> Any:
        """What ``look`` gives, or the line that says why it gave nothing."""
        try:
            return look()
        except NotLoggedInError as error:
            return CheckResult(what=what, ok=False, detail=str(error), remedy="check the `token` of this instance")
        except NotPermittedError as error:
            remedy = "give the token the scope, or the account's role the permission, that is named"
            return CheckResult(what=what, ok=False, detail=str(error), remedy=remedy)
        except RateLimitedError as error:
            remedy = f"wait {error.retry_after:.0f} s and check again"
            return CheckResult(what=what, ok=False, detail=str(error), remedy=remedy)
        except UnreachableError as error:
            remedy = f"is {self._settings.url} right, and does the server answer there from this machine?"
            return CheckResult(what=what, ok=False, detail=str(error), remedy=remedy)
        except (PlatformError, KeyError, TypeError) as error:
            remedy = f"does a Mastodon answer at {self._settings.url}, or something else?"
            return CheckResult(what=what, ok=False, detail=str(error), remedy=remedy)

    def _software(self, caps: Capabilities) -> CheckResult:
        if caps.software in LIKE_MASTODON:
            spelled = f"Mastodon {caps.version}"
            if caps.api is None:
                remedy = "update it to 4.3 or newer: older ones do not tell what they offer"
                return CheckResult(what="server", ok=False, detail=spelled, remedy=remedy)
            return CheckResult(what="server", ok=True, detail=f"{spelled}, API {caps.api}")
        known = SOFTWARE.get(caps.software)
        if known is not None:
            return CheckResult(what="server", ok=True, detail=f"{known} ({caps.version})")
        remedy = "only what it has in common with Mastodon will work; try it with rules in `observe` first"
        return CheckResult(what="server", ok=False, detail=f"{caps.software} {caps.version}", remedy=remedy)

    def _address(self, caps: Capabilities) -> CheckResult:
        """Whether the server calls itself what we call it, or its own files would be taken for somebody else's."""
        mine = self._attempt("address", lambda: self._client.object("/api/v1/accounts/verify_credentials"))
        if isinstance(mine, CheckResult):
            return mine
        called = str(mine.get("url", ""))
        if host_of(called) in {host_of(self._settings.public), ""}:
            detail = self._settings.public + ("" if caps.domain in called else f", for accounts at {caps.domain}")
            return CheckResult(what="address", ok=True, detail=detail)
        base = called.partition("/@")[0]
        return CheckResult(
            what="address",
            ok=False,
            detail=f"the server calls itself {base}: addresses of its posts and files would not be known as its own",
            remedy=f"write `public_url: {base}` beside `url`",
        )

    def _scopes(self, me: Me) -> CheckResult:
        if me.scopes is None:
            detail = "the server does not tell the token's scopes: what is missing will show when it is needed"
            return CheckResult(what="scopes", ok=True, detail=detail)
        missing = [f"{scope} ({why})" for scope, why in SCOPES.items() if not me.has(scope)]
        if missing:
            remedy = "give the application these scopes at Preferences, Development, and configure the token shown then"
            return CheckResult(what="scopes", ok=False, detail=f"missing: {', '.join(missing)}", remedy=remedy)
        detail = "all that are needed"
        if not me.has("read:search"):
            detail += "; without read:search, addresses of other servers' posts cannot be looked up"
        return CheckResult(what="scopes", ok=True, detail=detail)

    def _role(self, caps: Capabilities, me: Me) -> CheckResult:
        if me.permissions is None:
            detail = "the server does not tell what the account may do: what it may not will show when it is needed"
            return CheckResult(what="role", ok=True, detail=detail)
        missing = [words for permission, words in PERMISSIONS.items() if not me.may(permission)]
        who = f"role {me.role}" if me.role else "no role"
        if not missing:
            detail = f"{who}: may manage reports and users"
            if caps.only_suspends:
                detail += "; GoToSocial asks for an admin to suspend"
            return CheckResult(what="role", ok=True, detail=detail)
        return CheckResult(
            what="role",
            ok=False,
            detail=f"{who} lacks {' and '.join(missing)}: reports are filed, and nothing else is done",
            remedy="at Administration, Roles, make a role with these permissions above those that it is to act on, and "
            "give it to the bot's account",
        )

    def _two_factor(self, me: Me) -> Iterable[CheckResult]:
        if me.two_factor:
            detail = f"the role {me.role} demands it, and it is set up, or the token would not be accepted"
            yield CheckResult(what="two-factor login", ok=True, detail=detail)

    def _feeds(self, caps: Capabilities) -> Iterable[CheckResult]:
        for local, which in ((True, self._settings.feeds.local), (False, self._settings.feeds.remote)):
            what = f"{'local' if local else 'remote'} timeline"
            if which == "none":
                yield CheckResult(what=what, ok=True, detail="not read, as configured")
            elif not caps.feed_open(local=local):
                yield CheckResult(
                    what=what,
                    ok=False,
                    detail="closed to the bot: it would see nothing and be told nothing",
                    remedy="give its role the permission View live and topic feeds, or open the feed at "
                    "Administration, Server settings, Discovery",
                )
            else:
                yield self._attempt(what, partial(self._compared, what, local=local))

    def _compared(self, what: str, *, local: bool) -> CheckResult:
        """Blocks, mutes and the languages of an account shrink its feeds without a word: a stranger sees more then."""
        query = {"local" if local else "remote": "true", "limit": "40"}
        ours = self._client.listing("/api/v1/timelines/public", query).rows
        answer = self._client.plain("/api/v1/timelines/public", query)
        if answer.status != 200:
            detail = "read; whether something is hidden from the account cannot be seen, for strangers see nothing"
            return CheckResult(what=what, ok=True, detail=detail)
        shown = {str(row["id"]) for row in ours}
        # What came between the two calls, or stands below the end of the shorter page, says nothing.
        last = min((str(row["created_at"]) for row in ours), default="")
        first = max((str(row["created_at"]) for row in ours), default="9999")
        hidden = [
            row for row in answer.json() if str(row["id"]) not in shown and last <= str(row["created_at"]) <= first
        ] + ([] if ours else list(answer.json()))
        if not hidden:
            return CheckResult(what=what, ok=True, detail=f"{len(ours)} posts read, none hidden from the account")
        return CheckResult(
            what=what,
            ok=False,
            detail=f"{len(hidden)} of {len(answer.json())} posts are hidden from the bot's account",
            remedy="as the bot, unselect all of Preferences, Other, Filter languages, and lift all blocks and mutes",
        )

    def _blocks(self, me: Me) -> Iterable[CheckResult]:
        found = []
        asked = False
        for path, scope in (("blocks", "read:blocks"), ("mutes", "read:mutes"), ("domain_blocks", "read:blocks")):
            if me.scopes is None or not me.has(scope):
                continue
            listed = self._attempt("blocks", partial(self._client.listing, f"/api/v1/{path}", {"limit": 1}))
            if isinstance(listed, CheckResult):
                yield listed
                return
            asked = True
            found += [path] if listed.rows else []
        if found:
            words = ", ".join(found).replace("_", " ")
            detail = f"the account has {words}: posts of these are never seen"
            yield CheckResult(what="blocks", ok=False, detail=detail, remedy="lift them, as the bot")
        elif asked:
            yield CheckResult(what="blocks", ok=True, detail="the account blocks and mutes nobody")

    def _streaming(self, caps: Capabilities) -> CheckResult:
        if not self._settings.streaming.enabled:
            return CheckResult(what="streaming", ok=True, detail="switched off: timelines are polled")
        if not caps.mainline:
            return CheckResult(what="streaming", ok=True, detail="not of a known kind here: timelines are polled")
        base = self._settings.streaming.url or caps.streaming
        if base is None:
            return CheckResult(what="streaming", ok=True, detail="the server names none: timelines are polled")

        def look() -> CheckResult:
            path = "/api/v1/streaming/health"
            answer = Transport(base).call("GET", path, headers=self._client.naming, most=64, whole=False)
            if answer.status == 200:
                return CheckResult(what="streaming", ok=True, detail=f"answers at {base}")
            remedy = (
                "is the streaming service running, and does its proxy pass it on? `streaming.url` names another one"
            )
            return CheckResult(
                what="streaming",
                ok=False,
                detail=f"{base} answers {answer.status}: timelines are polled",
                remedy=remedy,
            )

        found: CheckResult = self._attempt("streaming", look)
        return found

    def _webhook(self, caps: Capabilities) -> Iterable[CheckResult]:
        hook = self._settings.webhook
        if hook is None:
            detail = "not configured: replies and unlisted posts are found by sweeps only, hours later"
            yield CheckResult(what="webhook", ok=True, detail=detail)
            return
        if not caps.mainline:
            remedy = "take `webhook` out of this instance"
            yield CheckResult(what="webhook", ok=False, detail=f"{caps.software} sends none", remedy=remedy)
            return
        if (why := _cannot_listen(hook)) is not None:
            remedy = "write an address of this machine and a free port to `webhook.listen`"
            yield CheckResult(what="webhook", ok=False, detail=f"{hook.listen} cannot be had: {why}", remedy=remedy)
            return
        yield CheckResult(
            what="webhook",
            ok=True,
            detail=f"will listen on {hook.listen} for POST {hook.path}. An owner adds that address, as the server "
            "reaches it, at Administration, Webhooks, with the events status.created, status.updated, account.created, "
            "account.updated and report.created; whether it is reached shows with the first delivery",
        )

    def _sweeps(self) -> CheckResult:
        per_hour = self._settings.sweeps.per_hour
        if per_hour == 0:
            detail = "switched off: replies to others and unlisted posts are not looked for"
        else:
            detail = f"{per_hour} accounts an hour are looked through for replies and unlisted posts"
        return CheckResult(what="sweeps", ok=True, detail=detail)


def _cannot_listen(hook: WebhookSettings) -> str | None:
    """Why the address cannot be had; one that is in use already may be the bot itself, at work."""
    host, _, port = hook.listen.rpartition(":")
    host = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            in_use = error.errno is not None and error.strerror == "Address already in use"
            return None if in_use else error.strerror
    return None
