"""What both systems hold now, read by their feeds of changes, so that many records cost few calls."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.qa.scope import system_of
from talk_assets.systems.base import Record, System


@dataclass
class Books:
    """The records that changed since the checklist began.

    Attributes:
        systems: read with all properties that the document names.
        capabilities: what the entities can take.
        entities: those that are read, without those of lines.
        cursors: feed (or `{system}.deletions`) to where its reading goes on; what is absent is read whole.
    """

    systems: Mapping[str, System]
    capabilities: Capabilities
    entities: list[str]
    cursors: dict[str, str] = field(default_factory=dict)
    _held: dict[tuple[str, str], Record] = field(default_factory=dict)
    _gone: set[tuple[str, str]] = field(default_factory=set)

    def refresh(self) -> None:
        """Read what changed.

        Raises:
            SystemFault: a system does not answer, or may not be read.
        """
        for entity in self.entities:
            read = self.systems[system_of(entity)].read(entity, self.cursors.get(entity))
            self.cursors[entity] = read.cursor
            lines = self.capabilities[entity].lines
            if lines is not None and read.lines_complete:
                self._forget_lines(lines, {str(record["_key"]) for record in read.records})
            self._take(entity, read.records)
            if lines is not None:
                self._take(lines, read.lines)
        for name, system in self.systems.items():
            feed = f"{name}.deletions"
            removed = system.read_deletions(self.cursors.get(feed))
            self.cursors[feed] = removed.cursor
            self._gone |= {(each.entity, each.key) for each in removed.deletions}

    def get(self, entity: str, key: str) -> Record | None:
        """A record or line as it is now; None where there is none."""
        if (entity, key) in self._gone:
            return None
        return self._held.get((entity, key))

    def lines_of(self, lines: str, document: str) -> list[str]:
        """The keys of a document's lines, in their order."""
        found = [
            (int(record.get("_position") or 0), key)
            for (entity, key), record in self._held.items()
            if entity == lines and str(record.get("_document")) == document and (entity, key) not in self._gone
        ]
        return [key for _, key in sorted(found)]

    def _take(self, entity: str, records: Iterable[Record]) -> None:
        for record in records:
            self._held[entity, str(record["_key"])] = record

    def _forget_lines(self, lines: str, documents: set[str]) -> None:
        mine = [
            place
            for place, record in self._held.items()
            if place[0] == lines and str(record.get("_document")) in documents
        ]
        for place in mine:
            del self._held[place]
