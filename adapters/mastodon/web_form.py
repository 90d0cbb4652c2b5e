"""Removing one post, or covering its media, by the form of a report: what a moderator does in the web interface.

The form acts on all posts that the report names, so it is a report on this post alone. Sent twice it acts twice, and
the author gets a second warning: so the report and the post are read before, and where the server led us is not taken
for what it did, but looked up in the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.mastodon.deed_settings import Category, Way
from adapters.mastodon.ways import Act, NotThisWayError
from adapters.mastodon.web_session import FormChangedError, SessionEndedError
from adapters.outcome import after_deed, before_deed
from bot.domain.errors import NotFoundError, NotLoggedInError, NotPermittedError, PlatformError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.mastodon.capabilities import Capabilities
    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.pages import Page
    from adapters.mastodon.report_book import Filed, ReportBook
    from adapters.mastodon.ways import Target
    from adapters.mastodon.web_session import WebSession

REPORTS = "/admin/reports"

PAGES = 25
"""Pages of twenty posts each that are looked through for one, the newest first."""


class WebForm:
    """The form, as the moderator of a session."""

    way = Way.WEB
    closes = True

    def __init__(
        self, client: MastodonClient, session: WebSession, book: ReportBook, file: Callable[[Target], Filed]
    ) -> None:
        """``file``: makes a report on one post alone, where there is none of ours."""
        self._client = client
        self._session = session
        self._book = book
        self._file = file

    def why_not(self, act: Act, caps: Capabilities) -> str:
        """Mastodon's own web interface."""
        if not caps.mainline:
            return f"the web interface of {caps.software} is not Mastodon's"
        if act is Act.UNMARK:
            return "Mastodon's web interface takes no warning off again"
        return ""

    def effect(self) -> str:
        """What it does besides."""
        told = (
            "the author is not mailed"
            if self._client.settings.report.category is Category.SPAM
            else "the author is mailed and warned, unless the report's category is spam"
        )
        return f"by the form of a report, as {self._client.settings.removal.web_name}; {told}"

    def check(self) -> None:
        """Sign in, and see the list of reports. Raises ``PlatformError``."""
        self._session.page(REPORTS)

    def lists(self, target: Target) -> bool | None:
        """Whether moderators still see the post among those of its account; removed ones are not listed.

        This is how to tell where nobody else is shown anything of the account. ``None``: not found out.
        """
        path, seen = f"/admin/accounts/{target.account_id}/statuses", ""
        for number in range(1, PAGES + 1):
            try:
                form = self._session.page(f"{path}?page={number}").form(f"{path}/batch")
            except PlatformError:
                return None
            if form is None:
                return None
            listed = sorted((box for box in form.boxes if box.isdigit()), key=_age)
            if target.status_id in listed:
                return True
            if not listed or listed[0] == seen or _age(listed[0]) < _age(target.status_id):
                return False
            seen = listed[0]
        return None

    def go(self, act: Act, target: Target) -> None:
        """Send the form, once."""
        report = self._report(target)
        try:
            try:
                self._send(act, target, report)
            except SessionEndedError:
                self._send(act, target, report)
        except (FormChangedError, NotLoggedInError, NotPermittedError) as error:
            raise NotThisWayError(f"web interface: {error}", code=error.code) from error

    def _send(self, act: Act, target: Target, report: Filed) -> None:
        path = f"{REPORTS}/{report.id}"
        try:
            page = before_deed(lambda: self._session.page(path))
        except NotFoundError as error:
            raise FormChangedError(str(error)) from error
        _offered(page, path, act)
        fields = {"moderation_action": act.value, "text": target.text}
        try:
            leads = self._session.submit(f"{path}/actions", page, fields)
        except NotFoundError as error:
            raise FormChangedError(str(error)) from error
        if after_deed(lambda: self._book.one(report.id)).resolved:
            return
        if leads == path:
            raise FormChangedError(f"the form did not accept {act.value!r}: the server led back to the report")
        raise UnreachableError(f"the form led to {leads}, and the report is open: nobody knows what it did", sent=True)

    def _report(self, target: Target) -> Filed:
        """A report of ours on this post alone, and open: the form is not shown for others."""
        filed = before_deed(lambda: self._usable(target))
        if filed is not None:
            if filed.resolved:
                self._client.library.admin_report_reopen(filed.id)
            return filed
        try:
            return self._file(target)
        except NotFoundError as error:
            raise NotThisWayError(
                "web interface: there is no report on this post alone to act by, and none can be filed (any more): the "
                f"account is suspended, or the post gone ({error})"
            ) from error

    def _usable(self, target: Target) -> Filed | None:
        """Open ones come first; one that a human has closed stays so."""
        ours = self._book.ours_about(target.account_id)
        mine = (filed for filed in ours if filed.names_only(target.status_id))
        return next((filed for filed in mine if not filed.resolved or filed.resolved_by_us), None)


def _age(status_id: str) -> tuple[int, str]:
    """Ids are numbers that grow."""
    return len(status_id), status_id


def _offered(page: Page, path: str, act: Act) -> None:
    """Whether the page has the button that a moderator would press."""
    form = page.form(f"{path}/actions/preview") or page.form(f"{path}/actions")
    if form is None:
        raise FormChangedError(f"{page.title or path}: the page has no form to act by")
    if act.value not in form.buttons:
        raise FormChangedError(f"{page.title or path}: the form has no button {act.value!r} that can be pressed")
