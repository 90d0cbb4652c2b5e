"""What must be true when everything has come to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decisions import AlreadyDone, Done, Failed, IntentState, PurgeFile, Remove

from .books import SOMEBODY, TIME, fulfils, key_of
from .process import BLOCK_LIST, waits_for_others
from .tally import TALLY

if TYPE_CHECKING:
    from bot.ports import IntentRecord

    from .world import World

DONE, HELD, READY, UNDONE = IntentState.DONE, IntentState.HELD, IntentState.READY, IntentState.UNDONE


def check(world: World) -> None:
    """Nothing is stuck, lost, hidden or half taken back."""
    records = world.ledger.intents()
    for record in records:
        _is_settled(world, record, [other for other in records if other.case == record.case])
        _is_as_written(world, record)
    for key in world.books.now:
        _is_accounted_for(world, key, [record for record in records if key_of(record.intent) == key])
    _block_list(world, records)


def check_all_taken_back(world: World) -> None:
    """After an undo of every case: nothing that may be done was left where it is."""
    for record in world.ledger.intents(states=(HELD, READY)):
        assert not _nobody_knows(world, record), f"intent {record.id} may be done, and was not taken back"


def _is_settled(world: World, record: IntentRecord, siblings: list[IntentRecord]) -> None:
    assert record.state is not IntentState.UNDOING, f"intent {record.id} waits for ever to be undone"
    if record.state is READY:
        assert waits_for_others(record, siblings), f"intent {record.id} ({record.intent.kind}) waits for ever"
        TALLY.count("ended", "ready, behind what waits for a human")


def _is_as_written(world: World, record: IntentRecord) -> None:
    """What the ledger says of an intent is what the books say."""
    key = key_of(record.intent)
    changed = world.books.forwards(record.id)
    tries = world.ledger.attempts(record.id)
    TALLY.count("ended", record.state.value)
    if record.state is DONE and not world.books.is_so(record.intent):
        since = [change for change in world.books.of(key) if change.number >= world.begun_at[record.id]]
        ends = [change for change in since if not fulfils(change.after, record.intent)]
        assert ends, f"intent {record.id} is done, says the ledger; it never was"
        assert ends[0].who in {SOMEBODY, TIME}, f"intent {record.id} is done, says the ledger; {ends[0]}"
    if record.state is DONE and not tries[-1].reverting:
        assert isinstance(tries[-1].outcome, Done | AlreadyDone), tries[-1]
    if record.state in {IntentState.DISMISSED, IntentState.REFUSED}:
        assert not changed or world.books.now[key] == "erased", (
            f"intent {record.id} is {record.state.value}, says the ledger; yet {changed[-1]}"
        )
    if record.state is HELD and changed:
        assert _nobody_knows(world, record), f"intent {record.id} is held; yet {changed[-1]}"
        TALLY.count("ended", "held, for nobody could tell whether it was done")
    if record.state is UNDONE:
        assert tries[-1].reverting
        if isinstance(tries[-1].outcome, AlreadyDone):
            TALLY.count("undo", "left alone what was so or not ours")


def _nobody_knows(world: World, record: IntentRecord) -> bool:
    """Whether the ledger says of one of its tries that nobody knows its end."""
    ends = [attempt.outcome for attempt in world.ledger.attempts(record.id) if not attempt.reverting]
    return any(outcome is None or (isinstance(outcome, Failed) and outcome.unknown) for outcome in ends)


def _is_accounted_for(world: World, key: str, records: list[IntentRecord]) -> None:
    """What the bot has changed and nobody changed since is wanted by an intent, or as it was before the bot came."""
    base: str | None = None  # what was so before the bot's first deed since a human's last word
    for change in world.books.of(key):
        if change.who in {SOMEBODY, TIME}:
            base = None
        elif change.to_the_point and base is None and change.deed is not None and not change.deed.undoing:
            base = change.before
        elif change.to_the_point and base is not None and change.after == base:
            base = None
    if base is None:
        return
    wanted = [record for record in records if record.state is DONE]
    unknown = [record for record in records if record.state in {HELD, READY} and _nobody_knows(world, record)]
    if wanted or unknown:
        return
    now = world.books.now[key]
    if key.startswith("report/"):
        assert now == "resolved", f"{key} is {now}, and nobody wants it any more"
    elif not key.startswith("file/"):
        assert now == world.books.still(base), f"{key} is {now}; before the bot came it was {base}"
    TALLY.count("undo", "found as it was before the bot came")


def _block_list(world: World, records: list[IntentRecord]) -> None:
    """What was taken back is on no list."""
    listed = {entry.case for entry in world.ledger.entries(BLOCK_LIST)}
    for case in listed:
        stands = [
            record
            for record in records
            if record.case == case and isinstance(record.intent, Remove | PurgeFile) and record.state is DONE
        ]
        assert stands, f"the fingerprints of case {case} are on the block list, and nothing of it stands"
