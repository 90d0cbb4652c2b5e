"""Another configuration for a house that is lived in."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from bot.settings import digest, renewed
from bot.wiring.blocks import check_blocks
from bot.wiring.detectors import frames_wanted
from bot.wiring.rules import thresholds

if TYPE_CHECKING:
    from bot.operate.reload import Change
    from bot.settings import Settings
    from bot.wiring.house import House

RENEWED = ("rules", "guard", "limiter", "matcher")
"""Parts of the house that are made anew when the configuration is read again."""


def take_up(house: House, written: Settings) -> Change:
    """Go on by another configuration, as far as that is possible without a restart.

    Raises ``ConfigError`` for one that could not be started with, and ``LedgerError``; then nothing has changed.
    """
    from bot.operate.reload import Change

    check_blocks(written, house.base)
    for block in written.detectors:
        frames_wanted(block, house.base)
    in_force, taken_up, needs_restart = renewed(house.settings, written)
    fresh = copy(house)
    fresh.settings = in_force
    for part in RENEWED:
        fresh.__dict__.pop(part, None)
    parts = {part: getattr(fresh, part) for part in RENEWED}
    if _measured_anew(house, fresh):
        taken_up = [*taken_up, "calibration"]
    watched = thresholds(fresh.rules)
    if "scorer" in house.__dict__:
        house.scorer.check(watched)
    if "pipeline" in house.__dict__:
        parts["pipeline"] = house.pipeline.under(**parts)
    # What can fail comes first: nothing below does.
    house.ledger.note_config(digest(in_force), why="reload")
    if "scorer" in house.__dict__:
        house.scorer.watch(watched)
    house.settings = in_force
    house.__dict__.update(parts)
    return Change(taken_up=taken_up, needs_restart=needs_restart)


def _measured_anew(running: House, fresh: House) -> bool:
    """Whether rules whose words stayed the same follow another measurement: only the file's content has changed."""
    before, after = ({rule.id: rule for rule in house.settings.rules} for house in (running, fresh))
    then = {rule.id: rule.when.score for rule in running.rules}
    return any(rule.when.score != then.get(rule.id) and before.get(rule.id) == after[rule.id] for rule in fresh.rules)
