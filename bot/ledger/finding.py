"""Finds intents by what a human knows of them: rule, score, time, account. The database does the looking."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Float, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from bot.domain.handles import plain
from bot.ledger import schema
from bot.ledger.codec import intent_of
from bot.ledger.columns import fingerprint
from bot.ledger.part import Part
from bot.ledger.planning import INTENT, records_in
from bot.ledger.schema import ERASED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Column, Connection
    from sqlalchemy.sql.compiler import SQLCompiler

    from bot.domain.content import Account, Community
    from bot.domain.decisions import Intent
    from bot.ports import Filter, IntentRecord

VERDICT = schema.verdict.c
ATTEMPT = schema.attempt.c


class FindingPart(Part):
    """The part of ``Docket`` that finds intents."""

    def find(self, which: Filter, *, limit: int | None = None, after: int = 0) -> Sequence[IntentRecord]:
        """Intents that fit, in the order of their ids."""
        with self._database.read() as connection:
            return records_in(connection, INTENT.id > after, *_conditions(connection, which), limit=limit)

    def first_done(self, case: int, kind: str) -> datetime | None:
        """When one of a kind was done first."""
        done = select(func.min(INTENT.done_at, type_=INTENT.done_at.type)).where(
            INTENT.case_number == case, INTENT.kind == kind
        )
        with self._database.read() as connection:
            found: datetime | None = connection.execute(done).scalar()
        return found

    def tally(self, which: Filter) -> Mapping[str, int]:
        """How many intents of each kind fit."""
        with self._database.read() as connection:
            sums = (
                select(INTENT.kind, func.count())
                .select_from(schema.intent)
                .join(schema.verdict)
                .where(*_conditions(connection, which))
                .group_by(INTENT.kind)
                .order_by(INTENT.kind)
            )
            return {row[0]: row[1] for row in connection.execute(sums)}


class score_of(FunctionElement[float]):  # noqa: N801 - reads as the function that it is
    """The score in a stored ``Because``; NULL where the verdict rests on something else, or was erased.

    No column of its own: what is looked through are the verdicts of intents, of which there are few.
    """

    type = Float()
    inherit_cache = True


@compiles(score_of)
def _in_sqlite(element: score_of, compiler: SQLCompiler, **how: Any) -> str:
    return f"json_extract(nullif({compiler.process(element.clauses, **how)}, ''), '$.score')"


@compiles(score_of, "postgresql")
def _in_postgresql(element: score_of, compiler: SQLCompiler, **how: Any) -> str:
    because = f"CAST(nullif({compiler.process(element.clauses, **how)}, '') AS json)"
    return f"CAST({because} ->> 'score' AS double precision)"


def _conditions(connection: Connection, which: Filter) -> list[ColumnElement[bool]]:
    states = [INTENT.state.in_([state.value for state in which.states])] if which.states else []
    score = score_of(VERDICT.because)
    conditions: list[ColumnElement[bool] | None] = [
        INTENT.payload != ERASED,
        *states,
        None if which.case is None else INTENT.case_number == which.case,
        None if which.kind is None else INTENT.kind == which.kind,
        None if which.rule is None else VERDICT.rule_id == which.rule,
        None if which.reason is None else INTENT.reasons.contains(f'"v":"{which.reason.value}"', autoescape=True),
        None if which.score_at_least is None else score >= which.score_at_least,
        None if which.score_below is None else score < which.score_below,
        None if which.since is None else INTENT.created_at >= which.since,
        None if which.until is None else INTENT.created_at < which.until,
        _acted(which),
    ]
    if which.account is not None:
        digests = _digests(connection, INTENT.account_digest, which.account, lambda intent: intent.about, states)
        conditions.append(INTENT.account_digest.in_(digests))
    if which.community is not None:
        digests = _digests(connection, INTENT.community_digest, which.community, lambda intent: intent.place, states)
        conditions.append(INTENT.community_digest.in_(digests))
    return [condition for condition in conditions if condition is not None]


def _acted(which: Filter) -> ColumnElement[bool] | None:
    """By the end of the newest try to carry it out; where nobody knows the end, by its beginning."""
    if which.acted_since is None and which.acted_until is None:
        return None
    at = func.max(func.coalesce(schema.outcome.c.at, ATTEMPT.started_at), type_=ATTEMPT.started_at.type)
    tried = (
        select(ATTEMPT.intent_id)
        .select_from(schema.attempt)
        .outerjoin(schema.outcome)
        .where(ATTEMPT.reverting.is_(False))
        .group_by(ATTEMPT.intent_id)
    )
    if which.acted_since is not None:
        tried = tried.having(at >= which.acted_since)
    if which.acted_until is not None:
        tried = tried.having(at < which.acted_until)
    return INTENT.id.in_(tried)


def _digests(
    connection: Connection,
    column: Column[Any],
    wanted: str,
    meant: Callable[[Intent], Account | Community | None],
    narrowed: Sequence[ColumnElement[bool]],
) -> Sequence[str]:
    """Digests of the accounts or communities of this address or handle. Only the former is what a digest is made of."""
    wanted = wanted.strip()
    if "://" in wanted:
        return [fingerprint(wanted)]
    handle = plain(wanted)
    # Servers write a host in its own script or in ASCII, so that only the name before it stands there as it is wanted.
    begins = json.dumps(handle.partition("@")[0] + "@").removesuffix('"')
    somewhere = func.lower(INTENT.payload).contains(begins, autoescape=True)
    found = [column.is_not(None), INTENT.payload != ERASED, somewhere, *narrowed]
    known = select(column, func.min(INTENT.payload)).where(*found).group_by(column)
    return [digest for digest, payload in connection.execute(known) if _called(meant(intent_of(payload)), handle)]


def _called(known: Account | Community | None, handle: str) -> bool:
    return known is not None and plain(known.handle) == handle
