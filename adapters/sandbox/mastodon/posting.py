"""What changes statuses: posting, boosting, editing, deleting, and taking away by a moderator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.notifying import notify
from adapters.sandbox.mastodon.rows import Edit, Status
from adapters.sandbox.mastodon.text import handles, hashtags, render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from adapters.sandbox.mastodon.rows import Account, App, Media, Visibility
    from adapters.sandbox.mastodon.state import State


def post(
    state: State,
    author: Account,
    text: str,
    *,
    media: Sequence[Media] = (),
    visibility: Visibility = "public",
    sensitive: bool = False,
    spoiler_text: str = "",
    language: str | None = None,
    reply_to: Status | None = None,
    app: App | None = None,
) -> Status:
    """A new status of a local account."""
    number, moment = state.snowflake(), now()
    status = Status(
        id=number,
        account_id=author.id,
        created_at=moment,
        uri=f"{author.uri}/statuses/{number}",
        url=f"{author.url}/{number}",
        local=True,
        text=text,
        content=_html(state, text),
        visibility=visibility,
        # A warning covers the pictures too.
        sensitive=sensitive or bool(spoiler_text),
        spoiler_text=spoiler_text,
        language=language,
        in_reply_to_id=None if reply_to is None else reply_to.id,
        in_reply_to_account_id=None if reply_to is None else reply_to.account_id,
        media_ids=[one.id for one in media],
        mentioned=_mentioned(state, text),
        tags=hashtags(text),
        app=app,
    )
    for one in media:
        one.status_id = number
    add_status(state, status)
    for account in status.mentioned:
        if account != author.id:
            notify(state, state.accounts[account], author, "mention", status=status)
    return status


def add_status(state: State, status: Status) -> None:
    """Put a status into the tables, count it and tell of it."""
    author = state.accounts[status.account_id]
    state.statuses[status.id] = status
    if status.visibility != "direct":
        author.statuses_count += 1
        author.last_status_at = max(status.created_at, author.last_status_at or status.created_at)
    parent = state.statuses.get(status.in_reply_to_id or 0)
    if parent is not None and status.visibility in {"public", "unlisted"}:
        parent.replies_count += 1
    state.emit("status.created", status.id)


def boost(state: State, author: Account, original: Status) -> Status:
    """Show somebody's status to one's own followers; a second time it is the same boost."""
    for other in state.statuses_of(author.id):
        if other.reblog_of_id == original.id:
            return other
    number = state.snowflake()
    # The page of a boost has the old form of address in every version.
    status = Status(
        id=number,
        account_id=author.id,
        created_at=now(),
        uri=f"{author.uri}/statuses/{number}/activity",
        url=f"{state.url}/users/{author.username}/statuses/{number}/activity",
        local=True,
        text="",
        content="",
        visibility=original.visibility,
        reblog_of_id=original.id,
    )
    original.reblogs_count += 1
    add_status(state, status)
    booked = state.accounts[original.account_id]
    if booked.local and booked.id != author.id:
        notify(state, booked, author, "reblog", status=original)
    return status


def edit(
    state: State,
    status: Status,
    *,
    by: Account,
    text: str | None = None,
    content: str | None = None,
    spoiler_text: str | None = None,
    sensitive: bool | None = None,
    media: Sequence[Media] | None = None,
    moment: datetime | None = None,
) -> None:
    """Change a status. The first edit also records what was there before; files that leave it stay where they are."""
    if not status.edits:
        status.edits.append(_snapshot(status, by=status.account_id, at=status.created_at))
    if text is not None:
        status.text, status.content = text, _html(state, text) if content is None else content
        status.tags = hashtags(text)
        status.mentioned = list(dict.fromkeys([*status.mentioned, *_mentioned(state, text)]))
    if spoiler_text is not None:
        status.spoiler_text = spoiler_text
    if sensitive is not None:
        status.sensitive = sensitive or bool(status.spoiler_text)
    if media is not None:
        status.media_ids = [one.id for one in media]
        for one in media:
            one.status_id = status.id
    status.edited_at = moment or now()
    status.edits.append(_snapshot(status, by=by.id, at=status.edited_at))
    state.emit("status.updated", status.id)


def snapshot(status: Status) -> Edit:
    """A status that was never edited, as the one line of its history."""
    return _snapshot(status, by=status.account_id, at=status.created_at)


def _snapshot(status: Status, *, by: int, at: datetime) -> Edit:
    return Edit(
        account_id=by,
        content=status.content,
        spoiler_text=status.spoiler_text,
        sensitive=status.sensitive,
        created_at=at,
        media_ids=tuple(status.media_ids),
    )


def delete(state: State, status: Status, *, with_media: bool = False) -> None:
    """What happens when the author deletes a status.

    One that was reported is kept for its reports, files and all. The files of others stay for a day, to be posted
    again, unless ``with_media`` is set.
    """
    reported = any(status.id in report.status_ids for report in state.reports.values())
    if reported:
        _vanish(state, status, erased=False)
        return
    _vanish(state, status, erased=True)
    for media in [one for one in state.media.values() if one.status_id == status.id]:
        if with_media or not status.local:
            erase_media(state, media)
        else:
            media.status_id = None


def take_away(state: State, status: Status) -> None:
    """What happens when a moderator deletes a status.

    A local one is kept for thirty days with its files, which since 4.4 are for nobody's eyes; of a remote one nothing
    is left, and it may not come back.
    """
    if not status.local:
        state.tombstones.add(status.uri)
        erase(state, status)
        return
    if status.live:
        _vanish(state, status, erased=False)
    if state.version.newer:
        for media in state.media.values():
            if media.status_id == status.id:
                show_files(state, media, public=False)


def erase(state: State, status: Status) -> None:
    """Leave nothing of a status, files included, not even in reports."""
    if status.erased:
        return
    for media in [one for one in state.media.values() if one.status_id == status.id]:
        erase_media(state, media)
    status.media_ids = []
    if status.live:
        _vanish(state, status, erased=True)
    else:
        status.erased = True
        _count_out(state, status)


def show_files(state: State, media: Media, *, public: bool) -> None:
    """Change the mode of a file and of its preview."""
    state.files.set_public(media.original, public=public)
    state.files.set_public(media.small, public=public)


def erase_media(state: State, media: Media) -> None:
    """Delete a file, its preview and its row."""
    state.files.delete(media.original)
    state.files.delete(media.small)
    state.media.pop(media.id, None)


def _vanish(state: State, status: Status, *, erased: bool) -> None:
    status.deleted_at, status.erased = now(), erased
    if erased:
        _count_out(state, status)
    state.emit("status.deleted", status.id)
    for booster in [other for other in state.statuses.values() if other.reblog_of_id == status.id and other.live]:
        _vanish(state, booster, erased=erased)


def _count_out(state: State, status: Status) -> None:
    """What is kept for its reports is counted on, as long as there is a row of it."""
    author = state.accounts[status.account_id]
    if status.visibility != "direct":
        author.statuses_count = max(author.statuses_count - 1, 0)
    parent = state.statuses.get(status.in_reply_to_id or 0)
    if parent is not None and status.visibility in {"public", "unlisted"}:
        parent.replies_count = max(parent.replies_count - 1, 0)
    original = state.statuses.get(status.reblog_of_id or 0)
    if original is not None:
        original.reblogs_count = max(original.reblogs_count - 1, 0)


def _html(state: State, text: str) -> str:
    return render(text, state.find, state.url)


def _mentioned(state: State, text: str) -> list[int]:
    found = (state.find(name, domain) for name, domain in handles(text))
    return list(dict.fromkeys(account.id for account in found if account is not None))
