"""Which records differ from their bases in nothing that needs a decision: mere touches, and what our writes became."""

import numpy as np
import pandas as pd
import pyarrow as pa

from talk_assets.mappings.model import Property, Subject
from talk_assets.sync.columns import Flags, arrow, same
from talk_assets.sync.compare import comparable_texts, made_coarser
from talk_assets.sync.frames import Members


def settle(subject: Subject, entity: str, members: Members) -> tuple[Members, pd.Series]:
    """Compare members with their bases and absorb what the system made of our own writes.

    A value that was sent and comes back coarser (shortened, rounded, laid out differently, or not kept) becomes the
    base, and what was sent is remembered, so that the difference is seen and not fought. That happens once, when the
    value is first read back: what differs from the base later is a person's edit, however much it looks like a
    shortening.

    Args:
        subject: the entity's subject.
        entity: the entity.
        members: its members whose content was read.

    Returns:
        The members with bases moved where a value was absorbed, and whether each record now equals its base (index as
        the members); a property that was never accounted for is a difference.
    """
    base, sent = members.base.copy(), members.sent.copy()
    equal = np.ones(len(members.keys), dtype=bool)
    for name, row in subject.held_by(entity).items():
        held = members.current[name]
        agrees = _same(held, base[name], row)
        if sent[name].notna().any():
            absorbed = _made_coarser(held, base[name], sent[name], row, ~agrees)
            base[name] = base[name].where(~absorbed, held)
            # What arrived as it was sent needs no memory.
            sent[name] = sent[name].mask(_same(held, sent[name], row))
            agrees |= absorbed
        equal &= agrees & members.times[name].notna().to_numpy(dtype=bool)
    settled = Members(members.keys, members.modified, members.current, base, members.times, sent)
    return settled, pd.Series(equal, index=members.keys.index)


def absorbed(members: Members, settled: Members) -> pd.DataFrame:
    """What systems made of what was sent to them, as far as settling took it over.

    Args:
        members: as they were given to `settle`.
        settled: as it gave them back.

    Returns:
        `cluster_id, key, property, before, after`: what was sent, and what the record holds of it.
    """
    found = [pd.DataFrame(columns=["cluster_id", "key", "property", "before", "after"])]
    for name in members.base.columns:
        moved = ~same(arrow(members.base[name]), arrow(settled.base[name]))
        if moved.any():
            found.append(
                pd.DataFrame(
                    {
                        "cluster_id": members.keys.index[moved],
                        "key": members.keys[moved].to_numpy(),
                        "property": str(name),
                        "before": members.sent.loc[moved, name].to_numpy(),
                        "after": members.current.loc[moved, name].to_numpy(),
                    }
                )
            )
    return pd.concat(found, ignore_index=True)


def _same(left: pd.Series, right: pd.Series, row: Property) -> Flags:
    """Whether two values are the same; only those are compared closely that are not spelled the same."""
    one, two = arrow(left), arrow(right)
    alike = same(one, two)
    if not alike.all():
        unlike = pa.array(~alike)
        alike[~alike] = same(comparable_texts(one.filter(unlike), row), comparable_texts(two.filter(unlike), row))
    return alike


def _made_coarser(held: pd.Series, base: pd.Series, sent: pd.Series, row: Property, differs: Flags) -> Flags:
    """Where a value that was sent, and not read back before, came back coarser."""
    unread = differs & sent.notna().to_numpy(dtype=bool) & _same(base, sent, row)
    if unread.any():
        unread[unread] = made_coarser(held[unread], sent[unread], row).to_numpy(dtype=bool)
    return unread
