"""What a moderator can do in the web pages. Each ends with where the browser is led and what it is told there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adapters.sandbox.mastodon.errors import PageError
from adapters.sandbox.mastodon.moderation import REPORT_ACTIONS, act_on_report, delete_statuses, remove_picture
from adapters.sandbox.mastodon.rights import MANAGE_REPORTS, MANAGE_USERS, can, overrules

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.forms import Params
    from adapters.sandbox.mastodon.rows import Account, Report
    from adapters.sandbox.mastodon.state import State

BUTTONS = {
    "mark_as_sensitive": "Mark as sensitive",
    "delete": "Delete posts",
    "silence": "Limit",
    "suspend": "Suspend",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Led:
    """Where a browser goes next, and the notice there."""

    path: str
    notice: str = ""


def pressed(params: Params) -> str:
    """The action that a form asks for: the button that was pressed, or the field of the second step."""
    return next((name for name in ("delete", "mark_as_sensitive", "silence", "suspend") if name in params), None) or (
        params.text("moderation_action")
    )


def process(state: State, report: Report, params: Params, by: Account) -> Led:
    """The form of a report. Whatever it asks for that there is not leads back to the report."""
    wanted = pressed(params)
    action = next((one for one in REPORT_ACTIONS if one == wanted), None)
    if action is None:
        return Led(path=f"/admin/reports/{report.id}", notice=f"Unknown action: {wanted}")
    act_on_report(state, report, action, by, text=params.text("text"))
    return Led(path="/admin/reports", notice=f"Report #{report.id} successfully processed")


def batch(state: State, target: Account, params: Params, by: Account) -> Led:
    """The form of an account's posts. Removal without a report ended with 4.6.

    Not here: its buttons that make a report of the chosen posts, and that take posts out of one.
    """
    if state.version.newer or "delete" not in params:
        raise PageError(422)
    _require_power(target, by)
    chosen = params.get("admin_status_batch_action")
    numbers = chosen.get("status_ids", []) if isinstance(chosen, dict) else []
    statuses = [
        state.statuses[int(number)] for number in numbers if str(number).isdigit() and int(number) in state.statuses
    ]
    delete_statuses(state, target, [status for status in statuses if status.account_id == target.id], by)
    return Led(path=f"/admin/accounts/{target.id}/statuses")


def take_picture(state: State, target: Account, which: Literal["avatar", "header"], by: Account) -> Led:
    """Remove an avatar or a header."""
    if not (can(by, MANAGE_USERS) or can(by, MANAGE_REPORTS)):
        raise PageError(403)
    remove_picture(state, target, which)
    what = "avatar" if which == "avatar" else "header"
    return Led(path=f"/admin/accounts/{target.id}", notice=f"Successfully removed {target.acct}'s {what} image")


def _require_power(target: Account, by: Account) -> None:
    if not (can(by, MANAGE_REPORTS) and can(by, MANAGE_USERS) and overrules(by, target)):
        raise PageError(403)
