"""After a crash or a lost answer: which updates reached their target although we never heard of it.

What such an update left in the target is our own doing. Taken for an edit it would have the time of our write, and
could beat what a user of the other system entered before that and nobody has read yet.
"""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.recover import latest_arrival
from talk_assets.ledger import debts
from talk_assets.ledger.clusters import load_golden, store_bases
from talk_assets.ledger.members import load_members
from talk_assets.ledger.notes import add_events
from talk_assets.mappings.model import Property, Subject
from talk_assets.sync.compare import comparable, made_coarser, same
from talk_assets.sync.frames import Members


def account_echoes(cycle: Cycle, connection: sa.Connection, subject: Subject) -> int:
    """Look up every update whose outcome is not known in what the target has shown since; how many had arrived.

    What arrived becomes the record's base, as if its answer had come. An update that can no longer arrive is closed;
    what is owed is sent again in any case.
    """
    found = 0
    for entity in sorted(debts.entities_with_intent(connection, cycle.division) & set(subject.entities)):
        properties = list(subject.held_by(entity))
        intents = debts.open_intents(
            connection,
            cycle.division,
            entity,
            properties,
            feed=cycle.capabilities[entity].document or entity,
            latest_arrival=latest_arrival(cycle, entity),
            updates=True,
        )
        for _, intent in intents[intents["looked"].astype(bool)].iterrows():
            clusters = pd.Index([int(intent["cluster_id"])], dtype="int64")
            key = str(intent["key"])
            target = load_members(connection, cycle.division, entity, properties, clusters, key)
            arrived = [name for name in properties if _arrived(target, name, intent[name], subject.properties[name])]
            if arrived:
                _account(connection, cycle.division, entity, target, intent[arrived])
                _note(cycle, connection, subject, entity, target, intent[arrived])
                debts.close_intent(connection, intent["id"], "found after an interruption")
                found += 1
            elif target.keys.empty or intent["overdue"]:
                debts.close_intent(connection, intent["id"], "did not arrive")
    return found


def _arrived(target: Members, name: str, sent: object, row: Property) -> bool:
    """Whether a record holds what was sent to it, and did not hold it before; '' was sent to clear."""
    if target.keys.empty or not isinstance(sent, str):
        return False
    given = pd.Series(sent, index=target.keys.index, dtype="str")
    held, wanted = target.current[name], comparable(given, row)
    there = same(comparable(held, row), wanted) | (held.notna() & made_coarser(held, given, row))
    return bool((there & ~same(comparable(target.base[name], row), wanted)).all())


def _account(connection: sa.Connection, division: str, entity: str, target: Members, sent: pd.Series) -> None:
    """Make what arrived the base. The times are those of the agreed values: delivering makes no value younger."""
    names = list(sent.index)
    agreed = load_golden(connection, names, target.keys.index).over(target.keys.index, names)
    base, times, memory = target.base.copy(), target.times.copy(), target.sent.copy()
    for name in names:
        base[name] = target.current[name]
        times[name] = agreed.times[name].fillna(target.modified)
        memory[name] = str(sent[name]) or pd.NA
    store_bases(
        connection,
        division,
        entity,
        Members(target.keys, target.modified, target.current, base, times, memory.astype("str")),
    )


def _note(
    cycle: Cycle, connection: sa.Connection, subject: Subject, entity: str, target: Members, sent: pd.Series
) -> None:
    """Put into history what was written, which nobody could when it was."""
    common = {
        "subject": subject.subject,
        "kind": "write",
        "cluster_id": int(target.keys.index[0]),
        "entity": entity,
        "key": target.keys.iloc[0],
        "rule": "update found after an interruption",
    }
    before = target.base.astype(object).where(target.base.notna(), None).iloc[0].to_dict()
    rows = [{**common, "property": name, "before": before[name], "after": sent[name] or None} for name in sent.index]
    add_events(connection, cycle.division, rows, cycle.run_id)
