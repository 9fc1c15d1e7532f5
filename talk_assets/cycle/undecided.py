"""Creates that wait for a person: left empty, what is in conflict would be filled in by the system, as one more claim.

They are held back when they are sent, not when they are planned: what is planned for a document decides which of its
lines are.
"""

from dataclasses import replace

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.prepare import Ready
from talk_assets.ledger.notes import conflicts_of
from talk_assets.sync.owed import written
from talk_assets.sync.plan import NON_OWNER_EDIT


def wait_for_decisions(cycle: Cycle, connection: sa.Connection, ready: Ready) -> Ready:
    """The same, with creates that wait where a person has to decide about something that they would be given."""
    creates = ready.rows["operation"].eq("create")
    if not creates.any():
        return ready
    subject, capability = cycle.mappings.subject_of(ready.entity), cycle.capabilities[ready.entity]
    held = subject.held_by(ready.entity).items()
    given = [name for name, row in held if written(row, ready.entity, capability) != "never"]
    found = conflicts_of(connection, cycle.division, ready.rows.index[creates])
    # An edit that does not count leaves open nothing.
    found = found[found["property"].isin(given) & found["kind"].ne(NON_OWNER_EDIT)]
    if found.empty:
        return ready
    names = found.drop_duplicates(["cluster_id", "property"]).groupby("cluster_id")["property"].agg(" and ".join)
    reasons = ("waits for a person to decide about " + names + ": talk-assets conflicts").astype("str")
    reasons.index = pd.Index(reasons.index.astype("int64"))
    why = reasons.reindex(ready.waits.index).fillna("")
    return replace(ready, waits=ready.waits.mask(creates & why.ne(""), why))
