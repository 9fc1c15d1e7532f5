"""Keep when a cluster was first decided, and when its records had been read.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it to the golden records; of those that are there it is not known any more."""
    op.add_column(
        "golden",
        sa.Column(
            "first",
            JSONB,
            nullable=False,
            server_default=sa.text("'{}'::jsonb"),
            comment="When and in which run the cluster was first decided, and when each of its records had been read.",
        ),
        schema="talk",
    )
