"""What a ban with ``remove_or_restore_data`` and a purge do to somebody's content and files, a moment later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.erasure import overwrite
from adapters.sandbox.lemmy.v4.modlog import about_comment, about_post, write
from adapters.sandbox.pictrs.store import AliasNotFoundError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Server
    from adapters.sandbox.lemmy.rows import Comment, LocalImage, Person, Post
    from adapters.sandbox.lemmy.v4.tables import Entry

_DELAY = 0.3  # seconds until the background task has got to it


def images_of(server: Server, person: Person) -> list[LocalImage]:
    """What somebody uploaded, and the thumbnails of his posts."""
    user = server.state.local_user(person.id)
    posts = server.state.posts
    return [
        image
        for image in server.state.images.values()
        if (user is not None and image.local_user_id == user.id)
        or (image.thumbnail_for_post_id in posts and posts[image.thumbnail_for_post_id].creator_id == person.id)
    ]


def _delete_files(server: Server, person: Person) -> None:
    """Alias by alias, rows and files; the same bytes under somebody else's alias stay."""
    for image in images_of(server, person):
        server.state.images.pop(image.pictrs_alias, None)
        try:
            server.files.delete(image.pictrs_alias)
        except AliasNotFoundError:
            continue


def remove_or_restore_later(server: Server, person: Person, ban: Entry) -> None:
    """All content removed and its files deleted, or all content restored without the files and the votes."""
    removed, state = not ban.is_revert, server.state

    def work() -> None:
        with state.lock:
            if removed:
                _delete_files(server, person)
                person.avatar = person.banner = person.bio = None
                for community in state.communities.values():
                    if state.moderators_of(community.id)[:1] == [person.id]:
                        community.removed, community.icon, community.banner = True, None, None
                for votes in (*state.post_votes.values(), *state.comment_votes.values()):
                    votes.pop(person.id, None)
            for post in list(state.posts.values()):
                if post.creator_id == person.id:
                    set_removed(post, removed=removed)
                    write(server, ban.mod_id, "mod_remove_post", **_part(ban), **about_post(post))
            for comment in list(state.comments.values()):
                if comment.creator_id == person.id:
                    set_removed(comment, removed=removed)
                    write(server, ban.mod_id, "mod_remove_comment", **_part(ban), **about_comment(server, comment))
            for message in state.private_messages.values():
                if message.creator_id == person.id:
                    message.removed = removed

    state.later(_DELAY, work)


def set_removed(row: Post | Comment, *, removed: bool) -> None:
    """Remove or restore something; that counts as a change of it."""
    row.removed, row.updated = removed, now()


def _part(ban: Entry) -> dict[str, Any]:
    return {"done": not ban.is_revert, "reason": ban.reason, "parent_id": ban.id}


def purge_account_later(server: Server, person: Person) -> None:
    """All texts overwritten and all files deleted; a shell of the person stays."""
    state = server.state

    def work() -> None:
        with state.lock:
            _delete_files(server, person)
            overwrite(state, person)

    state.later(_DELAY, work)
