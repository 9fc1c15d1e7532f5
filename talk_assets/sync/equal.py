"""Whether the two records of linked pairs hold the same, as their systems show them now, and why not where they do not.

This asks nothing of what was decided until two values differ: what both systems hold is compared with each other. What
is known then tells which differences are as they should be, and which nobody can explain.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Property, Subject
from talk_assets.sync.columns import Flags, arrow, filled
from talk_assets.sync.compare import differ
from talk_assets.sync.convert import to_target
from talk_assets.sync.owed import written
from talk_assets.sync.unit import active

# Why two values may differ; the first reason counts. What the ledger tells: a record is held; a person has to decide;
# something read waits for a decision; a write is owed; none is made for the sake of a filter.
HELD, CONFLICT, UNDECIDED, OWED, FILTERED = "held", "in conflict", "not decided yet", "owed", "left out by a filter"
FACTS = (HELD, CONFLICT, UNDECIDED, OWED, FILTERED)
# The next sync carries it.
CHANGED = "changed since it was read"
# What was sent is kept coarser, as rounded; the mapping does not carry the value, or the entity cannot take it.
KEPT, ONE_WAY = "kept in another form", "not carried by the mapping"
# What explains nothing: a system changed a value and does not tell so; what is known differs, and nothing is owed.
UNREAD, UNEQUAL = "changed without notice", "unequal"
UNEXPLAINED = (UNREAD, UNEQUAL)
DIFFERENCES = ["pair", "property", "customerp", "exact", "why", "unread"]


@dataclass(frozen=True)
class Side:
    """The records of one entity in pairs; index: pair, unique.

    Attributes:
        entity: the entity.
        now: what each record holds, as its system just said: a canonical `str` column per property, NA when empty.
        found: whether the system has the record.
        moved: whether the record changed since its feed was read, as far as its system tells, or is just being written:
            what is older and not known was passed over, and no sync carries it.
        known: what it held when it was read, the same columns.
        base: what it held when it was last accounted for, the same columns.
        sent: what was last sent to it, where it holds something coarser since; NA elsewhere.
    """

    entity: str
    now: pd.DataFrame
    found: pd.Series
    moved: pd.Series
    known: pd.DataFrame
    base: pd.DataFrame
    sent: pd.DataFrame


@dataclass(frozen=True)
class Pairs:
    """Linked pairs of a flow; all frames have the same index: pair.

    Attributes:
        subject: what they are about.
        customerp: the records of Customerp.
        exact: those of Exact.
        golden: the agreed values, a canonical `str` column per property.
        had: entity to whether there is, or ever was, a record of it that is the same, for rows that ask.
        facts: `pair, property, why` of what is known to keep values apart, `why` one of `FACTS`; '' for `property`
            concerns all of them.
    """

    subject: Subject
    customerp: Side
    exact: Side
    golden: pd.DataFrame
    had: Mapping[str, pd.Series]
    facts: pd.DataFrame


def shared(subject: Subject, customerp: str, exact: str) -> dict[str, Property]:
    """The properties that both entities hold and that are more than a means to match."""
    held = subject.held_by(customerp).items()
    return {name: row for name, row in held if exact in row.members and row.direction != "match"}


def differences(pairs: Pairs, capabilities: Capabilities, clusters_of: pd.Series) -> pd.DataFrame:
    """Where the records of pairs that both are there do not hold the same.

    Args:
        pairs: the pairs.
        capabilities: what the entities can take.
        clusters_of: index `entity/key`, value cluster number as text, of what references point to.

    Returns:
        `DIFFERENCES`, in the order of the pairs: the values that both systems hold, why they may differ, or one of
        `UNEXPLAINED`, and of what was changed without notice in which entities (with a comma between them).
    """
    subject, sides = pairs.subject, (pairs.customerp, pairs.exact)
    one, two = sides
    fits_two, _ = to_target(one.now, two.entity, subject, capabilities[two.entity])
    fits_one, _ = to_target(two.now, one.entity, subject, capabilities[one.entity])
    agreed = [to_target(pairs.golden, side.entity, subject, capabilities[side.entity])[0] for side in sides]
    there = (one.found & two.found).to_numpy(dtype=bool)
    found = []
    for name, row in shared(subject, one.entity, two.entity).items():
        unlike = there & differ(one.now[name], two.now[name], row, clusters_of)
        if not unlike.any():
            continue
        # An entity may hold more than the other one takes.
        unlike &= differ(fits_two[name], two.now[name], row, clusters_of)
        unlike &= differ(one.now[name], fits_one[name], row, clusters_of)
        for side in sides:
            where = active(row, side.entity, pairs.had, one.now.index)
            unlike &= True if where is None else where
        if unlike.any():
            views = [
                _View(side, name, row, pairs.golden[name], wanted[name], capabilities, clusters_of)
                for side, wanted in zip(sides, agreed, strict=True)
            ]
            found.append(_explained(pairs, name, unlike, views))
    if not found:
        return pd.DataFrame(columns=DIFFERENCES, dtype="str")
    return pd.concat(found).sort_index(kind="stable").rename_axis("pair").reset_index()[DIFFERENCES]


class _View:
    """One side of a property: where its records hold what they may hold although the other side's differ.

    Attributes:
        changed: it moved, and this value did, too.
        hidden: the value is another one than was read, and the record is not told to have changed since.
        kept: it holds what its system made of the very value that is agreed.
        as_agreed: it holds what is agreed, or what its system made of it.
        wanting: it should hold something else, and is written.
        fixed: it should hold something else, and is not written, or cannot take it.
        counts: its values count and it has one.
        written: whether the property is written in it whenever it changes.
    """

    def __init__(
        self,
        side: Side,
        name: str,
        row: Property,
        golden: pd.Series,
        wanted: pd.Series,
        capabilities: Capabilities,
        clusters_of: pd.Series,
    ) -> None:
        now = side.now[name]
        self.entity = side.entity
        other = differ(now, side.known[name], row, clusters_of)
        moved = side.moved.to_numpy(dtype=bool)
        self.changed, self.hidden = other & moved, other & ~moved
        off = differ(wanted, now, row, clusters_of) & differ(golden, now, row, clusters_of)
        sent = filled(arrow(side.sent[name])) & ~differ(side.sent[name], wanted, row, clusters_of)
        self.kept = off & sent & ~differ(now, side.base[name], row, clusters_of)
        self.as_agreed = ~off | self.kept
        self.written = written(row, side.entity, capabilities[side.entity]) == "always"
        takes = filled(arrow(wanted))
        self.wanting = off & takes & ~self.kept & self.written
        self.fixed = off & filled(arrow(golden)) & ~(takes & self.written)
        self.counts = filled(arrow(now)) & row.claims(side.entity)


def _explained(pairs: Pairs, name: str, unlike: Flags, views: list[_View]) -> pd.DataFrame:
    one, two = views
    index = pairs.golden.index
    carried = (one.counts & two.written) | (two.counts & one.written)
    hidden = one.hidden | two.hidden
    fixed = ~hidden & ~(one.wanting | two.wanting) & (one.fixed | two.fixed)
    kept = (one.kept | two.kept) & one.as_agreed & two.as_agreed
    fact = _facts(pairs.facts, name, index)
    why = np.select(
        [fact.notna().to_numpy(dtype=bool), one.changed | two.changed, kept, ~carried | fixed, hidden],
        [fact.to_numpy(dtype=object), CHANGED, KEPT, ONE_WAY, UNREAD],
        UNEQUAL,
    )
    told = [np.where(view.hidden & (why == UNREAD), view.entity, "") for view in views]
    unread = [", ".join(filter(None, names)) for names in zip(*told, strict=True)]
    columns = {
        "property": name,
        "customerp": pairs.customerp.now[name],
        "exact": pairs.exact.now[name],
        "why": pd.Series(why, index=index, dtype="str"),
        "unread": pd.Series(unread, index=index, dtype="str"),
    }
    return pd.DataFrame(columns, index=index)[unlike]


def _facts(facts: pd.DataFrame, name: str, index: pd.Index) -> pd.Series:
    """The first reason that is known for each pair; NA where there is none."""
    mine = facts[facts["property"].isin(["", name])]
    order = mine["why"].map({why: place for place, why in enumerate(FACTS)})
    first = mine.loc[order.sort_values(kind="stable").index].drop_duplicates("pair").set_index("pair")["why"]
    return first.reindex(index).astype("str")
