"""What is left of API v3 on a Lemmy 1.0: enough to look alive, too little to moderate by.

Lists have no second page, a report comes back without its number, and nobody is told who is banned. A real one answers
some more calls, to write and to vote; here they are not found, which no client may rely on to be otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import chrono_ns, now_ns
from adapters.sandbox.lemmy import site, views
from adapters.sandbox.lemmy.messages import comments as old_comments
from adapters.sandbox.lemmy.messages import people as old_people
from adapters.sandbox.lemmy.messages import posts as old_posts
from adapters.sandbox.lemmy.rows import as_json
from adapters.sandbox.lemmy.v4 import accounts, posts, reports
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.cursors import checked_limit
from adapters.sandbox.lemmy.v4.listing import (
    CommentQuery,
    PostQuery,
    comment_listing,
    comments_wanted,
    post_listing,
    posts_wanted,
)
from adapters.sandbox.lemmy.v4.messages.content import GetPost, ReportPost
from adapters.sandbox.lemmy.v4.messages.people import Login
from adapters.sandbox.lemmy.v4.names import snake
from adapters.sandbox.lemmy.v4.site import languages
from adapters.sandbox.lemmy.views import community_view, person_view, post_report_view

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.messages.site import Nothing
    from adapters.sandbox.lemmy.rows import Comment, Json, Post

_LAST_PAGE = 10
_BUCKETS = ("message", "post", "register", "image", "comment", "search")


@route("GET", "/api/v3/site", private=True)
def get_site(call: Call, _: Nothing) -> Json:
    """The site in the old words, with numbers and addresses that are made up where 1.0 has none for them."""
    state = call.state
    general = site.general_answer(state)
    view = general["site_view"]
    view["site"] |= {"inbox_url": "http://example.com/", "instance_id": 0}
    view["local_site"] |= {"id": 0, "captcha_difficulty": ""}
    view["local_site"].pop("slur_filter_regex", None)
    nothing = {f"{bucket}{end}": 0 for bucket in _BUCKETS for end in ("", "_per_second")}
    view["local_site_rate_limit"] = {
        "local_site_id": 0,
        **nothing,
        "published": chrono_ns(now_ns()),
        "import_user_settings": 0,
        "import_user_settings_per_second": 0,
    }
    admins = []
    for person in state.admins():
        shown = person_view(state, person)
        shown["person"] = as_json(person) | {"instance_id": 0}
        admins.append(shown | {"is_admin": False})
    general["all_languages"] = languages()
    return general | {"admins": admins, "version": call.server.version, "taglines": [], "custom_emojis": []}


def _post_view(call: Call, post: Post) -> Json:
    """A post without what 1.0 has no old word for, or does not look up."""
    view = views.post_view(call.state, post, call.viewer_id) | {"unread_comments": 0}
    view.pop("image_details", None)
    view["creator"] = view["creator"] | {"instance_id": 0}
    return view


def _comment_view(call: Call, comment: Comment) -> Json:
    view = views.comment_view(call.state, comment, call.viewer_id)
    view["creator"] = view["creator"] | {"instance_id": 0}
    return view


@route("POST", "/api/v3/user/login", old_people.Login, bucket="register")
def login(call: Call, form: old_people.Login) -> Json:
    """A token for a week."""
    return accounts.login(call, Login(**posts.given(form)))


def _sort(sort: str | None, default: str) -> str:
    chosen = default if sort is None else snake(sort)
    return "top" if chosen.startswith("top") else chosen


@route("GET", "/api/v3/post/list", old_posts.GetPosts, bucket="message", private=True)
def list_posts(call: Call, form: old_posts.GetPosts) -> Json:
    """Posts of one page, the tenth at most; whatever cursor is sent, and no cursor comes back."""
    community_id = posts.asked_community(call, form.community_id, form.community_name)
    query = PostQuery(
        listing=posts.default_listing(call, None if form.type_ is None else snake(form.type_), community_id),
        sort=_sort(form.sort, posts.default_sort(call)),
        community_id=community_id,
        show_hidden=bool(form.show_hidden),
        show_read=form.show_read,
        show_nsfw=form.show_nsfw,
    )
    limit = checked_limit(form.limit, posts.default_limit(call))
    every = sorted(posts_wanted(call, query), key=post_listing(call, query).order, reverse=True)
    start = limit * (min(form.page or 1, _LAST_PAGE) - 1)
    return {"posts": [_post_view(call, post) for post in every[start : start + limit]]}


@route("GET", "/api/v3/post", old_posts.GetPost, bucket="message", private=True)
def get_post(call: Call, form: old_posts.GetPost) -> Json:
    """One post, with nobody for a moderator."""
    found = posts.get_post(call, GetPost(id=form.id, comment_id=form.comment_id))
    post = posts.existing(call, found["post_view"]["post"]["id"])
    state, me = call.state, call.viewer_id
    return {
        "post_view": _post_view(call, post),
        "community_view": community_view(state, state.communities[post.community_id], me),
        "moderators": [],
        "cross_posts": [_post_view(call, state.posts[row["post"]["id"]]) for row in found["cross_posts"]],
    }


@route("GET", "/api/v3/comment/list", old_comments.GetComments, bucket="message", private=True)
def list_comments(call: Call, form: old_comments.GetComments) -> Json:
    """Comments of the first page, whatever page is asked for."""
    community_id = posts.asked_community(call, form.community_id, form.community_name)
    query = CommentQuery(
        listing=posts.default_listing(call, None if form.type_ is None else snake(form.type_), community_id),
        sort=_sort(form.sort, "hot"),
        community_id=community_id,
        post_id=form.post_id,
    )
    limit = checked_limit(form.limit, posts.default_limit(call))
    found, _ = comment_listing(call, query).page(comments_wanted(call, query), None, limit)
    return {"comments": [_comment_view(call, comment) for comment in found]}


@route("POST", "/api/v3/post/report", old_posts.CreatePostReport, bucket="message", login=True)
def report_post(call: Call, form: old_posts.CreatePostReport) -> Json:
    """A report for the moderators of the community. It is made, but nobody learns its number."""
    made = reports.report_post(call, ReportPost(post_id=form.post_id, reason=form.reason))
    report = call.state.post_reports[made["post_report_view"]["post_report"]["id"]]
    shown = post_report_view(call.state, report, call.me.person_id)
    nothing = {"id": 0, "creator_id": 0, "post_id": 0, "original_post_name": "", "reason": "", "resolved": False}
    return {"post_report_view": shown | {"post_report": nothing | {"published": "1970-01-01T00:00:00Z"}}}
