"""Bans on Lemmy 1.0, which do not keep an account from uploading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.lemmy.bans import Bans
from bot.domain.decisions import Scope

if TYPE_CHECKING:
    from adapters.lemmy.bans import Standing
    from bot.domain.decisions import BanAccount

GOES_ON = (
    "Lemmy 1.0 still lets a banned account upload: what it stores is watched and purged as before while "
    "`unposted_uploads` is `scan`, and not at all with `ignore`; `fediwarden raid uploads-off` ends it for everybody"
)
"""Seen on a running 1.0.0-beta.1: the upload of a banned account is answered with 200 and public at once."""


class V4Bans(Bans):
    """Bans by the bot's account on one server."""

    route = "Lemmy API v4"
    remark = GOES_ON

    def _standing(self, intent: BanAccount) -> Standing:
        if intent.scope is Scope.SITE and not intent.account.is_local:
            # Its own server's ban is shown as if it were one of ours: the mod log tells them apart.
            entry = self._entry(intent)
            return self._stands(banned=entry is not None and entry.on, expires=entry.expires if entry else None)
        return super()._standing(intent)
