"""Protocol of what there is to do for a case, piece by piece: a case may have tens of thousands of deeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.content import Account
    from bot.domain.decisions import Intent, IntentState
    from bot.ports.store import IntentRecord


class Turns(Protocol):
    """Intents by what whoever carries them out has to know. No answer takes longer because a case is large."""

    def turns(
        self,
        case: int,
        state: IntentState,
        kind: str,
        *,
        due: datetime,
        after: int = 0,
        limit: int,
        repeats: bool | None = None,
    ) -> Sequence[IntentRecord]:
        """Intents of one kind that may be tried at ``due``, in the order of their ids, beginning behind ``after``.

        ``repeats``: only those whose like another case has done within a day, and that stands; or only the others.
        """
        ...

    def unlike_all_done(self, kind: str, *, limit: int) -> Sequence[IntentRecord]:
        """Allowed intents of a kind, of all cases, that repeat nothing that another one has done (see ``turns``)."""
        ...

    def next_turn(self, case: int, *, later_than: datetime) -> datetime | None:
        """When the next one may be tried of those that wait until after ``later_than``."""
        ...

    def ready(self, *, most: int) -> int:
        """Intents of all cases that are allowed and not done, counted up to ``most``."""
        ...

    def reports_about(self, account: Account, *, before: int | None = None, limit: int) -> Sequence[IntentRecord]:
        """Allowed reports of all cases that were never tried, on what this account wrote.

        ``before``: only those planned before this intent.
        """
        ...

    def reports_on(self, case: int, targets: Sequence[str]) -> Sequence[IntentRecord]:
        """Reports on these targets (``Report.target``) that are allowed, and those of this case that are held.

        A report is on every post that it names.
        """
        ...

    def reports_unfiled(
        self, account: Account, *, case: int, before: int | None = None, limit: int
    ) -> Sequence[IntentRecord]:
        """Reports on an account that a ban would make impossible, where it does that: those of all cases that were
        tried and are to be tried again, and those of this case that are held.

        ``before``: only those planned before this intent.
        """
        ...

    def reports_done(self, case: int, deed: Intent) -> Sequence[IntentRecord]:
        """Reports of a case that are filed, on the post or the account that a deed is about."""
        ...

    def interrupted_on(self, account: Account, *, limit: int) -> Sequence[IntentRecord]:
        """Deeds on an account or its posts, reports aside, of all cases, that are allowed and have a try without an
        end."""
        ...

    def unsettled(self, case: int, kinds: Sequence[str]) -> IntentRecord | None:
        """The first intent of these kinds that is allowed or held, if there is one."""
        ...

    def any_held(self, case: int) -> bool:
        """Whether anything of a case waits for a human."""
        ...

    def unplanned(self, case: int, intents: Sequence[Intent]) -> Sequence[Intent]:
        """Those that a case does not have, in whatever state."""
        ...

    def files_of(self, case: int) -> Sequence[int]:
        """Ids of the files that a case is about."""
        ...
