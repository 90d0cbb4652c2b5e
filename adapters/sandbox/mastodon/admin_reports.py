"""Reports for moderators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import CrashError, invalid
from adapters.sandbox.mastodon.moderation import reopen, report_by_id, resolve
from adapters.sandbox.mastodon.paging import link_pages, page
from adapters.sandbox.mastodon.report_views import admin_report_view
from adapters.sandbox.mastodon.reports import CATEGORIES
from adapters.sandbox.mastodon.rights import MANAGE_REPORTS, require

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from adapters.sandbox.mastodon.rows import Account, Json, Report

_READ = ("admin:read", "admin:read:reports")
_WRITE = ("admin:write", "admin:write:reports")
_PLACE = "/api/v1/admin/reports"
_MOST = 200


@route("GET", _PLACE, *_READ, access="maybe")
def index(call: Call) -> list[Any]:
    """Open reports, or those that are asked for."""
    viewer = require(call, MANAGE_REPORTS)
    limit = call.params.limit(100, _MOST)
    names = ("resolved", "account_id", "target_account_id", "limit", *(("unresolved",) if call.version.newer else ()))
    rows = page(call, [report for report in call.state.reports.values() if _wanted(call, report)], limit)
    link_pages(call, rows, names, more=len(rows) == limit)
    return [admin_report_view(call.state, report, viewer) for report in rows]


def _wanted(call: Call, report: Report) -> bool:
    params = call.params
    resolved = bool(params.flag("resolved"))
    # 4.3 does not look at ``unresolved``: whoever asks for both gets only what is resolved.
    both = resolved and call.version.newer and bool(params.flag("unresolved"))
    if not both and report.resolved != resolved:
        return False
    asked = {"account_id": report.account_id, "target_account_id": report.target_account_id}
    return all(params.text(name) in {"", str(number)} for name, number in asked.items())


@route("GET", f"{_PLACE}/{{}}", *_READ, access="maybe")
def show(call: Call) -> Json:
    """One report."""
    viewer = require(call, MANAGE_REPORTS)
    return admin_report_view(call.state, report_by_id(call.state, call.path[0]), viewer)


def update(call: Call) -> Json:
    """Change the category, or the rules."""
    viewer = require(call, MANAGE_REPORTS)
    report, params = report_by_id(call.state, call.path[0]), call.params
    category = params.text("category", report.category)
    rules = params.items("rule_ids") if "rule_ids" in params else None
    if category not in CATEGORIES:
        raise CrashError
    if rules is not None or category == "violation":
        given = [str(rule) for rule in report.rule_ids or ()] if rules is None else rules
        if not given or not all(rule.isdigit() and int(rule) in call.state.rules for rule in given):
            raise invalid("Rule ids does not reference valid rules")
        report.rule_ids = [int(rule) for rule in given]
    report.category, report.updated_at = category, now()
    call.state.emit("report.updated", report.id)
    return admin_report_view(call.state, report, viewer)


for _method in ("PUT", "PATCH"):
    route(_method, f"{_PLACE}/{{}}", *_WRITE, access="maybe")(update)


def _changing(name: str, change: Callable[[Call, Report, Account], None]) -> None:
    def handler(call: Call) -> Json:
        viewer = require(call, MANAGE_REPORTS)
        report = report_by_id(call.state, call.path[0])
        change(call, report, viewer)
        return admin_report_view(call.state, report, viewer)

    route("POST", f"{_PLACE}/{{}}/{name}", *_WRITE, access="maybe")(handler)


def _assign(call: Call, report: Report, number: int | None) -> None:
    report.assigned_to, report.updated_at = number, now()
    call.state.emit("report.updated", report.id)


_changing("assign_to_self", lambda call, report, viewer: _assign(call, report, viewer.id))
_changing("unassign", lambda call, report, _: _assign(call, report, None))
_changing("resolve", lambda call, report, viewer: resolve(call.state, report, viewer))
_changing("reopen", lambda call, report, _: reopen(call.state, report))
