"""Lists of posts and comments: who sees what, in which order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.text import matches, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Comment, Community, Post

_TOP_PERIODS = {
    "TopHour": timedelta(hours=1),
    "TopSixHour": timedelta(hours=6),
    "TopTwelveHour": timedelta(hours=12),
    "TopDay": timedelta(days=1),
    "TopWeek": timedelta(weeks=1),
    "TopMonth": timedelta(days=30),
    "TopThreeMonths": timedelta(days=91),
    "TopSixMonths": timedelta(days=182),
    "TopNineMonths": timedelta(days=274),
    "TopYear": timedelta(days=365),
}
_FIRST_RANK = 0.1728  # the default of the column of Lemmy's database
Key = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostQuery:
    """Which posts are wanted. ``after`` is the last post of the page before."""

    listing: str | None = None
    sort: str | None = None
    community_id: int | None = None
    creator_id: int | None = None
    term: str | None = None
    title_only: bool = False
    url: str | None = None
    saved_only: bool = False
    liked_only: bool = False
    disliked_only: bool = False
    show_hidden: bool = False
    show_read: bool | None = None
    show_nsfw: bool | None = None
    page: int | None = None
    limit: int | None = None
    after: Post | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentQuery:
    """Which comments are wanted."""

    listing: str | None = None
    sort: str | None = None
    community_id: int | None = None
    creator_id: int | None = None
    post_id: int | None = None
    parent_path: str | None = None
    max_depth: int | None = None
    term: str | None = None
    saved_only: bool = False
    liked_only: bool = False
    disliked_only: bool = False
    page: int | None = None
    limit: int | None = None


def list_posts(call: Call, query: PostQuery) -> list[Post]:
    """One page of posts. Pinned ones come first in every order, New included."""
    page = span(query.page, query.limit)
    found = [post for post in call.state.posts.values() if _shows_post(call, query, post)]
    order = _post_order(call, query)
    found.sort(key=order, reverse=True)
    if query.after is not None:
        edge = order(query.after)
        found = [post for post in found if order(post) < edge]
    if query.saved_only and call.viewer_id is not None:
        saved, me = call.state.saved_posts, call.viewer_id
        found.sort(key=lambda post: saved[(post.id, me)], reverse=True)
    return found[page]


def _post_order(call: Call, query: PostQuery) -> Callable[[Post], Key]:
    state, sort = call.state, query.sort or "Hot"

    def score(post: Post) -> int:
        return sum(state.post_votes.get(post.id, {}).values())

    def order(post: Post) -> Key:
        pinned = post.featured_local if query.community_id is None else post.featured_community
        published = post.published.timestamp()
        match sort:
            case "New":
                main: Key = (published,)
            case "Old":
                main = (-published,)
            case "NewComments":
                main = (post.newest_comment_time.timestamp(),)
            case "MostComments":
                main = (state.counted_comments(post.id), published)
            case "Active" | "Hot" | "Scaled" | "Controversial":
                # Ranks are counted by a task every ten minutes; until then all are alike.
                main = (published,)
            case _:
                main = (score(post), published)
        return (float(pinned), *main, post.id)

    return order


def _shows_post(call: Call, query: PostQuery, post: Post) -> bool:
    state, viewer = call.state, call.viewer
    community, me = state.communities[post.community_id], call.viewer_id
    if community.deleted or (post.deleted and post.creator_id != me):
        return False
    profile_for_admin = query.creator_id is not None and call.viewer_is_admin
    if (community.removed or post.removed) and not profile_for_admin:
        return False
    if query.community_id not in {None, community.id} or query.creator_id not in {None, post.creator_id}:
        return False
    if query.url is not None and post.url != query.url:
        return False
    if query.term is not None:
        texts = (post.name,) if query.title_only else (post.name, post.body, post.alt_text)
        if post.removed or post.deleted or not matches(query.term, *texts):
            return False
    wants_nsfw = query.show_nsfw
    if wants_nsfw is None:
        wants_nsfw = viewer.show_nsfw if viewer else state.site.content_warning is not None
    if (post.nsfw or community.nsfw) and not wants_nsfw:
        return False
    since = top_since(query.sort)
    if since is not None and post.published <= since:
        return False
    if not _shows_community(call, query.listing, community, hidden_without_listing=True):
        return False
    if me is None:
        return not query.saved_only
    return _shows_to_me(call, query, post, me)


def _shows_to_me(call: Call, query: PostQuery, post: Post, me: int) -> bool:
    """The filters of a viewer's own settings and marks."""
    state, viewer = call.state, call.me
    mine, vote = (post.id, me), state.post_votes.get(post.id, {}).get(me)
    if state.people[post.creator_id].bot_account and not viewer.show_bot_accounts:
        return False
    shows_read = viewer.show_read_posts if query.show_read is None else query.show_read
    if query.saved_only:
        if mine not in state.saved_posts:
            return False
    elif not shows_read and query.creator_id is None and mine in state.read_posts:
        return False
    if not query.show_hidden and query.creator_id is None and mine in state.hidden_posts:
        return False
    if query.liked_only and (post.creator_id == me or vote != 1):
        return False
    if query.disliked_only and (post.creator_id == me or vote != -1):
        return False
    if query.listing == "ModeratorView":
        return True
    return (
        post.language_id in viewer.languages
        and (post.community_id, me) not in state.community_blocks
        and (state.communities[post.community_id].instance_id, me) not in state.instance_blocks
        and (post.creator_id, me) not in state.person_blocks
    )


def _shows_community(call: Call, listing: str | None, community: Community, *, hidden_without_listing: bool) -> bool:
    me = call.viewer_id
    if community.visibility == "LocalOnly" and me is None:
        return False
    follows = me is not None and (community.id, me) in call.state.followers
    if listing is None:
        return not (hidden_without_listing and community.hidden)
    if listing == "Subscribed" and me is not None:
        return follows
    if listing == "ModeratorView" and me is not None:
        return call.state.is_moderator(community.id, me)
    if listing == "Local" and not community.local:
        return False
    return follows or not community.hidden


def list_comments(call: Call, query: CommentQuery) -> list[Comment]:
    """One page of comments, removed and deleted ones included. Newest first has no second key."""
    state = call.state
    page = slice(0, 300) if query.max_depth is not None else span(query.page, query.limit)
    found = [comment for comment in state.comments.values() if _shows_comment(call, query, comment)]

    def score(comment: Comment) -> int:
        return sum(state.comment_votes.get(comment.id, {}).values())

    match query.sort or "Hot":
        case "New":
            found.sort(key=lambda comment: comment.published, reverse=True)
        case "Old":
            found.sort(key=lambda comment: comment.published)
        case "Hot":
            found.sort(key=lambda comment: (hotness(comment), score(comment)), reverse=True)
        case _:
            found.sort(key=score, reverse=True)
    in_thread = query.post_id is not None or query.parent_path is not None
    if in_thread:
        found.sort(key=lambda comment: comment.distinguished, reverse=True)
    if query.max_depth is not None and in_thread:
        found.sort(key=lambda comment: [int(part) for part in comment.path.split(".")[:-1]])
    if query.saved_only and call.viewer_id is not None:
        saved, me = state.saved_comments, call.viewer_id
        found.sort(key=lambda comment: saved[(comment.id, me)], reverse=True)
    return found[page]


def hotness(comment: Comment) -> float:
    """The rank of a comment before the first run of the task that counts ranks every ten minutes.

    Whatever was written here starts with the same rank, above anything that came from another server: only the latter
    is ranked by its age at once.
    """
    if comment.local:
        return _FIRST_RANK
    age = now() - comment.published
    if not timedelta(0) < age < timedelta(days=7):
        return 0.0
    # Votes are no part of this: only the author's own is there when a comment arrives.
    return math.log10(3) / math.pow(age / timedelta(hours=1) + 2, 1.8)


def _shows_comment(call: Call, query: CommentQuery, comment: Comment) -> bool:
    state, me = call.state, call.viewer_id
    post = state.posts[comment.post_id]
    community, mine = state.communities[post.community_id], (comment.id, me or 0)
    if query.creator_id not in {None, comment.creator_id} or query.post_id not in {None, comment.post_id}:
        return False
    if query.community_id not in {None, community.id}:
        return False
    if query.parent_path is not None and not (comment.path + ".").startswith(query.parent_path + "."):
        return False
    if query.term is not None and (comment.removed or comment.deleted or not matches(query.term, comment.content)):
        return False
    if query.max_depth is not None:
        base = query.parent_path.count(".") + 1 if query.parent_path is not None else 1
        if comment.path.count(".") + 1 > base + query.max_depth:
            return False
    if not _shows_community(call, query.listing, community, hidden_without_listing=False):
        return False
    if query.saved_only and mine not in state.saved_comments:
        return False
    if me is None:
        return True
    vote = state.comment_votes.get(comment.id, {}).get(me)
    if query.liked_only and (comment.creator_id == me or vote != 1):
        return False
    if query.disliked_only and (comment.creator_id == me or vote != -1):
        return False
    if state.people[comment.creator_id].bot_account and not call.me.show_bot_accounts:
        return False
    return query.listing == "ModeratorView" or (
        comment.language_id in call.me.languages
        and (community.id, me) not in state.community_blocks
        and (community.instance_id, me) not in state.instance_blocks
        and (comment.creator_id, me) not in state.person_blocks
    )


def top_since(sort: str | None) -> datetime | None:
    """The beginning of the period of a Top order."""
    period = _TOP_PERIODS.get(sort or "")
    return None if period is None else now() - period
