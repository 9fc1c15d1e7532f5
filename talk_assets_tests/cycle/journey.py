"""One world in which every flow has a record and users edit all of its properties, stage by stage."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from talk_assets.mappings.model import Property
from talk_assets_tests.cycle.clear import TARGETS, FlowOf, flows, meaning, own, sample
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import Values, World

_DOCUMENTS = {
    "exact.quotation_lines": "exact.quotations",
    "exact.salesorder_lines": "exact.salesorders",
    "customerp.quote_line": "customerp.quote",
    "customerp.order_line": "customerp.order",
}
_TURNS = range(3)
# Which third of the properties, counted from the turn, is edited where.
_SHARE = {"customerp": 0, "exact": 1, "both": 2}
# Properties that no mapping names.
UNMAPPED: dict[str, Values] = {
    "customerp.customer": {"CreditLimit": 1234.5, "Notes": "Belt liever 's middags.\nBetaalt laat."},
    "customerp.contact": {"Newsletter": True, "Notes": "  spreekt Fries  "},
    "customerp.employee": {"Department": "Verkoop"},
    "customerp.product": {"Weight": 0.125},
    "customerp.quote": {"InternalNote": "marge bespreken"},
    "customerp.order": {"InternalNote": "spoed"},
    "customerp.quote_line": {"Remark": "kleur navragen"},
    "customerp.order_line": {"Remark": "op pallet"},
    "exact.accounts": {"Remarks": "Huisbankier gewijzigd", "AddressLine3": "Gebouw C", "PhoneExtension": "12"},
    "exact.contacts": {"Notes": "Alleen per post", "BusinessPhone": "+31 20 123 45 67"},
    "exact.employees": {"BirthName": "Jansen"},
    "exact.items": {"Notes": "Breekbaar", "SearchCode": "ZOEK", "FreeTextField_01": "rek 7"},
    "exact.quotations": {"PaymentCondition": "30"},
    "exact.salesorders": {"PaymentCondition": "14"},
    "exact.quotation_lines": {"Notes": "zie tekening"},
    "exact.salesorder_lines": {"Notes": "zie pakbon"},
}


@dataclass
class Place:
    """A record of an entity, of a line with its document."""

    entity: str
    key: str
    document: str | None = None

    @property
    def name(self) -> str:
        """As history names it."""
        return f"{self.entity}/{self.key}"

    def show(self, world: World) -> Values:
        """The record in clear."""
        if self.document is None:
            return world.show(self.entity, self.key)
        return world.lines(_DOCUMENTS[self.entity], self.document)[self.key]

    def edit(self, world: World, **values: Any) -> None:
        """Edit the record as a user."""
        if self.document is None:
            world.edit(self.entity, self.key, **values)
        else:
            world.edit_line(_DOCUMENTS[self.entity], self.document, self.key, **values)


@dataclass
class Pair:
    """A flow's two records."""

    flow: FlowOf
    customerp: Place
    exact: Place

    def at(self, system: str) -> Place:
        """The record in a system."""
        return self.customerp if system == "customerp" else self.exact


@dataclass
class Stage:
    """What came of the edits of a stage.

    Attributes:
        edited: per flow, system and property the serial number of the sample that a user entered.
        last: per flow the system that was edited last.
        held: per flow and system what the record held when no sync wrote any more.
        owed: what was owed then.
        reports: of the syncs, the last one wrote nothing.
        run_ids: of those syncs.
    """

    edited: dict[tuple[str, str, str], int] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    held: dict[tuple[str, str], Values] = field(default_factory=dict)
    owed: list[Values] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    run_ids: list[str] = field(default_factory=list)


class Journey:
    """The world, its pairs, and the stages.

    Attributes:
        flows: those that take part.
        pairs: per flow its two records.
        targets: per system and subject the keys of records that references can point to.
        created: the stage in which Customerp's records were created.
        edited: stages in which each property was edited in Exact only, in Customerp only, and in both, in turn.
        unmapped: per record what it held when users had filled in what no mapping names.
    """

    def __init__(self, world: World, *subjects: str) -> None:
        self.world = world
        self.flows = flows(*subjects)
        self.pairs: dict[str, Pair] = {}
        self.targets: dict[str, dict[str, list[str]]] = {"customerp": {}, "exact": {}}
        self.created = Stage()
        self.edited = [Stage() for _ in _TURNS]
        self.unmapped: dict[str, Values] = {}

    def travel(self) -> None:
        """All stages."""
        self._create()
        self._sync(self.created)
        for place in self.places():
            place.edit(self.world, **UNMAPPED[place.entity])
        self.unmapped = {place.name: place.show(self.world) for place in self.places()}
        for turn, stage in zip(_TURNS, self.edited, strict=True):
            for number, group in enumerate(self._groups()):
                self._edit(stage, group, turn, exact_last=(number + turn) % 2 == 0)
            self._sync(stage)

    def places(self) -> list[Place]:
        """All records."""
        return [place for pair in self.pairs.values() for place in (pair.customerp, pair.exact)]

    def means(self, stage: Stage, flow: FlowOf, system: str, name: str) -> Any:
        """The sample that a record's property stood for after a stage."""
        row = flow.subject.properties[name]
        member = row.members[flow.customerp if system == "customerp" else flow.exact]
        return meaning(row, member, stage.held[flow.name, system].get(member.name), self.targets[system])

    def _create(self) -> None:
        """What records refer to, and a record per flow in Customerp with every property filled."""
        add, mine = self.world.add, self.targets["customerp"]
        numbers = range(1, TARGETS + 1)
        mine["organisation"] = [add("customerp.customer", Name=f"Klant {n}", Number=f"5{n}") for n in numbers]
        if any(flow.customerp == "customerp.order" for flow in self.flows):
            mine["product"] = [add("customerp.product", Number=f"D{n}", Name=f"Ding {n}") for n in numbers]
            customer = mine["organisation"][0]
            mine["person"] = [add("customerp.contact", CustomerId=customer, LastName=f"Persoon {n}") for n in numbers]
        lines = [flow for flow in self.flows if flow.customerp in _DOCUMENTS]
        for flow in self.flows:
            if flow not in lines:
                of_lines = [
                    f for f in lines if (_DOCUMENTS[f.customerp], _DOCUMENTS[f.exact]) == (flow.customerp, flow.exact)
                ]
                self._create_one(flow, of_lines)
        if "employee_employees" in self.pairs:
            # Exact takes no employees from us: a person has entered this one already.
            pair = self.pairs["employee_employees"]
            values = self._values(pair.flow, "exact.employees", 0, pair.flow.subject.held_by("exact.employees").items())
            pair.exact.key = add("exact.employees", **values)

    def _create_one(self, flow: FlowOf, of_lines: list[FlowOf]) -> None:
        values = self._values(flow, flow.customerp, 0, flow.subject.held_by(flow.customerp).items())
        for line in of_lines:
            for name in ("Number", "Status"):
                values.pop(name)
            held = line.subject.held_by(line.customerp).items()
            values["Lines"] = [{**self._values(line, line.customerp, 0, held), **UNMAPPED[line.customerp]}]
        key = self.world.add(flow.customerp, **values, **UNMAPPED[flow.customerp])
        self.pairs[flow.name] = Pair(flow, Place(flow.customerp, key), Place(flow.exact, ""))
        for line in of_lines:
            (line_key,) = self.world.lines(flow.customerp, key)
            self.pairs[line.name] = Pair(line, Place(line.customerp, line_key, key), Place(line.exact, ""))

    def _find(self) -> None:
        """Where Exact keeps the counterparts."""
        twin = self.world.twin
        for name, keys in self.targets["customerp"].items():
            entity, other = {
                "organisation": ("customerp.customer", "exact.accounts"),
                "product": ("customerp.product", "exact.items"),
                "person": ("customerp.contact", "exact.contacts"),
            }[name]
            self.targets["exact"][name] = [twin(entity, key, other) for key in keys]
        for pair in self.pairs.values():
            pair.exact.key = twin(pair.customerp.entity, pair.customerp.key, pair.exact.entity)
            if pair.customerp.document is not None:
                documents = _DOCUMENTS[pair.customerp.entity], _DOCUMENTS[pair.exact.entity]
                pair.exact.document = twin(documents[0], pair.customerp.document, documents[1])

    def _groups(self) -> list[list[Pair]]:
        """The pairs, a document's together with those of its lines: a line's edit is an edit of its document."""
        heads = [pair for pair in self.pairs.values() if pair.exact.document is None]
        return [[head, *(p for p in self.pairs.values() if p.exact.document == head.exact.key)] for head in heads]

    def _edit(self, stage: Stage, group: list[Pair], turn: int, *, exact_last: bool) -> None:
        """Edit a third of the properties in each system only, and a third in both; what is decided together at once."""
        order = ["customerp", "exact"] if exact_last else ["exact", "customerp"]
        for system in order:
            for pair in group:
                rows = list(pair.flow.rows())
                units = list(dict.fromkeys(row.group or name for name, row in rows))
                mine = [u for n, u in enumerate(units) if (n + turn) % len(_TURNS) in (_SHARE[system], _SHARE["both"])]
                place, serial = pair.at(system), 1 + 2 * turn + (system == "exact")
                chosen = [(n, r) for n, r in rows if (r.group or n) in mine and r.claims(place.entity)]
                place.edit(self.world, **self._values(pair.flow, place.entity, serial, chosen))
                stage.edited |= {(pair.flow.name, system, name): serial for name, _ in chosen}
                stage.last[pair.flow.name] = order[-1]

    def _values(self, flow: FlowOf, entity: str, serial: int, rows: Iterable[tuple[str, Property]]) -> Values:
        targets = self.targets[entity.partition(".")[0]]
        return {
            row.members[entity].name: own(row, entity, sample(name, row, serial, flow.name), targets)
            for name, row in rows
        }

    def _sync(self, stage: Stage) -> None:
        """Sync until nothing is written, and remember what both sides hold."""
        while not stage.reports or (stage.reports[-1].writes and len(stage.reports) < 4):
            stage.reports.append(self.world.sync())
            stage.run_ids.append(self.world.run_id)
        if stage is self.created:
            self._find()
        for flow, pair in self.pairs.items():
            for system in ("customerp", "exact"):
                stage.held[flow, system] = pair.at(system).show(self.world)
        stage.owed = self.world.owed()
