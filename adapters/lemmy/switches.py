"""Turns settings of the whole server in a raid, and back: who may register, and which servers are not listened to.

All of them are fields of ``PUT /site``; fields that are left out stay as they are, lists are replaced as a whole
(LemmyNet/lemmy 0.19, crates/api_crud/src/site/update.rs). No mod log tells who turned them.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, assert_never

from adapters.outcome import before_deed
from bot.domain.decisions import AlreadyDone, Done, Offer, Refused, Switch, Verification
from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.wire import Json
    from bot.domain.decisions import Outcome, SetSwitch

MODES = {"open": "Open", "applications": "RequireApplication", "closed": "Closed"}
"""Our words for ``registration_mode``, and Lemmy's."""

CACHED = 1.2
"""Seconds after which ``GET /site`` tells what was set: the server answers it from a cache of one second."""

APPLICATIONS = 4
"""Pages of applications that are looked through for accounts that wait or were denied."""

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d+)?")
_NO_UPLOADS = (
    "Lemmy 0.19 has no call that switches uploads off: have the proxy in front of it refuse POST /pictrs/image, or "
    "start pict-rs with PICTRS__SERVER__READ_ONLY=true (then nothing can be purged either)"
)


class Switches:
    """Settings of one server."""

    cached = CACHED

    def __init__(self, client: LemmyClient, own_host: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """``own_host``: of the server of ``client``, which is not cut off from itself."""
        self._client = client
        self._own_host = own_host
        self._sleep = sleep

    def offers(self, intent: SetSwitch) -> Offer:
        """What 0.19 has a call for. Raises ``PlatformError`` when the server has to be asked and cannot be."""
        return Offer(
            supported=not (why_not := self._why_not(intent)), reversible=True, route="PUT /site", why_not=why_not
        )

    def apply(self, intent: SetSwitch) -> Outcome:
        """Turn it, unless it is so already."""
        match intent.switch:
            case Switch.REGISTRATION:
                return self._register(MODES[intent.value])
            case Switch.FEDERATION:
                return self._block(intent.host, blocked=intent.value == "off")
            case Switch.UPLOADS:
                return Refused(code="not_offered", note=_NO_UPLOADS)
            case _:
                assert_never(intent.switch)

    def verify(self, intent: SetSwitch) -> Verification:
        """How it stands."""
        match intent.switch:
            case Switch.REGISTRATION:
                mode = self._mode()
                return Verification(
                    so=mode == MODES.get(intent.value), detail=_told(mode), state={"registration_mode": mode}
                )
            case Switch.FEDERATION:
                blocked = intent.host in self._blocked()
                detail = f"{intent.host} is {'blocked' if blocked else 'not blocked'}"
                return Verification(so=blocked == (intent.value == "off"), detail=detail, state={"blocked": blocked})
            case Switch.UPLOADS:
                return Verification(so=None, detail=_NO_UPLOADS)
            case _:
                assert_never(intent.switch)

    def revert(self, intent: SetSwitch, before: Mapping[str, Any]) -> Outcome:
        """As it was: of the list of blocked servers only the one entry is touched."""
        mode, blocked = before.get("registration_mode"), before.get("blocked")
        match intent.switch:
            case Switch.REGISTRATION if mode in MODES.values():
                return self._register(str(mode))
            case Switch.FEDERATION if isinstance(blocked, bool):
                return self._block(intent.host, blocked=blocked)
            case _:
                return Refused(code="unknown_before", note="nobody knows how it was before")

    def _why_not(self, intent: SetSwitch) -> str:
        match intent.switch:
            case Switch.REGISTRATION:
                if intent.value not in MODES:
                    return f"registration is {', '.join(MODES)}; not {intent.value!r}"
                if intent.value == "applications" and not self._local_site(fresh=False).get("application_question"):
                    return (
                        "who applies has to answer a question, and none is set: write one in the site settings of "
                        "Lemmy, then ask for this again"
                    )
                return ""
            case Switch.FEDERATION:
                if not _HOST.fullmatch(intent.host):
                    return f"{intent.host!r} is not the name of a server, such as lemmy.example"
                return "this is the server itself" if intent.host == self._own_host else ""
            case Switch.UPLOADS:
                return _NO_UPLOADS
            case _:
                assert_never(intent.switch)

    def _register(self, mode: str) -> Outcome:
        now = before_deed(self._mode)
        if now == mode:
            return AlreadyDone(note=_told(mode))
        shut_out = before_deed(self._shut_out) if now != MODES["open"] and mode != MODES["closed"] else 0
        if shut_out:
            return Refused(
                code="applications_wait",
                note=f"{shut_out} or more accounts wait for approval or were denied it, and this change would let them "
                "all in: decide on them or purge them, then ask for it again",
            )
        self._set_mode(mode)
        self._sleep(self.cached)
        return Done(note=f"{_told(mode)}; it was: {_told(now)}")

    def _block(self, host: str, *, blocked: bool) -> Outcome:
        now = before_deed(self._blocked)
        if (host in now) == blocked:
            return AlreadyDone(note=f"{host} is {'blocked' if blocked else 'not blocked'}")
        rest = [one for one in now if one != host]
        self._set_blocked(host, blocked=blocked, others=rest)
        return Done(
            note=f"{host} is {'blocked' if blocked else 'not blocked any more'}; {len(rest)} others are blocked"
        )

    def _set_mode(self, mode: str) -> None:
        self._client.do("PUT", "/site", {"registration_mode": mode})

    def _set_blocked(self, host: str, *, blocked: bool, others: Sequence[str]) -> None:
        self._client.do("PUT", "/site", {"blocked_instances": [*others, host] if blocked else others})

    def _local_site(self, *, fresh: bool = True) -> Json:
        try:
            local: Json = self._client.site(fresh=fresh, urgent=True).json["site_view"]["local_site"]
            _ = local["registration_mode"]
            return local
        except (KeyError, TypeError) as error:
            raise BadAnswerError("the site settings have an unknown shape") from error

    def _mode(self) -> str:
        return str(self._local_site()["registration_mode"])

    def _blocked(self) -> Sequence[str]:
        answer = self._client.get("/federated_instances", urgent=True)
        try:
            return [str(one["domain"]) for one in (answer.get("federated_instances") or {"blocked": []})["blocked"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise BadAnswerError("the list of servers has an unknown shape") from error

    def _shut_out(self) -> int:
        """Accounts that are kept out by the mode of registration alone, as far as the newest applications tell.

        Whoever was denied counts, too: Lemmy sets ``accepted_application`` for every account when it begins to ask for
        applications, and does not look at it while registration is open.
        """
        try:
            return sum(not row["creator_local_user"]["accepted_application"] for row in self._applications())
        except (KeyError, TypeError) as error:
            raise BadAnswerError("the applications have an unknown shape") from error

    def _applications(self) -> Iterator[Json]:
        for page in range(1, APPLICATIONS + 1):
            query = {"unread_only": False, "page": page, "limit": 50}
            rows = self._client.get("/admin/registration_application/list", query, urgent=True)[
                "registration_applications"
            ]
            yield from rows
            if len(rows) < 50:
                break


def _told(mode: str) -> str:
    words = {"Open": "registration is open", "RequireApplication": "registration asks for an application"}
    return words.get(mode, "registration is closed" if mode == "Closed" else f"registration is {mode}")
