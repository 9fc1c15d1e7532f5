"""What the store keeps of a record, and what became of one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as the store holds it.

    Attributes:
        system: `customerp` or `exact`.
        division: administration the record belongs to, as text.
        entity: kind of record, for instance `customer` or `Accounts`.
        key: the system's own key.
        body: the record's properties; a copy, free to change.
        sequence: change number of the last change, over all entities of this system and division.
        created: moment of the insert, ISO 8601 UTC with microseconds.
        modified: moment of the last change (of a deleted record: of its deletion), same form.
        deleted: whether the record is gone.
    """

    system: str
    division: str
    entity: str
    key: str
    body: Body
    sequence: int
    created: str
    modified: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one record.

    Attributes:
        before: the record as it was, None when it is new.
        after: the record as it is now.
    """

    before: Stored | None
    after: Stored


Records = list[Stored]
Watcher = Callable[[Sequence[Change]], None]
