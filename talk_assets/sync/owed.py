"""Writes that are owed to an entity, and when a property can be written there."""

from dataclasses import dataclass

import pandas as pd

from talk_assets.mappings.capabilities import EntityCapability, Writable
from talk_assets.mappings.model import Property


@dataclass(frozen=True)
class Owed:
    """Writes owed to one entity; index: cluster, unique.

    Attributes:
        create: whether the record is to be created; otherwise it is updated.
        keys: the record's own key, NA for a create.
        values: what is to be written, canonical text under canonical names; NA where nothing is owed, '' to clear.
        expected: what the record holds now of the values to be written.
        state: `owed`, `waiting` (a required value is missing) or `person` (the system takes no writes).
        reason: a sentence for `waiting` and `person`, '' otherwise.
    """

    create: pd.Series
    keys: pd.Series
    values: pd.DataFrame
    expected: pd.DataFrame
    state: pd.Series
    reason: pd.Series


def written(row: Property, entity: str, capability: EntityCapability) -> Writable:
    """When a property is written: as the mapping wants, as far as the entity, or a person in its stead, can take it."""
    wanted = row.writes(entity)
    possible = "always" if capability.read_only else capability.properties[row.members[entity].name].write
    return min(wanted, possible, key=("never", "create", "always").index)
