"""The audit chain: one entry for everything that was decided and done, each with the digest of the one before.

An entry holds digests only. What it vouches for, its *payload*, is a row of another table or a text beside the entry,
and is mixed with a random salt before it is digested: where payload and salt are erased, the chain stays whole, and
nobody finds out by trying what the payload was. The forms below are promises: digests in old ledgers rest on them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from bot.ledger import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Table

AUDIT = schema.audit.c
START = "0" * 64
"""What stands in for the digest before the first entry."""

VERDICT, INTENT, DECISION, ATTEMPT, OUTCOME, ERASURE = "verdict", "intent", "decision", "attempt", "outcome", "erasure"
RULE = "rule"
LIST, ACTING, BREAKER, CONFIG, UPGRADE = "list", "acting", "breaker", "config", "upgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """What an entry of one kind vouches for: these columns of a row, as they were when it was written."""

    table: Table
    key: str
    columns: tuple[str, ...]


ROWS = {
    VERDICT: Vouched(
        table=schema.verdict,
        key="id",
        columns=(
            *("id", "case_number", "file_id", "rule_id", "rule_digest", "because_digest", "exact", "because", "at"),
            "scan_id",
        ),
    ),
    INTENT: Vouched(
        table=schema.intent,
        key="id",
        columns=(
            *("id", "case_number", "verdict_id", "kind", "target_digest", "account_digest", "community_digest"),
            *("payload", "planned", "created_at"),
        ),
    ),
    DECISION: Vouched(
        table=schema.decision, key="id", columns=("id", "case_number", "intent_id", "at", "who", "what", "note")
    ),
    ATTEMPT: Vouched(
        table=schema.attempt,
        key="id",
        columns=("id", "intent_id", "reverting", "fence", "turn", "started_at", "before"),
    ),
    OUTCOME: Vouched(table=schema.outcome, key="attempt_id", columns=("attempt_id", "payload", "at")),
    RULE: Vouched(table=schema.rule_text, key="digest", columns=("digest", "rule_id", "text", "since")),
    ERASURE: Vouched(
        table=schema.erasure, key="id", columns=("id", "case_number", "at", "who", "scope", "what", "entries")
    ),
}
"""Kinds whose payload is a row. A verdict's has the scan that it rests on besides (``scan``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something to be written down. ``text``: where no row holds it."""

    kind: str
    ref: str
    payload: str
    text: str | None = None


def of_row(kind: str, values: Mapping[str, Any], *, scan: str | None = None) -> Entry:
    """An entry about a row. ``scan``: payload of the scan that a verdict rests on."""
    row = ROWS[kind]
    return Entry(kind=kind, ref=f"{kind}/{values[row.key]}", payload=row_payload(kind, values, scan=scan))


def of_event(kind: str, ref: str, **told: Any) -> Entry:
    """An entry about something that leaves no row of its own: JSON values only."""
    text = canonical(told)
    return Entry(kind=kind, ref=ref, payload=text, text=text)


def row_payload(kind: str, values: Mapping[str, Any], *, scan: str | None = None) -> str:
    """What is digested of a row."""
    told = {column: values.get(column) for column in ROWS[kind].columns}
    if kind == VERDICT:
        told["scan"] = scan
    return canonical(told)


def append(connection: Connection, at: datetime, entries: Iterable[Entry]) -> Sequence[int]:
    """Write entries behind the last one; their numbers. Only in a transaction that writes: those queue up."""
    entries = list(entries)
    if not entries:
        return []
    found = connection.execute(select(AUDIT.n, AUDIT.digest).order_by(AUDIT.n.desc()).limit(1)).first()
    n, previous = (found.n, found.digest) if found is not None else (0, START)
    links: list[dict[str, Any]] = []
    payloads: list[dict[str, Any]] = []
    for entry in entries:
        n += 1
        salt = secrets.token_hex(16)
        link = {
            "n": n,
            "at": at,
            "kind": entry.kind,
            "ref": entry.ref,
            "payload_digest": salted(salt, entry.payload),
            "previous": previous,
        }
        previous = link_digest(link)
        links.append({**link, "digest": previous})
        payloads.append({"n": n, "salt": salt, "text": entry.text})
    connection.execute(insert(schema.audit), links)
    connection.execute(insert(schema.audit_payload), payloads)
    return [link["n"] for link in links]


def salted(salt: str, payload: str) -> str:
    """HMAC-SHA256 of a payload, with its salt (hexadecimal) as the key."""
    return hmac.new(bytes.fromhex(salt), payload.encode(), hashlib.sha256).hexdigest()


def link_digest(link: Mapping[str, Any]) -> str:
    """SHA-256 of an entry: number, time, kind, ref, digest of the payload, digest of the entry before."""
    told = [link["n"], link["at"], link["kind"], link["ref"], link["payload_digest"], link["previous"]]
    return hashlib.sha256(canonical(told).encode()).hexdigest()


def canonical(value: Any) -> str:
    """JSON in ASCII without spaces, keys in order, moments as ISO 8601 in UTC."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=_moment)


def _moment(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"the audit chain has no word for {type(value).__name__}")
    return value.astimezone(UTC).isoformat(timespec="microseconds")
