"""Reports to the moderators. Mastodon takes any number of the same one, so the bot sees to it that there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.mastodon.deed_settings import Category
from adapters.outcome import after_deed, before_deed
from bot.domain.content import Post, Profile
from bot.domain.decisions import AlreadyDone, Done, Offer, Refused, Verification
from bot.domain.errors import BadAnswerError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.report_book import Filed, ReportBook
    from adapters.mastodon.server import Server
    from adapters.mastodon.statuses import Statuses
    from adapters.mastodon.ways import Target
    from bot.domain.decisions import Outcome, Report

LONGEST = 1000
"""Characters of a comment: app/models/report.rb, COMMENT_SIZE_LIMIT."""

ROUTE = "Mastodon API"


class Reports:
    """Reports by the bot's account on one server."""

    def __init__(self, client: MastodonClient, server: Server, book: ReportBook, statuses: Statuses) -> None:
        """All of the same server."""
        self._client = client
        self._server = server
        self._book = book
        self._statuses = statuses

    def offers(self, intent: Report) -> Offer:
        """Posts and accounts, where the server shows us our own reports. Raises ``PlatformError``."""
        return Offer(supported=not (why_not := self._why_not(intent)), reversible=True, route=ROUTE, why_not=why_not)

    def _why_not(self, intent: Report) -> str:
        if not isinstance(intent.subject, Post | Profile):
            return f"Mastodon takes no reports on a {intent.subject.kind}"
        if intent.subject.author is None:
            return "nobody knows whose it is, and Mastodon takes reports on accounts"
        caps = self._server.now(urgent=True)
        if not (caps.mainline or caps.only_suspends):
            return f"{caps.software} does not show by Mastodon's API what the bot has reported already"
        return ""

    def apply(self, intent: Report) -> Outcome:
        """File it, unless there is one of ours on this post, open or not."""
        own = before_deed(lambda: self._own(intent))
        if own is not None:
            return AlreadyDone(note=own.described, by_us=True)
        wanted = _statuses(intent)
        try:
            return Done(note=f"report {self._file(intent, wanted)}")
        except NotFoundError:
            # One post that is gone is enough for a 404 about all of them, and so is a suspended account.
            left = before_deed(lambda: [status for status in wanted if self._statuses.look(status).json is not None])
            if left == wanted or not left:
                raise
        gone = len(wanted) - len(left)
        number = self._file(intent, left)
        return Done(note=f"report {number}, without {gone} {'post that is' if gone == 1 else 'posts that are'} gone")

    def file_for(self, target: Target) -> Filed:
        """A report on one post alone, for what Mastodon does by way of a report only. Raises ``PlatformError``."""
        number = self._post(target.account_id, [target.status_id], target.text, remote=False)
        return after_deed(lambda: self._book.one(number))

    def verify(self, intent: Report) -> Verification:
        """Look for our own report. Raises ``PlatformError``."""
        own = self._own(intent)
        if own is None:
            return Verification(so=False, detail="there is no report of ours", state={})
        state = {"report_id": own.id, "resolved": own.resolved}
        return Verification(so=True, by_us=True, detail=own.described, state=state)

    def revert(self, intent: Report, before: Mapping[str, Any]) -> Outcome:
        """Resolve our own report: Mastodon cannot take one back."""
        own = before_deed(lambda: self._own(intent))
        if own is None or own.resolved or before.get("report_id") == own.id:
            return AlreadyDone(note="there is no open report of ours from this case")
        self._client.library.admin_report_resolve(own.id)
        return Done(note=f"report {own.id} resolved")

    def reopen(self, intent: Report) -> Outcome:
        """Open our report again, unless somebody else has resolved it: then a human has seen it."""
        own = before_deed(lambda: self._own(intent))
        if own is None:
            return Refused(code="no_report", note="there is no report of ours to open again")
        if not own.resolved:
            return AlreadyDone(note=own.described, by_us=True)
        if own.resolved_by_us is False:
            return Refused(code="resolved_by_other", note=f"report {own.id} was resolved by a human")
        self._client.library.admin_report_reopen(own.id)
        return Done(note=f"report {own.id} is open again")

    def _own(self, intent: Report) -> Filed | None:
        """The report of ours on this post. Where that is gone, what is left of it in one on its companions counts."""
        assert intent.subject.author is not None  # noqa: S101 - ``offers`` has said so
        account, wanted = intent.subject.author.local_id, _statuses(intent)
        if not wanted:
            return next((filed for filed in self._book.ours_about(account) if not filed.statuses), None)
        named = next((filed for filed in self._book.ours_about(account) if wanted[0] in filed.statuses), None)
        if named is not None or len(wanted) == 1:
            return named
        others = set(wanted[1:])
        companions = next((filed for filed in self._book.ours_about(account) if others & set(filed.statuses)), None)
        if companions is None or self._statuses.look(wanted[0]).json is not None:
            return None
        return companions

    def _file(self, intent: Report, statuses: Sequence[str]) -> str:
        assert intent.subject.author is not None  # noqa: S101 - ``offers`` has said so
        author = intent.subject.author
        return self._post(author.local_id, statuses, intent.text, remote=not author.is_local)

    def _post(self, account_id: str, statuses: Sequence[str], text: str, *, remote: bool) -> str:
        settings = self._client.settings.report
        body: dict[str, Any] = {
            "account_id": account_id,
            "comment": text[:LONGEST],
            "category": settings.category.value,
            "forward": settings.forward and remote,
        }
        if statuses:
            body["status_ids"] = list(statuses)
        if settings.category is Category.VIOLATION:
            body["rule_ids"] = list(settings.rule_ids)
        answer = self._client.post("/api/v1/reports", body)
        if not isinstance(answer, dict) or not answer.get("id"):
            raise BadAnswerError("the report was answered in a shape that is not Mastodon's")
        return str(answer["id"])


def _statuses(intent: Report) -> list[str]:
    """The posts that it names: those of one account only, for Mastodon takes no others."""
    author = intent.subject.author
    posts = [one for one in intent.subjects if isinstance(one, Post) and one.author is not None]
    ids = [post.local_id for post in posts if author is not None and post.author and post.author.uri == author.uri]
    return list(dict.fromkeys(ids))
