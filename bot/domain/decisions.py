"""What is to be done about a file, whether it may be done, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import Account, Community, InstanceId, Name, Subject
    from bot.domain.evidence import How


class Stage(IntEnum):
    """How far a rule may go."""

    OBSERVE = 0  # everything is held
    REPORT = 1  # reports and notifications
    HIDE = 2  # what hides and can be undone
    ENFORCE = 3

    @property
    def word(self) -> str:
        """The spelling used in the config: ``observe``."""
        return self.name.lower()


class Scope(StrEnum):
    """Where a ban holds."""

    SITE = "site"
    COMMUNITY = "community"


class Limit(StrEnum):
    """How an account that may stay is limited."""

    SILENCE = "silence"  # seen by those who follow it only
    SENSITIVE = "sensitive"  # all its media is behind a warning


class Switch(StrEnum):
    """Something about a whole server that can be turned in a raid, and back."""

    REGISTRATION = "registration"  # open, applications, closed
    UPLOADS = "uploads"  # on, off
    FEDERATION = "federation"  # on, off: with one other server


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deed:
    """What all intents have in common."""

    kind: ClassVar[str]
    rank: ClassVar[int]  # order within a case: seal, report, remove, purge, limit or ban
    stage: ClassVar[Stage]  # the lowest stage that allows it

    instance: InstanceId

    @property
    def about(self) -> Account | None:
        """Whom it concerns: what quotas and filters for one account count."""
        return None

    @property
    def place(self) -> Community | None:
        """Where it is felt: what quotas for one community count."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnSubject(_Deed):
    """A deed about one place where media is shown."""

    subject: Subject
    text: str

    @property
    def target(self) -> str:
        """What makes two deeds of a kind the same."""
        return str(self.subject.key)

    @property
    def about(self) -> Account | None:
        """Who wrote the subject."""
        return self.subject.author

    @property
    def place(self) -> Community | None:
        """Where the subject is."""
        return self.subject.community


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(_OnSubject):
    """Tell the moderators. ``text`` federates: short and neutral, without score, hash or accusation."""

    kind: ClassVar[str] = "report"
    rank: ClassVar[int] = 1
    stage: ClassVar[Stage] = Stage.REPORT

    also: tuple[Subject, ...] = ()  # further posts of the same account that the same report names

    @property
    def subjects(self) -> Sequence[Subject]:
        """Everything that it names."""
        return (self.subject, *self.also)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(_OnSubject):
    """Take a post or comment away. Lemmy can restore it, Mastodon cannot; the file may stay public on both."""

    kind: ClassVar[str] = "remove"
    rank: ClassVar[int] = 2
    stage: ClassVar[Stage] = Stage.HIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSensitive(_OnSubject):
    """Cover the media of a post behind a warning. Lemmy does not offer it."""

    kind: ClassVar[str] = "mark_sensitive"
    rank: ClassVar[int] = 2
    stage: ClassVar[Stage] = Stage.HIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeFile(_Deed):
    """Delete a stored file under all its names. Irreversible. Done when the public URL says that it is gone."""

    kind: ClassVar[str] = "purge_file"
    rank: ClassVar[int] = 3
    stage: ClassVar[Stage] = Stage.ENFORCE

    name: Name
    url: str  # where the public sees it
    uploader: Account | None = None  # who put it there, as far as that was known when the purge was planned
    how: How | None = None  # and how that was known: the server may tell no more once the file is gone

    @property
    def target(self) -> str:
        """What makes two purges the same."""
        return str(self.name)

    @property
    def about(self) -> Account | None:
        """Who uploaded the file."""
        return self.uploader


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitAccount(_Deed):
    """Limit an account that may stay. Reversible. Lemmy does not offer it."""

    kind: ClassVar[str] = "limit_account"
    rank: ClassVar[int] = 4
    stage: ClassVar[Stage] = Stage.HIDE

    account: Account
    how: Limit
    text: str = ""
    known: How | None = None  # the best evidence, when this was planned, that the account stored the file

    @property
    def target(self) -> str:
        """What makes two limits the same."""
        return f"{self.instance}/account/{self.account.local_id}@{self.how.value}"

    @property
    def about(self) -> Account | None:
        """Who is limited."""
        return self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class BanAccount(_Deed):
    """Ban an account from the site (Mastodon: suspend it) or from one community. Never removes data."""

    kind: ClassVar[str] = "ban_account"
    rank: ClassVar[int] = 4
    stage: ClassVar[Stage] = Stage.ENFORCE

    account: Account
    scope: Scope = Scope.SITE
    community_id: str | None = None  # the platform's id, for ``Scope.COMMUNITY``
    days: int | None = None  # None: until somebody lifts it
    text: str = ""
    known: How | None = None  # the best evidence, when this was planned, that the account stored the file

    @property
    def target(self) -> str:
        """What makes two bans the same."""
        place = f"community/{self.community_id}" if self.scope is Scope.COMMUNITY else "site"
        return f"{self.instance}/account/{self.account.local_id}@{place}"

    @property
    def about(self) -> Account | None:
        """Who is banned."""
        return self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSwitch(_Deed):
    """Turn a switch of the whole server. Felt by everybody on it, and reversible."""

    kind: ClassVar[str] = "set_switch"
    rank: ClassVar[int] = 5
    stage: ClassVar[Stage] = Stage.ENFORCE

    switch: Switch
    value: str  # one of those named at ``Switch``
    host: str = ""  # the other server, for ``Switch.FEDERATION``

    @property
    def target(self) -> str:
        """What makes two turns of a switch the same."""
        which = f"{self.switch.value}/{self.host}" if self.host else self.switch.value
        return f"{self.instance}/switch/{which}={self.value}"

    @property
    def what(self) -> str:
        """Which switch, for people: ``federation with other.example``."""
        return f"{self.switch.value} with {self.host}" if self.host else self.switch.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify(_Deed):
    """Tell the operators, by whatever they configured. Text only: no picture and no address of one."""

    kind: ClassVar[str] = "notify"
    rank: ClassVar[int] = 1
    stage: ClassVar[Stage] = Stage.REPORT

    text: str
    sha256: str = ""  # of the file that was flagged: which case the message is about. It is not told

    @property
    def target(self) -> str:
        """One message for each case and instance."""
        return f"{self.instance}/operators"


Intent: TypeAlias = Report | Remove | MarkSensitive | PurgeFile | LimitAccount | BanAccount | SetSwitch | Notify
"""The deeds that exist."""


class HoldReason(StrEnum):
    """Why an intent waits for a human."""

    STAGE = "stage"
    UNCALIBRATED = "uncalibrated"  # a zero-shot score whose false alarms nobody has measured
    NEEDS_APPROVAL = "needs_approval"  # a score, and the rule is not ``unattended``
    IRREVERSIBLE_OFF = "irreversible_off"  # not named in ``irreversible``
    NO_EVIDENCE_POLICY = "no_evidence_policy"
    QUOTA = "quota"
    FIRST_DEEDS = "first_deeds"  # the rule is new: a human looks at what it wants first
    BREAKER = "breaker"  # its rule flagged far more than was expected
    STOPPED = "stopped"  # the kill switch
    PROTECTED = "protected"
    SHARED_FILE = "shared_file"
    RETURNS = "returns"  # the server itself fetches it again and again, for a post that shows it
    LIST_CONFLICT = "list_conflict"
    WEAK_ATTRIBUTION = "weak_attribution"
    NOT_OFFERED = "not_offered"  # the server has no way to do it, and the operator could give it one
    UNKNOWN_STATE = "unknown_state"  # a call had no answer and the server could not tell

    @property
    def yields_to_approval(self) -> bool:
        """Approval overrules everything but these."""
        return self not in {HoldReason.PROTECTED, HoldReason.NO_EVIDENCE_POLICY, HoldReason.STOPPED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """The guard lets an intent pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The guard keeps an intent for a human, with every reason that applies."""

    reasons: Sequence[HoldReason]
    detail: str = ""


Decision: TypeAlias = Allow | Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """What a verdict rests on, in words an operator reads: ``flagged by nsfw/nsfw at threshold 0.85 (0.91)``."""

    text: str
    exact: bool  # an exact hit on a block list
    list_ids: Sequence[str] = ()
    score: float | None = None  # what the detector gave, where a score is the reason
    threshold: float | None = None  # from which value on the rule fired
    distance: int | None = None  # in bits, where a near match is the reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one rule makes of one file."""

    rule_id: str
    rule_digest: str
    because: Because
    intents: Sequence[Intent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Whether a platform offers a deed, as the server stands now."""

    supported: bool
    reversible: bool
    route: str  # in words: "pict-rs internal API"
    why_not: str = ""
    undone: str = ""  # what comes of an undo and what stays, where it is not what people expect of the deed
    hold: bool = False  # not supported, and worth waiting for: the operator can configure a way, or do it by hand
    by_hand: bool = False  # it can be undone, and not by us; ``undone`` says by whom


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What the server says when it is asked whether a deed is done.

    ``so is None``: it could not tell. ``by_us is None``: it is so (or not), but who did it is not known.
    ``state`` is what undo needs to restore, as it is now: JSON values only; of a removal or a warning it is empty where
    there is nothing (any more) that could be removed or covered.
    """

    so: bool | None
    by_us: bool | None = None
    detail: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)


class LastWord(StrEnum):
    """Who, since some moment, did something last about what a deed is about."""

    NOBODYS = "nobody's"
    OURS = "ours"  # it was done, and ended by itself: a ban runs out
    ANOTHERS = "another's"
    UNKNOWN = "unknown"  # the server does not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The deed was done; ``note`` is for humans ("by pict-rs, 2 names").

    ``names``: of a purge, those aliases that the file store says went with the file.
    """

    note: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyDone:
    """It was so before we came. Undo leaves it alone unless ``by_us``."""

    note: str = ""
    by_us: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The platform said no and will say no again; or what was judged is not there any more."""

    code: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It may work later (``retry_after`` seconds), or nobody knows whether it happened (``unknown``)."""

    note: str
    retry_after: float | None = None
    unknown: bool = False


Outcome: TypeAlias = Done | AlreadyDone | Refused | Failed

GONE_AT_STORE = "gone at the store"
"""How the detail of a purge begins whose file is gone, and that is not done yet for the sake of caches."""

STILL_SERVED = f"{GONE_AT_STORE}, still served at the public address"
"""The same where a cache goes on showing it."""


class IntentState(StrEnum):
    """Where an intent stands in the ledger."""

    READY = "ready"  # allowed, waiting for its turn
    HELD = "held"
    DONE = "done"
    REFUSED = "refused"
    DISMISSED = "dismissed"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to carry out (or revert) an intent, written before the first call."""

    id: int
    intent_id: int
    reverting: bool
    started_at: datetime
    before: Mapping[str, Any]  # what the server said just before: what undo restores
    outcome: Outcome | None  # None: the end is unknown
