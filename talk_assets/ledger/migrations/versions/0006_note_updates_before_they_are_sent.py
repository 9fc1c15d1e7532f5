"""Note also updates before they are sent: what one of unknown outcome left in its target is no edit of a user.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the record that an update is sent to."""
    op.add_column(
        "intent",
        sa.Column("key", sa.Text, comment="The record that an update was sent to; empty for an insert."),
        schema="talk",
    )
    op.create_table_comment(
        "intent",
        "Note written before a write is sent, so that a crash can neither duplicate it nor lose sight of it.",
        existing_comment="Note written before an insert is sent, so that a crash cannot duplicate it.",
        schema="talk",
    )
    op.alter_column(
        "intent",
        "outcome",
        existing_type=sa.Text(),
        existing_nullable=True,
        comment="What became of the write.",
        existing_comment="What became of the insert.",
        schema="talk",
    )
