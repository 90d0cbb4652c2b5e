"""The pages of the web interface that a moderator's work goes through: titles, notices and forms as Mastodon has them.

Nothing of the looks is here: what a program reads of a page is its title, its notices and its forms.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.web_actions import BUTTONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adapters.sandbox.mastodon.rows import Account, Report, Status
    from adapters.sandbox.mastodon.state import State
    from adapters.sandbox.mastodon.web_sessions import Browser

_STATUS_BOX = '<input type="checkbox" name="admin_status_batch_action[status_ids][]" value="{}">'


@dataclass(slots=True)
class PageWriter:
    """Writes pages for one browser. ``told``: the notices of the request before."""

    state: State
    browser: Browser
    told: Sequence[str] = ()

    def sign_in(self, notices: Sequence[str] = ()) -> str:
        """E-mail address and password."""
        fields = (
            '<input type="email" name="user[email]" autocomplete="email">'
            '<input type="password" name="user[password]" autocomplete="current-password">'
            '<button name="button" type="submit">Log in</button>'
        )
        return self._page("Log in", self._form("/auth/sign_in", fields, id="new_user"), notices)

    def second_factor(self, notices: Sequence[str] = ()) -> str:
        """The one-time code."""
        fields = (
            '<input type="text" name="user[otp_attempt]" autocomplete="one-time-code">'
            '<button name="button" type="submit">Log in</button>'
        )
        return self._page("Log in", self._form("/auth/sign_in", fields, id="otp-authentication-form"), notices)

    def reports(self, reports: Iterable[Report]) -> str:
        """The open reports."""
        items = "".join(f'<a href="/admin/reports/{report.id}">#{report.id}</a>' for report in reports)
        return self._page("Reports", items)

    def report(self, report: Report) -> str:
        """A report, its posts, and what can be done about them."""
        target = self.state.accounts[report.target_account_id]
        statuses = _kept(self.state, report)
        fields = '<input type="checkbox" name="batch_checkbox_all">'
        if statuses:
            fields += '<button name="remove_from_report" type="submit">Remove from report</button>'
            fields += "".join(_STATUS_BOX.format(status.id) for status in statuses)
        below = f"/admin/accounts/{target.id}"
        body = self._form(f"{below}/statuses/batch?report_id={report.id}", fields)
        if self.state.version.newer:
            body += self._form(
                f"{below}/collections/batch?report_id={report.id}", '<input type="checkbox" name="batch_checkbox_all">'
            )
        if not report.resolved:
            body += self._form(f"/admin/reports/{report.id}/actions/preview", _action_buttons(statuses))
        close = "create_and_unresolve" if report.resolved else "create_and_resolve"
        notes = (
            f'<input type="hidden" name="report_note[report_id]" value="{report.id}">'
            '<textarea name="report_note[content]"></textarea>'
            f'<button name="{close}" type="submit"></button><button name="button" type="submit">Add note</button>'
        )
        return self._page(f"Report #{report.id}", body + self._form("/admin/report_notes", notes, id="new_report_note"))

    def preview(self, report: Report, action: str) -> str:
        """What an action will do, before it is done."""
        target = self.state.accounts[report.target_account_id]
        fields = (
            f'<input type="hidden" name="moderation_action" value="{html.escape(action)}">'
            '<textarea name="text"></textarea><button name="confirm" type="submit">Confirm</button>'
        )
        title = f"Confirm moderation action against @{target.acct}"
        return self._page(title, self._form(f"/admin/reports/{report.id}/actions", fields))

    def account(self, account: Account) -> str:
        """An account with the notes of moderators."""
        fields = (
            f'<input type="hidden" name="account_moderation_note[target_account_id]" value="{account.id}">'
            '<textarea name="account_moderation_note[content]"></textarea>'
            '<button name="button" type="submit">Leave note</button>'
        )
        form = self._form("/admin/account_moderation_notes", fields, id="new_account_moderation_note")
        return self._page(account.acct, form)

    def statuses(self, account: Account, statuses: Iterable[Status]) -> str:
        """The posts of an account."""
        fields = (
            '<input type="hidden" name="page" value="1"><input type="checkbox" name="batch_checkbox_all">'
            '<button name="report" type="submit">Report selected posts</button>'
        ) + "".join(_STATUS_BOX.format(status.id) for status in statuses)
        body = self._form(f"/admin/accounts/{account.id}/statuses/batch", fields)
        return self._page(f"Account posts - @{account.acct}", body)

    def home(self) -> str:
        """Where one is led after signing in."""
        return self._page("Home", '<div class="app-holder" id="mastodon"></div>')

    def _form(self, action: str, fields: str, *, id: str | None = None) -> str:  # noqa: A002 - HTML's own word
        named = "" if id is None else f' id="{id}"'
        token = self.browser.token(action.partition("?")[0])
        return (
            f'<form{named} action="{html.escape(action)}" accept-charset="UTF-8" method="post">'
            f'<input type="hidden" name="authenticity_token" value="{token}">{fields}</form>\n'
        )

    def _page(self, title: str, body: str, notices: Sequence[str] = ()) -> str:
        told = [*self.told, *notices]
        flash = "".join(
            f'<div class="flash-message notice"><strong>{html.escape(notice)}</strong></div>\n' for notice in told
        )
        return (
            "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
            f"<title>{html.escape(title)} - Mastodon</title>\n"
            '<meta name="csrf-param" content="authenticity_token">\n'
            f'<meta name="csrf-token" content="{self.browser.token()}">\n'
            f"</head>\n<body>\n{flash}{body}</body>\n</html>\n"
        )


def _kept(state: State, report: Report) -> list[Status]:
    found = [state.statuses[number] for number in report.status_ids if number in state.statuses]
    return [status for status in found if not status.erased]


def _action_buttons(statuses: Sequence[Status]) -> str:
    live = [status for status in statuses if status.live]
    shown = []
    for action, label in BUTTONS.items():
        if action == "mark_as_sensitive" and not any(status.media_ids for status in live):
            continue
        disabled = " disabled" if action == "delete" and not live else ""
        shown.append(f'<button name="{action}" type="submit"{disabled}>{label}</button>')
    return "".join(shown)
