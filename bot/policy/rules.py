"""Rules, as the operator wrote them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.domain.content import Role
from bot.domain.decisions import (
    BanAccount,
    Limit,
    LimitAccount,
    MarkSensitive,
    Notify,
    PurgeFile,
    Remove,
    Report,
    Scope,
    SetSwitch,
    Stage,
)
from bot.domain.evidence import How

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from bot.domain.decisions import Switch

KINDS = {
    deed.kind: deed for deed in (Notify, Report, Remove, MarkSensitive, PurgeFile, LimitAccount, BanAccount, SetSwitch)
}
"""Spelling in the config to deed, in the order in which they are carried out."""

SHOWN = (Role.ATTACHMENT, Role.INLINE, Role.THUMBNAIL, Role.LINK, Role.AVATAR, Role.BANNER, Role.EMOJI)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreAtLeast:
    """A detector's score for a label reaches a threshold (0 to 1).

    ``frames``: of an animation or a video so many of the frames that were looked at have to reach it, or one that is
    shown as long as a picture; a picture never needs another one.

    ``calibrated_for``: the revisions of the detector whose false alarms were measured on the operator's own pictures;
    ``None`` where the detector needs no such thing. It decides how far a rule goes, not when it fires. ``preset``: the
    threshold itself was measured, and means nothing for a score of any other revision.
    """

    detector: str
    label: str
    at_least: float
    frames: int = 1
    calibrated_for: frozenset[str] | None = field(default=None, repr=False)
    preset: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a rule fires: a list hit or a score, and then everything else that is set, for one place at least."""

    lists: Sequence[str] = ()  # any of these
    near: bool = False  # near matches (PDQ) count too
    score: ScoreAtLeast | None = None
    platforms: Sequence[str] = ()
    roles: Sequence[Role] = SHOWN
    local_author: bool | None = None
    account_younger_than: timedelta | None = None
    account_items_below: int | None = None  # subjects with media of that account that the bot has seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """One deed that a rule wants, by its kind, with what only limits, bans and switches need."""

    kind: str
    scope: Scope = Scope.SITE
    days: int | None = None
    how: Limit = Limit.SILENCE
    switch: Switch | None = None
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition, the deeds it leads to, and how far they may go."""

    id: str
    when: Condition
    then: Sequence[Want]
    stage: Stage = Stage.OBSERVE
    unattended: bool = False  # may ban, or do what cannot be undone, on a score or a near match alone
    uncalibrated: bool = False  # may go beyond ``observe`` on scores whose false alarms nobody has measured
    any_use: bool = False  # may purge a file that others show too
    hold_first: int = 0  # everything is held until a human has approved so many deeds of the rule
    min_attribution: How = How.HOSTED_BY_AUTHORS_SERVER  # bans on weaker evidence about the uploader are held
    text: str = "Automated check: please review"  # federates to other servers: short and neutral

    @property
    def digest(self) -> str:
        """Changes whenever the rule does, so that a verdict tells which wording it came from."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]
