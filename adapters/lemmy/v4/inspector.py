"""Looks at a Lemmy 1.0 and the bot's account there, and says what is different from 0.19."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.lemmy.inspector import LemmyInspector
from adapters.lemmy.v4.bans import GOES_ON
from adapters.lemmy.v4.session import EARLY
from adapters.lemmy.v4.uploads import LIMIT
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.lemmy.client import Site
    from adapters.lemmy.v4.account import V4Account
    from adapters.lemmy.v4.client import LemmyV4Client
    from adapters.lemmy.v4.uploads import V4Uploads
    from adapters.public import PublicView
    from bot.ports import Clock


class V4Inspector(LemmyInspector):
    """Checks one server."""

    missing_file = "/api/v4/image/fediwarden-check.png"

    _client: LemmyV4Client

    def __init__(
        self,
        client: LemmyV4Client,
        public: PublicView,
        account: V4Account,
        uploads: V4Uploads,
        clock: Clock,
        *,
        file_store: bool,
    ) -> None:
        """``public``: how the world sees the server of ``client``; ``uploads``: its list of images.

        ``file_store``: whether the bot is told of new files by the server's pict-rs.
        """
        super().__init__(client, public, account, clock)
        self._file_store = file_store
        self._uploads = uploads

    def check(self) -> Sequence[CheckResult]:
        """As of any Lemmy, and what only 1.0 has."""
        results = super().check()
        if not any(line.what == "login" and line.ok for line in results):
            return results
        return [*results, self._token(), self._listed(), CheckResult(what="bans", ok=True, detail=GOES_ON)]

    def _version(self, site: Site) -> CheckResult:
        spelled = str(site.json.get("version", "unknown"))
        return CheckResult(what="version", ok=True, detail=f"Lemmy {spelled}, spoken to by API v4")

    def _token(self) -> CheckResult:
        end = self._attempt("token", self._client.token_ends)
        if isinstance(end, CheckResult):
            return end
        if end is None:
            return CheckResult(what="token", ok=True, detail="does not end")
        told = f"ends on {end:%Y-%m-%d at %H:%M} UTC"
        if self._settings.password is not None:
            return CheckResult(what="token", ok=True, detail=f"{told}, and is renewed {_days(EARLY)} before")
        return CheckResult(
            what="token",
            ok=end - self._clock.now() > 2 * EARLY,
            detail=f"{told}, and nothing is configured to get a new one with",
            remedy="configure `password` beside or instead of `token`: the tokens of Lemmy 1.0 end after a week",
        )

    def _listed(self) -> CheckResult:
        """Whether the list of images can be read to its end."""
        cut = self._attempt("uploaders", self._uploads.is_cut)
        if isinstance(cut, CheckResult):
            return cut
        if not cut:
            return CheckResult(what="uploaders", ok=True, detail="the server tells who uploaded each file")
        detail = (
            f"the server tells the uploaders of {LIMIT} files and fails when it is asked for more, which is a fault of "
            "this Lemmy: of other files nobody is named, and so nobody is banned for them"
        )
        if self._file_store:
            return CheckResult(what="uploaders", ok=True, detail=detail)
        remedy = "configure `pictrs`: without it, files that nobody posts are not even found"
        return CheckResult(what="uploaders", ok=False, detail=detail, remedy=remedy)


def _days(span: timedelta) -> str:
    return "a day" if span == timedelta(days=1) else f"{span.days} days"
