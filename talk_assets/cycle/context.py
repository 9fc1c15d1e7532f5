"""What the steps of a cycle work with."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from talk_assets.ledger.database import Ledger
from talk_assets.ledger.guards import Accepted
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings, Subject
from talk_assets.systems.base import System


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Cycle:
    """One run over one division.

    Attributes:
        division: key of the division, under which everything is stored.
        run_id: the run, as history names it.
        ledger: where state is kept; in a preview nothing that is stored stays.
        mappings: what is synchronised.
        capabilities: what the entities can take.
        systems: `customerp` and `exact`.
        defaults: values of the settings that mappings name as defaults, references as `entity/key`.
        still_locked: raises when another process may have taken the division over; asked before each write.
        let_pass: by entity and kind of the guards that a person let pass and that this run has used up: what was.
        needed: per system the calls without which the run could not have done what it did.
        rests: per system that was asked for: seconds by which reading it for news is put off in this run.
        denied: entities that we may not read, and what the system said.
        untaken: entities of whose last read nothing was taken, because a guard stopped it.
        left_in: by entity and key the version in which our last write left a record, as far as that is known.
    """

    division: str
    run_id: str
    ledger: Ledger
    mappings: Mappings
    capabilities: Capabilities
    systems: Mapping[str, System]
    defaults: Mapping[str, str]
    still_locked: Callable[[], None] = _nothing
    let_pass: dict[tuple[str, str], Accepted] = field(default_factory=dict)
    needed: Counter[str] = field(default_factory=Counter)
    rests: dict[str, float] = field(default_factory=dict)
    denied: dict[str, str] = field(default_factory=dict)
    untaken: set[str] = field(default_factory=set)
    left_in: dict[tuple[str, str], str | None] = field(default_factory=dict)

    @property
    def preview(self) -> bool:
        """Whether nothing is to be stored or written."""
        return self.ledger.previewing

    def system_of(self, entity: str) -> System:
        """The connected system of an entity."""
        return self.systems[entity.partition(".")[0]]

    def rest_of(self, system: str) -> float:
        """Seconds by which reading a system for news is put off; the same for all feeds of a run."""
        if system not in self.rests:
            self.rests[system] = self.systems[system].rest()
        return self.rests[system]

    @contextmanager
    def needing(self, system: str) -> Iterator[None]:
        """Count what is asked of a system meanwhile among the calls that the run cannot do without."""
        before = self.systems[system].requests
        try:
            yield
        finally:
            self.needed[system] += self.systems[system].requests - before

    def properties_of(self, entity: str) -> list[str]:
        """Canonical properties that the entity holds, with `join` and `marked` (as deleted) where it has them."""
        subject = self.mappings.subject_of(entity)
        joins = any(flow.join is not None and flow.join.entity == entity for flow in subject.flows.values())
        marks = subject.deletions_of(entity).mark is not None
        return [*subject.held_by(entity), *(["join"] if joins else []), *(["marked"] if marks else [])]

    def lines_of(self, entity: str) -> str | None:
        """The line entity of a document entity, when its lines are synchronised; None also of what no flow is about."""
        lines = self.capabilities[entity].lines
        if lines is None or entity not in self.mappings.entities:
            return None
        subject = self.mappings.subject_of(entity)
        return lines if subject.lines is not None and lines in subject.lines.entities else None

    def is_lines(self, subject: Subject) -> bool:
        """Whether a subject is about lines of documents."""
        return self.capabilities[subject.entities[0]].document is not None

    def with_lines(self, entity: str) -> list[str]:
        """The entity, followed by its line entity if it has one."""
        lines = self.lines_of(entity)
        return [entity] if lines is None else [entity, lines]

    def subject(self, name: str) -> Subject:
        """A subject or line subject by name."""
        for subject in self.mappings.subjects.values():
            if subject.subject == name:
                return subject
            if subject.lines is not None and subject.lines.subject == name:
                return subject.lines
        raise KeyError(name)
