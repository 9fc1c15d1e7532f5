"""Owe something to each of several records of one entity in a cluster.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the number of the record; what is owed so far is owed to the only one."""
    op.add_column(
        "owed",
        sa.Column(
            "slot",
            sa.Integer,
            nullable=False,
            server_default=sa.text("1"),
            comment="Of several records of the entity in the cluster: which one, in the order of their linking.",
        ),
        schema="talk",
    )
    op.drop_constraint("owed_pkey", "owed", schema="talk", type_="primary")
    op.create_primary_key("owed_pkey", "owed", ["division", "cluster_id", "entity", "slot"], schema="talk")
