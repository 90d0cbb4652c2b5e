"""The figures of the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import ApiError, CrashError
from adapters.sandbox.mastodon.rights import VIEW_DASHBOARD, require
from adapters.sandbox.mastodon.text import day

if TYPE_CHECKING:
    from typing import Any

    from adapters.sandbox.mastodon.state import State

_DAY = timedelta(days=1)
_LONGEST = 731  # days


@route("POST", "/api/v1/admin/measures", "admin:read", access="maybe")
def measures(call: Call) -> list[Any]:
    """Counts by day. The total ends where the last day begins, so that it may be less than the days together."""
    require(call, VIEW_DASHBOARD)
    start, end = _moment(call, "start_at"), _moment(call, "end_at")
    length = end - start
    made = []
    for key in call.params.items("keys"):
        moments = _moments(call.state, key)
        days = [start + _DAY * number for number in range(min(max(length.days, -1) + 1, _LONGEST))]
        made.append(
            {
                "key": key,
                "unit": None,
                "total": str(sum(1 for moment in moments if start <= moment < end)),
                "previous_total": str(sum(1 for moment in moments if start - length <= moment < start)),
                "data": [
                    {"date": day(first), "value": str(sum(1 for moment in moments if day(moment) == day(first)))}
                    for first in days
                ],
            }
        )
    return made


def _moment(call: Call, name: str) -> datetime:
    text = call.params.text(name)
    if not text:
        if not call.version.newer:
            raise CrashError
        raise ApiError(400, f"param is missing or the value is empty or invalid: {name}")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CrashError from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _moments(state: State, key: str) -> list[datetime]:
    reports = state.reports.values()
    if key == "opened_reports":
        return [report.created_at for report in reports]
    if key == "resolved_reports":
        return [report.action_taken_at for report in reports if report.action_taken_at is not None]
    if key == "new_users":
        return [account.created_at for account in state.accounts.values() if account.user is not None]
    raise ApiError(501, f"The sandbox does not count {key}")
