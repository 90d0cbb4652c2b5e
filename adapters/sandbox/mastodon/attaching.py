"""Which files may go into a status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.errors import ApiError
from adapters.sandbox.mastodon.text import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.sandbox.mastodon.rows import Account, Media, Status
    from adapters.sandbox.mastodon.state import State

_MOST = 4
_MOVING = {"video", "audio"}


def attachable(state: State, author: Account, wanted: Sequence[str], *, status: Status | None = None) -> list[Media]:
    """One's own uploads by their ids, none of which is in another status. Raises ``ApiError``."""
    if len(wanted) > _MOST:
        raise ApiError(422, f"Cannot attach more than {_MOST} files")
    free = {None} if status is None else {None, status.id}
    found: list[Media] = []
    missing: list[str] = []
    for text in dict.fromkeys(wanted):
        media = state.media.get(number(text))
        if media is None or media.account_id != author.id or media.status_id not in free:
            missing.append(text)
        else:
            found.append(media)
    if missing:
        raise ApiError(422, f"Media {', '.join(missing)} not found or already attached to another post")
    if len(found) > 1 and any(media.type in _MOVING for media in found):
        raise ApiError(422, "Cannot attach a video to a post that already contains images")
    if not all(media.processed for media in found):
        raise ApiError(422, "Cannot attach files that have not finished processing. Try again in a moment!")
    return found
