"""What moderators do, by the API or in the web pages: actions on accounts, on reports and on reported statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.errors import CrashError, not_allowed, record_not_found
from adapters.sandbox.mastodon.notifying import notify
from adapters.sandbox.mastodon.posting import edit, erase, erase_media, show_files, take_away
from adapters.sandbox.mastodon.rights import MANAGE_REPORTS, MANAGE_USERS, can, overrules
from adapters.sandbox.mastodon.rows import INSTANCE_ACTOR, Strike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.sandbox.mastodon.rows import Account, Report, Status
    from adapters.sandbox.mastodon.state import State

AccountAction = Literal["none", "disable", "sensitive", "silence", "suspend"]
ReportAction = Literal["delete", "mark_as_sensitive", "silence", "suspend"]
ACCOUNT_ACTIONS: tuple[AccountAction, ...] = ("none", "disable", "sensitive", "silence", "suspend")
REPORT_ACTIONS: tuple[ReportAction, ...] = ("delete", "mark_as_sensitive", "silence", "suspend")


def act_on_account(
    state: State,
    target: Account,
    action: AccountAction,
    by: Account,
    *,
    text: str = "",
    report: Report | None = None,
    tell: bool = True,
) -> Strike:
    """Act on an account: every open report on it is dealt with by that, or with ``none`` only the one named.

    ``tell``: the account gets a warning. Raises ``ApiError`` where the role of ``by`` is not enough.
    """
    _authorize(state, target, action, by, report)
    moment = now()
    if action == "disable" and target.user is not None:
        target.user.disabled = True
    elif action == "sensitive":
        target.sensitized = True
    elif action == "silence":
        target.silenced = True
    elif action == "suspend":
        suspend(state, target)
    strike = _strike(state, target, action, by, text=text, report=report)
    dealt_with = [report] if action == "none" and report is not None else []
    if action != "none":
        dealt_with = [one for one in _open_reports(state, target) if one is not report]
        # One on somebody else may be named as well: it gets into the strike, and stays as it is.
        dealt_with += [report] if report is not None and report.target_account_id == target.id else []
    for one in dealt_with:
        one.action_taken_at, one.action_taken_by, one.updated_at = moment, by.id, now()
        state.emit("report.updated", one.id)
    if tell:
        notify(state, target, target, "moderation_warning", strike=strike)
    if action != "none":
        state.emit("account.updated", target.id)
    return strike


def _authorize(state: State, target: Account, action: AccountAction, by: Account, report: Report | None) -> None:
    if action == "disable":
        if target.user is None:
            raise CrashError
        if not (can(by, MANAGE_USERS) and overrules(by, target)):
            raise not_allowed()
    elif action != "none" and not (can(by, MANAGE_USERS | MANAGE_REPORTS) and overrules(by, target)):
        raise not_allowed()
    touched = report is not None or (action != "none" and bool(_open_reports(state, target)))
    if touched and not can(by, MANAGE_REPORTS):
        raise not_allowed()


def _open_reports(state: State, target: Account) -> list[Report]:
    return [one for one in state.reports.values() if one.target_account_id == target.id and not one.resolved]


def act_on_report(state: State, report: Report, action: ReportAction, by: Account, *, text: str = "") -> None:
    """What the form of a report does: act on its statuses, or on the account, and close it.

    It does so as often as it is told to. The author hears of it, unless the report is about spam.
    """
    target = state.accounts[report.target_account_id]
    tell = report.category != "spam"
    if action in {"silence", "suspend"}:
        act_on_account(state, target, action, by, text=text, report=report, tell=tell)
        return
    if not (can(by, MANAGE_REPORTS) and can(by, MANAGE_USERS) and overrules(by, target)):
        raise not_allowed()
    statuses = [state.statuses[number] for number in report.status_ids if number in state.statuses]
    statuses = [status for status in statuses if not status.erased]
    moment = now()
    if action == "delete":
        for status in statuses:
            take_away(state, status)
        name = "delete_statuses"
    else:
        for status in statuses:
            # Only what has something to cover; a remote status is changed here alone, and without a trace.
            if not status.live or not status.media_ids:
                continue
            if status.local:
                edit(state, status, by=state.accounts[INSTANCE_ACTOR], sensitive=True)
            else:
                status.sensitive = True
                state.emit("status.updated", status.id)
        name = "mark_statuses_as_sensitive"
    report.action_taken_at, report.action_taken_by, report.updated_at = moment, by.id, now()
    state.emit("report.updated", report.id)
    strike = _strike(state, target, name, by, text=text, report=report)
    if tell:
        notify(state, target, target, "moderation_warning", strike=strike)


def delete_statuses(state: State, target: Account, statuses: Sequence[Status], by: Account) -> None:
    """What the form of an account's posts does up to 4.5: take some of them away without a report."""
    for status in statuses:
        take_away(state, status)
    strike = _strike(state, target, "delete_statuses", by, text="", report=None)
    strike.status_ids = [status.id for status in statuses]
    notify(state, target, target, "moderation_warning", strike=strike)


def _strike(state: State, target: Account, action: str, by: Account, *, text: str, report: Report | None) -> Strike:
    number = state.next_id("strikes")
    state.strikes[number] = Strike(
        id=number,
        account_id=by.id,
        target_account_id=target.id,
        action=action,
        text=text,
        report_id=None if report is None else report.id,
        status_ids=None if report is None else list(report.status_ids),
        created_at=now(),
    )
    return state.strikes[number]


def suspend(state: State, target: Account) -> None:
    """Hide an account and everything of it; its files get the mode 0600."""
    if target.suspended_at is None:
        target.suspended_at, target.deletable = now(), True
    _show_all_files(state, target, public=False)
    state.emit("account.suspended", target.id)


def unsuspend(state: State, target: Account) -> None:
    """Show an account again, and every file of it: those of statuses that a moderator took away too."""
    target.suspended_at, target.deletable = None, False
    _show_all_files(state, target, public=True)
    state.emit("account.updated", target.id)


def _show_all_files(state: State, target: Account, *, public: bool) -> None:
    for media in state.media.values():
        if media.account_id == target.id:
            show_files(state, media, public=public)
    state.files.set_public(target.avatar, public=public)
    state.files.set_public(target.header, public=public)


def empty(state: State, target: Account) -> None:
    """Delete what a suspended account left: statuses, files, profile. Name and login stay, the login disabled."""
    for status in [one for one in state.statuses.values() if one.account_id == target.id]:
        erase(state, status)
    for media in [one for one in state.media.values() if one.account_id == target.id]:
        erase_media(state, media)
    remove_picture(state, target, "avatar")
    remove_picture(state, target, "header")
    state.follows = {pair: since for pair, since in state.follows.items() if target.id not in pair}
    target.display_name = target.note = ""
    target.fields, target.discoverable, target.statuses_count = [], False, 0
    target.silenced = False
    target.deletable, target.emptied = False, True
    if target.user is not None:
        target.user.disabled = True


def remove_picture(state: State, target: Account, which: Literal["avatar", "header"]) -> None:
    """Take an avatar or a header away, with its file."""
    state.files.delete(getattr(target, which))
    setattr(target, which, None)
    state.emit("account.updated", target.id)


def reopen(state: State, report: Report) -> None:
    """Make a report open again."""
    report.action_taken_at, report.action_taken_by, report.updated_at = None, None, now()
    state.emit("report.updated", report.id)


def resolve(state: State, report: Report, by: Account) -> None:
    """Close a report."""
    report.action_taken_at, report.action_taken_by, report.updated_at = now(), by.id, now()
    state.emit("report.updated", report.id)


def report_by_id(state: State, text: str) -> Report:
    """A report by its id in words."""
    report = state.reports.get(int(text)) if text.isdigit() else None
    if report is None:
        raise record_not_found()
    return report
