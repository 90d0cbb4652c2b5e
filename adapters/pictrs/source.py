"""Everything that a pict-rs stores, newest first: what nobody posted, replaced thumbnails, copies for the image proxy.

It is the net under the other sources, which say more of what they bring. So it waits until they had their time, and
what they have brought by then is not brought again. The same bytes stored once more get a name, and no new place in
the listing: those names are the upload list's to tell.

The cursor holds ``high`` and ``high_at`` (the newest files that were read, and when the first of them was stored),
``floor`` (when the bot first looked: what was stored by then was there before it), ``cutoff`` (how far back the
operator wants it), ``walk`` (a way down that is not finished), ``back`` (how far into the past the backlog has been
read) and ``stuck`` (polls that have failed at the next page of it).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.pictrs.listing import page_at
from bot.domain.content import Alias, StoredFile
from bot.domain.errors import BadAnswerError, UnreachableError
from bot.ports import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.pictrs.client import PictrsClient
    from adapters.pictrs.listing import Held, Page, Place
    from bot.domain.content import InstanceId, Name, SubjectKey
    from bot.domain.errors import PlatformError
    from bot.ports import Clock, Cursor, Gone

SETTLED = timedelta(minutes=2)
"""Age at which a file is told of: by then a post shows it, or the upload list names it, if one ever does."""

OVERLAP = timedelta(minutes=10)
"""How far below the newest known a way down goes when all that was known there is gone: files are purged."""

PAGES_AT_ONCE = 5
REMEMBERED = 50
"""Files by which the end of a way down is recognised."""

IN_VAIN = 20
"""Polls at which a page of the backlog fails before what is behind it is given up."""


class PictrsSource:
    """One pict-rs as a feed."""

    def __init__(
        self,
        name: str,
        instance: InstanceId,
        client: PictrsClient,
        *,
        address: Callable[[Name], str],
        read: Callable[[SubjectKey], Batch | Gone],
        clock: Clock,
        start_from: timedelta | None,
    ) -> None:
        """``address``: where the world sees a file; ``read``: of the platform, for pict-rs has no subjects.

        ``start_from``: how far before the first poll to begin (zero: now); ``None``: with everything there is.
        """
        self._name = name
        self._instance = instance
        self._client = client
        self._address = address
        self._read_subject = read
        self._clock = clock
        self._start_from = start_from

    @property
    def name(self) -> str:
        """Key of the cursor: ``lemmy-main/files``."""
        return self._name

    def read(self, what: SubjectKey) -> Batch | Gone:
        """By the platform."""
        return self._read_subject(what)

    def poll(self, after: Cursor | None) -> Batch:
        """A few pages of what is new, and then of the backlog."""
        now = self._clock.now()
        state = {**after} if after is not None else self._begin(now)
        found: list[StoredFile] = []
        holes: list[str] = []
        trouble = ""
        left = PAGES_AT_ONCE
        place, top, top_at = None, [], None
        if state["walk"] is not None:
            place, top, top_at = state["walk"]["at"], state["walk"]["top"], state["walk"]["top_at"]
        while left > 0:
            left -= 1
            page = page_at(self._client, place)
            holes += page.broken
            settled = [one for one in page.files if one.at <= now - SETTLED]
            if not top and settled:
                top, top_at = [one.hex for one in settled[:REMEMBERED]], settled[0].at.isoformat()
            known = False
            for one in settled:
                known = self._known(one, state)
                if known:
                    break
                found += self._told(one, state)
            place = page.following
            if known or place is None:
                state |= {"high": top or state["high"], "high_at": top_at or state["high_at"], "walk": None}
                break
            if state["high_at"] is None and settled:
                # The first time: all below is backlog, and goes on from here.
                state |= {"high": top, "high_at": top_at, "walk": None, "back": self._behind(page, state)}
                break
        else:
            state["walk"] = {"at": place, "top": top, "top_at": top_at}
        while left > 0 and state["walk"] is None and state["back"] is not None:
            left -= 1
            try:
                page = page_at(self._client, state["back"])
            except (UnreachableError, BadAnswerError) as error:  # what is new was read, and does not wait for this
                trouble = self._stuck(error, state, holes)
                break
            state["stuck"] = 0
            holes += page.broken
            for one in page.files:
                found += self._told(one, state)
            state["back"] = self._behind(page, state)
        more = state["walk"] is not None or state["back"] is not None
        return Batch(files=found, cursor=state, more=more and not trouble, holes=holes, trouble=trouble)

    def _stuck(self, error: PlatformError, state: dict[str, Any], holes: list[str]) -> str:
        """What keeps the backlog waiting, in words; after many polls it is a hole instead, and the backlog ends."""
        state["stuck"] = state.get("stuck", 0) + 1
        if state["stuck"] < IN_VAIN:
            return f"the backlog: {error}"
        holes.append(f"what was stored before {state['back']['at']}: {error}")
        state |= {"back": None, "stuck": 0}
        return ""

    def _begin(self, now: datetime) -> dict[str, Any]:
        cutoff = None if self._start_from is None else (now - self._start_from).isoformat()
        return {"high": [], "high_at": None, "floor": now.isoformat(), "cutoff": cutoff, "walk": None, "back": None}

    def _known(self, one: Held, state: Mapping[str, Any]) -> bool:
        if state["high_at"] is None:
            return False
        high_at = datetime.fromisoformat(state["high_at"])
        # What was purged and is stored again stands at the top, above what came in between.
        return (one.hex in state["high"] and one.at <= high_at) or one.at < high_at - OVERLAP

    def _behind(self, page: Page, state: Mapping[str, Any]) -> Place | None:
        if state["cutoff"] is None or page.following is None or not page.files:
            return page.following
        return None if page.files[-1].at < datetime.fromisoformat(state["cutoff"]) else page.following

    def _told(self, one: Held, state: Mapping[str, Any]) -> Sequence[StoredFile]:
        backlog = one.at <= datetime.fromisoformat(state["floor"])
        if backlog and state["cutoff"] is not None and one.at < datetime.fromisoformat(state["cutoff"]):
            return ()
        names = [Alias(instance=self._instance, value=alias) for alias in one.aliases]
        return [
            StoredFile(name=name, url=self._address(name), sha256=one.sha256, stored_at=one.at, backlog=backlog)
            for name in names
        ]
