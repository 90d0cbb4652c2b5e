"""Settings of a whole Lemmy 1.0 server. Uploads can be switched off there, other servers are blocked one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.lemmy.switches import APPLICATIONS, Switches
from adapters.lemmy.v4.wire import REGISTRATION
from adapters.outcome import before_deed
from bot.domain.decisions import AlreadyDone, Done, Switch, Verification
from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adapters.lemmy.wire import Json
    from bot.domain.decisions import Outcome, SetSwitch

SPELLED = {ours: theirs for theirs, ours in REGISTRATION.items()}
REASON = "Automated check"
CACHED = 2.2
"""As in ``adapters.lemmy.switches``, but 1.0 keeps its answer for a second and builds it from settings that it has kept
for as long (crates/db_views/site/src/impls.rs, crates/api/api_crud/src/site/read.rs)."""

FIELD = "image_upload_disabled"
STAYS = "pictures of profiles can still be changed"
"""LemmyNet/lemmy 1.0.0-beta.1, crates/routes/src/images/upload.rs: the setting is asked for plain uploads only."""

_PAGES = 100


class V4Switches(Switches):
    """Settings of one server."""

    cached = CACHED

    def apply(self, intent: SetSwitch) -> Outcome:
        """Turn it, unless it is so already."""
        if intent.switch is Switch.UPLOADS:
            return self._upload(disabled=intent.value == "off")
        return super().apply(intent)

    def verify(self, intent: SetSwitch) -> Verification:
        """How it stands."""
        if intent.switch is not Switch.UPLOADS:
            return super().verify(intent)
        disabled = self._disabled()
        return Verification(so=disabled == (intent.value == "off"), detail=_told(disabled), state={FIELD: disabled})

    def revert(self, intent: SetSwitch, before: Mapping[str, Any]) -> Outcome:
        """As it was."""
        disabled = before.get(FIELD)
        if intent.switch is Switch.UPLOADS and isinstance(disabled, bool):
            return self._upload(disabled=disabled)
        return super().revert(intent, before)

    def _why_not(self, intent: SetSwitch) -> str:
        if intent.switch is Switch.UPLOADS:
            return "" if intent.value in {"on", "off"} else f"uploads are on or off; not {intent.value!r}"
        return super()._why_not(intent)

    def _upload(self, *, disabled: bool) -> Outcome:
        if before_deed(self._disabled) == disabled:
            return AlreadyDone(note=_told(disabled))
        self._client.do("PUT", "/site", {FIELD: disabled})
        self._sleep(self.cached)
        return Done(note=_told(disabled))

    def _disabled(self) -> bool:
        disabled = self._local_site().get(FIELD)
        if not isinstance(disabled, bool):
            raise BadAnswerError("the site settings do not say whether uploads are switched off")
        return disabled

    def _set_mode(self, mode: str) -> None:
        self._client.do("PUT", "/site", {"registration_mode": SPELLED[mode]})

    def _set_blocked(self, host: str, *, blocked: bool, others: Sequence[str]) -> None:  # noqa: ARG002 - one by one here
        self._client.do("POST", "/admin/instance/block", {"instance": host, "block": blocked, "reason": REASON})

    def _blocked(self) -> Sequence[str]:
        try:
            return [
                str(row["instance"]["domain"])
                for row in self._listed("/federated_instances", {"kind": "blocked"}, pages=_PAGES)
            ]
        except (KeyError, TypeError) as error:
            raise BadAnswerError("the list of servers is not in the shape of API v4") from error

    def _applications(self) -> Iterator[Json]:
        path = "/admin/registration_application/list"
        return self._listed(path, {"unread_only": False}, pages=APPLICATIONS)

    def _listed(self, path: str, query: Json, *, pages: int) -> Iterator[Json]:
        cursor: str | None = None
        for _ in range(pages):
            answer = self._client.get(path, {**query, "limit": 50, "page_cursor": cursor}, urgent=True)
            if not isinstance(answer.get("items"), list):
                raise BadAnswerError(f"the answer to GET {path} has no items in it: this is not API v4")
            yield from answer["items"]
            following = answer.get("next_page")
            if not following or following == cursor:
                return
            cursor = following


def _told(disabled: bool) -> str:
    return f"uploads are switched off; {STAYS}" if disabled else "uploads are switched on"
