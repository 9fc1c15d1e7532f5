"""The parts of an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

# States of a property, in the order in which they count.
CONFLICT, HELD, OWED, UNLINKED = "conflict", "held", "owed", "unlinked"
AGREED, CLEARED, EMPTY = "agreed", "cleared", "empty"


@dataclass(frozen=True)
class Event:
    """Something that happened: `kind` is that of history, or `first`; `sentence` says it."""

    at: datetime | None
    run: str | None
    kind: str
    sentence: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Holding:
    """What a record holds of the property, under its own name."""

    record: str
    name: str
    value: str | None
    changed: datetime | str | None
    read_at: datetime | None
    read_run: str | None
    deleted_at: datetime | None
    sentence: str


@dataclass(frozen=True)
class PropertyAnswer:
    """Why a property is what it is.

    Attributes:
        property: canonical name.
        meaning: as the mapping says it.
        state: one of the constants above.
        value: the agreed value; None when there is none.
        sentence: which value stands, over what, by which rule.
        written: when and where it was written, last first.
        waiting: what keeps it from being the same everywhere.
        holdings: what each record holds.
        events: everything that happened, oldest first.
    """

    property: str
    meaning: str
    state: str
    value: str | None
    sentence: str
    written: Sequence[str]
    waiting: Sequence[str]
    holdings: Sequence[Holding]
    events: Sequence[Event]


@dataclass(frozen=True)
class Answer:
    """Everything about a record: how it is linked, what holds it, and its properties."""

    record: str
    label: str
    subject: str
    cluster: int | None
    links: Sequence[str]
    holds: Sequence[str]
    properties: Sequence[PropertyAnswer]

    def as_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists; times stay times."""
        return asdict(self)
