"""The letters that wait for one source, and are forgotten when it has committed what it made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import Inbox, Letter


class Mailbox:
    """Of one source, by its name."""

    def __init__(self, inbox: Inbox, name: str) -> None:
        """``name``: of the source, and of its letters."""
        self._inbox = inbox
        self._name = name
        self._forgotten: int | None = None

    def letters(self, committed: int, *, limit: int) -> Sequence[Letter]:
        """What came since ``committed``, the last letter that the source was handed back in its cursor.

        Letters up to that one are forgotten, which is written once, and not at every look.
        """
        if self._forgotten is None or committed > self._forgotten:
            self._inbox.discard(self._name, upto=committed)
            self._forgotten = committed
        return self._inbox.letters(self._name, after=committed, limit=limit)
