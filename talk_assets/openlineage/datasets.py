"""The datasets of the mappings, with their columns and where each column comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from talk_assets.ledger.views import view_name
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings, Subject
from talk_assets.systems.http import root_of


@dataclass(frozen=True)
class Column:
    """A column: its type and meaning, and the columns that it is made from, as dataset and column."""

    type: str
    meaning: str = ""
    made_from: list[tuple["Dataset", str]] = field(default_factory=list)


@dataclass(frozen=True)
class Dataset:
    """What OpenLineage knows by a namespace and a name."""

    namespace: str
    name: str
    columns: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What one asset does: its name, what it reads, and what it makes.

    Attributes:
        name: as the asset is called.
        inputs: what is read.
        outputs: what is made.
        entity: of a sink: the entity that is written.
    """

    name: str
    inputs: list[Dataset]
    outputs: list[Dataset]
    entity: str | None = None


class Places:
    """Where datasets are.

    Args:
        addresses: per system its root address, or another name of it.
        division: the division.
        ledger: address of the ledger's database; its user and password are not looked at.
    """

    def __init__(self, addresses: Mapping[str, str], division: str, ledger: sa.URL) -> None:
        self._hosts = {system: _host(address) for system, address in addresses.items()}
        self._division = division
        # An embedded server has a socket in a folder of this machine, and no host.
        self._ledger = f"postgres://{ledger.host}:{ledger.port or 5432}" if ledger.host else "postgres://embedded"
        self._database = ledger.database or "talk"

    def entity(self, name: str) -> tuple[str, str]:
        """Namespace and name of an entity's records in its system."""
        system, _, own = name.partition(".")
        return f"{system}://{self._hosts[system]}", f"{self._division}/{own}" if system == "exact" else own

    def golden(self, subject: str) -> tuple[str, str]:
        """Namespace and name of what was agreed about a subject."""
        return self._ledger, f"{self._database}.talk.{view_name('golden', subject)}"


def steps_of(mappings: Mappings, capabilities: Capabilities, places: Places) -> list[Step]:
    """What the merged assets and the sinks do, with lines beside their documents."""
    found = []
    for subject in mappings.subjects.values():
        parts = [part for part in (subject, subject.lines) if part is not None]
        sources = {entity: _source(part, entity, places) for part in parts for entity in part.entities}
        golden = {part.subject: _golden(part, sources, places) for part in parts}
        found.append(Step(f"merged/{subject.subject}", list(sources.values()), list(golden.values())))
        for entity in subject.entities:
            written = [
                _written(part, name, golden[part.subject], capabilities, places)
                for part in parts
                for name in part.entities
                if name in (entity, capabilities[entity].lines)
            ]
            if capabilities[entity].read_only is None:
                found.append(Step(f"written/{entity.replace('.', '/')}", list(golden.values()), written, entity))
    return found


def _source(subject: Subject, entity: str, places: Places) -> Dataset:
    columns = {row.members[entity].name: Column(row.type, row.meaning) for row in subject.held_by(entity).values()}
    return Dataset(*places.entity(entity), columns)


def _golden(subject: Subject, sources: Mapping[str, Dataset], places: Places) -> Dataset:
    columns = {
        name: Column(
            row.type,
            row.meaning,
            [(sources[entity], own.name) for entity, own in row.members.items() if row.claims(entity)],
        )
        for name, row in subject.properties.items()
    }
    return Dataset(*places.golden(subject.subject), columns)


def _written(subject: Subject, entity: str, golden: Dataset, capabilities: Capabilities, places: Places) -> Dataset:
    made: dict[str, Column] = {}
    for name, row in subject.held_by(entity).items():
        own = row.members[entity].name
        possible = capabilities[entity].properties[own].write != "never"
        if possible and row.writes(entity) != "never":
            # Several canonical properties may share one of the system's own, each for other records.
            before = made[own].made_from if own in made else []
            made[own] = Column(row.type, row.meaning, [*before, (golden, name)])
    return Dataset(*places.entity(entity), made)


def _host(address: str) -> str:
    """Host and path of an address; `root_of` leaves out a query, and refuses user and password."""
    return root_of(address, "address").partition("://")[2] if "://" in address else address


def every(steps: list[Step], *, outputs: bool) -> Iterator[Dataset]:
    """The datasets of the systems that are read, or written, each once."""
    golden = {(made.namespace, made.name) for step in steps if step.entity is None for made in step.outputs}
    seen = set()
    for step in steps:
        for each in step.outputs if outputs else step.inputs:
            name = (each.namespace, each.name)
            if name not in golden and name not in seen:
                seen.add(name)
                yield each
