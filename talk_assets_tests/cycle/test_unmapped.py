"""What no mapping names is nobody's business: it stays byte for byte, in every record of both systems."""

import json
from pathlib import Path

import pytest

from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets_tests.cycle.clear import MAPPINGS
from talk_assets_tests.cycle.harness import Values, World, open_world
from talk_assets_tests.cycle.journey import UNMAPPED

_SEED = SeedOptions(customers=5, contacts=5, employees=3, products=5, quotes=3, orders=3, lines=2, duplicates=0)
_LINES = {"customerp.quote": "customerp.quote_line", "customerp.order": "customerp.order_line"}
_KINDS = [*MAPPINGS.entities, "exact.quotation_lines", "exact.salesorder_lines"]
# What a system computes, also from what is synchronised.
_COMPUTED = {"Modified", "Version", "Lines", "VATPercentage"} | {
    f"{name}{end}"
    for name in ("Amount", "AmountDiscount", "NetPrice", "VATAmount")
    for end in ("", "FC", "DC", "FCExclVat", "ExclVat")
}


def _mapped(entity: str) -> set[str]:
    subject = MAPPINGS.subject_of(entity)
    return {row.members[entity].name for row in subject.held_by(entity).values()}


def _rest(entity: str, values: Values) -> str:
    kept = {name: value for name, value in values.items() if name not in _mapped(entity) | _COMPUTED}
    return json.dumps(kept, sort_keys=True, default=str)


def _unmapped(world: World) -> dict[tuple[str, str], str]:
    """Every record and line of both systems: what it holds that no mapping names."""
    found = {}
    for entity in _KINDS:
        for key, values in world.all(entity).items():
            found[entity, key] = _rest(entity, values)
            for line in values.get("Lines", []) if entity in _LINES else []:
                found[_LINES[entity], f"{key}/{line['Id']}"] = _rest(_LINES[entity], line)
    return found


def _edit_everything(world: World, number: int) -> None:
    """An edit of a text in every record of both systems, which each reaches its counterpart."""
    names = {"organisation": "phone", "person": "mobile", "product": "description", "sales_document": "description"}
    for place, entity in enumerate(MAPPINGS.entities):
        subject = MAPPINGS.subject_of(entity)
        own = subject.properties[names[subject.subject]].members[entity].name
        for count, key in enumerate(world.all(entity)):
            # Every other record, so that both sides of a pair are written.
            if (count + place) % 2 == number % 2:
                world.edit(entity, key, **{own: f"{number} {count}"}, **_unchecked(entity))


def _unchecked(entity: str) -> Values:
    return {"checked": False} if entity.startswith("customerp") else {}


@pytest.mark.soak
def test_what_no_mapping_names_stays(database_url: str, tmp_path: Path, subtests: pytest.Subtests) -> None:
    """Credit limits, notes and accounting codes would be emptied or replaced in every record that is synchronised."""
    with open_world(database_url, tmp_path, seed=_SEED) as world:
        for entity in _KINDS:
            for key in world.all(entity):
                world.edit(entity, key, **UNMAPPED[entity], **_unchecked(entity))
        before = _unmapped(world)
        first = world.sync()
        _edit_everything(world, 1)
        second = world.sync()
        written = {str(write["entity"]) for report in (first, second) for write in report.writes}
        with subtests.test("both systems were written"):
            assert written >= {"exact.accounts", "exact.contacts", "exact.items", "exact.quotations"}
            assert written >= {"customerp.customer", "customerp.contact", "customerp.product", "customerp.order"}
        after = _unmapped(world)
        for entity in dict.fromkeys(entity for entity, _ in before):
            with subtests.test("unchanged", entity=entity):
                mine = [place for place in before if place[0] == entity]
                assert {place: after[place] for place in mine} == {place: before[place] for place in mine}
