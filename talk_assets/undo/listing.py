"""Which run is meant, and what undoing it comes to, as rows for a person."""

from collections.abc import Sequence

import sqlalchemy as sa

from talk_assets.errors import TalkError
from talk_assets.mappings.model import Mappings
from talk_assets.undo.reversal import Reversal, UndoPlan
from talk_assets.undo.written import find_run
from talk_assets.why.find import find_record
from talk_assets.why.words import quoted

COLUMNS = ("what", "record", "property", "written by the run", "before", "why")


def named(
    connection: sa.Connection, division: str, mappings: Mappings, run: str, record: str | None
) -> tuple[str, int | None]:
    """The run's id, and the record's cluster.

    Args:
        connection: in a transaction.
        division: the division.
        mappings: what is synchronised.
        run: the run's id, or how it begins.
        record: `entity/key`; None where all of the run is meant.

    Raises:
        TalkError: there is no such run or record, or nothing was ever decided about the record.
    """
    found_run = find_run(connection, division, run)
    if record is None:
        return found_run, None
    found = find_record(connection, division, mappings, record)
    if found.cluster is None:
        raise TalkError(f"{found.name} is linked to nothing, so no run has written it.")
    return found_run, found.cluster


def rows(plan: UndoPlan, *, carried: bool) -> list[tuple[str, ...]]:
    """What is put back, and what is left as it is and why; `COLUMNS`."""
    found = [*_values("put back" if carried else "would be put back", plan.back), *_values("left as it is", plan.left)]
    found += [("created", record, "", "", "", "nothing is deleted: remove it by hand") for record in plan.created]
    return found + [(each.how, each.record, "", "", "", each.reason) for each in plan.removed]


def _values(what: str, reversals: Sequence[Reversal]) -> list[tuple[str, ...]]:
    return [
        (what, each.record, each.name, quoted(each.written), quoted(each.former), each.reason) for each in reversals
    ]
