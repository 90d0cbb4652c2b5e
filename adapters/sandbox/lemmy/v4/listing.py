"""Lists of posts and comments in 1.0: removed ones for administrators, pinned ones nowhere in New, and cursors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.errors import unknown
from adapters.sandbox.lemmy.listing import hotness
from adapters.sandbox.lemmy.rights import is_member, is_open_to
from adapters.sandbox.lemmy.text import matches, parse_url
from adapters.sandbox.lemmy.v4.cursors import Listing, number
from adapters.sandbox.lemmy.v4.rows import visibility

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Comment, Community, Post
    from adapters.sandbox.lemmy.state import State
    from adapters.sandbox.lemmy.v4.cursors import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class PostQuery:
    """Which posts are wanted."""

    listing: str = "all"
    sort: str = "hot"
    community_id: int | None = None
    creator_id: int | None = None
    term: str | None = None
    title_only: bool = False
    url_only: bool = False
    show_hidden: bool = False
    show_read: bool | None = None
    show_nsfw: bool | None = None
    hide_media: bool = False
    no_comments_only: bool = False
    seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentQuery:
    """Which comments are wanted."""

    listing: str = "all"
    sort: str = "hot"
    community_id: int | None = None
    creator_id: int | None = None
    post_id: int | None = None
    parent_path: str | None = None
    max_depth: int | None = None
    term: str | None = None
    seconds: int | None = None


def posts_wanted(call: Call, query: PostQuery) -> list[Post]:
    """All of them, in no order."""
    url = None
    if query.term is not None and query.url_only:
        if "://" not in query.term:
            raise unknown("relative URL without a base")
        url = parse_url(query.term)
    return [post for post in call.state.posts.values() if _shows_post(call, query, post, url)]


def post_listing(call: Call, query: PostQuery) -> Listing[Post]:
    """How they are paged. In New and Old nothing comes first for being pinned."""
    state = call.state

    def order(post: Post) -> Key:
        published = post.published.timestamp()
        match query.sort:
            case "new":
                return (published, post.id)
            case "old":
                return (-published, -post.id)
            case "new_comments":
                main: Key = (post.newest_comment_time.timestamp(),)
            case "most_comments":
                main = (state.counted_comments(post.id), published)
            case "top":
                main = (sum(state.post_votes.get(post.id, {}).values()), published)
            case _:
                # Ranks are counted by a task every ten minutes; until then all are alike.
                main = (published,)
        pinned = post.featured_local if query.community_id is None else post.featured_community
        return (float(pinned), *main, post.id)

    return Listing(order=order, name=lambda post: str(post.id), find=lambda text: state.posts.get(number(text)))


def _shows_post(call: Call, query: PostQuery, post: Post, url: str | None) -> bool:
    state, me = call.state, call.viewer_id
    community = state.communities[post.community_id]
    if community.deleted or (post.deleted and post.creator_id != me):
        return False
    if query.community_id not in {None, community.id} or query.creator_id not in {None, post.creator_id}:
        return False
    if not call.viewer_is_admin and (community.removed or post.removed):
        return False
    if not shows_community(call, query.listing, community, named=query.community_id is not None):
        return False
    if url is not None:
        if post.url != url:
            return False
    elif query.term is not None and not matches(
        query.term, *((post.name,) if query.title_only else (post.name, post.body))
    ):
        return False
    if query.seconds is not None and post.published <= now() - timedelta(seconds=query.seconds):
        return False
    if query.no_comments_only and state.counted_comments(post.id):
        return False
    media = (post.url_content_type or "").startswith(("image/", "video/"))
    if (query.hide_media and media) or not _shows_nsfw(call, query.show_nsfw, nsfw=post.nsfw or community.nsfw):
        return False
    return me is None or _suits_me(call, query, post, me)


def _shows_nsfw(call: Call, asked: bool | None, *, nsfw: bool) -> bool:
    if not nsfw or asked is not None:
        return not nsfw or bool(asked)
    return call.viewer.show_nsfw if call.viewer else call.state.site.content_warning is not None


def _suits_me(call: Call, query: PostQuery, post: Post, me: int) -> bool:
    """The filters of a viewer's own settings and marks."""
    state, viewer, mine = call.state, call.me, (post.id, me)
    if state.people[post.creator_id].bot_account and not viewer.show_bot_accounts:
        return False
    shows_read = viewer.show_read_posts if query.show_read is None else query.show_read
    if (not shows_read and mine in state.read_posts) or (not query.show_hidden and mine in state.hidden_posts):
        return False
    if query.listing == "moderator_view":
        return True
    words = call.server.v4.preferences_of(viewer.id).blocking_keywords
    if any(word.lower() in text.lower() for word in words for text in (post.name, post.url or "", post.body or "")):
        return False
    community = state.communities[post.community_id]
    return post.language_id in viewer.languages and not is_blocked(state, community, post.creator_id, me)


def is_blocked(state: State, community: Community, author: int, me: int) -> bool:
    """Whether a viewer has blocked somebody or his server, or a community or its server and does not follow it."""
    theirs = (community.instance_id, me) in state.instance_blocks and (community.id, me) not in state.followers
    return (
        theirs
        or (community.id, me) in state.community_blocks
        or (author, me) in state.person_blocks
        or (state.people[author].instance_id, me) in state.instance_people_blocks
    )


def shows_community(call: Call, listing: str, community: Community, *, named: bool) -> bool:
    """Whether a list of this kind shows what is in a community; ``named``: it was asked for by name or number."""
    state, me = call.state, call.viewer_id
    if not is_open_to(state, community, me):
        return False
    follows = is_member(state, community.id, me)
    match listing:
        case "subscribed":
            return follows
        case "moderator_view":
            return me is not None and state.is_moderator(community.id, me)
        case "suggested":
            return False
        case "local" if not community.local:
            return False
    return named or follows or visibility(community) != "unlisted"


def comments_wanted(call: Call, query: CommentQuery) -> list[Comment]:
    """All of them, removed and deleted ones too, in no order."""
    return [comment for comment in call.state.comments.values() if _shows_comment(call, query, comment)]


def comment_listing(call: Call, query: CommentQuery) -> Listing[Comment]:
    """How they are paged. New has no second key: of comments of the same instant a page border may swallow some."""
    state = call.state
    in_thread = query.post_id is not None or query.parent_path is not None

    def order(comment: Comment) -> Key:
        published = comment.published.timestamp()
        score = sum(state.comment_votes.get(comment.id, {}).values())
        match query.sort:
            case "new":
                main: Key = (published,)
            case "old":
                main = (-published,)
            case "hot":
                main = (hotness(comment), score)
            case _:
                main = (score,)
        first = float(comment.distinguished) if in_thread and query.sort not in {"new", "old"} else 0.0
        return (first, *main)

    return Listing(
        order=order, name=lambda comment: str(comment.id), find=lambda text: state.comments.get(number(text))
    )


def _shows_comment(call: Call, query: CommentQuery, comment: Comment) -> bool:
    state, me = call.state, call.viewer_id
    post = state.posts[comment.post_id]
    community = state.communities[post.community_id]
    if query.creator_id not in {None, comment.creator_id} or query.post_id not in {None, comment.post_id}:
        return False
    if query.community_id not in {None, community.id}:
        return False
    if query.parent_path is not None and not (comment.path + ".").startswith(query.parent_path + "."):
        return False
    if query.max_depth is not None:
        base = query.parent_path.count(".") + 1 if query.parent_path is not None else 1
        if comment.path.count(".") + 1 > base + query.max_depth:
            return False
    # A thread or a community asked for is not bound to our own communities, but comments of unlisted communities are
    # for those who follow them, even there.
    named = query.post_id is not None or query.community_id is not None
    listing = "all" if named and query.listing == "local" else query.listing
    if not shows_community(call, listing, community, named=False):
        return False
    if query.term is not None and not matches(query.term, comment.content):
        return False
    if query.seconds is not None and comment.published <= now() - timedelta(seconds=query.seconds):
        return False
    if not _shows_nsfw(call, None, nsfw=post.nsfw or community.nsfw):
        return False
    if me is None:
        return True
    if state.people[comment.creator_id].bot_account and not call.me.show_bot_accounts:
        return False
    if comment.language_id not in call.me.languages:
        return False
    return query.listing == "moderator_view" or not is_blocked(state, community, comment.creator_id, me)
