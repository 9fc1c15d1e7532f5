"""The tables of the ledger, all in the schema `talk`; their comments are what a data team reads in SQL.

Columns named `values` are reached as `table.c["values"]`, because `.values` is a method of SQLAlchemy's collections.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, UUID

from talk_assets.ledger.columns import calls_of, count, defaulted, division, identity, json_object, moment, text
from talk_assets.ledger.requests import request as request
from talk_assets.ledger.schema import SCHEMA as SCHEMA
from talk_assets.ledger.schema import metadata as metadata

record = sa.Table(
    "record",
    metadata,
    division(),
    text("entity", "Kind of record in a system, as exact.accounts."),
    text("key", "The system's own key."),
    text("document", "Of a line: key of its document.", null=True),
    sa.Column("position", sa.Integer, comment="Of a line: its place in the document."),
    json_object("values", "Canonical property name to canonical text; a property without a value is left out."),
    moment("modified", "When the system says the record last changed.", null=True),
    text("version", "What grows or differs with every change: row version or ETag.", null=True),
    moment("read_at"),
    text("read_run", "Run that read this content."),
    sa.Column(
        "accounted",
        sa.Boolean,
        nullable=False,
        server_default=sa.text("false"),
        comment="Whether a decision has been taken on this content.",
    ),
    moment("deleted_at", "When the record was found to be gone from its system.", null=True),
    moment("written_at", "When we last wrote the record; empty again once it was read back.", null=True),
    json_object("times", "Canonical property name to its own time of change, where the system tells one.", empty=True),
    count("misses", "In how many whole reads in a row the record was not there."),
    sa.PrimaryKeyConstraint("division", "entity", "key"),
    comment="What each system held when it was last read, one row per record or line.",
)
sa.Index("record_unaccounted_idx", record.c.division, record.c.entity, postgresql_where=~record.c.accounted)
sa.Index(None, record.c.division, record.c.entity, record.c.document)

cluster = sa.Table(
    "cluster",
    metadata,
    identity("Number of the cluster; also in member, golden, owed, history."),
    division(),
    text("subject", "What the records are about: organisation, person, product, sales_document, sales_line."),
    sa.Column("document_id", sa.BigInteger, index=True, comment="Of a line: cluster of its document."),
    sa.Column("parted_from", sa.BigInteger, comment="The cluster that its records were in before they were unlinked."),
    sa.Column("had", ARRAY(sa.Text), comment="Entities of records unlinked from it, where rows ask about them."),
    moment("created_at"),
    text("created_run"),
    comment="Records of several entities that are the same thing, joined by links.",
)

member = sa.Table(
    "member",
    metadata,
    division(),
    text("entity"),
    text("key"),
    sa.Column("cluster_id", sa.BigInteger, sa.ForeignKey("talk.cluster.id"), nullable=False, index=True),
    text("origin", "How the link came to be: a criterion, our own insert, or a person."),
    moment("linked_at"),
    text("linked_run"),
    moment("deleted_at", "When the record was found to be gone; the link is kept for the answer why.", null=True),
    sa.PrimaryKeyConstraint("division", "entity", "key"),
    comment="Link of a record to its cluster.",
)

base = sa.Table(
    "base",
    metadata,
    division(),
    text("entity"),
    text("key"),
    json_object("values", "Canonical property name to the text last accounted for."),
    json_object("times", "Canonical property name to the time of that value, ISO 8601 with offset."),
    json_object(
        "sent",
        "Canonical property name to the text we sent where the system kept another (rounded, shortened).",
        empty=True,
    ),
    moment("modified", null=True),
    text("version", null=True),
    sa.PrimaryKeyConstraint("division", "entity", "key"),
    comment="What a record held when it was last accounted for; a difference from it is an edit.",
)

golden = sa.Table(
    "golden",
    metadata,
    sa.Column("cluster_id", sa.BigInteger, sa.ForeignKey("talk.cluster.id"), primary_key=True, autoincrement=False),
    division(),
    text("subject"),
    json_object("values", "Canonical property name to the agreed text."),
    json_object("times", "Canonical property name to the time of the agreed value."),
    json_object("winners", "Canonical property name to the entity and key whose value won."),
    json_object("rules", "Canonical property name to the rule that decided."),
    moment("decided_at"),
    text("decided_run"),
    json_object(
        "first",
        "When and in which run the cluster was first decided, and when each of its records had been read.",
        empty=True,
    ),
    comment="The agreed value per property of a cluster, with winner and rule.",
)

owed = sa.Table(
    "owed",
    metadata,
    division(),
    sa.Column("cluster_id", sa.BigInteger, nullable=False),
    text("entity", "Entity that must still be written."),
    sa.Column(
        "operation",
        sa.Text,
        sa.CheckConstraint("operation in ('create', 'update', 'delete')", name="operation"),
        nullable=False,
    ),
    text("key", "Record to update; empty for a create.", null=True),
    json_object("values", "What is to be written, in canonical names and texts."),
    json_object("expected", "What the record must still hold for the write to be right.", empty=True),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint("state in ('owed', 'waiting', 'person', 'dead')", name="state"),
        nullable=False,
        comment="owed: to be sent; waiting: for another record; person: to be entered by hand; dead: refused.",
    ),
    defaulted("reason", "", "Why it waits, was refused, or is for a person."),
    count("attempts"),
    moment("next_try", "Not before this time, after a passing fault.", null=True),
    moment("since"),
    text("run"),
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
    division(),
    text("entity"),
    sa.Column("cluster_id", sa.BigInteger, nullable=False),
    json_object("values", "What is sent, in canonical names and texts: by it the record is found again after a crash."),
    moment("opened_at"),
    text("run"),
    moment("closed_at", null=True),
    text("outcome", "What became of the write.", null=True),
    text("key", "The record that an update was sent to; empty for an insert.", null=True),
    comment="Note written before a write is sent, so that a crash can neither duplicate it nor lose sight of it.",
)
sa.Index("intent_open_idx", intent.c.division, intent.c.entity, postgresql_where=intent.c.closed_at.is_(None))

hold = sa.Table(
    "hold",
    metadata,
    division(),
    text("entity"),
    text("key"),
    text("kind", "What kind of reason: invalid, ambiguous, ..."),
    defaulted("property", "", "Canonical property at fault; empty when the record as a whole is held."),
    text("reason", "Sentence for a person."),
    text("value", "The value at fault, as the system holds it.", null=True),
    moment("since"),
    text("run"),
    sa.PrimaryKeyConstraint("division", "entity", "key", "kind", "property"),
    comment="Records deliberately left alone, with the reason.",
)

conflict = sa.Table(
    "conflict",
    metadata,
    identity("Number of the conflict."),
    division(),
    text("subject"),
    sa.Column("cluster_id", sa.BigInteger, nullable=False),
    text("property", "Canonical property, or name of the group decided together."),
    text("kind"),
    json_object("claims", "The competing values, each with its record and time."),
    moment("since"),
    text("run"),
    moment("resolved_at", null=True),
    text("resolution", "How it ended.", null=True),
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
    identity("Grows in the order of storing."),
    division(),
    moment("at"),
    text("run"),
    text("subject"),
    sa.Column("cluster_id", sa.BigInteger),
    sa.Column(
        "kind",
        sa.Text,
        sa.CheckConstraint("kind in ('decision', 'write', 'link', 'skip', 'person')", name="kind"),
        nullable=False,
        comment="decision: a value was agreed; write: a system was written; link: a record was linked; skip: a write "
        "was deliberately left out; person: somebody gave an order.",
    ),
    text("entity", null=True),
    text("key", null=True),
    text("property", null=True),
    text("before", null=True),
    text("after", null=True),
    text("winner", "Entity and key whose value won.", null=True),
    text("loser", "Entity and key whose value was overwritten.", null=True),
    text("loser_value", "The value that was overwritten.", null=True),
    text("rule", "Rule that decided.", null=True),
    sa.Column("status", sa.Integer, comment="Of a write: HTTP status of the answer."),
    json_object("detail", empty=True),
    comment="Why each value is what it is: every decision, write and link, with time and run.",
)
sa.Index(None, history.c.division, history.c.cluster_id)
sa.Index(None, history.c.division, history.c.run)
sa.Index(None, history.c.division, history.c.entity, history.c.key)
sa.Index("history_person_idx", history.c.division, history.c.id, postgresql_where=history.c.kind == "person")
sa.Index(None, history.c.at, postgresql_using="brin")

cursor = sa.Table(
    "cursor",
    metadata,
    division(),
    text("feed", "Entity, or the deletions of a system."),
    text("value", "Where the next read starts, in the system's own terms."),
    moment("updated_at"),
    text("run"),
    sa.PrimaryKeyConstraint("division", "feed"),
    comment="How far each feed was read.",
)

token = sa.Table(
    "token",
    metadata,
    text("login", "Site and app registration that a person logged in with; all divisions of it share the tokens."),
    text("system"),
    sa.Column("secret", BYTEA, nullable=False, comment="Access and refresh token, encrypted."),
    sa.Column(
        "seeds",
        ARRAY(sa.Text),
        nullable=False,
        comment="SHA-256 of each configured refresh token that is spent, the latest last.",
    ),
    moment("issued_at"),
    moment("expires_at"),
    sa.PrimaryKeyConstraint("login", "system"),
    comment="Current tokens of a login, encrypted with the installation's key.",
)

call_budget = sa.Table(
    "call_budget",
    metadata,
    division(),
    *calls_of("minute"),
    *calls_of("day"),
    moment("polled_at", "When Exact was last read for news.", null=True),
    sa.PrimaryKeyConstraint("division"),
    comment="What Exact's limits of calls leave, as its last answer said, less what is under way.",
)

match_key = sa.Table(
    "match_key",
    metadata,
    division(),
    text("entity"),
    text("key"),
    text("flow"),
    sa.Column("alternative", sa.Integer, nullable=False, comment="Which alternative of the merge criteria, from 0."),
    text("value", "The criterion's values in comparable form; equal values say that two records are the same."),
    sa.PrimaryKeyConstraint("division", "entity", "key", "flow", "alternative"),
    comment="Comparable values of the merge criteria of each record.",
)
sa.Index(None, match_key.c.division, match_key.c.flow, match_key.c.alternative, match_key.c.value)

proposal = sa.Table(
    "proposal",
    metadata,
    division(),
    text("flow"),
    text("entity"),
    text("key"),
    text("other_entity"),
    text("other_key"),
    text("criterion", "Properties on which the two records are equal."),
    text("run"),
    sa.PrimaryKeyConstraint("division", "flow", "entity", "key", "other_entity", "other_key"),
    comment="Links that merge criteria propose and that could not be made, for a person to decide.",
)

block = sa.Table(
    "block",
    metadata,
    division(),
    text("entity", "Of the two records the one whose name sorts first."),
    text("key"),
    text("other_entity"),
    text("other_key"),
    moment("at"),
    text("who", "Person who said so."),
    sa.PrimaryKeyConstraint("division", "entity", "key", "other_entity", "other_key"),
    comment="Pairs of records that are never to be linked, because a person said so.",
)

guard = sa.Table(
    "guard",
    metadata,
    division(),
    text("entity", "Entity whose step it stopped."),
    text("kind", "volume, missing or empty."),
    text("reason", "What was seen, against which limit."),
    sa.Column("seen", sa.BigInteger, nullable=False, comment="How many records or writes."),
    sa.Column("keys", ARRAY(sa.Text), comment="Of the records that are gone: what is accepted is about these."),
    moment("tripped_at"),
    text("run"),
    moment("accepted_at", "When a person let it pass; then it is used once.", null=True),
    text("accepted_by", null=True),
    sa.PrimaryKeyConstraint("division", "entity", "kind"),
    comment="Guards that tripped: what they stopped waits until a person accepts it.",
)

deletion = sa.Table(
    "deletion",
    metadata,
    division(),
    text("system"),
    text("entity"),
    text("key"),
    moment("deleted_at", "When the system says the record was removed.", null=True),
    moment("seen_at"),
    moment("applied_at", "When the removal was accounted for.", null=True),
    sa.PrimaryKeyConstraint("division", "system", "entity", "key"),
    comment="Records that a system reports as removed.",
)
sa.Index(
    "deletion_unapplied_idx", deletion.c.division, deletion.c.system, postgresql_where=deletion.c.applied_at.is_(None)
)

notification = sa.Table(
    "notification",
    metadata,
    identity("Number, in the order of arrival."),
    division(),
    text("topic", "What kind of record changed, as Accounts."),
    text("action", "Create, Update or Delete."),
    text("key", "The record's key."),
    text("told_at", "When Exact made it, in its words."),
    text("mark", "SHA-256 of what was signed."),
    moment("received_at", "When it came."),
    moment("settled_at", "When what it tells was read, or known already.", null=True),
    sa.UniqueConstraint("division", "mark"),
    comment="What Exact told of changes, each notification once.",
)
sa.Index(None, notification.c.division, notification.c.received_at)
sa.Index("notification_open_idx", notification.c.division, postgresql_where=notification.c.settled_at.is_(None))

run = sa.Table(
    "run",
    metadata,
    text("run_id"),
    division(),
    moment("started_at"),
    moment("ended_at", null=True),
    text("outcome", null=True),
    json_object("summary", "Counts of what the run read, decided and wrote.", empty=True),
    sa.PrimaryKeyConstraint("division", "run_id"),
    comment="Syncs, one row per run and division.",
)
