"""Tell content that was read from content that was only sent.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the time of our last write to the records."""
    op.add_column(
        "record",
        sa.Column(
            "written_at",
            TIMESTAMP(timezone=True),
            nullable=True,
            comment="When we last wrote the record; empty again once it was read back.",
        ),
        schema="talk",
    )
