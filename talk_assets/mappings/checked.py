"""A subject under check: its model, the file it came from, and what the entities can take."""

from dataclasses import dataclass

from talk_assets.errors import MappingError
from talk_assets.mappings.capabilities import Capabilities, PropertyCapability
from talk_assets.mappings.model import Subject
from talk_assets.mappings.source import Place, Source


@dataclass(frozen=True)
class Checked:
    """One subject, or with `document` the lines below it.

    Attributes:
        subject: what is checked.
        source: the file, for the line of an error.
        capabilities: what the entities can take.
        document: of lines: the subject of their documents.
    """

    subject: Subject
    source: Source
    capabilities: Capabilities
    document: Subject | None = None

    def error(self, *place: str | int, problem: str) -> MappingError:
        """An error at a place within this subject."""
        prefix: Place = ("lines",) if self.document is not None else ()
        return self.source.error((*prefix, *place), problem)

    def line_part(self) -> "Checked | None":
        """The lines below this subject, when it has any."""
        if self.subject.lines is None:
            return None
        return Checked(self.subject.lines, self.source, self.capabilities, document=self.subject)

    def column(self, entity: str, name: str) -> PropertyCapability:
        """What a property of an entity can take; both are known to exist."""
        return self.capabilities[entity].properties[name]

    @property
    def cluster_entities(self) -> list[str]:
        """The entities that a condition (`when`, `unless`) may name: of lines also those of their documents."""
        return [*self.subject.entities, *(self.document.entities if self.document else ())]
