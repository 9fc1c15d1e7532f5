"""Keep of clusters that were taken apart where they came from: lines go together again with their documents.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of what was taken apart before nothing is known."""
    comment = "The cluster that its records were in before they were unlinked."
    op.add_column("cluster", sa.Column("parted_from", sa.BigInteger, comment=comment), schema="talk")
    comment = "Entities of records unlinked from it, where rows ask about them."
    op.add_column("cluster", sa.Column("had", ARRAY(sa.Text), comment=comment), schema="talk")
