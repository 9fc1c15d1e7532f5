"""Which records differ from their bases in nothing that needs a decision: mere touches, and what our writes became."""

import pandas as pd

from talk_assets.mappings.model import Subject
from talk_assets.sync.compare import comparable, made_coarser, same
from talk_assets.sync.frames import Members


def settle(subject: Subject, entity: str, members: Members) -> tuple[Members, pd.Series]:
    """Compare members with their bases and absorb what the system made of our own writes.

    A value that was sent and came back coarser (shortened, rounded, laid out differently, or not kept) becomes the
    base, and what was sent is remembered, so that the difference is seen and not fought.

    Args:
        subject: the entity's subject.
        entity: the entity.
        members: its members whose content was read.

    Returns:
        The members with bases moved where a value was absorbed, and whether each record now equals its base (index as
        the members); a property that was never accounted for is a difference.
    """
    base, sent = members.base.copy(), members.sent.copy()
    equal = pd.Series(True, index=members.keys.index)
    for name, row in subject.held_by(entity).items():
        held = members.current[name]
        agrees = same(comparable(held, row), comparable(base[name], row))
        # Only what we wrote last: once it was read back, a further difference is a person's edit.
        unread = sent[name].notna() & same(comparable(base[name], row), comparable(sent[name], row))
        absorbed = ~agrees & unread & made_coarser(held, sent[name], row)
        base[name] = base[name].where(~absorbed, held)
        # What arrived as it was sent needs no memory.
        sent[name] = sent[name].mask(same(comparable(held, row), comparable(sent[name], row)))
        equal &= (agrees | absorbed) & members.times[name].notna()
    return Members(members.keys, members.modified, members.current, base, members.times, sent), equal
