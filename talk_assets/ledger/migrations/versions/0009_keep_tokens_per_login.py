"""Keep tokens per login: a refresh token belongs to a user of an app registration on a site, not to a division.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give each token the name of its login, and the seeds that it descends from.

    Of a stored token only the division is known: it becomes `division 123`, until an installation of that division
    says by its settings which login that is (`talk_assets.ledger.tokens`).
    """
    # A process of the version before may hold a new token that it has not stored yet: it is let finish.
    op.execute(
        "select pg_advisory_xact_lock(hashtextextended("
        "'talk:the token of ' || system || ' for division ' || division, 0)) from talk.token"
    )
    op.add_column(
        "token",
        sa.Column(
            "login",
            sa.Text,
            comment="Site and app registration that a person logged in with; all divisions of it share the tokens.",
        ),
        schema="talk",
    )
    op.add_column(
        "token",
        sa.Column(
            "seeds",
            ARRAY(sa.Text),
            comment="SHA-256 of each configured refresh token that is spent, the latest last.",
        ),
        schema="talk",
    )
    op.execute("update talk.token set login = 'division ' || division, seeds = array[seed]")
    op.drop_constraint("token_pkey", "token", schema="talk", type_="primary")
    op.drop_column("token", "division", schema="talk")
    op.drop_column("token", "seed", schema="talk")
    op.alter_column("token", "login", existing_type=sa.Text(), nullable=False, schema="talk")
    op.alter_column("token", "seeds", existing_type=ARRAY(sa.Text()), nullable=False, schema="talk")
    op.create_primary_key("token_pkey", "token", ["login", "system"], schema="talk")
    op.create_table_comment(
        "token",
        "Current tokens of a login, encrypted with the installation's key.",
        existing_comment="Current tokens of a system, encrypted with the installation's key.",
        schema="talk",
    )
