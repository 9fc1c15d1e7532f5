"""Every row of the mapping, in every flow, in both directions: a new row of a mapping is tested without a new test."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from talk_assets.mappings.model import Property
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.clear import FlowOf, canonical, sample, takes
from talk_assets_tests.cycle.harness import Values, open_world
from talk_assets_tests.cycle.journey import Journey, Stage

Check = Callable[[Journey, FlowOf, str, Property], None]
_SYSTEMS = ("customerp", "exact")
# Names that a system computes, also from what is synchronised: amounts of documents, versions and times.
_COMPUTED = {"Modified", "Version", "Lines"} | {
    f"{name}{end}"
    for name in ("Amount", "AmountDiscount", "NetPrice", "VATAmount")
    for end in ("", "FC", "DC", "FCExclVat", "ExclVat")
}


def _value(flow: FlowOf, name: str, row: Property, serial: int) -> Any:
    return sample(name, row, serial, flow.name)


def check_created(journey: Journey, flow: FlowOf, name: str, row: Property) -> None:
    """A new record would reach Exact without this property, and somebody would type it again."""
    if takes(flow.exact, row) != "never":
        assert journey.means(journey.created, flow, "exact", name) == _value(flow, name, row, 0)


def check_edited(journey: Journey, flow: FlowOf, name: str, row: Property) -> None:
    """A correction would stay on one side, an edit that nobody contested would get lost, or the earlier one win."""
    before = journey.created
    for stage in journey.edited:
        serials = {system: stage.edited.get((flow.name, system, name)) for system in _SYSTEMS}
        sides = [system for system in _SYSTEMS if serials[system] is not None]
        winner = stage.last[flow.name] if len(sides) > 1 else sides[0] if sides else None
        for system, entity in zip(_SYSTEMS, (flow.customerp, flow.exact), strict=True):
            held = journey.means(stage, flow, system, name)
            if winner is not None and (system == winner or takes(entity, row) == "always"):
                assert held == _value(flow, name, row, serials[winner] or 0)
            elif serials[system] is None:
                assert held == journey.means(before, flow, system, name)
        if winner is not None and len(sides) > 1:
            _check_history(journey, stage, flow, name, row, winner)
        before = stage


def check_listed_for_a_person(journey: Journey, flow: FlowOf, name: str, row: Property) -> None:
    """Nobody would know what to enter where Exact takes nothing from us."""
    if flow.exact != "exact.employees":
        return
    cluster = journey.world.cluster(flow.customerp, journey.pairs[flow.name].customerp.key)
    for stage in journey.edited:
        (debt,) = [d for d in stage.owed if d["cluster_id"] == cluster and d["entity"] == flow.exact]
        assert debt["state"] == "person"
        wanted = journey.means(stage, flow, "customerp", name)
        owed = None if journey.means(stage, flow, "exact", name) == wanted else canonical(wanted)
        assert json.loads(debt["values"]).get(name) == owed


def _check_history(journey: Journey, stage: Stage, flow: FlowOf, name: str, row: Property, winner: str) -> None:
    loser = "exact" if winner == "customerp" else "customerp"
    pair = journey.pairs[flow.name]
    found = journey.world.rows(
        "select winner, loser, loser_value, rule, run, before, after from talk.history "
        "where kind = 'decision' and property = :p and loser = :l and run = any(:r)",
        p=name,
        l=pair.at(loser).name,
        r=stage.run_ids,
    )
    lost = _value(flow, name, row, stage.edited[flow.name, loser, name])
    if row.to is not None:
        lost = journey.targets[loser][row.to][lost]
    (entry,) = [e for e in found if e["loser_value"].rpartition("/")[2] == canonical(lost)]
    assert (entry["winner"], entry["rule"], entry["run"]) == (pair.at(winner).name, row.rule, stage.run_ids[0])
    assert entry["after"] != entry["loser_value"]


_CHECKS: tuple[Check, ...] = (
    check_created,
    check_edited,
    check_listed_for_a_person,
)


@pytest.fixture(
    params=[("organisation", "product", "person"), pytest.param(("sales_document",), marks=pytest.mark.soak)],
    ids=["records", "documents"],
)
def journey(request: pytest.FixtureRequest, database_server: DatabaseServer, tmp_path: Path) -> Iterator[Journey]:
    url = database_server.create_ledger()
    with open_world(url, tmp_path) as world:
        journey = Journey(world, *request.param)
        journey.travel()
        yield journey
    database_server.drop(url)


def test_every_row_of_the_mapping_travels(journey: Journey, subtests: pytest.Subtests) -> None:
    """See the checks: a property would not arrive, an edit would get lost, or what is nobody's business would change.

    All in one test because what takes time is the journey, in which all rows are edited together.
    """
    for check in _CHECKS:
        for flow in journey.flows:
            for name, row in flow.rows():
                with subtests.test(check.__name__, flow=flow.name, property=name):
                    check(journey, flow, name, row)
    with subtests.test("every property was edited on each side alone and on both"):
        for flow in journey.flows:
            for name, row in flow.rows():
                sides = {frozenset(y for y in _SYSTEMS if (flow.name, y, name) in s.edited) for s in journey.edited}
                if row.claims(flow.customerp) and row.claims(flow.exact):
                    assert sides == {frozenset({"exact"}), frozenset({"customerp"}), frozenset(_SYSTEMS)}
    for place in journey.places():
        with subtests.test("what no mapping names stays byte for byte", record=place.name):
            mapped = {member.name for member in _members(journey, place.entity)}
            now, before = place.show(journey.world), journey.unmapped[place.name]
            assert _rest(now, mapped) == _rest(before, mapped)
    for stage in (journey.created, *journey.edited):
        with subtests.test("at most two syncs write", runs=stage.run_ids):
            assert len(stage.reports) <= 3
            assert not stage.reports[-1].write_calls


def _members(journey: Journey, entity: str) -> Iterator[Any]:
    for flow in journey.flows:
        for row in flow.subject.held_by(entity).values():
            yield row.members[entity]


def _rest(values: Values, mapped: set[str]) -> str:
    return json.dumps({name: value for name, value in values.items() if name not in mapped | _COMPUTED}, sort_keys=True)
