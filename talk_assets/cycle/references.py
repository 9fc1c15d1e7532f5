"""What references point to, and which records have to wait for what they point to."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.holds import no_holds
from talk_assets.ledger.clusters import clusters_of, with_twins
from talk_assets.ledger.notes import hold_reasons
from talk_assets.mappings.model import Subject

REFERENCE = "reference"


def known_targets(cycle: Cycle, connection: sa.Connection, subject: Subject, frames: list[pd.DataFrame]) -> pd.Series:
    """Index `entity/key`, value cluster number as text, of everything that the frames' references point to."""
    names = [name for name, row in subject.properties.items() if row.to is not None]
    references = [frame[name] for frame in frames for name in names if name in frame]
    if not references:
        return pd.Series(dtype="str", index=pd.Index([], dtype="str"))
    everything = pd.concat(references, ignore_index=True)
    return targets_of(cycle, connection, everything, {str(subject.properties[name].to) for name in names})


def targets_of(cycle: Cycle, connection: sa.Connection, references: pd.Series, subjects: set[str]) -> pd.Series:
    """Index `entity/key`, value cluster number as text, of what references to records of some subjects point to.

    Where duplicates are kept in sync, what pointed to a deleted one points to those that stay.
    """
    found = clusters_of(connection, cycle.division, references)
    if any(cycle.mappings.subjects[name].keeps_twins for name in subjects):
        return with_twins(connection, cycle.division, references, found)
    return found


def resolved(subject: Subject, feed: pd.DataFrame, targets: pd.Series) -> pd.DataFrame:
    """Per reference property the cluster it points to, as text; NA where it points to nothing known."""
    return pd.DataFrame(
        {
            name: feed[name].map(targets).astype("str")
            for name, row in subject.properties.items()
            if row.to is not None and name in feed
        },
        index=feed.index,
    )


def waiting_for_references(
    cycle: Cycle, connection: sa.Connection, entity: str, feed: pd.DataFrame, targets: pd.Series
) -> pd.DataFrame:
    """Records that cannot be matched yet because what they point to is itself held or unknown.

    Args:
        cycle: the run.
        connection: in a transaction.
        entity: the records' entity.
        feed: unlinked live records, canonical columns.
        targets: see `known_targets`.

    Returns:
        `entity, key, kind, property, reason, value`.
    """
    found = []
    for name in _needed(cycle.mappings.subject_of(entity), entity):
        lost = feed[name].notna() & ~feed[name].isin(targets.index)
        if lost.any():
            found.append(feed.loc[lost, ["key"]].assign(property=name, value=feed[name][lost]))
    if not found:
        return no_holds()
    waiting = pd.concat(found, ignore_index=True).drop_duplicates("key")
    reasons = hold_reasons(connection, cycle.division, waiting["value"])
    because = waiting["value"].map(reasons).astype("str")
    text = "waits for " + waiting["value"] + ", which is " + ("held: " + because).fillna("not known")
    return waiting.assign(entity=entity, kind=REFERENCE, reason=text.astype("str"))


def _needed(subject: Subject, entity: str) -> list[str]:
    """References without which a record of the entity can neither be matched nor created."""
    in_criteria = {
        part.property
        for flow in subject.flows.values()
        if entity in flow.entities
        for alternative in flow.criteria
        for part in alternative
    }
    return [
        name
        for name, row in subject.held_by(entity).items()
        if row.to is not None and (row.required or name in in_criteria)
    ]
