"""What an operator turns in a raid: switches of whole servers. Each is a case of its own, and can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decisions import IntentState, SetSwitch, Switch
from bot.domain.errors import ConfigError, PlatformError
from bot.enforce.late import may_be_done
from bot.operate.decide import Result, move

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.content import InstanceId
    from bot.ports import Instance, IntentRecord, Ledger

CLOSED = (Switch.REGISTRATION, "closed")
APPLICATIONS = (Switch.REGISTRATION, "applications")
NO_UPLOADS = (Switch.UPLOADS, "off")
BLOCKED = (Switch.FEDERATION, "off")

IN_EFFECT = (IntentState.READY, IntentState.HELD, IntentState.DONE, IntentState.UNDOING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a server stands, in its own words; or why it could not be asked."""

    instance: InstanceId
    registration: str
    trouble: str = ""


def chosen(instances: Mapping[InstanceId, Instance], wanted: str | None) -> Instance:
    """The server that is meant. Raises ``ConfigError`` where that is not clear."""
    if wanted is None and len(instances) == 1:
        return next(iter(instances.values()))
    found = next((instance for id_, instance in instances.items() if id_ == wanted), None)
    if found is None:
        said = "several servers are configured" if wanted is None else f"there is no instance {wanted!r}"
        raise ConfigError(f"{said}: name one of them with --instance ({', '.join(instances)})")
    return found


def order(ledger: Ledger, instance: Instance, what: tuple[Switch, str], *, host: str = "", by: str, why: str) -> Result:
    """Have a switch turned. Where the server does not offer that, nothing is written, and it says what to do instead.

    Raises ``PlatformError`` when the server has to be asked what it offers, and cannot be.
    """
    stop = ledger.stopped()
    if stop is not None:
        raise ConfigError(f"acting was stopped by {stop.by}: `fediwarden start-acting` goes on")
    switch, value = what
    intent = SetSwitch(instance=instance.id, switch=switch, value=value, host=host.strip().lower())
    offer = instance.enforcer.offers(intent)
    if not offer.supported:
        raise ConfigError(f"{instance.id}: {offer.why_not}")
    return Result(record=ledger.order(intent, by=by, why=why), ok=True, detail="ordered")


def switches(ledger: Ledger) -> Sequence[IntentRecord]:
    """All that is turned, or is to be, by orders and by rules."""
    return ledger.intents(states=IN_EFFECT, kind=SetSwitch.kind)


def take_back(ledger: Ledger, records: Sequence[IntentRecord], *, by: str) -> Sequence[Result]:
    """Undo switches that were turned; what was not begun is not done any more."""
    results = []
    for record in records:
        begun = record.state is IntentState.DONE or may_be_done(record, ledger)
        goal = IntentState.UNDOING if begun else IntentState.DISMISSED
        if record.state is IntentState.UNDOING:
            results.append(Result(record=record, ok=True, detail="is being undone"))
            continue
        stays = move(ledger, record, goal, by=by, detail="raid undo")
        results.append(
            Result(record=record, ok=stays is None, detail=stays or ("to be undone" if begun else "dismissed"))
        )
    return results


def standing(instances: Mapping[InstanceId, Instance]) -> Sequence[Standing]:
    """Ask every server how it stands."""
    found = []
    for instance in instances.values():
        probe = SetSwitch(instance=instance.id, switch=Switch.REGISTRATION, value="open")
        try:
            registration, trouble = instance.enforcer.verify(probe).detail, ""
        except PlatformError as error:
            registration, trouble = "", str(error)
        found.append(Standing(instance=instance.id, registration=registration, trouble=trouble))
    return found
