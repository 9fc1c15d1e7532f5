"""Keep what Exact tells of changes.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "notification",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Number, in the order of arrival."),
        sa.Column("division", sa.Text, nullable=False, comment="Administration of Exact that the row belongs to."),
        sa.Column("topic", sa.Text, nullable=False, comment="What kind of record changed, as Accounts."),
        sa.Column("action", sa.Text, nullable=False, comment="Create, Update or Delete."),
        sa.Column("key", sa.Text, nullable=False, comment="The record's key."),
        sa.Column("told_at", sa.Text, nullable=False, comment="When Exact made it, in its words."),
        sa.Column("mark", sa.Text, nullable=False, comment="SHA-256 of what was signed."),
        sa.Column("received_at", TIMESTAMP(timezone=True), nullable=False, comment="When it came."),
        sa.UniqueConstraint("division", "mark", name="notification_division_mark_key"),
        schema="talk",
        comment="What Exact told of changes, each notification once.",
    )
    op.create_index(None, "notification", ["division", "received_at"], schema="talk")
