"""Keep what Exact's limits of calls leave, for all processes of a division.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "call_budget",
        sa.Column("division", sa.Text, nullable=False, comment="Administration of Exact that the row belongs to."),
        sa.Column("minute_limit", sa.Integer, comment="Calls a minute in all, as Exact told last."),
        sa.Column("minute_left", sa.Integer, comment="Calls left until minute_reset."),
        sa.Column("minute_reset", TIMESTAMP(timezone=True), comment="When the calls of the minute are there again."),
        sa.Column("day_limit", sa.Integer, comment="Calls a day in all, as Exact told last."),
        sa.Column("day_left", sa.Integer, comment="Calls left until day_reset."),
        sa.Column("day_reset", TIMESTAMP(timezone=True), comment="When the calls of the day are there again."),
        sa.Column("polled_at", TIMESTAMP(timezone=True), comment="When Exact was last read for news."),
        sa.PrimaryKeyConstraint("division", name="call_budget_pkey"),
        schema="talk",
        comment="What Exact's limits of calls leave, as its last answer said, less what is under way.",
    )
