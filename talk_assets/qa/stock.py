"""Two records of every subject that others refer to, and the values of new records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from talk_assets.mappings.model import Mappings, Property
from talk_assets.qa.hands import Hands, Own
from talk_assets.qa.meaning import meaning, own_form
from talk_assets.qa.samples import Mark, sample
from talk_assets.qa.scope import Scope, scopes, system_of
from talk_assets.qa.values import OTHER
from talk_assets.systems.base import Record

# Numbers of these records, and how far the numbers of further records of one row are apart.
_FIRST = 9001
USUAL, SECOND = "the usual one", OTHER


@dataclass
class Stock:
    """The records that references point to, and what is needed to make others.

    Attributes:
        mark: of the run.
        keys: subject, `USUAL` or `SECOND`, and entity to the key.
    """

    mark: Mark
    keys: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def fill(self, wanted: Sequence[Scope], hands: Hands) -> None:
        """Make the records in Customerp, what is referred to first.

        Raises:
            Refused, SystemFault: see `Hands.create`.
        """
        needed = _needed(wanted)
        number = _FIRST
        for scope in needed:
            for which in (USUAL, SECOND):
                key = hands.create(scope.customerp, self.values(scope, scope.customerp, number))
                self.keys[scope.subject.subject, which, scope.customerp] = key
                number += 1

    @property
    def places(self) -> list[tuple[str, str]]:
        """Entity and key of the records in Customerp."""
        return [(entity, key) for (_, _, entity), key in self.keys.items() if system_of(entity) == "customerp"]

    def learn(self, scope: Scope, which: str, key: str) -> None:
        """Remember the counterpart of one of the records."""
        self.keys[scope.subject.subject, which, scope.exact] = key

    def reference(self, scope: Scope, name: str, entity: str, which: str) -> str:
        """The key that a reference to one of the records has in an entity; '' where there is none."""
        row = scope.subject.properties[name]
        return self.keys.get((str(row.to), which, scope.mappings.target_of(entity, name)), "")

    def shared(self, scope: Scope, name: str, entity: str, record: Record) -> str:
        """What a record holds of a property, as shared text; of a reference which record it is."""
        row, member = scope.subject.properties[name], scope.member(name, entity)
        raw = record.get(member.name)
        if row.type != "reference":
            return meaning(raw, row, member)
        key, target = str(raw or ""), scope.mappings.target_of(entity, name)
        known = {value: which for (_, which, of), value in self.keys.items() if of == target}
        return known.get(key, key)

    def typed(self, scope: Scope, name: str, entity: str, text: str) -> str:
        """What a person types, where a reference is meant by name."""
        is_reference = scope.subject.properties[name].type == "reference"
        return self.reference(scope, name, entity, text) if is_reference and text else text

    def values(
        self,
        scope: Scope,
        entity: str,
        number: int,
        start: Mapping[str, str] | None = None,
        typed: Own | None = None,
    ) -> dict[str, str]:
        """The own values of a new record.

        Args:
            scope: a flow of the entity.
            entity: where it is made.
            number: of the record.
            start: shared values instead of the usual ones, '' for none; of references which record.
            typed: own values instead, by shared name.
        """
        start, typed = start or {}, typed or {}
        found: dict[str, str] = {}
        for name, row in scope.subject.held_by(entity).items():
            member = row.members[entity]
            if name in typed:
                found[member.name] = typed[name]
                continue
            if name not in start and not _usual(scope, name, row, entity):
                continue
            if row.type == "reference":
                found[member.name] = self.reference(scope, name, entity, start.get(name, USUAL))
                continue
            shared = start.get(name, sample(scope, name, number, self.mark))
            found[member.name] = own_form(shared, row, member, scope.able(name, entity)) or ""
        return {**found, **_given(scope, entity)}


def _usual(scope: Scope, name: str, row: Property, entity: str) -> bool:
    """Whether a new record is given a value of its own."""
    member = row.members[entity]
    if row.direction == "match" or scope.able(name, entity).write == "never":
        return False
    if member.unless in scope.flow.entities or (member.when is not None and member.when not in scope.flow.entities):
        return False
    return system_of(entity) == "exact" or row.claims(entity)


def _given(scope: Scope, entity: str) -> dict[str, str]:
    """What every record has to have: constants, and what the filter for reading asks for."""
    asked = {each.name: each.equals[0] for each in scope.subject.filters_of(entity).read if each.equals}
    return {**scope.subject.constants.get(entity, {}), **asked}


def _needed(wanted: Sequence[Scope]) -> list[Scope]:
    """The flows whose records are referred to, also by one another."""
    if not wanted:
        return []
    mappings, capabilities = wanted[0].mappings, wanted[0].capabilities
    every = scopes(mappings, capabilities)
    found: dict[str, Scope] = {}
    waiting = list(wanted)
    while waiting:
        for target in _targets(waiting.pop(), mappings, every):
            if target.name not in found:
                found[target.name] = target
                waiting.append(target)
    return [scope for scope in every if scope.name in found]


def _targets(scope: Scope, mappings: Mappings, every: Sequence[Scope]) -> list[Scope]:
    """The flows that the references of a flow, of its documents and of its lines point to."""
    subjects = [
        scope.subject,
        *([scope.document.subject] if scope.document else []),
        *([scope.subject.lines] if scope.subject.lines else []),
    ]
    pairs = {
        tuple(mappings.target_of(side, name) for side in sides)
        for subject in subjects
        for name, row in subject.properties.items()
        if row.to is not None
        for sides in [flow.entities for flow in subject.flows.values()]
        if set(sides) <= set(row.members)
    }
    return [each for each in every if each.flow.entities in pairs]
