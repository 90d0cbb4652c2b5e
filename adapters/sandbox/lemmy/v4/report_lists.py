"""The one list of all reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.private_messages import PrivateMessageReport
from adapters.sandbox.lemmy.rights import require_mod_of_any_or_admin
from adapters.sandbox.lemmy.rows import CommentReport, PostReport
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.cursors import Listing, checked_limit
from adapters.sandbox.lemmy.v4.messages.content import ListReports
from adapters.sandbox.lemmy.v4.report_views import ReportViews
from adapters.sandbox.lemmy.v4.tables import CommunityReport

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Json

_DEFAULT_LIMIT = 20
# How long a report that only breaks the rules of a community is its moderators' alone.
_MODERATORS_TURN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class _Item:
    kind: str
    row: PostReport | CommentReport | CommunityReport | PrivateMessageReport
    community_id: int | None = None
    post_id: int | None = None

    @property
    def name(self) -> str:
        """As a cursor calls it."""
        letter = {"post": "P", "comment": "C", "private_message": "M", "community": "Y"}[self.kind]
        return f"{letter},{self.row.id}"

    @property
    def for_admins(self) -> bool:
        """Whether it breaks the rules of the server, or is no moderator's matter."""
        rules = isinstance(self.row, PostReport | CommentReport) and self.row.violates_instance_rules
        return rules or self.kind in {"community", "private_message"}


def _all(call: Call) -> list[_Item]:
    state, tables = call.state, call.server.v4
    items = [
        _Item("post", row, state.posts[row.post_id].community_id, row.post_id) for row in state.post_reports.values()
    ]
    for row in state.comment_reports.values():
        post = state.posts[state.comments[row.comment_id].post_id]
        items.append(_Item("comment", row, post.community_id, post.id))
    items += [_Item("community", row, row.community_id) for row in tables.community_reports.values()]
    items += [_Item("private_message", row) for row in state.message_reports.values()]
    return items


@route("GET", "/api/v4/report/list", ListReports, bucket="message", login=True)
def list_reports(call: Call, form: ListReports) -> Json:
    """A page of reports: the newest first, or of the open ones the oldest first. It costs two of ``message``."""
    if not form.my_reports_only:
        require_mod_of_any_or_admin(call)
    limit = checked_limit(form.limit, _DEFAULT_LIMIT)
    items = {item.name: item for item in _all(call)}
    wanted = [item for item in items.values() if _mine(call, form, item) and _wanted(call, form, item)]
    oldest_first = form.sort == "old" or (form.sort in {None, "default"} and bool(form.unresolved_only))
    turn = -1 if oldest_first else 1
    ranks = {item.name: rank for rank, item in enumerate(sorted(items.values(), key=lambda item: item.row.published))}
    listing: Listing[_Item] = Listing(
        order=lambda item: (turn * ranks[item.name],),
        name=lambda item: item.name,
        find=lambda name: _named(items, name),
    )
    found, around = listing.page(wanted, form.page_cursor, limit)
    views = ReportViews.of(call)
    return {"items": [{"type_": item.kind} | _view(views, item) for item in found]} | around


def _named(items: dict[str, _Item], name: str) -> _Item | None:
    if name[:1] not in "PCMY" or name[1:2] != ",":
        raise LemmyError("couldnt_parse_pagination_token")
    return items.get(name)


def _mine(call: Call, form: ListReports, item: _Item) -> bool:
    """Moderators see what concerns only their communities; administrators the rest, and all of it after a while."""
    moderates = call.state.is_moderator(item.community_id or 0, call.me.person_id)
    if not call.me.admin:
        return moderates and not item.for_admins
    if form.show_community_rule_violations:
        return True
    return item.for_admins or moderates or item.row.published < now() - _MODERATORS_TURN


def _wanted(call: Call, form: ListReports, item: _Item) -> bool:
    kinds = {"posts": "post", "comments": "comment", "private_messages": "private_message", "communities": "community"}
    return (form.type_ in {None, "all"} or kinds[str(form.type_)] == item.kind) and (
        form.community_id in {None, item.community_id}
        and form.post_id in {None, item.post_id}
        and not (form.unresolved_only and item.row.resolved)
        and not (form.my_reports_only and item.row.creator_id != call.me.person_id)
    )


def _view(views: ReportViews, item: _Item) -> Json:
    match item.row:
        case PostReport():
            return views.of_post(item.row)
        case CommentReport():
            return views.of_comment(item.row)
        case CommunityReport():
            return views.of_community(item.row)
        case PrivateMessageReport():
            return views.of_private_message(item.row)
