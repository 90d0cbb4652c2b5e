"""What a ban with ``remove_data`` and a purge do to somebody's content and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.pictrs.store import AliasNotFoundError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Server
    from adapters.sandbox.lemmy.rows import Person
    from adapters.sandbox.lemmy.state import State

_FILES_DELAY = 0.3  # seconds until the background task has deleted the files
_REPLACEMENT = "*Permanently Deleted*"


def remove_data(server: Server, person: Person) -> None:
    """Profile emptied, all content removed, communities he founded removed, uploads deleted a moment later."""
    state = server.state
    person.avatar = person.banner = person.bio = None
    moment = now()
    for post in state.posts.values():
        if post.creator_id == person.id:
            post.removed, post.updated = True, moment
    for comment in state.comments.values():
        if comment.creator_id == person.id:
            comment.removed, comment.updated = True, moment
    for community in state.communities.values():
        if state.moderators_of(community.id)[:1] == [person.id]:
            community.removed, community.icon, community.banner = True, None, None
    for message in state.private_messages.values():
        if message.creator_id == person.id:
            message.removed = True
    delete_uploads_later(server, person)


def remove_data_in_community(state: State, person: Person, community_id: int) -> None:
    """All posts in a community removed, and the comments that a list of ten shows."""
    moment = now()
    for post in state.posts.values():
        if post.creator_id == person.id and post.community_id == community_id:
            post.removed, post.updated = True, moment
    theirs = [
        comment
        for comment in state.comments.values()
        if comment.creator_id == person.id and state.posts[comment.post_id].community_id == community_id
    ]
    for comment in theirs[:10]:
        comment.removed = True


def purge_account(server: Server, person: Person) -> None:
    """All texts overwritten, the person marked as deleted and banned, uploads deleted a moment later."""
    delete_uploads_later(server, person)
    overwrite(server.state, person)


def overwrite(state: State, person: Person) -> None:
    """Nothing that somebody wrote is left; the person stays as a banned shell."""
    moment = now()
    for comment in state.comments.values():
        if comment.creator_id == person.id:
            comment.content, comment.deleted, comment.updated = _REPLACEMENT, True, moment
    for post in state.posts.values():
        if post.creator_id == person.id:
            post.name = post.body = _REPLACEMENT
            post.url, post.deleted, post.updated = None, True, moment
    state.moderators = {key: since for key, since in state.moderators.items() if key[1] != person.id}
    person.display_name = person.avatar = person.banner = person.bio = person.matrix_user_id = None
    person.deleted, person.banned, person.updated = True, True, moment
    user = state.local_user(person.id)
    if user is not None:
        user.email = None


def delete_uploads_later(server: Server, person: Person) -> None:
    """Delete the files that somebody uploaded, alias by alias; their rows stay, and so do thumbnails."""
    state = server.state
    user = state.local_user(person.id)
    if user is None:
        return
    uploads = [image for image in state.images.values() if image.local_user_id == user.id]

    def delete() -> None:
        for image in uploads:
            try:
                server.files.delete_by_token(image.pictrs_alias, image.pictrs_delete_token)
            except AliasNotFoundError:
                continue

    state.later(_FILES_DELAY, delete)
