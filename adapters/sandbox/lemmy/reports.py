"""Reports of posts and comments: one for each object and reporter, for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy import comments, posts
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.messages.comments import CreateCommentReport, ListCommentReports
from adapters.sandbox.lemmy.messages.people import GetReportCount
from adapters.sandbox.lemmy.messages.posts import CreatePostReport, ListPostReports, ResolveReport
from adapters.sandbox.lemmy.moderation import close_report
from adapters.sandbox.lemmy.rights import check_mod_action, check_user_action, require_mod_of_any_or_admin
from adapters.sandbox.lemmy.rows import CommentReport, PostReport
from adapters.sandbox.lemmy.text import REPORT_LIMIT, span
from adapters.sandbox.lemmy.views import comment_report_view, post_report_view
from adapters.sandbox.lemmy.wording import check_slurs

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Json


def _checked_reason(call: Call, given: str) -> str:
    reason = given.strip()
    check_slurs(call.state, reason)
    if not reason:
        raise LemmyError("report_reason_required")
    if len(reason) > REPORT_LIMIT:
        raise LemmyError("report_too_long")
    return reason


@route("POST", "/api/v3/post/report", CreatePostReport, login=True)
def report_post(call: Call, form: CreatePostReport) -> Json:
    """Report a post that anybody could read; a removed or deleted one is not found, even by its author."""
    reason = _checked_reason(call, form.reason)
    state, me = call.state, call.me.person_id
    post = posts.existing_post(state, form.post_id)
    if not posts.visible_post(call, post, to_viewer=False):
        raise LemmyError("couldnt_find_post")
    check_user_action(call, post.community_id)
    if any(report.post_id == post.id and report.creator_id == me for report in state.post_reports.values()):
        # The refused insert has used up a number.
        state.next_id("post_report")
        raise LemmyError("couldnt_create_report")
    report = PostReport(
        id=state.next_id("post_report"),
        creator_id=me,
        post_id=post.id,
        original_post_name=post.name,
        original_post_url=post.url,
        original_post_body=post.body,
        reason=reason,
        published=now(),
    )
    state.post_reports[report.id] = report
    return {"post_report_view": post_report_view(state, report, me)}


@route("POST", "/api/v3/comment/report", CreateCommentReport, login=True)
def report_comment(call: Call, form: CreateCommentReport) -> Json:
    """Report a comment that is neither removed nor deleted."""
    reason = _checked_reason(call, form.reason)
    state, me = call.state, call.me.person_id
    comment = comments.existing_comment(call, form.comment_id)
    check_user_action(call, state.posts[comment.post_id].community_id)
    if comment.removed or comment.deleted:
        raise LemmyError("deleted")
    if any(report.comment_id == comment.id and report.creator_id == me for report in state.comment_reports.values()):
        state.next_id("comment_report")
        raise LemmyError("couldnt_create_report")
    report = CommentReport(
        id=state.next_id("comment_report"),
        creator_id=me,
        comment_id=comment.id,
        original_comment_text=comment.content,
        reason=reason,
        published=now(),
    )
    state.comment_reports[report.id] = report
    return {"comment_report_view": comment_report_view(state, report, me)}


def _community_of_report(call: Call, report: PostReport | CommentReport) -> int:
    post_id = report.post_id if isinstance(report, PostReport) else call.state.comments[report.comment_id].post_id
    return call.state.posts[post_id].community_id


def _mine_to_see(call: Call, report: PostReport | CommentReport) -> bool:
    return call.me.admin or call.state.is_moderator(_community_of_report(call, report), call.me.person_id)


@route("GET", "/api/v3/post/report/list", ListPostReports, login=True)
def list_post_reports(call: Call, form: ListPostReports) -> Json:
    """Reports of posts: the newest first, or of the open ones the oldest first."""
    require_mod_of_any_or_admin(call)
    page = span(form.page, form.limit)
    found = [
        report
        for report in call.state.post_reports.values()
        if _mine_to_see(call, report)
        and form.post_id in {None, report.post_id}
        and form.community_id in {None, _community_of_report(call, report)}
        and not (form.unresolved_only and report.resolved)
    ]
    found.sort(key=lambda report: report.published, reverse=not form.unresolved_only)
    return {"post_reports": [post_report_view(call.state, report, call.me.person_id) for report in found[page]]}


@route("GET", "/api/v3/comment/report/list", ListCommentReports, login=True)
def list_comment_reports(call: Call, form: ListCommentReports) -> Json:
    """Reports of comments, in the same order."""
    require_mod_of_any_or_admin(call)
    page = span(form.page, form.limit)
    found = [
        report
        for report in call.state.comment_reports.values()
        if _mine_to_see(call, report)
        and form.comment_id in {None, report.comment_id}
        and form.community_id in {None, _community_of_report(call, report)}
        and not (form.unresolved_only and report.resolved)
    ]
    found.sort(key=lambda report: report.published, reverse=not form.unresolved_only)
    views = [comment_report_view(call.state, report, call.me.person_id) for report in found[page]]
    return {"comment_reports": views}


@route("PUT", "/api/v3/post/report/resolve", ResolveReport, login=True)
def resolve_post_report(call: Call, form: ResolveReport) -> Json:
    """Close a report of a post, or open it again."""
    report = call.state.post_reports.get(form.report_id)
    if report is None:
        raise LemmyError("couldnt_find_post_report")
    check_mod_action(call, _community_of_report(call, report), allow_deleted=True)
    close_report(report, call.me.person_id, resolved=form.resolved)
    return {"post_report_view": post_report_view(call.state, report, call.me.person_id)}


@route("PUT", "/api/v3/comment/report/resolve", ResolveReport, login=True)
def resolve_comment_report(call: Call, form: ResolveReport) -> Json:
    """Close a report of a comment, or open it again."""
    report = call.state.comment_reports.get(form.report_id)
    if report is None:
        raise LemmyError("couldnt_find_comment_report")
    check_mod_action(call, _community_of_report(call, report), allow_deleted=True)
    close_report(report, call.me.person_id, resolved=form.resolved)
    return {"comment_report_view": comment_report_view(call.state, report, call.me.person_id)}


@route("GET", "/api/v3/user/report_count", GetReportCount, login=True)
def report_count(call: Call, form: GetReportCount) -> Json:
    """How many reports are open."""
    require_mod_of_any_or_admin(call)

    def count(reports: list[PostReport] | list[CommentReport]) -> int:
        return sum(
            not report.resolved
            and _mine_to_see(call, report)
            and form.community_id in {None, _community_of_report(call, report)}
            for report in reports
        )

    answer: Json = {} if form.community_id is None else {"community_id": form.community_id}
    answer["comment_reports"] = count(list(call.state.comment_reports.values()))
    answer["post_reports"] = count(list(call.state.post_reports.values()))
    if call.me.admin and form.community_id is None:
        answer["private_message_reports"] = sum(not row.resolved for row in call.state.message_reports.values())
    return answer
