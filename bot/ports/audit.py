"""Protocol of the audit trail: what proves that the ledger's history is whole and unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry of the chain: kept elsewhere, it shows later whether the chain still has it."""

    n: int  # 0: there is no entry yet
    digest: str  # 64 hexadecimal digits

    def __str__(self) -> str:
        return f"{self.n}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """From ``str(head)``. Raises ``ValueError`` for anything else."""
        number, _, digest = text.strip().partition(":")
        digest = digest.lower()
        if not number.isascii() or not number.isdecimal() or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError(
                f"{text!r} is not the head of a chain: write NUMBER:DIGEST, as `fediwarden audit head` does"
            )
        return cls(n=int(number), digest=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditProblem:
    """Something that is not as it was written. ``n``: the entry; ``None`` where no entry stands for it."""

    n: int | None
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedPayloads:
    """Payloads that are gone because somebody erased them and said so."""

    at: datetime
    by: str
    scope: str  # "case" or "account"
    case: int | None
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What a look at the whole chain came to."""

    head: Head
    entries: int
    problems: Sequence[AuditProblem]  # the first one first
    more_problems: int  # how many there are besides
    erased: Sequence[ErasedPayloads]
    vouches_since: datetime | None  # when the ledger was upgraded, if older rows were taken over then


class Audit(Protocol):
    """The chain of digests behind every verdict, intent, decision, attempt, outcome and change of a switch or list."""

    def head(self) -> Head:
        """The last entry."""
        ...

    def verify(self, *, kept: Head | None = None) -> AuditReport:
        """Compute everything anew. ``kept``: a head that was noted elsewhere; it shows whether the end is missing."""
        ...

    def note_config(self, digest: str, *, why: str) -> None:
        """Write down under which configuration is acted from now on. ``why``: ``start`` or ``reload``."""
        ...
