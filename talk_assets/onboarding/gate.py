"""Until a person has seen what would be written and said yes, nothing is written to real systems."""

import sqlalchemy as sa

from talk_assets.ledger.database import Ledger
from talk_assets.ledger.notes import add_events
from talk_assets.ledger.tables import history

# The order's name in history.
CONFIRMED = "first sync confirmed"
_SUBJECT = "division"


def is_confirmed(ledger: Ledger, division: str) -> bool:
    """Whether somebody has confirmed the first sync of a division, or it was written to before that was asked."""
    told = sa.or_(history.c.kind == "write", sa.and_(history.c.kind == "person", history.c.rule == CONFIRMED))
    with ledger.begin() as connection:
        return bool(connection.execute(sa.select(sa.exists().where(history.c.division == division, told))).scalar_one())


def confirm(ledger: Ledger, division: str, run: str, who: str) -> None:
    """Keep that somebody confirmed the first sync, in which run; it is not asked again."""
    row = {"subject": _SUBJECT, "kind": "person", "rule": CONFIRMED, "detail": {"who": who}}
    with ledger.begin() as connection:
        add_events(connection, division, [row], run)
