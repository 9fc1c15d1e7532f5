"""The tables of the ledger, all in the schema `talk`; their comments are what a data team reads in SQL.

Columns named `values` are reached as `table.c["values"]`, because `.values` is a method of SQLAlchemy's collections.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, TIMESTAMP, UUID

SCHEMA = "talk"

metadata = sa.MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    },
)

_EMPTY_OBJECT = sa.text("'{}'::jsonb")


def _text(name: str, comment: str | None = None, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null, comment=comment)


def _defaulted(name: str, default: str, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text(f"'{default}'"), comment=comment)


def _time(name: str, comment: str | None = None, *, null: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=null, comment=comment)


def _json(name: str, comment: str | None = None, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, JSONB, nullable=False, server_default=_EMPTY_OBJECT if empty else None, comment=comment)


def _count(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"), comment=comment)


def _identity(comment: str) -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment=comment)


def _division() -> sa.Column[str]:
    return _text("division", "Administration of Exact that the row belongs to.")


record = sa.Table(
    "record",
    metadata,
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
    _time("written_at", "When we last wrote the record; empty again once it was read back.", null=True),
    _json("times", "Canonical property name to its own time of change, where the system tells one.", empty=True),
    _count("misses", "In how many whole reads in a row the record was not there."),
    sa.PrimaryKeyConstraint("division", "entity", "key"),
    comment="What each system held when it was last read, one row per record or line.",
)
sa.Index("record_unaccounted_idx", record.c.division, record.c.entity, postgresql_where=~record.c.accounted)
sa.Index(None, record.c.division, record.c.entity, record.c.document)

cluster = sa.Table(
    "cluster",
    metadata,
    _identity("Number of the cluster; also in member, golden, owed, history."),
    _division(),
    _text("subject", "What the records are about: organisation, person, product, sales_document, sales_line."),
    sa.Column("document_id", sa.BigInteger, index=True, comment="Of a line: cluster of its document."),
    _time("created_at"),
    _text("created_run"),
    comment="Records of several entities that are the same thing, joined by links.",
)

member = sa.Table(
    "member",
    metadata,
    _division(),
    _text("entity"),
    _text("key"),
    sa.Column("cluster_id", sa.BigInteger, sa.ForeignKey("talk.cluster.id"), nullable=False, index=True),
    _text("origin", "How the link came to be: a criterion, our own insert, or a person."),
    _time("linked_at"),
    _text("linked_run"),
    _time("deleted_at", "When the record was found to be gone; the link is kept for the answer why.", null=True),
    sa.PrimaryKeyConstraint("division", "entity", "key"),
    comment="Link of a record to its cluster.",
)

base = sa.Table(
    "base",
    metadata,
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
    sa.PrimaryKeyConstraint("division", "entity", "key"),
    comment="What a record held when it was last accounted for; a difference from it is an edit.",
)

golden = sa.Table(
    "golden",
    metadata,
    sa.Column("cluster_id", sa.BigInteger, sa.ForeignKey("talk.cluster.id"), primary_key=True, autoincrement=False),
    _division(),
    _text("subject"),
    _json("values", "Canonical property name to the agreed text."),
    _json("times", "Canonical property name to the time of the agreed value."),
    _json("winners", "Canonical property name to the entity and key whose value won."),
    _json("rules", "Canonical property name to the rule that decided."),
    _time("decided_at"),
    _text("decided_run"),
    _json(
        "first",
        "When and in which run the cluster was first decided, and when each of its records had been read.",
        empty=True,
    ),
    comment="The agreed value per property of a cluster, with winner and rule.",
)

owed = sa.Table(
    "owed",
    metadata,
    _division(),
    sa.Column("cluster_id", sa.BigInteger, nullable=False),
    _text("entity", "Entity that must still be written."),
    sa.Column(
        "operation",
        sa.Text,
        sa.CheckConstraint("operation in ('create', 'update', 'delete')", name="operation"),
        nullable=False,
    ),
    _text("key", "Record to update; empty for a create.", null=True),
    _json("values", "What is to be written, in canonical names and texts."),
    _json("expected", "What the record must still hold for the write to be right.", empty=True),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint("state in ('owed', 'waiting', 'person', 'dead')", name="state"),
        nullable=False,
        comment="owed: to be sent; waiting: for another record; person: to be entered by hand; dead: refused.",
    ),
    _defaulted("reason", "", "Why it waits, was refused, or is for a person."),
    _count("attempts"),
    _time("next_try", "Not before this time, after a passing fault.", null=True),
    _time("since"),
    _text("run"),
    sa.Column(
        "slot",
        sa.Integer,
        nullable=False,
        server_default=sa.text("1"),
        comment="Of several records of the entity in the cluster: which one, in the order of their linking.",
    ),
    sa.PrimaryKeyConstraint("division", "cluster_id", "entity", "slot"),
    comment="Differences between a golden record and a member that must still be delivered.",
)
sa.Index(None, owed.c.division, owed.c.entity, owed.c.state)

intent = sa.Table(
    "intent",
    metadata,
    sa.Column("id", UUID(as_uuid=True), primary_key=True),
    _division(),
    _text("entity"),
    sa.Column("cluster_id", sa.BigInteger, nullable=False),
    _json("values", "What is sent, in canonical names and texts: by it the record is found again after a crash."),
    _time("opened_at"),
    _text("run"),
    _time("closed_at", null=True),
    _text("outcome", "What became of the write.", null=True),
    _text("key", "The record that an update was sent to; empty for an insert.", null=True),
    comment="Note written before a write is sent, so that a crash can neither duplicate it nor lose sight of it.",
)
sa.Index("intent_open_idx", intent.c.division, intent.c.entity, postgresql_where=intent.c.closed_at.is_(None))

hold = sa.Table(
    "hold",
    metadata,
    _division(),
    _text("entity"),
    _text("key"),
    _text("kind", "What kind of reason: invalid, ambiguous, ..."),
    _defaulted("property", "", "Canonical property at fault; empty when the record as a whole is held."),
    _text("reason", "Sentence for a person."),
    _text("value", "The value at fault, as the system holds it.", null=True),
    _time("since"),
    _text("run"),
    sa.PrimaryKeyConstraint("division", "entity", "key", "kind", "property"),
    comment="Records deliberately left alone, with the reason.",
)

conflict = sa.Table(
    "conflict",
    metadata,
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
    comment="Different edits of one property that a person has to decide, open while resolved_at is null.",
)
sa.Index(
    "conflict_open_key",
    conflict.c.cluster_id,
    conflict.c.property,
    conflict.c.kind,
    unique=True,
    postgresql_where=conflict.c.resolved_at.is_(None),
)

history = sa.Table(
    "history",
    metadata,
    _identity("Grows in the order of storing."),
    _division(),
    _time("at"),
    _text("run"),
    _text("subject"),
    sa.Column("cluster_id", sa.BigInteger),
    sa.Column(
        "kind",
        sa.Text,
        sa.CheckConstraint("kind in ('decision', 'write', 'link', 'skip', 'person')", name="kind"),
        nullable=False,
        comment="decision: a value was agreed; write: a system was written; link: a record was linked; skip: a write "
        "was deliberately left out; person: somebody gave an order.",
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
    comment="Why each value is what it is: every decision, write and link, with time and run.",
)
sa.Index(None, history.c.division, history.c.cluster_id)
sa.Index(None, history.c.division, history.c.run)
sa.Index(None, history.c.division, history.c.entity, history.c.key)

cursor = sa.Table(
    "cursor",
    metadata,
    _division(),
    _text("feed", "Entity, or the deletions of a system."),
    _text("value", "Where the next read starts, in the system's own terms."),
    _time("updated_at"),
    _text("run"),
    sa.PrimaryKeyConstraint("division", "feed"),
    comment="How far each feed was read.",
)

token = sa.Table(
    "token",
    metadata,
    _text("login", "Site and app registration that a person logged in with; all divisions of it share the tokens."),
    _text("system"),
    sa.Column("secret", BYTEA, nullable=False, comment="Access and refresh token, encrypted."),
    sa.Column(
        "seeds",
        ARRAY(sa.Text),
        nullable=False,
        comment="SHA-256 of each configured refresh token that is spent, the latest last.",
    ),
    _time("issued_at"),
    _time("expires_at"),
    sa.PrimaryKeyConstraint("login", "system"),
    comment="Current tokens of a login, encrypted with the installation's key.",
)

match_key = sa.Table(
    "match_key",
    metadata,
    _division(),
    _text("entity"),
    _text("key"),
    _text("flow"),
    sa.Column("alternative", sa.Integer, nullable=False, comment="Which alternative of the merge criteria, from 0."),
    _text("value", "The criterion's values in comparable form; equal values say that two records are the same."),
    sa.PrimaryKeyConstraint("division", "entity", "key", "flow", "alternative"),
    comment="Comparable values of the merge criteria of each record.",
)
sa.Index(None, match_key.c.division, match_key.c.flow, match_key.c.alternative, match_key.c.value)

proposal = sa.Table(
    "proposal",
    metadata,
    _division(),
    _text("flow"),
    _text("entity"),
    _text("key"),
    _text("other_entity"),
    _text("other_key"),
    _text("criterion", "Properties on which the two records are equal."),
    _text("run"),
    sa.PrimaryKeyConstraint("division", "flow", "entity", "key", "other_entity", "other_key"),
    comment="Links that merge criteria propose and that could not be made, for a person to decide.",
)

block = sa.Table(
    "block",
    metadata,
    _division(),
    _text("entity", "Of the two records the one whose name sorts first."),
    _text("key"),
    _text("other_entity"),
    _text("other_key"),
    _time("at"),
    _text("who", "Person who said so."),
    sa.PrimaryKeyConstraint("division", "entity", "key", "other_entity", "other_key"),
    comment="Pairs of records that are never to be linked, because a person said so.",
)

guard = sa.Table(
    "guard",
    metadata,
    _division(),
    _text("entity", "Entity whose step it stopped."),
    _text("kind", "volume, missing or empty."),
    _text("reason", "What was seen, against which limit."),
    sa.Column("seen", sa.BigInteger, nullable=False, comment="How many records or writes."),
    _time("tripped_at"),
    _text("run"),
    _time("accepted_at", "When a person let it pass; then it is used once.", null=True),
    _text("accepted_by", null=True),
    sa.PrimaryKeyConstraint("division", "entity", "kind"),
    comment="Guards that tripped: what they stopped waits until a person accepts it.",
)

deletion = sa.Table(
    "deletion",
    metadata,
    _division(),
    _text("system"),
    _text("entity"),
    _text("key"),
    _time("deleted_at", "When the system says the record was removed.", null=True),
    _time("seen_at"),
    _time("applied_at", "When the removal was accounted for.", null=True),
    sa.PrimaryKeyConstraint("division", "system", "entity", "key"),
    comment="Records that a system reports as removed.",
)
sa.Index(
    "deletion_unapplied_idx", deletion.c.division, deletion.c.system, postgresql_where=deletion.c.applied_at.is_(None)
)

run = sa.Table(
    "run",
    metadata,
    _text("run_id"),
    _division(),
    _time("started_at"),
    _time("ended_at", null=True),
    _text("outcome", null=True),
    _json("summary", "Counts of what the run read, decided and wrote.", empty=True),
    sa.PrimaryKeyConstraint("division", "run_id"),
    comment="Syncs, one row per run and division.",
)
