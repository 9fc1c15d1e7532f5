"""What a side of a scenario keeps: kinds of record, and how their values lie there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from talk_assets_tests.scenarios.words import Values


@dataclass(frozen=True)
class Kind:
    """An entity of the mapping as a side keeps it.

    Attributes:
        entity: its name in the mapping.
        side: left or right.
        type: the scenario's type.
        where: of a type that is split over several entities: what tells this one's records.
        types: canonical types of its own properties, which say how values are kept.
        archive: property and value that archive a record, where one is archived instead of deleted.
        replaced: an update replaces the whole record.
        document: of lines: type of their documents.
        under: of lines that are records: property that names their document.
        inside: of lines inside documents: name of the list.
        line_key: of lines: property that tells those of a document apart; '' where only their place does.
    """

    entity: str
    side: str
    type: str
    where: Values = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    archive: tuple[str, str] | None = None
    replaced: bool = False
    document: str | None = None
    under: str = ""
    inside: str | None = None
    line_key: str = ""

    def kept(self, name: str, text: str | None) -> Any:
        """A text of the platform as the value that the side keeps."""
        type_ = self.types.get(name, "text")
        if text is None:
            return None
        if type_ == "list":
            return text.split("\n")
        if type_ == "boolean":
            return text == "true"
        if type_ == "decimal":
            return float(text) if "." in text else int(text)
        return text
