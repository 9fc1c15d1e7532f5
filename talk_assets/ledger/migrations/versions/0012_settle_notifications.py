"""Tell which notifications were acted upon, and find the latest order quickly.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the indexes; what came before is taken for settled, since every feed was read since."""
    op.add_column(
        "notification",
        sa.Column("settled_at", TIMESTAMP(timezone=True), comment="When what it tells was read, or known already."),
        schema="talk",
    )
    op.execute("update talk.notification set settled_at = received_at")
    op.create_index(
        "notification_open_idx",
        "notification",
        ["division"],
        schema="talk",
        postgresql_where=sa.text("settled_at is null"),
    )
    op.create_index(
        "history_person_idx", "history", ["division", "id"], schema="talk", postgresql_where=sa.text("kind = 'person'")
    )
