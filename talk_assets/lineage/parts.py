"""The subjects and line subjects, each with the names of the assets that show it."""

from collections.abc import Iterator
from dataclasses import dataclass

from talk_assets.lineage.paths import LINES, feed_path, merged_path, pair_path, shown_with, sink_path, source_path
from talk_assets.mappings.capabilities import Capabilities, EntityCapability
from talk_assets.mappings.model import Flow, Mappings, Subject


@dataclass(frozen=True)
class Part:
    """A subject or line subject.

    Attributes:
        subject: what it is about.
        top: the subject whose assets show it: of lines that of their documents.
        mappings: all subjects.
        capabilities: what the entities can take.
    """

    subject: Subject
    top: Subject
    mappings: Mappings
    capabilities: Capabilities

    @property
    def lines(self) -> bool:
        """Whether it is about lines."""
        return self.subject is not self.top

    @property
    def prefix(self) -> str:
        """What comes before the names of its columns."""
        return LINES if self.lines else ""

    @property
    def merged(self) -> str:
        """The asset of its golden records."""
        return merged_path(self.top.subject)

    def source(self, entity: str) -> str:
        """The asset of an entity where it lives."""
        return source_path(shown_with(entity, self.capabilities))

    def feed(self, entity: str) -> str:
        """The asset of what was read of an entity."""
        return feed_path(shown_with(entity, self.capabilities))

    def sink(self, entity: str) -> str:
        """The asset of what was written to an entity."""
        return sink_path(shown_with(entity, self.capabilities))

    def pairs(self) -> Iterator[tuple[str, str, Flow]]:
        """Its flows as asset, name and flow; pairs of lines are shown with those of their documents."""
        of_documents = {flow.entities: name for name, flow in self.top.flows.items()}
        for name, flow in self.subject.flows.items():
            customerp, exact = (shown_with(entity, self.capabilities) for entity in flow.entities)
            if (customerp, exact) in of_documents:
                yield pair_path(of_documents[customerp, exact]), name, flow

    def capability(self, entity: str) -> EntityCapability:
        """What an entity can take."""
        return self.capabilities[entity]

    def held_by_both(self, flow: Flow) -> list[str]:
        """The properties that both entities of a flow hold: those that a pair shows side by side."""
        return [name for name, row in self.subject.properties.items() if set(flow.entities) <= set(row.members)]

    def written(self, entity: str) -> list[str]:
        """The properties that are written to an entity, always or on create."""
        able = self.capability(entity).properties
        return [
            name
            for name, row in self.subject.held_by(entity).items()
            if row.writes(entity) != "never"
            and (row.members[entity].name not in able or able[row.members[entity].name].write != "never")
        ]


def parts_of(mappings: Mappings, capabilities: Capabilities) -> Iterator[Part]:
    """Every subject, each followed by its lines."""
    for subject in mappings.subjects.values():
        yield Part(subject, subject, mappings, capabilities)
        if subject.lines is not None:
            yield Part(subject.lines, subject, mappings, capabilities)


def system_of(entity: str) -> str:
    """The system that an entity is of."""
    return entity.partition(".")[0]
