"""Writes that are owed to an entity, and when a property can be written there."""

from dataclasses import dataclass, field, fields

import pandas as pd

from talk_assets.mappings.capabilities import EntityCapability, Writable
from talk_assets.mappings.model import Property


@dataclass(frozen=True)
class Owed:
    """Writes owed to one entity; index: cluster, unique.

    Attributes:
        create: whether the record is to be created; otherwise it is updated or deleted.
        keys: the record's own key, NA for a create.
        values: what is to be written, canonical text under canonical names; NA where nothing is owed, '' to clear. Of a
            deletion: under the system's own names what is set instead of deleting the record, nothing when it is
            deleted.
        expected: what the record holds now of the values to be written.
        state: `owed`, `waiting` (a required value is missing) or `person` (the system takes no such writes).
        reason: a sentence for `waiting` and `person`, '' otherwise.
        deletions: clusters whose record is to be deleted or archived.
    """

    create: pd.Series
    keys: pd.Series
    values: pd.DataFrame
    expected: pd.DataFrame
    state: pd.Series
    reason: pd.Series
    deletions: pd.Index = field(default_factory=lambda: pd.Index([], dtype="int64"))

    @property
    def operation(self) -> pd.Series:
        """`create`, `update` or `delete`."""
        operation = self.create.map({True: "create", False: "update"}).astype("str")
        return operation.mask(operation.index.isin(self.deletions), "delete")

    def without(self, clusters: pd.Index) -> "Owed":
        """The same writes but for those for some clusters."""
        rest = ~self.keys.index.isin(clusters)
        parts = {each.name: getattr(self, each.name) for each in fields(self)}
        deletions = parts.pop("deletions")
        return Owed(**{name: part[rest] for name, part in parts.items()}, deletions=deletions.difference(clusters))

    def only(self, clusters: pd.Index) -> "Owed":
        """Those of the writes that are for some clusters."""
        return self.without(self.keys.index.difference(clusters))

    def and_(self, other: "Owed") -> "Owed":
        """These writes and others, for other clusters."""
        names = [each.name for each in fields(self) if each.name != "deletions"]
        parts = {name: pd.concat([getattr(self, name), getattr(other, name)]) for name in names}
        return Owed(**parts, deletions=self.deletions.append(other.deletions))


def written(row: Property, entity: str, capability: EntityCapability) -> Writable:
    """When a property is written: as the mapping wants, as far as the entity, or a person in its stead, can take it."""
    wanted = row.writes(entity)
    possible = "always" if capability.read_only else capability.properties[row.members[entity].name].write
    return min(wanted, possible, key=("never", "create", "always").index)
