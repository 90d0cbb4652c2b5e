"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "cases",
        sa.Column("number", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_cases"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "counter",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_counter"),
    )
    op.create_table(
        "file",
        sa.Column("id", KEY, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scan_id", KEY, nullable=True),
        sa.Column("pixels", sa.Text(), nullable=True),
        sa.Column("readable", sa.Boolean(), nullable=False),
        sa.Column("matched", sa.Boolean(), nullable=False),
        sa.Column("merged_into", KEY, nullable=True),
        sa.ForeignKeyConstraint(["merged_into"], ["file.id"], name="fk_file_merged_into_file"),
        sa.PrimaryKeyConstraint("id", name="pk_file"),
        sa.UniqueConstraint("sha256", name="uq_file_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_file_pixels", "file", ["pixels"], unique=False)
    op.create_table(
        "flag",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_flag"),
    )
    op.create_table(
        "inbox",
        sa.Column("id", KEY, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inbox_source_id", "inbox", ["source", "id"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    op.create_table(
        "list_entry",
        sa.Column("id", KEY, nullable=False),
        sa.Column("list_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("matched_by", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("case_number", KEY, nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_list_entry"),
        sa.UniqueConstraint("list_id", "matched_by", "digest", name="uq_list_entry_list_id"),
    )
    op.create_table(
        "source_cursor",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_source_cursor"),
    )
    op.create_table(
        "task",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("target_digest", sa.Text(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task"),
        sa.UniqueConstraint("kind", "target_digest", name="uq_task_kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_task_turn", "task", ["state", "kind", "lane", "created_at", "id"], unique=False)
    op.create_table(
        "case_file",
        sa.Column("file_id", KEY, nullable=False),
        sa.Column("case_number", KEY, nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_number"], ["cases.number"], name="fk_case_file_case_number_cases"),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name="fk_case_file_file_id_file"),
        sa.PrimaryKeyConstraint("file_id", name="pk_case_file"),
    )
    op.create_index("ix_case_file_case_number", "case_file", ["case_number"], unique=False)
    op.create_table(
        "name",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key_digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("value_digest", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("file_id", KEY, nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("backlog", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name="fk_name_file_id_file"),
        sa.PrimaryKeyConstraint("id", name="pk_name"),
        sa.UniqueConstraint("key_digest", name="uq_name_key_digest"),
    )
    op.create_index("ix_name_file_id", "name", ["file_id"], unique=False)
    op.create_index("ix_name_value_digest", "name", ["value_digest"], unique=False)
    op.create_table(
        "scan",
        sa.Column("id", KEY, nullable=False),
        sa.Column("file_id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name="fk_scan_file_id_file"),
        sa.PrimaryKeyConstraint("id", name="pk_scan"),
    )
    op.create_index("ix_scan_file_id", "scan", ["file_id"], unique=False)
    op.create_table(
        "verdict",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_number", KEY, nullable=False),
        sa.Column("file_id", KEY, nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("rule_digest", sa.Text(), nullable=False),
        sa.Column("because_digest", sa.Text(), nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_number"], ["cases.number"], name="fk_verdict_case_number_cases"),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name="fk_verdict_file_id_file"),
        sa.PrimaryKeyConstraint("id", name="pk_verdict"),
        sa.UniqueConstraint("file_id", "rule_digest", "because_digest", name="uq_verdict_file_id"),
    )
    op.create_index("ix_verdict_case_number", "verdict", ["case_number"], unique=False)
    op.create_table(
        "intent",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_number", KEY, nullable=False),
        sa.Column("verdict_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target_digest", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("planned", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allowed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_number"], ["cases.number"], name="fk_intent_case_number_cases"),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdict.id"], name="fk_intent_verdict_id_verdict"),
        sa.PrimaryKeyConstraint("id", name="pk_intent"),
        sa.UniqueConstraint("case_number", "kind", "target_digest", name="uq_intent_case_number"),
    )
    op.create_index("ix_intent_kind_allowed", "intent", ["kind", "allowed_at"], unique=False)
    op.create_index("ix_intent_kind_target", "intent", ["kind", "target_digest"], unique=False)
    op.create_index("ix_intent_state", "intent", ["state"], unique=False)
    op.create_index("ix_intent_verdict_id", "intent", ["verdict_id"], unique=False)
    op.create_table(
        "name_observation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name_id", KEY, nullable=False),
        sa.Column("file_id", KEY, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name="fk_name_observation_file_id_file"),
        sa.ForeignKeyConstraint(["name_id"], ["name.id"], name="fk_name_observation_name_id_name"),
        sa.PrimaryKeyConstraint("id", name="pk_name_observation"),
    )
    op.create_index("ix_name_observation_file_id", "name_observation", ["file_id"], unique=False)
    op.create_index("ix_name_observation_name_id", "name_observation", ["name_id"], unique=False)
    op.create_table(
        "sighting",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name_id", KEY, nullable=False),
        sa.Column("subject_digest", sa.Text(), nullable=False),
        sa.Column("url_digest", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["name_id"], ["name.id"], name="fk_sighting_name_id_name"),
        sa.PrimaryKeyConstraint("id", name="pk_sighting"),
        sa.UniqueConstraint("subject_digest", "url_digest", "role", name="uq_sighting_subject_digest"),
    )
    op.create_index("ix_sighting_name_id", "sighting", ["name_id"], unique=False)
    op.create_table(
        "upload",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name_id", KEY, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["name_id"], ["name.id"], name="fk_upload_name_id_name"),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
        sa.UniqueConstraint("name_id", name="uq_upload_name_id"),
    )
    op.create_table(
        "attempt",
        sa.Column("id", KEY, nullable=False),
        sa.Column("intent_id", KEY, nullable=False),
        sa.Column("reverting", sa.Boolean(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name="fk_attempt_intent_id_intent"),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
    )
    op.create_index("ix_attempt_intent_id", "attempt", ["intent_id"], unique=False)
    op.create_table(
        "decision",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_number", KEY, nullable=False),
        sa.Column("intent_id", KEY, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_number"], ["cases.number"], name="fk_decision_case_number_cases"),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name="fk_decision_intent_id_intent"),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
    )
    op.create_index("ix_decision_case_number", "decision", ["case_number"], unique=False)
    op.create_table(
        "outcome",
        sa.Column("attempt_id", KEY, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name="fk_outcome_attempt_id_attempt"),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_outcome"),
    )


def downgrade() -> None:
    """Take them away."""
    for table in (
        "outcome",
        "decision",
        "attempt",
        "upload",
        "sighting",
        "name_observation",
        "intent",
        "verdict",
        "scan",
        "name",
        "case_file",
        "task",
        "source_cursor",
        "list_entry",
        "lease",
        "inbox",
        "flag",
        "file",
        "counter",
        "cases",
    ):
        op.drop_table(table)
