"""What one flow of the document is about, as the checklist asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from talk_assets.errors import ConfigurationError
from talk_assets.mappings.capabilities import Capabilities, PropertyCapability, Writable
from talk_assets.mappings.model import Flow, Mappings, MemberProperty, Property, Subject

NAMES = {"customerp": "Customerp", "exact": "Exact"}
_ORDER: tuple[Writable, ...] = ("never", "create", "always")


def system_of(entity: str) -> str:
    """`customerp` or `exact`."""
    return entity.partition(".")[0]


def system_name(entity: str) -> str:
    """The system of an entity, as people write it."""
    return NAMES[system_of(entity)]


def a(entity: str) -> str:
    """An entity with its article, as at the beginning of a sentence."""
    return f"{'An' if entity.startswith(tuple('aeiou')) else 'A'} {entity}"


@dataclass(frozen=True)
class Scope:
    """One flow, of documents and master data or of lines.

    Attributes:
        name: the flow's name.
        flow: the flow.
        subject: what its records are about.
        mappings: as signed off.
        capabilities: what the entities can take.
        document: of lines: the flow of their documents; None otherwise.
    """

    name: str
    flow: Flow
    subject: Subject
    mappings: Mappings
    capabilities: Capabilities
    document: "Scope | None" = None

    @property
    def customerp(self) -> str:
        """The entity of Customerp."""
        return self.flow.customerp

    @property
    def exact(self) -> str:
        """The entity of Exact."""
        return self.flow.exact

    @cached_property
    def rows(self) -> dict[str, Property]:
        """The properties that the flow carries, as the document lists them."""
        both = set(self.flow.entities)
        return {name: row for name, row in self.subject.properties.items() if both <= set(row.members)}

    def other(self, entity: str) -> str:
        """The flow's other entity."""
        return self.exact if entity == self.customerp else self.customerp

    def member(self, name: str, entity: str) -> MemberProperty:
        """How an entity holds a property."""
        return self.subject.properties[name].members[entity]

    def able(self, name: str, entity: str) -> PropertyCapability:
        """What an entity can take of a property."""
        return self.capabilities[entity].properties[self.member(name, entity).name]

    def written(self, name: str, entity: str) -> Writable:
        """When the platform writes a property in an entity, by mapping and capabilities."""
        if self.capabilities[entity].read_only is not None:
            return "never"
        wanted, possible = self.subject.properties[name].writes(entity), self.able(name, entity).write
        return min(wanted, possible, key=_ORDER.index)

    def carried(self, name: str, source: str) -> bool:
        """Whether an edit in an entity has to reach the other one."""
        return self.subject.properties[name].claims(source) and self.written(name, self.other(source)) == "always"

    def may_clear(self, name: str, source: str) -> bool:
        """Whether emptying a property in an entity travels."""
        return bool({source, system_of(source)} & set(self.subject.properties[name].clear))

    def left_out(self, name: str) -> str:
        """Why a property does not concern plain records of this flow; '' where it does."""
        for entity in self.flow.entities:
            member = self.member(name, entity)
            if member.when is not None and member.when not in self.flow.entities:
                return f"It is carried only where there is a {member.when} besides."
            if member.unless is not None and member.unless in self.flow.entities:
                return f"It is not carried where there is a {member.unless}."
        return ""

    def not_editable(self, name: str, entity: str) -> str:
        """Why nobody can edit a property by the entity's interface; '' where that is possible."""
        reason = self.capabilities[entity].read_only
        if reason is not None:
            return reason
        write = self.able(name, entity).write
        own = f"{system_name(entity)}'s {self.member(name, entity).name}"
        return {"never": f"{own} is computed; no edit of it is taken.", "create": f"{own} is fixed at creation."}.get(
            write, ""
        )

    @property
    def unmade(self) -> str:
        """Why no counterpart is created in Exact of what is in Customerp; '' where one is."""
        if not self.flow.create.exact:
            return f"The flow creates nothing in {self.exact}."
        return self.capabilities[self.exact].read_only or ""

    @property
    def needs(self) -> list[str]:
        """Names of the subjects that the flow's records refer to, in the order of dependence."""
        rows = [*self.rows.values(), *(self.document.rows.values() if self.document else ())]
        rows += list(self.subject.lines.properties.values()) if self.subject.lines is not None else []
        wanted = {row.to for row in rows if row.to is not None}
        return [name for name in self.mappings.subjects if name in wanted]


def scopes(mappings: Mappings, capabilities: Capabilities, only: Sequence[str] = ()) -> list[Scope]:
    """The flows of the document in its order, those of lines behind those of their documents.

    Args:
        mappings: as signed off.
        capabilities: what the entities can take.
        only: names of flows, of documents with the flows of their lines; none for all.

    Raises:
        ConfigurationError: there is no such flow.
    """
    found: list[Scope] = []
    for subject in mappings.subjects.values():
        documents = {
            flow.entities: Scope(name, flow, subject, mappings, capabilities) for name, flow in subject.flows.items()
        }
        found += documents.values()
        if subject.lines is None:
            continue
        for name, flow in subject.lines.flows.items():
            of = tuple(str(capabilities[entity].document) for entity in flow.entities)
            owner = next((scope for pair, scope in documents.items() if pair == of), None)
            if owner is not None:
                found.append(Scope(name, flow, subject.lines, mappings, capabilities, owner))
    if not only:
        return found
    for name in only:
        if name not in [scope.name for scope in found]:
            raise ConfigurationError(f"--flow: there is no flow {name}; it is one of {_listed(found)}.")
    return [scope for scope in found if {scope.name, scope.document.name if scope.document else ""} & set(only)]


def _listed(found: Sequence[Scope]) -> str:
    return ", ".join(scope.name for scope in found)
