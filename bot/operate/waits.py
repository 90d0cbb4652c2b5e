"""What a case still waits for that is no intent: a file that could not be looked at or judged to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.ports import TaskKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import Ledger, Trouble

FILES, NAMES = 50, 100
"""Files of a case, and names of one file, that are looked at, the newest: in a raid there may be ten thousand."""

_KINDS = {TaskKind.EXAMINE, TaskKind.JUDGE}


def waiting_for(ledger: Ledger, case: int) -> Sequence[Trouble]:
    """Tasks about its files that have not worked out so far. Deeds may follow from them that nobody has planned yet."""
    record = ledger.case(case)
    targets: list[str] = []
    for file_id in record.files[-FILES:] if record is not None else ():
        targets += [str(file_id), *(str(one.name) for one in ledger.names_of(file_id)[-NAMES:])]
    return [one for one in ledger.troubles(targets=targets) if one.kind in _KINDS and one.again_at is not None]
