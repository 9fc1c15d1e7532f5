"""Create the ledger.

Revision: 0001, the first.
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP, UUID

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_EMPTY_OBJECT = sa.text("'{}'::jsonb")


def _text(name: str, comment: str | None = None, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null, comment=comment)


def _defaulted(name: str, default: str, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text(f"'{default}'"), comment=comment)


def _time(name: str, comment: str | None = None, *, null: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=null, comment=comment)


def _json(name: str, comment: str | None = None, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, JSONB, nullable=False, server_default=_EMPTY_OBJECT if empty else None, comment=comment)


def _identity(comment: str) -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment=comment)


def _division() -> sa.Column[str]:
    return _text("division", "Administration of Exact that the row belongs to.")


def upgrade() -> None:
    """Create all tables."""
    _create_record()
    _create_cursor_and_deletion()
    _create_run_and_token()
    _create_cluster_and_member()
    _create_base_and_golden()
    _create_match_key_and_proposal()
    _create_owed()
    _create_intent()
    _create_hold_and_conflict()
    _create_history()


def _create_record() -> None:
    op.create_table(
        "record",
        _division(),
        _text("entity", "Kind of record in a system, as exact.accounts."),
        _text("key", "The system's own key."),
        _text("document", "Of a line: key of its document.", null=True),
        sa.Column("position", sa.Integer, comment="Of a line: its place in the document."),
        _json("values", "Canonical property name to canonical text; a property without a value is left out."),
        _time("modified", "When the system says the record last changed.", null=True),
        _text("version", "What grows or differs with every change: row version or ETag.", null=True),
        _time("read_at"),
        _text("read_run", "Run that read this content."),
        sa.Column(
            "accounted",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="Whether a decision has been taken on this content.",
        ),
        _time("deleted_at", "When the record was found to be gone from its system.", null=True),
        sa.PrimaryKeyConstraint("division", "entity", "key", name="record_pkey"),
        schema="talk",
        comment="What each system held when it was last read, one row per record or line.",
    )
    op.create_index(
        "record_unaccounted_idx",
        "record",
        ["division", "entity"],
        schema="talk",
        postgresql_where=sa.text("not accounted"),
    )
    op.create_index("record_division_entity_document_idx", "record", ["division", "entity", "document"], schema="talk")


def _create_base_and_golden() -> None:
    op.create_table(
        "base",
        _division(),
        _text("entity"),
        _text("key"),
        _json("values", "Canonical property name to the text last accounted for."),
        _json("times", "Canonical property name to the time of that value, ISO 8601 with offset."),
        _json(
            "sent",
            "Canonical property name to the text we sent where the system kept another (rounded, shortened).",
            empty=True,
        ),
        _time("modified", null=True),
        _text("version", null=True),
        sa.PrimaryKeyConstraint("division", "entity", "key", name="base_pkey"),
        schema="talk",
        comment="What a record held when it was last accounted for; a difference from it is an edit.",
    )
    op.create_table(
        "golden",
        sa.Column(
            "cluster_id",
            sa.BigInteger,
            sa.ForeignKey("talk.cluster.id", name="golden_cluster_id_fkey"),
            primary_key=True,
            autoincrement=False,
        ),
        _division(),
        _text("subject"),
        _json("values", "Canonical property name to the agreed text."),
        _json("times", "Canonical property name to the time of the agreed value."),
        _json("winners", "Canonical property name to the entity and key whose value won."),
        _json("rules", "Canonical property name to the rule that decided."),
        _time("decided_at"),
        _text("decided_run"),
        schema="talk",
        comment="The agreed value per property of a cluster, with winner and rule.",
    )


def _create_cursor_and_deletion() -> None:
    op.create_table(
        "cursor",
        _division(),
        _text("feed", "Entity, or the deletions of a system."),
        _text("value", "Where the next read starts, in the system's own terms."),
        _time("updated_at"),
        _text("run"),
        sa.PrimaryKeyConstraint("division", "feed", name="cursor_pkey"),
        schema="talk",
        comment="How far each feed was read.",
    )
    op.create_table(
        "deletion",
        _division(),
        _text("system"),
        _text("entity"),
        _text("key"),
        _time("deleted_at", "When the system says the record was removed.", null=True),
        _time("seen_at"),
        _time("applied_at", "When the removal was accounted for.", null=True),
        sa.PrimaryKeyConstraint("division", "system", "entity", "key", name="deletion_pkey"),
        schema="talk",
        comment="Records that a system reports as removed.",
    )
    op.create_index(
        "deletion_unapplied_idx",
        "deletion",
        ["division", "system"],
        schema="talk",
        postgresql_where=sa.text("applied_at is null"),
    )


def _create_run_and_token() -> None:
    op.create_table(
        "run",
        _text("run_id"),
        _division(),
        _time("started_at"),
        _time("ended_at", null=True),
        _text("outcome", null=True),
        _json("summary", "Counts of what the run read, decided and wrote.", empty=True),
        sa.PrimaryKeyConstraint("division", "run_id", name="run_pkey"),
        schema="talk",
        comment="Syncs, one row per run and division.",
    )
    op.create_table(
        "token",
        _division(),
        _text("system"),
        sa.Column("secret", BYTEA, nullable=False, comment="Access and refresh token, encrypted."),
        _text("seed", "SHA-256 of the configured first refresh token that these tokens descend from."),
        _time("issued_at"),
        _time("expires_at"),
        sa.PrimaryKeyConstraint("division", "system", name="token_pkey"),
        schema="talk",
        comment="Current tokens of a system, encrypted with the installation's key.",
    )


def _create_cluster_and_member() -> None:
    op.create_table(
        "cluster",
        _identity("Number of the cluster; also in member, golden, owed, history."),
        _division(),
        _text("subject", "What the records are about: organisation, person, product, sales_document, sales_line."),
        sa.Column("document_id", sa.BigInteger, comment="Of a line: cluster of its document."),
        _time("created_at"),
        _text("created_run"),
        schema="talk",
        comment="Records of several entities that are the same thing, joined by links.",
    )
    op.create_index("cluster_document_id_idx", "cluster", ["document_id"], schema="talk")
    op.create_table(
        "member",
        _division(),
        _text("entity"),
        _text("key"),
        sa.Column(
            "cluster_id", sa.BigInteger, sa.ForeignKey("talk.cluster.id", name="member_cluster_id_fkey"), nullable=False
        ),
        _text("origin", "How the link came to be: a criterion, our own insert, or a person."),
        _time("linked_at"),
        _text("linked_run"),
        _time("deleted_at", "When the record was found to be gone; the link is kept for the answer why.", null=True),
        sa.PrimaryKeyConstraint("division", "entity", "key", name="member_pkey"),
        schema="talk",
        comment="Link of a record to its cluster.",
    )
    op.create_index("member_cluster_id_idx", "member", ["cluster_id"], schema="talk")


def _create_match_key_and_proposal() -> None:
    op.create_table(
        "match_key",
        _division(),
        _text("entity"),
        _text("key"),
        _text("flow"),
        sa.Column(
            "alternative", sa.Integer, nullable=False, comment="Which alternative of the merge criteria, from 0."
        ),
        _text("value", "The criterion's values in comparable form; equal values say that two records are the same."),
        sa.PrimaryKeyConstraint("division", "entity", "key", "flow", "alternative", name="match_key_pkey"),
        schema="talk",
        comment="Comparable values of the merge criteria of each record.",
    )
    op.create_index(
        "match_key_division_flow_alternative_value_idx",
        "match_key",
        ["division", "flow", "alternative", "value"],
        schema="talk",
    )
    op.create_table(
        "proposal",
        _division(),
        _text("flow"),
        _text("entity"),
        _text("key"),
        _text("other_entity"),
        _text("other_key"),
        _text("criterion", "Properties on which the two records are equal."),
        _text("run"),
        sa.PrimaryKeyConstraint("division", "flow", "entity", "key", "other_entity", "other_key", name="proposal_pkey"),
        schema="talk",
        comment="Links that merge criteria propose and that could not be made, for a person to decide.",
    )


def _create_owed() -> None:
    op.create_table(
        "owed",
        _division(),
        sa.Column("cluster_id", sa.BigInteger, nullable=False),
        _text("entity", "Entity that must still be written."),
        sa.Column(
            "operation",
            sa.Text,
            sa.CheckConstraint("operation in ('create', 'update')", name=op.f("owed_operation_check")),
            nullable=False,
        ),
        _text("key", "Record to update; empty for a create.", null=True),
        _json("values", "What is to be written, in canonical names and texts."),
        _json("expected", "What the record must still hold for the write to be right.", empty=True),
        sa.Column(
            "state",
            sa.Text,
            sa.CheckConstraint("state in ('owed', 'waiting', 'person', 'dead')", name=op.f("owed_state_check")),
            nullable=False,
            comment="owed: to be sent; waiting: for another record; person: to be entered by hand; dead: refused.",
        ),
        _defaulted("reason", "", "Why it waits, was refused, or is for a person."),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        _time("next_try", "Not before this time, after a passing fault.", null=True),
        _time("since"),
        _text("run"),
        sa.PrimaryKeyConstraint("division", "cluster_id", "entity", name="owed_pkey"),
        schema="talk",
        comment="Differences between a golden record and a member that must still be delivered.",
    )
    op.create_index("owed_division_entity_state_idx", "owed", ["division", "entity", "state"], schema="talk")


def _create_intent() -> None:
    op.create_table(
        "intent",
        sa.Column("id", UUID(as_uuid=True), primary_key=True),
        _division(),
        _text("entity"),
        sa.Column("cluster_id", sa.BigInteger, nullable=False),
        _json("values", "What is sent, in canonical names and texts: by it the record is found again after a crash."),
        _time("opened_at"),
        _text("run"),
        _time("closed_at", null=True),
        _text("outcome", "What became of the insert.", null=True),
        schema="talk",
        comment="Note written before an insert is sent, so that a crash cannot duplicate it.",
    )
    op.create_index(
        "intent_open_idx",
        "intent",
        ["division", "entity"],
        schema="talk",
        postgresql_where=sa.text("closed_at is null"),
    )


def _create_hold_and_conflict() -> None:
    op.create_table(
        "hold",
        _division(),
        _text("entity"),
        _text("key"),
        _text("kind", "What kind of reason: invalid, ambiguous, ..."),
        _defaulted("property", "", "Canonical property at fault; empty when the record as a whole is held."),
        _text("reason", "Sentence for a person."),
        _text("value", "The value at fault, as the system holds it.", null=True),
        _time("since"),
        _text("run"),
        sa.PrimaryKeyConstraint("division", "entity", "key", "kind", "property", name="hold_pkey"),
        schema="talk",
        comment="Records deliberately left alone, with the reason.",
    )
    op.create_table(
        "conflict",
        _identity("Number of the conflict."),
        _division(),
        _text("subject"),
        sa.Column("cluster_id", sa.BigInteger, nullable=False),
        _text("property", "Canonical property, or name of the group decided together."),
        _text("kind"),
        _json("claims", "The competing values, each with its record and time."),
        _time("since"),
        _text("run"),
        _time("resolved_at", null=True),
        _text("resolution", "How it ended.", null=True),
        schema="talk",
        comment="Different edits of one property that a person has to decide, open while resolved_at is null.",
    )
    op.create_index(
        "conflict_open_key",
        "conflict",
        ["cluster_id", "property", "kind"],
        schema="talk",
        unique=True,
        postgresql_where=sa.text("resolved_at is null"),
    )


def _create_history() -> None:
    op.create_table(
        "history",
        _identity("Grows in the order of storing."),
        _division(),
        _time("at"),
        _text("run"),
        _text("subject"),
        sa.Column("cluster_id", sa.BigInteger),
        sa.Column(
            "kind",
            sa.Text,
            sa.CheckConstraint("kind in ('decision', 'write', 'link')", name=op.f("history_kind_check")),
            nullable=False,
            comment="decision: a value was agreed; write: a system was written; link: a record was linked.",
        ),
        _text("entity", null=True),
        _text("key", null=True),
        _text("property", null=True),
        _text("before", null=True),
        _text("after", null=True),
        _text("winner", "Entity and key whose value won.", null=True),
        _text("loser", "Entity and key whose value was overwritten.", null=True),
        _text("loser_value", "The value that was overwritten.", null=True),
        _text("rule", "Rule that decided.", null=True),
        sa.Column("status", sa.Integer, comment="Of a write: HTTP status of the answer."),
        _json("detail", empty=True),
        schema="talk",
        comment="Why each value is what it is: every decision, write and link, with time and run.",
    )
    op.create_index("history_division_cluster_id_idx", "history", ["division", "cluster_id"], schema="talk")
    op.create_index("history_division_run_idx", "history", ["division", "run"], schema="talk")
    op.create_index("history_division_entity_key_idx", "history", ["division", "entity", "key"], schema="talk")
