"""Filing a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.accounts import account_by_id
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import CrashError, invalid, record_not_found
from adapters.sandbox.mastodon.notifying import notify
from adapters.sandbox.mastodon.report_views import report_view
from adapters.sandbox.mastodon.rights import moderators
from adapters.sandbox.mastodon.rows import Report
from adapters.sandbox.mastodon.visibility import shown_of_account

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Account, Json
    from adapters.sandbox.mastodon.state import State

CATEGORIES = {"other", "spam", "legal", "violation"}
_LONGEST_COMMENT = 1000


@route("POST", "/api/v1/reports", "write", "write:reports")
def create(call: Call) -> Json:
    """Report an account and any of its statuses, as often as one likes."""
    state, me, params = call.state, call.me, call.params
    target = account_by_id(state, params.text("account_id"))
    if target.suspended:
        raise record_not_found()
    statuses = _statuses(state, target, me, params.items("status_ids"))
    rules = params.items("rule_ids")
    category = "violation" if rules else params.text("category") or "other"
    if category not in CATEGORIES:
        raise CrashError
    comment = params.text("comment")
    faults = []
    if len(comment) > _LONGEST_COMMENT:
        faults.append(f"Comment is too long (maximum is {_LONGEST_COMMENT} characters)")
    if category == "violation" and not _known(state, rules):
        faults.append("Rule ids does not reference valid rules")
    if faults:
        raise invalid(*faults)
    report = file_report(
        state,
        me,
        target,
        statuses,
        comment=comment,
        category=category,
        rule_ids=[int(rule) for rule in rules] if category == "violation" else None,
        # Of a local account it is false whatever was asked; of a remote one nothing stays nothing.
        forwarded=False if target.local else params.flag("forward"),
    )
    report.collection_ids = params.items("collection_ids")
    if report.forwarded:
        call.server.federation.forward(report)
    return report_view(state, report, me)


def _statuses(state: State, target: Account, me: Account, wanted: list[str]) -> list[int]:
    """The statuses by their ids: one that is missing, another's or hidden refuses the whole report."""
    numbers = {int(text) if text.isdigit() else 0 for text in wanted}
    for number in numbers:
        status = state.statuses.get(number)
        if (
            status is None
            or status.erased
            or status.account_id != target.id
            or not shown_of_account(state, target, me, status)
        ):
            raise record_not_found()
    return sorted(numbers, reverse=True)


def _known(state: State, rules: list[str]) -> bool:
    return bool(rules) and all(rule.isdigit() and int(rule) in state.rules for rule in rules)


def file_report(
    state: State,
    by: Account,
    target: Account,
    status_ids: list[int],
    *,
    comment: str,
    category: str,
    rule_ids: list[int] | None = None,
    forwarded: bool | None = False,
) -> Report:
    """Put a report into the tables; moderators hear of it unless another one on that account is open."""
    news = not any(one.target_account_id == target.id and not one.resolved for one in state.reports.values())
    number, moment = state.next_id("reports"), now()
    report = Report(
        id=number,
        account_id=by.id,
        target_account_id=target.id,
        status_ids=status_ids,
        comment=comment,
        category=category,
        rule_ids=rule_ids,
        forwarded=forwarded,
        created_at=moment,
        updated_at=moment,
    )
    state.reports[number] = report
    state.emit("report.created", number)
    if news:
        for moderator in moderators(state):
            notify(state, moderator, by, "admin.report", report=report)
    return report
