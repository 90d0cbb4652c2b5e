"""What happens on a server, told to those who listen: which event goes to which channel, and who does not get it."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.report_views import notification_view
from adapters.sandbox.mastodon.rights import VIEW_FEEDS, can
from adapters.sandbox.mastodon.status_views import status_view
from adapters.sandbox.mastodon.streaming_listeners import Listener, Message

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Account, Status
    from adapters.sandbox.mastodon.state import State

_TOLD = {"status.created": "update", "status.updated": "status.update", "status.deleted": "delete"}
_REAL_TIME = timedelta(hours=6)  # what was published earlier than that elsewhere is not told


class Events:
    """Everybody who listens. ``stalled``: nothing is told to anybody."""

    def __init__(self, state: State) -> None:
        self.stalled = False
        self._state = state
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._with_media: set[int] = set()  # statuses that were told on the channels of media

    def add(self, listener: Listener) -> None:
        """Tell this one from now on."""
        with self._lock:
            self._listeners.append(listener)

    def remove(self, listener: Listener) -> None:
        """Tell this one nothing more."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def end_all(self, *, abruptly: bool) -> None:
        """End every connection."""
        for listener in self._everybody():
            listener.abruptly = abruptly
            listener.put(None)

    def take(self, event: str, number: str) -> None:
        """Something has happened; called with the lock of the state held."""
        if event in _TOLD:
            self._status(_TOLD[event], self._state.statuses[int(number)])
        elif event == "notification":
            self._notification(int(number))
        elif event == "account.suspended":
            for listener in self._everybody():
                if listener.account.id == int(number):
                    listener.put(None)

    def _status(self, event: str, status: Status) -> None:
        author = self._state.accounts[status.account_id]
        channels = self._channels(event, status, author)
        listeners = [one for one in self._everybody() if one.channels & {*channels, "user"}]
        if not listeners:
            return
        payload = str(status.id) if event == "delete" else _json(status_view(self._state, status) | {"filtered": []})
        for listener in listeners:
            for channel in channels:
                if channel in listener.channels and not self._kept_from(listener.account, author, status):
                    self._put(listener, Message(channel=channel, event=event, payload=payload))
            if "user" in listener.channels and self._at_home(listener.account, author, status):
                shown = payload if event == "delete" else _json(status_view(self._state, status, listener.account))
                self._put(listener, Message(channel="user", event=event, payload=shown))

    def _channels(self, event: str, status: Status, author: Account) -> list[str]:
        """The public channels that an event goes to."""
        reply = status.in_reply_to_account_id not in {None, status.account_id}
        hidden = author.silenced or author.suspended or status.visibility != "public"
        if hidden or reply or status.reblog_of_id is not None:
            return []
        if event != "delete" and not status.local and now() - status.created_at > _REAL_TIME:
            return []
        if status.media_ids:
            self._with_media.add(status.id)
        where = "public:local" if status.local else "public:remote"
        media = bool(status.media_ids) or (event == "delete" and status.id in self._with_media)
        return ["public", where, *(["public:media", f"{where}:media"] if media else [])]

    def _kept_from(self, viewer: Account, author: Account, status: Status) -> bool:
        """Whether a viewer has chosen not to see this, or may not see these feeds at all."""
        state, settings = self._state, self._state.settings
        feed = settings.feeds_local if status.local else settings.feeds_remote
        if state.version.newer and feed == "disabled" and not can(viewer, VIEW_FEEDS):
            return True
        languages = viewer.user.chosen_languages if viewer.user is not None else None
        if languages and status.language is not None and status.language not in languages:
            return True
        pairs = {(viewer.id, author.id), (author.id, viewer.id)}
        return bool(
            pairs & state.blocks
            or (viewer.id, author.id) in state.mutes
            or (viewer.id, author.domain or "") in state.domain_mutes
        )

    def _at_home(self, viewer: Account, author: Account, status: Status) -> bool:
        if status.visibility == "direct":
            return False
        return viewer.id == author.id or (viewer.id, author.id) in self._state.follows

    def _notification(self, number: int) -> None:
        notification = self._state.notifications[number]
        channels = ("user", "user:notification")
        listeners = [
            one
            for one in self._everybody()
            if one.account.id == notification.account_id and one.channels & set(channels)
        ]
        if not listeners:
            return
        payload = _json(notification_view(self._state, notification))
        for listener in listeners:
            for channel in channels:
                if channel in listener.channels:
                    self._put(listener, Message(channel=channel, event="notification", payload=payload))

    def _put(self, listener: Listener, message: Message) -> None:
        if not self.stalled:
            listener.put(message)

    def _everybody(self) -> list[Listener]:
        with self._lock:
            return list(self._listeners)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
