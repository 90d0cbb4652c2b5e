"""Posts: writing, reading, listing, and what their authors do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.links import describe
from adapters.sandbox.lemmy.listing import PostQuery, list_posts
from adapters.sandbox.lemmy.lookup import check_language, cursor_post, default_language, named_community
from adapters.sandbox.lemmy.messages.posts import (
    CreatePost,
    DeletePost,
    EditPost,
    GetPost,
    GetPosts,
    HidePost,
    MarkPostAsRead,
)
from adapters.sandbox.lemmy.rights import check_user_action, is_mod_or_admin, is_open_to
from adapters.sandbox.lemmy.rows import Json, Post
from adapters.sandbox.lemmy.text import (
    ALT_TEXT_LIMIT,
    POST_BODY_LIMIT,
    check_length,
    check_post_title,
    check_url,
    url_to_create,
)
from adapters.sandbox.lemmy.views import community_view, moderator_views, post_view
from adapters.sandbox.lemmy.wording import check_blocked, check_slurs, processed

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.state import State


def existing_post(state: State, post_id: int) -> Post:
    """A post by number."""
    post = state.posts.get(post_id)
    if post is None:
        raise LemmyError("couldnt_find_post")
    return post


def visible_post(call: Call, post: Post, *, to_viewer: bool = True, all_of_it: bool = False) -> bool:
    """Whether a post may be read: removed and deleted ones only by their author, moderators and administrators.

    In 1.0 anybody may read a deleted one under which there are comments, without its text.
    """
    state = call.state
    community = state.communities[post.community_id]
    viewer = call.viewer_id if to_viewer else None
    if not is_open_to(state, community, viewer):
        return False
    deleted = post.deleted and not (call.server.api == "v4" and state.counted_comments(post.id))
    hidden = community.removed or community.deleted or post.removed or deleted
    return all_of_it or not hidden or post.creator_id == viewer


def answer_with(call: Call, post: Post) -> Json:
    """``PostResponse``."""
    if not visible_post(call, post, all_of_it=is_mod_or_admin(call, post.community_id)):
        raise LemmyError("couldnt_find_post")
    return {"post_view": post_view(call.state, post, call.viewer_id)}


@route("POST", "/api/v3/post", CreatePost, bucket="post", login=True, locked=False)
def create_post(call: Call, form: CreatePost) -> Json:
    """Write a post; the answer comes when its link has been looked at."""
    state = call.state
    with state.lock:
        if form.honeypot:
            raise LemmyError("honeypot_failed")
        check_slurs(state, form.name)
    body = processed(call.server, form.body)
    url, custom_thumbnail = url_to_create(form.url), url_to_create(form.custom_thumbnail)
    check_post_title(form.name)
    if url is not None:
        check_blocked(state, url)
        check_url(url)
    if custom_thumbnail is not None:
        check_url(custom_thumbnail)
    check_length(form.alt_text, ALT_TEXT_LIMIT, "alt_text_length_overflow")
    check_length(body, POST_BODY_LIMIT, "invalid_body_field")
    with state.lock:
        community = check_user_action(call, form.community_id)
        person = call.person
        if community.posting_restricted_to_mods and not state.is_moderator(community.id, person.id):
            raise LemmyError("only_mods_can_post_in_community")
        check_language(community, form.language_id)
        number, moment = state.next_id("post"), now()
        language = form.language_id
        post = Post(
            id=number,
            name=form.name.strip(),
            url=url,
            body=body,
            alt_text=form.alt_text,
            creator_id=person.id,
            community_id=community.id,
            nsfw=community.nsfw or bool(form.nsfw),
            language_id=default_language(call, community) if language is None else language,
            published=moment,
            newest_comment_time=moment,
            ap_id=f"{state.url}/post/{number}",
            local=True,
        )
        state.posts[number] = post
    describe(call.server, post, custom_thumbnail)
    with state.lock:
        state.post_votes.setdefault(post.id, {})[person.id] = 1
        state.read_posts.add((post.id, person.id))
        return answer_with(call, post)


@route("GET", "/api/v3/post", GetPost, private=True)
def get_post(call: Call, form: GetPost) -> Json:
    """One post with its community; it counts as read from now on."""
    state = call.state
    post_id = form.id
    if post_id is None:
        comment = state.comments.get(form.comment_id or 0)
        if form.comment_id is None:
            raise LemmyError("couldnt_find_post")
        if comment is None:
            raise LemmyError("couldnt_find_comment")
        post_id = comment.post_id
    post = existing_post(state, post_id)
    privileged = is_mod_or_admin(call, post.community_id)
    if not visible_post(call, post, all_of_it=privileged):
        raise LemmyError("couldnt_find_post")
    view = post_view(state, post, call.viewer_id)
    if call.viewer_id is not None:
        state.read_posts.add((post.id, call.viewer_id))
        state.read_comments[(post.id, call.viewer_id)] = state.counted_comments(post.id)
    community = state.communities[post.community_id]
    if not privileged and (community.removed or community.deleted):
        raise LemmyError("couldnt_find_community")
    others = [] if post.url is None else list_posts(call, PostQuery(url=post.url, sort=None))
    return {
        "post_view": view,
        "community_view": community_view(state, community, call.viewer_id),
        "moderators": moderator_views(state, community),
        "cross_posts": [post_view(state, other, call.viewer_id) for other in others if other.id != post.id],
    }


@route("GET", "/api/v3/post/list", GetPosts, private=True)
def get_posts(call: Call, form: GetPosts) -> Json:
    """A page of posts."""
    state = call.state
    community_id = form.community_id
    if form.community_name is not None:
        community_id = named_community(call, form.community_name).id
    if form.liked_only and form.disliked_only:
        raise LemmyError("contradicting_filters")
    viewer, site = call.viewer, state.local_site
    listing = form.type_ or (site.default_post_listing_type if viewer is None else viewer.default_listing_type)
    query = PostQuery(
        listing="All" if community_id is not None else str(listing),
        sort=str(form.sort or (viewer or site).default_sort_type),
        community_id=community_id,
        saved_only=bool(form.saved_only),
        liked_only=bool(form.liked_only),
        disliked_only=bool(form.disliked_only),
        show_hidden=bool(form.show_hidden),
        show_read=form.show_read,
        show_nsfw=form.show_nsfw,
        page=form.page,
        limit=form.limit,
        after=None if form.page_cursor is None else cursor_post(state, form.page_cursor),
    )
    try:
        found = list_posts(call, query)
    except LemmyError as error:
        raise LemmyError("couldnt_get_posts") from error
    posts = [post_view(state, post, call.viewer_id) for post in found]
    return {"posts": posts} | ({"next_page": f"P{found[-1].id:x}"} if found else {})


@route("PUT", "/api/v3/post", EditPost, login=True, locked=False)
def edit_post(call: Call, form: EditPost) -> Json:
    """Change a post of one's own; its link is looked at again."""
    state = call.state
    url = None if not form.url else url_to_create(form.url)
    custom_thumbnail = None if not form.custom_thumbnail else url_to_create(form.custom_thumbnail)
    body = processed(call.server, form.body)
    if form.name is not None:
        check_post_title(form.name)
        check_slurs(state, form.name)
    check_length(body, POST_BODY_LIMIT, "invalid_body_field")
    check_length(form.alt_text, ALT_TEXT_LIMIT, "alt_text_length_overflow")
    if url is not None:
        check_blocked(state, url)
        check_url(url)
    if custom_thumbnail is not None:
        check_url(custom_thumbnail)
    with state.lock:
        post = existing_post(state, form.post_id)
        community = check_user_action(call, post.community_id)
        if post.creator_id != call.me.person_id:
            raise LemmyError("no_post_edit_allowed")
        check_language(community, form.language_id)
        post.language_id = post.language_id if form.language_id is None else form.language_id
        # An empty string takes a value away; a missing one leaves it as it is.
        post.name = post.name if form.name is None else form.name
        post.url = post.url if form.url is None else url
        post.body = post.body if form.body is None else (body or None)
        post.alt_text = post.alt_text if form.alt_text is None else (form.alt_text or None)
        post.nsfw = post.nsfw if form.nsfw is None else form.nsfw
        post.updated = now()
    describe(call.server, post, custom_thumbnail)
    with state.lock:
        return answer_with(call, post)


@route("POST", "/api/v3/post/delete", DeletePost, login=True)
def delete_post(call: Call, form: DeletePost) -> Json:
    """Delete or restore a post of one's own."""
    post = existing_post(call.state, form.post_id)
    if post.deleted == form.deleted:
        raise LemmyError("couldnt_update_post")
    check_user_action(call, post.community_id)
    if post.creator_id != call.me.person_id:
        raise LemmyError("no_post_edit_allowed")
    post.deleted = form.deleted
    return answer_with(call, post)


@route("POST", "/api/v3/post/mark_as_read", MarkPostAsRead, login=True)
def mark_post_as_read(call: Call, form: MarkPostAsRead) -> Json:
    """Note posts as read, or as not read."""
    keys = {(post_id, call.me.person_id) for post_id in form.post_ids}
    if not all(post_id in call.state.posts for post_id, _ in keys):
        raise LemmyError("couldnt_mark_post_as_read")
    if form.read:
        call.state.read_posts |= keys
    else:
        call.state.read_posts -= keys
    return {"success": True}


@route("POST", "/api/v3/post/hide", HidePost, login=True)
def hide_post(call: Call, form: HidePost) -> Json:
    """Hide posts from one's own lists."""
    keys = {(post_id, call.me.person_id) for post_id in form.post_ids}
    if not all(post_id in call.state.posts for post_id, _ in keys):
        raise LemmyError("couldnt_hide_post")
    if form.hide:
        call.state.hidden_posts |= keys
    else:
        call.state.hidden_posts -= keys
    return {"success": True}
