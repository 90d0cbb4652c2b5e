"""Private messages, and the reports by which an administrator is shown one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.messages.messages import (
    CreatePrivateMessage,
    DeletePrivateMessage,
    EditPrivateMessage,
    ListMessageReports,
    ListPrivateMessages,
    ReportPrivateMessage,
)
from adapters.sandbox.lemmy.messages.posts import ResolveReport
from adapters.sandbox.lemmy.rights import require_admin
from adapters.sandbox.lemmy.rows import HIDDEN, as_json
from adapters.sandbox.lemmy.text import BODY_LIMIT, REPORT_LIMIT, check_length, span
from adapters.sandbox.lemmy.wording import check_slurs, processed

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.sandbox.lemmy.rows import Json
    from adapters.sandbox.lemmy.state import State


@dataclass(slots=True, kw_only=True)
class PrivateMessage:
    """A message from one person to another."""

    id: int
    creator_id: int
    recipient_id: int
    content: str
    deleted: bool = False
    read: bool = False
    published: datetime
    updated: datetime | None = None
    ap_id: str
    local: bool = True
    removed: bool = False
    deleted_by_recipient: bool = field(default=False, metadata=HIDDEN)  # 1.0 only


@dataclass(slots=True, kw_only=True)
class PrivateMessageReport:
    """A report of a message, with a copy of its text."""

    id: int
    creator_id: int
    private_message_id: int
    original_pm_text: str
    reason: str
    resolved: bool = False
    resolver_id: int | None = None
    published: datetime
    updated: datetime | None = None
    conclusion: str | None = field(default=None, metadata=HIDDEN)  # 1.0 only


def _view(state: State, message: PrivateMessage) -> Json:
    return {
        "private_message": as_json(message),
        "creator": as_json(state.people[message.creator_id]),
        "recipient": as_json(state.people[message.recipient_id]),
    }


def _report_view(state: State, report: PrivateMessageReport) -> Json:
    message = state.private_messages[report.private_message_id]
    view = {
        "private_message_report": as_json(report),
        "private_message": as_json(message),
        "private_message_creator": as_json(state.people[message.creator_id]),
        "creator": as_json(state.people[report.creator_id]),
    }
    return view if report.resolver_id is None else view | {"resolver": as_json(state.people[report.resolver_id])}


def _existing(state: State, number: int) -> PrivateMessage:
    if number not in state.private_messages:
        raise LemmyError("couldnt_find_private_message")
    return state.private_messages[number]


@route("POST", "/api/v3/private_message", CreatePrivateMessage, login=True, locked=False)
def create_message(call: Call, form: CreatePrivateMessage) -> Json:
    """Write to somebody."""
    state, me = call.state, call.me.person_id
    content = processed(call.server, form.content) or ""
    check_length(content, BODY_LIMIT, "invalid_body_field")
    with state.lock:
        if (me, form.recipient_id) in state.person_blocks:
            raise LemmyError("person_is_blocked")
        if form.recipient_id not in state.people:
            raise LemmyError("couldnt_create_private_message")
        number = state.next_id("private_message")
        message = PrivateMessage(
            id=number,
            creator_id=me,
            recipient_id=form.recipient_id,
            content=content,
            published=now(),
            ap_id=f"{state.url}/private_message/{number}",
        )
        state.private_messages[number] = message
        return {"private_message_view": _view(state, message)}


@route("PUT", "/api/v3/private_message", EditPrivateMessage, login=True, locked=False)
def edit_message(call: Call, form: EditPrivateMessage) -> Json:
    """Change one's own message; reports keep what it was."""
    state = call.state
    content = processed(call.server, form.content) or ""
    check_length(content, BODY_LIMIT, "invalid_body_field")
    with state.lock:
        message = _existing(state, form.private_message_id)
        if message.creator_id != call.me.person_id:
            raise LemmyError("edit_private_message_not_allowed")
        if (message.creator_id, message.recipient_id) in state.person_blocks:
            raise LemmyError("person_is_blocked")
        message.content, message.updated = content, now()
        return {"private_message_view": _view(state, message)}


@route("POST", "/api/v3/private_message/delete", DeletePrivateMessage, login=True)
def delete_message(call: Call, form: DeletePrivateMessage) -> Json:
    """Delete or restore a message of one's own. Its text is still told to both."""
    message = _existing(call.state, form.private_message_id)
    if message.creator_id != call.me.person_id:
        raise LemmyError("edit_private_message_not_allowed")
    message.deleted = form.deleted
    return {"private_message_view": _view(call.state, message)}


@route("GET", "/api/v3/private_message/list", ListPrivateMessages, login=True)
def list_messages(call: Call, form: ListPrivateMessages) -> Json:
    """One's own messages, and nobody else's, whoever asks; what is deleted or removed is there no more.

    ``creator_id`` is whom one has written with; of unread ones only, who wrote them.
    """
    state, me = call.state, call.me.person_id

    def shows(message: PrivateMessage) -> bool:
        both = {message.creator_id, message.recipient_id}
        if me not in both or message.deleted or message.removed:
            return False
        from_where = state.people[message.creator_id].instance_id
        if (message.creator_id, message.recipient_id) in state.person_blocks:
            return False
        if (from_where, message.recipient_id) in state.instance_blocks:
            return False
        if form.unread_only:
            unread = message.recipient_id == me and not message.read
            return unread and form.creator_id in {None, message.creator_id}
        return form.creator_id is None or form.creator_id in both

    mine = [message for message in state.private_messages.values() if shows(message)]
    mine.sort(key=lambda message: message.published, reverse=True)
    page = span(form.page, form.limit)
    return {"private_messages": [_view(state, message) for message in mine[page]]}


@route("POST", "/api/v3/private_message/report", ReportPrivateMessage, login=True)
def report_message(call: Call, form: ReportPrivateMessage) -> Json:
    """Show a message to the administrators; only its recipient can, and once."""
    state, me = call.state, call.me.person_id
    reason = form.reason.strip()
    check_slurs(state, reason)
    if not reason:
        raise LemmyError("report_reason_required")
    if len(reason) > REPORT_LIMIT:
        raise LemmyError("report_too_long")
    message = _existing(state, form.private_message_id)
    if message.recipient_id != me:
        raise LemmyError("couldnt_create_report")
    if any(
        (report.creator_id, report.private_message_id) == (me, message.id) for report in state.message_reports.values()
    ):
        state.next_id("private_message_report")  # the refused insert has used up a number
        raise LemmyError("couldnt_create_report")
    report = PrivateMessageReport(
        id=state.next_id("private_message_report"),
        creator_id=me,
        private_message_id=message.id,
        original_pm_text=message.content,
        reason=reason,
        published=now(),
    )
    state.message_reports[report.id] = report
    return {"private_message_report_view": _report_view(state, report)}


@route("GET", "/api/v3/private_message/report/list", ListMessageReports, login=True)
def list_message_reports(call: Call, form: ListMessageReports) -> Json:
    """Reports of messages: the newest first, or of the open ones the oldest first. Administrators only."""
    require_admin(call)
    page = span(form.page, form.limit)
    found = [report for report in call.state.message_reports.values() if not (form.unresolved_only and report.resolved)]
    found.sort(key=lambda report: report.published, reverse=not form.unresolved_only)
    return {"private_message_reports": [_report_view(call.state, report) for report in found[page]]}


@route("PUT", "/api/v3/private_message/report/resolve", ResolveReport, login=True)
def resolve_message_report(call: Call, form: ResolveReport) -> Json:
    """Close a report of a message, or open it again."""
    require_admin(call)
    report = call.state.message_reports.get(form.report_id)
    if report is None:
        raise LemmyError("couldnt_find_private_message_report")
    report.resolved, report.resolver_id, report.updated = form.resolved, call.me.person_id, now()
    return {"private_message_report_view": _report_view(call.state, report)}
