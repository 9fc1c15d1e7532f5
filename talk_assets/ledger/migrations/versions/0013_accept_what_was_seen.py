"""Keep which records a guard saw gone: what a person accepts is about these.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was accepted before goes by its number."""
    comment = "Of the records that are gone: what is accepted is about these."
    op.add_column("guard", sa.Column("keys", ARRAY(sa.Text), comment=comment), schema="talk")
