"""Reading for news at the start of a run: every feed once, unless the calls of its system have to be saved.

What is read around writes is not asked here: a target is always looked at before it is written.
"""

from http import HTTPStatus

from talk_assets.cycle.collect import Collected, collect, collect_deletions, nothing_taken
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.denied import can_be_missed, denied_last, denied_lately, forget_denied, note_denied
from talk_assets.cycle.missing import reads_whole
from talk_assets.errors import AccessDenied, SystemUnavailable
from talk_assets.ledger.cursors import read_cursor


def poll(cycle: Cycle, entity: str) -> Collected:
    """Read what changed of an entity; nothing, while reading its system is put off.

    What was never read, or is to be read from the beginning, is read all the same: without it a record that is there
    would be created.

    An entity that we never write and that the system does not let us read stays as it was read last, and is noted in
    `cycle.denied`: the others go on. One that was never read is taken for unknown, not for empty, see `cycle.unread`.

    Raises:
        As `collect`.
    """
    system = entity.partition(".")[0]
    missable = can_be_missed(cycle.capabilities, cycle.mappings, entity)
    at = (cycle.ledger, cycle.division, entity)
    if cycle.rest_of(system):
        with cycle.ledger.begin() as connection:
            known = read_cursor(connection, cycle.division, entity) is not None
            whole = reads_whole(cycle, connection, entity)
        if known and not whole:
            said = denied_last(*at) if missable else None
            return _done_without(cycle, entity, said) if said is not None else nothing_taken(entity)
    if not missable:
        with cycle.needing(system):
            return collect(cycle, entity)
    said = denied_lately(*at)
    if said is not None:
        return _done_without(cycle, entity, said)
    try:
        with cycle.needing(system):
            collected = collect(cycle, entity)
    except AccessDenied as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        note_denied(*at, str(error), cycle.run_id)
        return _done_without(cycle, entity, str(error))
    except SystemUnavailable as error:
        # It was refused so often that it is not asked; that is remembered already.
        if not error.withheld:
            raise
        return _done_without(cycle, entity, str(error))
    forget_denied(*at)
    return collected


def _done_without(cycle: Cycle, entity: str, said: str) -> Collected:
    cycle.denied[entity] = said
    return nothing_taken(entity)


def poll_deletions(cycle: Cycle, system: str) -> int:
    """Read what a system reports as removed; how many reports there were. Nothing while reading it is put off.

    Raises:
        As `collect_deletions`.
    """
    if cycle.rest_of(system):
        return 0
    with cycle.needing(system):
        return collect_deletions(cycle, system)
