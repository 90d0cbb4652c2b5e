"""Reports, warnings and notifications as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.account_views import account_view, admin_account_view
from adapters.sandbox.mastodon.status_views import status_view
from adapters.sandbox.mastodon.text import iso, iso_or_none

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Account, Json, Notification, Report, Rule, Strike
    from adapters.sandbox.mastodon.state import State


def report_view(state: State, report: Report, viewer: Account | None = None) -> Json:
    """A report for the one who filed it."""
    shown: Json = {
        "id": str(report.id),
        "action_taken": report.resolved,
        "action_taken_at": iso_or_none(report.action_taken_at),
        "category": report.category,
        "comment": report.comment,
        "forwarded": report.forwarded,
        "created_at": iso(report.created_at),
        "status_ids": [str(number) for number in report.status_ids],
        "rule_ids": None if report.rule_ids is None else [str(number) for number in report.rule_ids],
    }
    if state.version.newer:
        shown["collection_ids"] = list(report.collection_ids)
    return shown | {"target_account": account_view(state, state.accounts[report.target_account_id], viewer)}


def admin_report_view(state: State, report: Report, viewer: Account | None = None) -> Json:
    """A report for a moderator, with those of its statuses of which there is still a row."""

    def account(number: int | None) -> Json | None:
        return None if number is None else admin_account_view(state, state.accounts[number], viewer)

    kept = [state.statuses[number] for number in report.status_ids if number in state.statuses]
    return {
        "id": str(report.id),
        "action_taken": report.resolved,
        "action_taken_at": iso_or_none(report.action_taken_at),
        "category": report.category,
        "comment": report.comment,
        "forwarded": report.forwarded,
        "created_at": iso(report.created_at),
        "updated_at": iso(report.updated_at),
        "account": account(report.account_id),
        "target_account": account(report.target_account_id),
        "assigned_account": account(report.assigned_to),
        "action_taken_by_account": account(report.action_taken_by),
        "statuses": [status_view(state, status, viewer) for status in kept if not status.erased],
        "rules": [rule_view(state, state.rules[rule]) for rule in report.rule_ids or () if rule in state.rules],
    }


def rule_view(state: State, rule: Rule) -> Json:
    """A rule of the server."""
    shown: Json = {"id": str(rule.id), "text": rule.text, "hint": rule.hint}
    return shown | ({"translations": {}} if state.version.newer else {})


def strike_view(state: State, strike: Strike, viewer: Account | None = None) -> Json:
    """A warning for the one who got it."""
    return {
        "id": str(strike.id),
        "action": strike.action,
        "text": strike.text,
        "status_ids": None if strike.status_ids is None else [str(number) for number in strike.status_ids],
        "created_at": iso(strike.created_at),
        "target_account": account_view(state, state.accounts[strike.target_account_id], viewer),
        "appeal": None,
    }


def notification_view(state: State, notification: Notification) -> Json:
    """A notification for its recipient."""
    viewer = state.accounts[notification.account_id]
    shown: Json = {
        "id": str(notification.id),
        "type": notification.type,
        "created_at": iso(notification.created_at),
        "group_key": f"ungrouped-{notification.id}",
        "account": account_view(state, state.accounts[notification.from_account_id], viewer),
    }
    if notification.status_id is not None:
        shown["status"] = status_view(state, state.statuses[notification.status_id], viewer)
    if notification.report_id is not None:
        shown["report"] = report_view(state, state.reports[notification.report_id], viewer)
    if notification.strike_id is not None:
        shown["moderation_warning"] = strike_view(state, state.strikes[notification.strike_id], viewer)
    return shown
