"""What must always hold, whatever people edit and whatever fails: quiet rounds agree, and no edit is lost."""

import warnings
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from talk_assets_tests.sync.build import Text, capable, mapping
from talk_assets_tests.sync.simulation import Simulation

ENTITIES = ["customerp.left", "customerp.second", "exact.right", "exact.other"]
PROPERTIES: dict[str, dict[str, Any]] = {
    "name": {},
    "title": {"rule": "prefer", "order": ["exact", "customerp"]},
    "code": {"type": "code", "compare": "alphanumeric", "rule": "owner", "order": ["customerp"]},
    "price": {"type": "decimal"},
    "grade": {"rule": "manual"},
    "phone": {"compare": "digits", "clear": ["customerp"]},
    "status": {"direction": "to_customerp", "type": "code"},
    "tags": {"type": "list", "rule": "union", "clear": ["customerp"]},
    "street": {"group": "address"},
    "line2": {"group": "address", "clear": ["customerp", "exact"]},
    "city": {"group": "address"},
}
VALUES: dict[str, list[Text]] = {
    "name": ["Ann", "Bo", "Annabella", "Annabelle", "Annab", "ann", None],
    "title": ["Boss", "Chief of staff", "Chief of sales", None],
    "code": ["A-1", "A1", "B2", None],
    "price": ["1", "1.5", "1.2345", "1.23", "2", None],
    "grade": ["good", "better", "good or better", None],
    "phone": ["12 34", "1234", "99", None],
    "status": ["open", "closed", None],
    "tags": ["a", "b\na", "b\nc", "A\nd", None],
    "street": ["Main 1", "Side 2", None],
    "line2": ["floor 2", "rear", None],
    "city": ["Oslo", "Bergen", None],
}
TOGETHER = [["name", "phone"], ["title", "code"], ["price", "status"], ["tags", "grade"], ["street", "line2", "city"]]
CLUSTERS = (1, 2, 3)
# An edit: entity, cluster, property, value. A round: which entities fail, and what is edited meanwhile.
Step = tuple[Any, ...]
# How many systems there are, what they share, and what happens.
Story = tuple[int, list[str], list[Step]]
# Without explaining a failure, which takes longer than finding it.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]


def shorten_and_round(value: str) -> str:
    """What a system with less room makes of a value: eight characters, numbers with two decimals."""
    return f"{round(float(value), 2):g}" if value.replace(".", "").isdigit() and "." in value else value[:8].rstrip()


@st.composite
def edits(draw: st.DrawFn, names: list[str]) -> Step:
    """A person gives a property of a record a value."""
    name = draw(st.sampled_from(names))
    value = draw(st.sampled_from(VALUES[name]))
    return "edit", draw(st.integers(0, len(ENTITIES) - 1)), draw(st.sampled_from(CLUSTERS)), name, value


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Edits, and rounds in which writes fail or people go on editing."""
    names = draw(st.sampled_from(TOGETHER))
    failing = st.frozensets(st.integers(0, len(ENTITIES) - 1), max_size=2)
    rounds = st.tuples(st.just("round"), failing, st.lists(edits(names), max_size=2))
    steps = draw(st.lists(edits(names) | edits(names) | rounds, min_size=3, max_size=14))
    return draw(st.sampled_from([2, 3, 4])), names, steps


def start(count: int, names: list[str]) -> Simulation:
    entities = [ENTITIES[0], ENTITIES[2]] if count == 2 else ENTITIES[:count]
    subject = mapping({name: PROPERTIES[name] for name in names}, entities)
    limits = {"name": (5, 7), "title": (12, None)}
    right = {name: {"max_length": limits[name][0]} for name in names if name in limits}
    other = {name: {"max_length": limits[name][1]} for name in names if name in limits}
    capabilities = capable(subject, exact__right=right, exact__other=other)
    return Simulation(
        subject,
        capabilities,
        stores={entity: shorten_and_round for entity in entities if entity.startswith("exact.")},
        clocks={"exact.right": -3, "customerp.second": 2},
    )


def play(simulation: Simulation, steps: list[Step]) -> None:
    entities = simulation.subject.entities

    def edit(step: Step) -> None:
        _, at, number, name, value = step
        entity = entities[at % len(entities)]
        typed = simulation.stores.get(entity, str)(value) if value is not None else None
        simulation.edit(entity, number, name, typed)

    def edit_all(later: list[Step]) -> None:
        for step in later:
            edit(step)

    for step in steps:
        if step[0] == "edit":
            edit(step)
        else:
            failing = frozenset(entities[at % len(entities)] for at in step[1])
            simulation.sync(failing=failing, meanwhile=partial(edit_all, step[2]))


def disagreements(simulation: Simulation) -> list[str]:
    found = []
    for number, cluster in simulation.ledger.items():
        for entity, member in cluster.members.items():
            held = simulation.held(entity, number)
            for name, row in simulation.subject.held_by(entity).items():
                agreed = simulation.agreed(number).get(name)
                never = name not in simulation.ledger[number].golden.times
                if (number, name) in simulation.disputed:
                    continue
                if row.writes(entity) != "always" or (never and row.direction != "both"):
                    continue
                wanted = simulation.form(name, agreed, entity)
                kept = member.sent.get(name) is not None and simulation.form(name, member.sent[name]) == wanted
                if simulation.form(name, held.get(name)) not in (wanted, simulation.form(name, agreed)) and not kept:
                    found.append(f"{number} {entity} {name}: holds {held.get(name)}, agreed is {agreed}")
    return found


def said(simulation: Simulation, name: str, values: Iterable[Text]) -> set[Text]:
    """What values say: themselves, of a list each of its items."""
    forms = {simulation.form(name, value) for value in values}
    if simulation.subject.properties[name].type == "list":
        return {item for form in forms if form is not None for item in form.split("\n")}
    return {*forms}


def lost(simulation: Simulation) -> list[str]:
    found = []
    for edit in simulation.edits:
        if edit.typed_over:
            continue
        there = [simulation.held(entity, edit.number) for entity in simulation.ledger[edit.number].members]
        there.append(simulation.agreed(edit.number))
        known = [*simulation.told(edit.number, edit.name), *(values.get(edit.name) for values in there)]
        if said(simulation, edit.name, [edit.value]) - said(simulation, edit.name, known):
            found.append(f"{edit.number} {edit.entity} {edit.name}: {edit.value}")
    return found


def check(story: Story) -> None:
    count, names, steps = story
    simulation = start(count, names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        play(simulation, steps)
        for _ in range(3):
            simulation.sync()
    assert simulation.writes == 0
    assert disagreements(simulation) == []
    assert lost(simulation) == []


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(stories())
def test_quiet_rounds_agree_and_no_edit_is_lost(story: Story) -> None:
    """Otherwise two people see different books for ever, or what somebody typed is gone without a trace."""
    check(story)


@pytest.mark.soak
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(stories())
def test_quiet_rounds_agree_and_no_edit_is_lost_in_rare_cases_either(story: Story) -> None:
    """Otherwise the same happens to those who have many records."""
    check(story)


OWNED: dict[str, dict[str, Any]] = {
    "name": {"rule": "owner", "order": ENTITIES, "non_owner_edit": "ignore"},
    "phone": {"rule": "owner", "order": ENTITIES, "non_owner_edit": "ignore", "clear": ["customerp"]},
    "code": {"type": "code", "rule": "owner", "order": ENTITIES},
}


@st.composite
def owned_stories(draw: st.DrawFn) -> tuple[int, list[dict[str, int]], list[Step]]:
    """Edits of properties with an owner, and rounds; and two ways in which the systems' clocks may be wrong."""
    failing = st.frozensets(st.integers(0, 2), max_size=2)
    rounds = st.tuples(st.just("round"), failing, st.lists(edits(list(OWNED)), max_size=2))
    steps = draw(st.lists(edits(list(OWNED)) | edits(list(OWNED)) | rounds, min_size=3, max_size=14))
    clocks = st.fixed_dictionaries({entity: st.integers(-20, 20) for entity in ENTITIES})
    return draw(st.sampled_from([2, 3])), [draw(clocks), draw(clocks)], steps


def after(count: int, clocks: dict[str, int], steps: list[Step]) -> dict[str, dict[int, dict[str, Text]]]:
    """What the systems hold at the end of a story."""
    entities = [ENTITIES[0], ENTITIES[2]] if count == 2 else ENTITIES[:count]
    subject = mapping(OWNED, entities)
    simulation = Simulation(subject, capable(subject), clocks=clocks)
    play(simulation, steps)
    for _ in range(3):
        simulation.sync()
    assert simulation.writes == 0
    return {entity: {n: simulation.held(entity, n) for n in records} for entity, records in simulation.systems.items()}


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(owned_stories())
def test_no_clock_decides_between_an_owner_and_others(story: tuple[int, list[dict[str, int]], list[Step]]) -> None:
    """Otherwise it depends on a clock whether an edit that does not count is left, or the owner's ever arrives."""
    count, (one, other), steps = story
    assert after(count, one, steps) == after(count, other, steps)


@pytest.mark.soak
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(owned_stories())
def test_no_clock_decides_between_an_owner_and_others_in_rare_cases_either(
    story: tuple[int, list[dict[str, int]], list[Step]],
) -> None:
    """Otherwise the same happens to those who have many records."""
    count, (one, other), steps = story
    assert after(count, one, steps) == after(count, other, steps)
