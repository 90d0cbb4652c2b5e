"""Posts through API v4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy import posts
from adapters.sandbox.lemmy.errors import ConstraintError, LemmyError
from adapters.sandbox.lemmy.lookup import named_community, named_person
from adapters.sandbox.lemmy.messages import posts as old
from adapters.sandbox.lemmy.rights import check_mod_action, check_not_banned, is_mod_or_admin
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.cursors import checked_limit
from adapters.sandbox.lemmy.v4.errors import not_found
from adapters.sandbox.lemmy.v4.listing import PostQuery, post_listing, posts_wanted
from adapters.sandbox.lemmy.v4.messages.content import (
    CreatePost,
    DeletePost,
    EditPost,
    GetPost,
    GetPosts,
    HidePost,
    MarkPostAsRead,
    ModEditPost,
)
from adapters.sandbox.lemmy.v4.names import snake
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from dataclasses import Field
    from typing import ClassVar, Protocol

    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Json, Post

    class _Form(Protocol):
        __dataclass_fields__: ClassVar[dict[str, Field[object]]]


def existing(call: Call, post_id: int) -> Post:
    """A post by number."""
    post = call.state.posts.get(post_id)
    if post is None:
        raise not_found()
    return post


def answer_with(call: Call, post: Post) -> Json:
    """``PostResponse``."""
    if not posts.visible_post(call, post, all_of_it=is_mod_or_admin(call, post.community_id)):
        raise not_found()
    return {"post_view": Views.of(call).post_view(post)}


def given(form: _Form) -> dict[str, Any]:
    """The fields of a form."""
    return {name: getattr(form, name) for name in form.__dataclass_fields__}


def default_limit(call: Call) -> int:
    """How many posts a page has where nobody says so."""
    tables = call.server.v4
    return (
        tables.settings.default_items_per_page
        if call.viewer is None
        else tables.preferences_of(call.viewer.id).default_items_per_page
    )


def time_range(call: Call, asked: int | None) -> int | None:
    """How old what is listed may be, in seconds, comments too: nothing, and not no time at all, is what 0 means."""
    tables = call.server.v4
    if asked is not None:
        return asked or None
    mine = None if call.viewer is None else tables.preferences_of(call.viewer.id).default_post_time_range_seconds
    return mine or tables.settings.default_post_time_range_seconds or None


def default_listing(call: Call, asked: str | None, community_id: int | None) -> str:
    """Which communities are listed where nobody says so."""
    if community_id is not None:
        return "all"  # whatever was asked for
    if asked is not None:
        return asked
    site = call.state.local_site
    return snake(site.default_post_listing_type if call.viewer is None else call.viewer.default_listing_type)


def default_sort(call: Call) -> str:
    """The order of posts where nobody says so."""
    return snake((call.viewer or call.state.local_site).default_sort_type)


def asked_community(call: Call, number: int | None, name: str | None) -> int | None:
    """The community that a query names, if it names one."""
    return number if name is None else named_community(call, name).id


def asked_person(call: Call, number: int | None, name: str | None) -> int | None:
    """The person that a query names, if it names one."""
    return number if name is None else named_person(call, name).id


@route("POST", "/api/v4/post", CreatePost, bucket="post", login=True, locked=False)
def create_post(call: Call, form: CreatePost) -> Json:
    """Write a post; the answer comes when its link has been looked at. The banned are refused here."""
    fields = given(form)
    # There are no tags here, and nobody may have a post that waits: what cannot be done is refused.
    if fields.pop("tags", []):
        raise LemmyError("tag_not_in_community")
    later = fields.pop("scheduled_publish_time_at", None)
    if later is not None:
        past = later < now().timestamp()
        raise LemmyError("post_schedule_time_must_be_in_future" if past else "too_many_scheduled_posts")
    made = posts.create_post(call, old.CreatePost(**fields))
    with call.state.lock:
        post, me = existing(call, made["post_view"]["post"]["id"]), call.me.person_id
        call.server.v4.did("vote_post", post.id, me)
        call.server.v4.did("read", post.id, me)
        return answer_with(call, post)


@route("PUT", "/api/v4/post", EditPost, login=True, locked=False)
def edit_post(call: Call, form: EditPost) -> Json:
    """Change a post of one's own; its link is looked at again."""
    made = posts.edit_post(call, old.EditPost(**given(form)))
    with call.state.lock:
        return answer_with(call, existing(call, made["post_view"]["post"]["id"]))


@route("GET", "/api/v4/post", GetPost, private=True)
def get_post(call: Call, form: GetPost) -> Json:
    """One post with its community; it counts as read from now on."""
    state = call.state
    post_id = form.id
    if post_id is None:
        if form.comment_id is None:
            raise not_found("NotFound")
        comment = state.comments.get(form.comment_id)
        post_id = 0 if comment is None else comment.post_id
    post = existing(call, post_id)
    community = state.communities[post.community_id]
    privileged = is_mod_or_admin(call, community.id)
    if not posts.visible_post(call, post, all_of_it=privileged):
        raise not_found()
    views = Views.of(call)
    view = views.post_view(post)
    if not privileged and (community.removed or community.deleted):
        raise not_found()
    if call.viewer_id is not None:
        mark_read(call, post, read=True)
        state.read_comments[(post.id, call.viewer_id)] = state.counted_comments(post.id)
        call.server.v4.did("read_comments", post.id, call.viewer_id)
    same = [] if post.url is None else posts_wanted(call, PostQuery(term=post.url, url_only=True))
    others, _ = post_listing(call, PostQuery(sort="new")).page((one for one in same if one.id != post.id), None, 20)
    return {
        "post_view": view,
        "community_view": views.community_view(community),
        "cross_posts": [views.post_view(other) for other in others],
        "moderators": views.moderator_views(community),
    }


def mark_read(call: Call, post: Post, *, read: bool) -> None:
    """Note that the viewer has seen a post, or has not."""
    key = (post.id, call.me.person_id)
    if read:
        call.state.read_posts.add(key)
        call.server.v4.did("read", *key)
    else:
        call.state.read_posts.discard(key)


@route("GET", "/api/v4/post/list", GetPosts, private=True)
def get_posts(call: Call, form: GetPosts) -> Json:
    """A page of posts."""
    community_id = asked_community(call, form.community_id, form.community_name)
    mine = None if call.viewer is None else call.server.v4.preferences_of(call.viewer.id)
    hides_media, marks = form.hide_posts_with_media, form.mark_as_read
    if mine is not None:
        hides_media = mine.hide_posts_with_media if hides_media is None else hides_media
        marks = mine.auto_mark_fetched_posts_as_read if marks is None else marks
    query = PostQuery(
        listing=default_listing(call, form.type_, community_id),
        sort=str(form.sort or default_sort(call)),
        community_id=community_id,
        creator_id=asked_person(call, form.creator_id, form.creator_username),
        term=form.search_term,
        title_only=bool(form.search_title_only),
        url_only=bool(form.search_url_only),
        show_hidden=bool(form.show_hidden),
        show_read=form.show_read,
        show_nsfw=form.show_nsfw,
        hide_media=bool(hides_media),
        no_comments_only=bool(form.no_comments_only),
        seconds=time_range(call, form.time_range_seconds),
    )
    limit = checked_limit(form.limit, default_limit(call))
    # There are no communities of communities here, so that nothing is in one.
    wanted = posts_wanted(call, query) if form.multi_community_id is None else []
    found, around = post_listing(call, query).page(wanted, form.page_cursor, limit)
    views = Views.of(call)
    items = [views.post_view(post) for post in found]
    if marks and call.viewer is not None:
        for post in found:
            mark_read(call, post, read=True)
    return {"items": items} | around


@route("DELETE", "/api/v4/post", DeletePost, login=True)
def delete_post(call: Call, form: DeletePost) -> Json:
    """Delete or restore a post of one's own."""
    posts.delete_post(call, old.DeletePost(post_id=form.post_id, deleted=form.deleted))
    return answer_with(call, existing(call, form.post_id))


@route("POST", "/api/v4/post/mark_as_read", MarkPostAsRead, login=True)
def mark_post_as_read(call: Call, form: MarkPostAsRead) -> Json:
    """Note a post as read, or as not read."""
    if form.post_id not in call.state.posts:
        raise ConstraintError("post_actions", "post_id")
    post = existing(call, form.post_id)
    mark_read(call, post, read=form.read)
    return answer_with(call, post)


@route("POST", "/api/v4/post/hide", HidePost, login=True)
def hide_post(call: Call, form: HidePost) -> Json:
    """Hide a post from one's own lists."""
    check_not_banned(call)
    if form.post_id not in call.state.posts:
        raise ConstraintError("post_actions", "post_id")
    post = existing(call, form.post_id)
    key = (post.id, call.me.person_id)
    if form.hide:
        call.state.hidden_posts.add(key)
        call.server.v4.did("hide", *key)
    else:
        call.state.hidden_posts.discard(key)
    return answer_with(call, post)


@route("PUT", "/api/v4/post/mod_edit", ModEditPost, login=True)
def mod_edit_post(call: Call, form: ModEditPost) -> Json:
    """What moderators may change of somebody's post: whether it is for adults."""
    post = existing(call, form.post_id)
    check_mod_action(call, post.community_id)
    if form.nsfw and not call.state.local_site.enable_nsfw:
        raise LemmyError("nsfw_not_allowed")
    post.nsfw = post.nsfw if form.nsfw is None else form.nsfw
    post.updated = now()
    return answer_with(call, post)
