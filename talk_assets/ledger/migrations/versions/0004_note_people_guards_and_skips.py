"""Keep what people decide, which guards tripped, and what was deliberately not written.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables `block` and `guard`, times per property, missed reads, and the words of the new steps."""
    op.create_table(
        "block",
        sa.Column("division", sa.Text, nullable=False, comment="Administration of Exact that the row belongs to."),
        sa.Column("entity", sa.Text, nullable=False, comment="Of the two records the one whose name sorts first."),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("other_entity", sa.Text, nullable=False),
        sa.Column("other_key", sa.Text, nullable=False),
        sa.Column("at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("who", sa.Text, nullable=False, comment="Person who said so."),
        sa.PrimaryKeyConstraint("division", "entity", "key", "other_entity", "other_key", name=op.f("block_pkey")),
        schema="talk",
        comment="Pairs of records that are never to be linked, because a person said so.",
    )
    op.create_table(
        "guard",
        sa.Column("division", sa.Text, nullable=False, comment="Administration of Exact that the row belongs to."),
        sa.Column("entity", sa.Text, nullable=False, comment="Entity whose step it stopped."),
        sa.Column("kind", sa.Text, nullable=False, comment="volume, missing or empty."),
        sa.Column("reason", sa.Text, nullable=False, comment="What was seen, against which limit."),
        sa.Column("seen", sa.BigInteger, nullable=False, comment="How many records or writes."),
        sa.Column("tripped_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("accepted_at", TIMESTAMP(timezone=True), comment="When a person let it pass; then it is used once."),
        sa.Column("accepted_by", sa.Text),
        sa.PrimaryKeyConstraint("division", "entity", "kind", name=op.f("guard_pkey")),
        schema="talk",
        comment="Guards that tripped: what they stopped waits until a person accepts it.",
    )
    op.add_column(
        "record",
        sa.Column(
            "times",
            JSONB,
            nullable=False,
            server_default=sa.text("'{}'::jsonb"),
            comment="Canonical property name to its own time of change, where the system tells one.",
        ),
        schema="talk",
    )
    op.add_column(
        "record",
        sa.Column(
            "misses",
            sa.Integer,
            nullable=False,
            server_default=sa.text("0"),
            comment="In how many whole reads in a row the record was not there.",
        ),
        schema="talk",
    )
    op.drop_constraint(op.f("owed_operation_check"), "owed", schema="talk")
    op.create_check_constraint(
        op.f("owed_operation_check"), "owed", "operation in ('create', 'update', 'delete')", schema="talk"
    )
    op.drop_constraint(op.f("history_kind_check"), "history", schema="talk")
    op.create_check_constraint(
        op.f("history_kind_check"),
        "history",
        "kind in ('decision', 'write', 'link', 'skip', 'person')",
        schema="talk",
    )
    op.alter_column(
        "history",
        "kind",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment="decision: a value was agreed; write: a system was written; link: a record was linked; skip: a write "
        "was deliberately left out; person: somebody gave an order.",
        schema="talk",
    )
