"""Reports through API v4: of posts, comments, communities and private messages; one for each thing and reporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.posts import visible_post
from adapters.sandbox.lemmy.private_messages import PrivateMessageReport
from adapters.sandbox.lemmy.rights import (
    check_mod_action,
    check_not_banned,
    check_user_action,
    require_admin,
)
from adapters.sandbox.lemmy.rows import CommentReport, PostReport
from adapters.sandbox.lemmy.text import REPORT_LIMIT
from adapters.sandbox.lemmy.v4 import comments, posts
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.errors import CausedError, not_found
from adapters.sandbox.lemmy.v4.messages.content import (
    ReportComment,
    ReportCommunity,
    ReportPost,
    ResolveReport,
)
from adapters.sandbox.lemmy.v4.messages.people import ReportPrivateMessage
from adapters.sandbox.lemmy.v4.report_views import ReportViews
from adapters.sandbox.lemmy.v4.tables import CommunityReport
from adapters.sandbox.lemmy.wording import slur_filter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Json


def _checked_reason(call: Call, given: str) -> str:
    check_not_banned(call)
    reason = given.strip()
    pattern = slur_filter(call.state)
    found = None if pattern is None else pattern.findall(reason)
    if found:
        raise CausedError("slurs", f"No slurs - {', '.join(found)}")
    if not reason:
        raise LemmyError("report_reason_required")
    if len(reason) > REPORT_LIMIT:
        raise LemmyError("report_too_long")
    return reason


def _check_first(call: Call, table: str, column: str, rows: Iterable[Any], target: int) -> None:
    """One report for each thing and reporter, for ever. The refused insert has used up a number."""
    if any(getattr(row, column) == target and row.creator_id == call.me.person_id for row in rows):
        call.state.next_id(table)
        constraint = f"{table}_{column}_creator_id_key"
        cause = f'duplicate key value violates unique constraint "{constraint}"'
        raise CausedError("couldnt_create", cause)


@route("POST", "/api/v4/post/report", ReportPost, login=True)
def report_post(call: Call, form: ReportPost) -> Json:
    """Report a post that is neither removed nor deleted."""
    reason = _checked_reason(call, form.reason)
    state, me = call.state, call.me.person_id
    post = posts.existing(call, form.post_id)
    if not visible_post(call, post):
        raise not_found()
    check_user_action(call, post.community_id)
    if post.removed or post.deleted:  # the author's own, which he still sees
        raise LemmyError("deleted")
    _check_first(call, "post_report", "post_id", state.post_reports.values(), post.id)
    report = PostReport(
        id=state.next_id("post_report"),
        creator_id=me,
        post_id=post.id,
        original_post_name=post.name,
        original_post_url=post.url,
        original_post_body=post.body,
        reason=reason,
        published=now(),
        violates_instance_rules=bool(form.violates_instance_rules),
    )
    state.post_reports[report.id] = report
    return {"post_report_view": ReportViews.of(call).of_post(report)}


@route("POST", "/api/v4/comment/report", ReportComment, login=True)
def report_comment(call: Call, form: ReportComment) -> Json:
    """Report a comment that is neither removed nor deleted."""
    reason = _checked_reason(call, form.reason)
    state = call.state
    comment = comments.existing(call, form.comment_id)
    check_user_action(call, state.posts[comment.post_id].community_id)
    if comment.removed or comment.deleted:
        raise LemmyError("deleted")
    _check_first(call, "comment_report", "comment_id", state.comment_reports.values(), comment.id)
    report = CommentReport(
        id=state.next_id("comment_report"),
        creator_id=call.me.person_id,
        comment_id=comment.id,
        original_comment_text=comment.content,
        reason=reason,
        published=now(),
        violates_instance_rules=bool(form.violates_instance_rules),
    )
    state.comment_reports[report.id] = report
    return {"comment_report_view": ReportViews.of(call).of_comment(report)}


@route("POST", "/api/v4/community/report", ReportCommunity, login=True)
def report_community(call: Call, form: ReportCommunity) -> Json:
    """Report a whole community to the administrators, unless it is gone or one is banned from it."""
    reason = _checked_reason(call, form.reason)
    community, rows = check_user_action(call, form.community_id), call.server.v4.community_reports
    _check_first(call, "community_report", "community_id", rows.values(), community.id)
    report = CommunityReport(
        id=call.state.next_id("community_report"),
        creator_id=call.me.person_id,
        community_id=community.id,
        original_community_name=community.name,
        original_community_title=community.title,
        original_community_summary=community.summary,
        original_community_sidebar=community.description,
        original_community_icon=community.icon,
        original_community_banner=community.banner,
        reason=reason,
    )
    rows[report.id] = report
    return {"community_report_view": ReportViews.of(call).of_community(report)}


@route("POST", "/api/v4/private_message/report", ReportPrivateMessage, login=True)
def report_private_message(call: Call, form: ReportPrivateMessage) -> Json:
    """Report a message to the administrators; only whom it was sent to may."""
    reason = _checked_reason(call, form.reason)
    message = call.state.private_messages.get(form.private_message_id)
    if message is None:
        raise not_found()
    if message.recipient_id != call.me.person_id:
        raise LemmyError("couldnt_create")
    rows = call.state.message_reports
    _check_first(call, "private_message_report", "private_message_id", rows.values(), message.id)
    report = PrivateMessageReport(
        id=call.state.next_id("private_message_report"),
        creator_id=call.me.person_id,
        private_message_id=message.id,
        original_pm_text=message.content,
        reason=reason,
        published=now(),
    )
    rows[report.id] = report
    return {"private_message_report_view": ReportViews.of(call).of_private_message(report)}


def _resolve(call: Call, form: ResolveReport, report: Any) -> None:
    report.resolved, report.resolver_id, report.updated = form.resolved, call.me.person_id, now()
    if form.conclusion is not None:
        report.conclusion = form.conclusion or None  # it stays until there is another


@route("PUT", "/api/v4/post/report/resolve", ResolveReport, login=True)
def resolve_post_report(call: Call, form: ResolveReport) -> Json:
    """Close a report of a post, or open it again."""
    report = call.state.post_reports.get(form.report_id)
    if report is None:
        raise not_found()
    check_mod_action(call, call.state.posts[report.post_id].community_id, allow_deleted=True)
    _resolve(call, form, report)
    return {"post_report_view": ReportViews.of(call).of_post(report)}


@route("PUT", "/api/v4/comment/report/resolve", ResolveReport, login=True)
def resolve_comment_report(call: Call, form: ResolveReport) -> Json:
    """Close a report of a comment, or open it again."""
    report = call.state.comment_reports.get(form.report_id)
    if report is None:
        raise not_found()
    post = call.state.posts[call.state.comments[report.comment_id].post_id]
    check_mod_action(call, post.community_id, allow_deleted=True)
    _resolve(call, form, report)
    return {"comment_report_view": ReportViews.of(call).of_comment(report)}


@route("PUT", "/api/v4/community/report/resolve", ResolveReport, login=True)
def resolve_community_report(call: Call, form: ResolveReport) -> Json:
    """Close a report of a community, or open it again; only administrators."""
    require_admin(call)
    report = call.server.v4.community_reports.get(form.report_id)
    if report is None:
        raise not_found()
    _resolve(call, form, report)
    return {"community_report_view": ReportViews.of(call).of_community(report)}


@route("PUT", "/api/v4/private_message/report/resolve", ResolveReport, login=True)
def resolve_private_message_report(call: Call, form: ResolveReport) -> Json:
    """Close a report of a message, or open it again; only administrators."""
    require_admin(call)
    report = call.state.message_reports.get(form.report_id)
    if report is None:
        raise not_found()
    _resolve(call, form, report)
    return {"private_message_report_view": ReportViews.of(call).of_private_message(report)}
