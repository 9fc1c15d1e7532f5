"""Several records of one entity in a cluster: each has a slot of its own, where a mapping keeps duplicates in sync.

Frames have one row per cluster, so the further records of an entity stand beside the first one as if they were of
entities of their own. The first record's slot has the entity's name, so that nothing changes where there is only one.
"""

from collections.abc import Iterable, Mapping

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.filters import Filters
from talk_assets.mappings.model import Property, Subject
from talk_assets.mappings.safety import Deletions

# Between an entity and the number of a slot: no entity's name has it.
SLOT = "#"


def slot_name(entity: str, number: int) -> str:
    """The name of an entity's n-th slot, from 1, as `customerp.customer#2`."""
    return entity if number == 1 else f"{entity}{SLOT}{number}"


def entity_of(slot: str) -> str:
    """The entity of a slot."""
    return slot.partition(SLOT)[0]


def number_of(slot: str) -> int:
    """The number of a slot, from 1."""
    return int(slot.partition(SLOT)[2] or 1)


class SlottedSubject(Subject):
    """A subject whose entities have as many slots as clusters have records of them.

    Attributes:
        slots: entity to the names of its slots beyond the first.
    """

    slots: dict[str, list[str]]

    @property
    def entities(self) -> list[str]:
        """The subject's slots, those of an entity together."""
        return [slot for entity in super().entities for slot in (entity, *self.slots.get(entity, ()))]

    def deletions_of(self, entity: str) -> Deletions:
        """How it is told that records of a slot's entity are gone."""
        return super().deletions_of(entity_of(entity))

    def filters_of(self, entity: str) -> Filters:
        """Which records of a slot's entity take part."""
        return super().filters_of(entity_of(entity))


def with_slots(subject: Subject, capabilities: Capabilities, names: Iterable[str]) -> tuple[Subject, Capabilities]:
    """The subject, and what can be written, as those see them who decide about clusters with several such records.

    Args:
        subject: the subject.
        capabilities: what the entities can take.
        names: of all slots that are taken.

    Returns:
        Both as they are where no entity has more than one slot.
    """
    slots: dict[str, list[str]] = {}
    for name in names:
        if SLOT in name:
            slots.setdefault(entity_of(name), []).append(name)
    if not slots:
        return subject, capabilities
    rows = {name: _row(row, slots) for name, row in subject.properties.items()}
    content = {name: getattr(subject, name) for name in Subject.model_fields} | {"properties": rows, "slots": slots}
    more = {slot: capabilities[entity] for entity, those in slots.items() for slot in those}
    return SlottedSubject.model_construct(**content), {**capabilities, **more}


def _row(row: Property, slots: Mapping[str, list[str]]) -> Property:
    more = {slot: member for entity, member in row.members.items() for slot in slots.get(entity, ())}
    return row.model_copy(update={"members": {**row.members, **more}}) if more else row
