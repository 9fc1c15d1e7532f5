"""Whether a system counts its changes anew, so that what was read of it has to be read from the beginning.

Exact says that a division was moved, which happens on its own nights (Exact reference, Sync API). Row versions then
begin anew: cursors would pass over every change, and what is read would seem older than what is known.
"""

import logging
from datetime import datetime, timedelta

from talk_assets.cycle.context import Cycle
from talk_assets.errors import AccessDenied, SystemFault
from talk_assets.ledger.cursors import forget_cursors, read_cursor, store_cursor
from talk_assets.ledger.records import forget_versions

logger = logging.getLogger(__name__)

# The question costs a call.
_ASKED_EVERY = timedelta(hours=1)


def heed_generations(cycle: Cycle, now: datetime) -> None:
    """Have the systems read from the beginning whose generation is not the one that was known; asked once an hour.

    A system that does not answer is asked again in the next run; one that refuses, in an hour: refusals are counted.
    """
    for name in cycle.systems:
        feed = f"generation.{name}"
        with cycle.ledger.begin() as connection:
            stored = read_cursor(connection, cycle.division, feed)
        asked, _, known = (stored or "").partition(" ")
        if asked and now - datetime.fromisoformat(asked) < _ASKED_EVERY:
            continue
        try:
            generation = cycle.systems[name].generation() or known
        except AccessDenied as error:
            logger.warning("%s", error)
            generation = known
        except SystemFault as error:
            logger.warning("%s", error)
            continue
        if known and generation != known:
            _begin_again(cycle, name)
        with cycle.ledger.begin() as connection:
            store_cursor(connection, cycle.division, feed, f"{now.isoformat()} {generation}", cycle.run_id)


def _begin_again(cycle: Cycle, system: str) -> None:
    entities = [entity for entity in cycle.capabilities if entity.startswith(f"{system}.")]
    with cycle.ledger.begin() as connection:
        forget_cursors(connection, cycle.division, [*entities, f"{system}.deletions"])
        forget_versions(connection, cycle.division, system)
    logger.warning("%s: the administration was moved; everything is read from the beginning", system)
