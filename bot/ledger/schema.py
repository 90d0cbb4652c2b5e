"""The tables. A change here needs a migration; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from bot.ledger.columns import AnyText, Id, Utc

ERASED = ""
"""What is left of a payload that was erased: no payload is empty otherwise."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(name: str = "id") -> Column[int]:
    return Column(name, Id, primary_key=True)


def _to(target: str, *, nullable: bool = False, index: bool = True, primary_key: bool = False) -> Column[int]:
    """A reference, named after the table it leads to."""
    name = f"{target.split('.', maxsplit=1)[0]}_id" if target.endswith(".id") else "case_number"
    return Column(
        name, Id, ForeignKey(target), nullable=nullable, index=index and not primary_key, primary_key=primary_key
    )


# ------------------------------------------------------------------------------------------------- what was seen

source_cursor = Table(
    "source_cursor",
    metadata,
    Column("source", Text, primary_key=True),
    Column("payload", Text, nullable=False),
    Column("at", Utc, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("payload", Text, nullable=False),
    Index("ix_inbox_source_id", "source", "id"),
    sqlite_autoincrement=True,  # a reader keeps the last id it saw: none may come back
)

file = Table(
    "file",
    metadata,
    _id(),
    Column("sha256", Text, unique=True),
    Column("met_at", Utc, nullable=False),
    # What the newest scan and the newest evidence said, kept beside them for look-ups.
    Column("scan_id", Id),
    Column("pixels", Text, index=True),
    Column("readable", Boolean, nullable=False),
    Column("matched", Boolean, nullable=False),
    Column("partly_seen", Boolean, nullable=False, server_default=false()),
    Column("unscored", Boolean, nullable=False, server_default=false()),
    # A stub whose bytes turned out to be known: its id goes on to mean that file.
    Column("merged_into", Id, ForeignKey("file.id")),
    sqlite_autoincrement=True,
)

name = Table(
    "name",
    metadata,
    _id(),
    Column("key_digest", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("instance", AnyText, nullable=False),
    Column("value", AnyText, nullable=False),
    Column("value_digest", Text, nullable=False, index=True),
    Column("url", AnyText, nullable=False),
    _to("file.id"),
    Column("first_seen", Utc, nullable=False),
    Column("backlog", Boolean, nullable=False),
)

name_observation = Table(
    "name_observation",
    metadata,
    _id(),
    _to("name.id"),
    _to("file.id"),
    Column("since", Utc, nullable=False),
)

scan = Table(
    "scan",
    metadata,
    _id(),
    _to("file.id"),
    Column("at", Utc, nullable=False, index=True),
    Column("payload", Text, nullable=False),
)

sighting = Table(
    "sighting",
    metadata,
    _id(),
    _to("name.id"),
    Column("subject_digest", Text, nullable=False),
    Column("url_digest", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("revision", AnyText, nullable=False),
    Column("payload", Text, nullable=False),
    Column("author_digest", Text, index=True),  # of the author's ActivityPub id
    Column("first_seen", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    UniqueConstraint("subject_digest", "url_digest", "role"),
)

upload = Table(
    "upload",
    metadata,
    _id(),
    Column("name_id", Id, ForeignKey("name.id"), nullable=False, unique=True),
    Column("payload", Text, nullable=False),
    Column("uploaded_at", Utc, nullable=False),
)

# ------------------------------------------------------------------------------------------------- what is to do

task = Table(
    "task",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("target", AnyText, nullable=False),
    Column("target_digest", Text, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("state", Text, nullable=False),  # waiting, running, parked; what is finished is gone
    Column("attempts", Integer, nullable=False),
    Column("not_before", Utc, nullable=False),
    Column("lease", Integer, nullable=False),
    Column("lease_until", Utc),
    Column("again_at", Utc),  # asked for while it ran: from when on it is to be done once more
    Column("reason", AnyText, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
    UniqueConstraint("kind", "target_digest"),
    Index("ix_task_turn", "state", "kind", "lane", "created_at", "id"),
    sqlite_autoincrement=True,  # a worker that lost its lease must not meet its id again
)

# ------------------------------------------------------------------------------------------------- what was decided

cases = Table(
    "cases",
    metadata,
    _id("number"),
    Column("state", Text),  # null: open while anything waits, else closed
    Column("opened_at", Utc, nullable=False),
    sqlite_autoincrement=True,  # humans write these numbers down
)

case_file = Table(
    "case_file",
    metadata,
    _to("file.id", primary_key=True),
    _to("cases.number"),
    Column("joined_at", Utc, nullable=False),
)

verdict = Table(
    "verdict",
    metadata,
    _id(),
    _to("cases.number"),
    _to("file.id", index=False),
    Column("rule_id", AnyText, nullable=False),
    Column("rule_digest", Text, nullable=False),
    Column("because_digest", Text, nullable=False),
    Column("exact", Boolean, nullable=False),
    Column("because", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("scan_id", Id),  # the scan that it rests on
    UniqueConstraint("file_id", "rule_digest", "because_digest"),
    Index("ix_verdict_rule_at", "rule_id", "at"),
)

intent = Table(
    "intent",
    metadata,
    _id(),
    _to("cases.number", index=False),
    _to("verdict.id"),
    Column("kind", Text, nullable=False),
    Column("target_digest", Text, nullable=False),
    Column("account_digest", Text),  # whom it concerns, by the digest of the account's ActivityPub id
    Column("community_digest", Text),  # where it is felt
    Column("payload", Text, nullable=False),
    Column("planned", Text, nullable=False),  # what the guard said first, in words
    Column("state", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("detail", AnyText, nullable=False),
    Column("approved_by", AnyText),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Utc),
    Column("turn", Integer, nullable=False),  # grows with every decision
    Column("created_at", Utc, nullable=False),
    Column("allowed_at", Utc),
    Column("held_at", Utc),
    Column("done_at", Utc),
    UniqueConstraint("case_number", "kind", "target_digest"),
    Index("ix_intent_turn", "case_number", "state", "kind", "id"),
    Index("ix_intent_state_kind", "state", "kind", "id"),
    Index("ix_intent_kind_target", "kind", "target_digest"),
    Index("ix_intent_kind_allowed", "kind", "allowed_at"),
    Index("ix_intent_account", "account_digest", "kind", "allowed_at"),
    Index("ix_intent_community", "community_digest", "kind", "allowed_at"),
)

also_named = Table(
    "also_named",  # posts that a report names beside the one that is its target
    metadata,
    _to("cases.number", index=False),
    Column("target_digest", Text, nullable=False),
    _to("intent.id"),
    UniqueConstraint("case_number", "target_digest"),
    Index("ix_also_named_target", "target_digest"),
)

attempt = Table(
    "attempt",
    metadata,
    _id(),
    _to("intent.id"),
    Column("reverting", Boolean, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("before", Text, nullable=False),
)

outcome = Table(
    "outcome",
    metadata,
    _to("attempt.id", primary_key=True),
    Column("payload", Text, nullable=False),
    Column("at", Utc, nullable=False),
)

decision = Table(
    "decision",
    metadata,
    _id(),
    _to("cases.number"),
    _to("intent.id", nullable=True, index=False),
    Column("at", Utc, nullable=False),
    Column("who", AnyText, nullable=False),
    Column("what", Text, nullable=False),
    Column("note", AnyText, nullable=False),
)

rule_text = Table(
    "rule_text",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("rule_id", AnyText, nullable=False),
    Column("text", AnyText, nullable=False),  # the rule as it was when a verdict named this digest
    Column("since", Utc, nullable=False),
)

message = Table(
    "message",
    metadata,
    _id(),
    Column("channel", Text, nullable=False),  # who carries it: the id of a notifier
    Column("key_digest", Text, nullable=False),  # of what makes two messages the same
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("not_before", Utc, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", Utc),
    Column("trouble", AnyText, nullable=False),
    UniqueConstraint("channel", "key_digest"),
    Index("ix_message_turn", "sent_at", "not_before"),
)

# ---------------------------------------------------------------------------------------------- what proves all this

audit = Table(
    "audit",
    metadata,
    Column("n", Id, primary_key=True, autoincrement=False),  # without a gap, from 1
    Column("at", Utc, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False, index=True),  # what it is about: ``intent/34``; names nobody
    Column("payload_digest", Text, nullable=False),
    Column("previous", Text, nullable=False),  # digest of the entry before
    Column("digest", Text, nullable=False),
)

audit_payload = Table(
    "audit_payload",
    metadata,
    Column("n", Id, ForeignKey("audit.n"), primary_key=True, autoincrement=False),
    Column("salt", Text, nullable=False),  # goes with what it salts, so that nobody guesses what an erased text was
    Column("text", AnyText),  # null: the payload is the row that ``ref`` names
)

erasure = Table(
    "erasure",
    metadata,
    _id(),
    Column("case_number", Id, ForeignKey("cases.number"), index=True),
    Column("at", Utc, nullable=False),
    Column("who", AnyText, nullable=False),
    Column("scope", Text, nullable=False),  # case, account, unflagged, uploads, messages
    Column("what", Text, nullable=False),  # how much of what, in numbers
    Column("entries", Text, nullable=False),  # whose payloads are gone: ranges of ``audit.n``
)

# ------------------------------------------------------------------------------------------------- who acts; lists

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", AnyText),  # null: given back
    Column("fence", Integer, nullable=False),
    Column("renewed_at", Utc, nullable=False),
    Column("expires", Utc, nullable=False),
)

flag = Table(
    "flag",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", AnyText, nullable=False),
)

counter = Table(
    "counter",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

list_entry = Table(
    "list_entry",
    metadata,
    _id(),
    Column("list_id", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("matched_by", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("note", AnyText, nullable=False),
    Column("case_number", Id),
    Column("added_at", Utc, nullable=False),
    UniqueConstraint("list_id", "matched_by", "digest"),
)
