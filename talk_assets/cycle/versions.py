"""In which version a record may be updated: so that what somebody edits between our read and our write stays."""

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.writes import Write
from talk_assets.ledger.records import version_read
from talk_assets.systems.base import Written


def document_of(cycle: Cycle, write: Write) -> str | None:
    """The entity of the document inside of which a line lies; None of other records."""
    if write.document is None or not cycle.system_of(write.entity).lines_together(write.entity):
        return None
    return cycle.capabilities[write.entity].document


def version_for(cycle: Cycle, write: Write) -> str | None:
    """The version that an update, or what archives a record, names; of a line inside its document that of the document.

    It is the one that was read, or in which this run has left it since; None where that is not known.
    """
    document = document_of(cycle, write)
    changes = write.operation == "update" or (write.operation == "delete" and bool(write.own))
    if not changes or (write.document is not None and document is None):
        return None
    if document is None:
        return write.version or cycle.left_in.get((write.entity, str(write.key)))
    with cycle.ledger.begin() as connection:
        read = version_read(connection, cycle.division, document, str(write.document))
    return read or cycle.left_in.get((document, str(write.document)))


def note_left(cycle: Cycle, write: Write, written: Written, version: str | None) -> None:
    """Note in which version a write, which named `version`, has left a record, or the document of a line."""
    document = document_of(cycle, write)
    holder = (write.entity, written.key) if document is None else (document, str(write.document))
    # What was written in whatever version may have had an edit in it that we have not seen.
    cycle.left_in[holder] = None if version is None else written.version
