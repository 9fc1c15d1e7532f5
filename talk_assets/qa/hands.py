"""What a person, or another program, does in both systems: through the connectors, and every record remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from talk_assets.errors import RecordRejected, SystemFault, TalkError
from talk_assets.qa.scope import system_name, system_of
from talk_assets.systems.base import System

# Own names with own texts; '' empties.
Own = Mapping[str, str]


class Refused(TalkError):
    """A system does not take what was to be done; the text is its own."""


@dataclass
class Hands:
    """Makes, edits and deletes records.

    Attributes:
        systems: `customerp` and `exact`.
        made: entity and key of what was made, in order.
    """

    systems: Mapping[str, System]
    made: list[tuple[str, str]] = field(default_factory=list)

    def create(self, entity: str, values: Own, lines: Sequence[Own] = ()) -> str:
        """Make a record, of a document with its lines; its key.

        Raises:
            Refused: the system does not take it.
            SystemFault: it does not answer, or not as documented.
        """
        try:
            written = self._system(entity).create(entity, _sent(values), [_sent(line) for line in lines])
        except RecordRejected as error:
            raise _refused(error) from error
        self.made.append((entity, written.key))
        return written.key

    def edit(self, entity: str, key: str, values: Own, document: str | None = None) -> None:
        """Change properties of a record, or of a line of a document.

        Raises:
            Refused, SystemFault: as `create`.
        """
        sent = {name: text or None for name, text in values.items()}
        try:
            if document is None:
                self._system(entity).update(entity, key, sent)
            else:
                self._system(entity).update_lines(entity, document, {key: sent})
        except RecordRejected as error:
            raise _refused(error) from error

    def add_line(self, entity: str, document: str, values: Own) -> str:
        """Add a line to a document; its key.

        Raises:
            Refused, SystemFault: as `create`.
        """
        try:
            return self._system(entity).create_line(entity, document, _sent(values)).key
        except RecordRejected as error:
            raise _refused(error) from error

    def delete(self, entity: str, key: str) -> None:
        """Remove a record, or a line.

        Raises:
            Refused, SystemFault: as `create`.
        """
        try:
            self._system(entity).delete(entity, key)
        except RecordRejected as error:
            raise _refused(error) from error

    def _system(self, entity: str) -> System:
        return self.systems[system_of(entity)]


def _sent(values: Own) -> dict[str, str | None]:
    return {name: text for name, text in values.items() if text}


def _refused(error: SystemFault) -> Refused:
    return Refused(f"{system_name(error.system)} does not take it: {error}")
