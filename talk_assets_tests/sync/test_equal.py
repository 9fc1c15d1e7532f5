"""Whether the records of a pair hold the same, and what explains it where they do not."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Flow, Subject
from talk_assets.sync.equal import (
    CHANGED,
    CONFLICT,
    FACTS,
    KEPT,
    ONE_WAY,
    UNEQUAL,
    UNEXPLAINED,
    UNREAD,
    Pairs,
    Side,
    differences,
)
from talk_assets_tests.sync.build import (
    LEFT,
    RIGHT,
    Text,
    capable,
    mapping,
    pointing,
    rows_of,
    texts,
)
from talk_assets_tests.sync.simulation import Simulation
from talk_assets_tests.sync.test_simulation import PHASES, Story, play, start, stories
from talk_assets_tests.sync.worlds import REFERENCES

PROPERTIES: dict[str, dict[str, object]] = {
    "name": {},
    "code": {"type": "code", "compare": "alphanumeric"},
    "email": {"type": "email"},
    "amount": {"type": "decimal"},
}
# Two spellings of one value.
SAME: dict[str, list[tuple[Text, Text]]] = {
    "name": [("Main  street", "Main street"), ("Caf\u00e9", "Cafe\u0301"), (None, None)],
    "code": [("NL-1", "nl1"), ("1.2", "12")],
    "email": [("An@example.com", "an@Example.com"), (None, None)],
    "amount": [("1.5", "1.5"), (None, None)],
}
OTHER: dict[str, Text] = {"name": "Somebody else", "code": "ZZ-9", "email": "zz@example.com", "amount": "99"}
Row = dict[str, Text]


def side(entity: str, now: Sequence[Row], names: Sequence[str], **more: object) -> Side:
    """Records that hold what was read and accounted for."""
    index = pd.RangeIndex(len(now))
    held = texts(now, names, index)
    nothing = texts([{} for _ in now], names, index)
    calm = pd.Series(False, index=index)
    made = Side(entity, now=held, found=~calm, moved=calm, known=held, base=held, sent=nothing)
    return replace(made, **more)  # type: ignore[arg-type]


def pair_up(
    subject: Subject, left: Sequence[Row], right: Sequence[Row], golden: Sequence[Row] | None = None, **more: object
) -> Pairs:
    """Pairs of records that are as they were read."""
    index, names = pd.RangeIndex(len(left)), list(subject.properties)
    made = Pairs(
        subject=subject,
        customerp=side(LEFT, left, list(subject.held_by(LEFT))),
        exact=side(RIGHT, right, list(subject.held_by(RIGHT))),
        golden=texts(left if golden is None else golden, names, index),
        had={entity: pd.Series(True, index=index) for entity in (LEFT, RIGHT)},
        facts=facts([]),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def facts(rows: Sequence[tuple[int, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["pair", "property", "why"])


def found(pairs: Pairs, capabilities: Capabilities | None = None) -> list[tuple[str | None, ...]]:
    return rows_of(differences(pairs, capabilities or capable(pairs.subject), pointing()), "pair", "property", "why")


@st.composite
def books(draw: st.DrawFn) -> tuple[list[Row], list[Row], set[tuple[int, str]]]:
    """Pairs that are the same in other spellings, but for some values that are not."""
    count = draw(st.integers(1, 5))
    alike = [{name: draw(st.sampled_from(SAME[name])) for name in PROPERTIES} for _ in range(count)]
    places = [(pair, name) for pair in range(count) for name in PROPERTIES]
    planted = draw(st.sets(st.sampled_from(places)))
    left = [{name: one for name, (one, _) in row.items()} for row in alike]
    right = [
        {name: OTHER[name] if (pair, name) in planted else two for name, (_, two) in row.items()}
        for pair, row in enumerate(alike)
    ]
    return left, right, planted


@settings(max_examples=30, deadline=None)
@given(books(), st.data())
def test_exactly_what_differs_is_found(
    made: tuple[list[Row], list[Row], set[tuple[int, str]]], data: st.DataObject
) -> None:
    """Spelling alarms every night, or a value that differs is passed over."""
    left, right, planted = made
    pairs = pair_up(mapping(PROPERTIES), left, right)
    assert found(pairs) == sorted((str(pair), name, UNEQUAL) for pair, name in planted)
    # Whatever is known explains what it is about and nothing else, the first reason first.
    known = {place: data.draw(st.sets(st.sampled_from(FACTS), max_size=2)) for place in planted}
    rows = [(pair, name, why) for (pair, name), reasons in known.items() for why in sorted(reasons)]
    expected = {place: min(reasons, key=FACTS.index) if reasons else UNEQUAL for place, reasons in known.items()}
    told = found(replace(pairs, facts=facts(rows)))
    assert told == sorted((str(pair), name, why) for (pair, name), why in expected.items())
    # Whichever side one begins with.
    turned = pair_up(mapping(PROPERTIES), right, left)
    assert found(turned) == found(pairs)


def state(simulation: Simulation, flow: Flow) -> Pairs:
    """The pairs of a flow as its systems show them now, and as they were known after the last round."""
    subject, ledger = simulation.subject, simulation.ledger
    numbers = [n for n, cluster in sorted(ledger.items()) if set(flow.entities) <= set(cluster.members)]
    index = pd.Index(numbers, dtype="int64")
    calm = pd.Series(False, index=index)

    def shown(entity: str) -> Side:
        names = list(subject.held_by(entity))
        members = [ledger[number].members[entity] for number in numbers]
        return Side(
            entity,
            now=texts([simulation.held(entity, number) for number in numbers], names, index),
            found=~calm,
            moved=calm,
            known=texts([member.current for member in members], names, index),
            base=texts([member.base for member in members], names, index),
            sent=texts([member.sent for member in members], names, index),
        )

    return Pairs(
        subject,
        shown(flow.customerp),
        shown(flow.exact),
        golden=texts([simulation.agreed(number) for number in numbers], list(subject.properties), index),
        had={e: pd.Series([e in ledger[n].members for n in numbers], index=index) for e in subject.entities},
        facts=facts([(number, name, CONFLICT) for number, name in sorted(simulation.disputed)]),
    )


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(stories(), st.data())
def test_what_syncs_leave_is_explained_and_a_hidden_edit_is_not(story: Story, data: st.DataObject) -> None:
    """Somebody is called where the mapping is followed, or nobody where a system keeps an edit to itself."""
    count, names, steps = story
    simulation = start(count, names)
    play(simulation, steps)
    for _ in range(3):
        simulation.sync()
    flows = list(simulation.subject.flows.values())
    for flow in flows:
        told = differences(state(simulation, flow), simulation.capabilities, pointing())
        assert told[told["why"].isin(UNEXPLAINED)].empty, told
    pairs = [(flow, number) for flow in flows for number in state(simulation, flow).golden.index]
    if not pairs:
        return
    (flow, number), name = data.draw(st.sampled_from(pairs)), data.draw(st.sampled_from(names))
    entity = data.draw(st.sampled_from(flow.entities))
    record = simulation.systems[entity][number]
    record.values[name] = "987" if name in ("price", "phone") else f"unheard of {name}"
    told = differences(state(simulation, flow), simulation.capabilities, pointing())
    (row,) = told[told["pair"].eq(number) & told["property"].eq(name)].to_dict("records")
    if row["why"] == UNREAD:
        assert row["unread"] == entity
    elif (number, name) in simulation.disputed:
        assert row["why"] == CONFLICT
    else:
        # Exact has no status that could be put in the place of what was entered in Customerp.
        assert (row["why"], name, entity.partition(".")[0]) == (ONE_WAY, "status", "customerp")
        assert row["exact"] is None or pd.isna(row["exact"])
    assert set(told[~(told["pair"].eq(number) & told["property"].eq(name))]["why"]) <= {CONFLICT, KEPT, ONE_WAY}


def moved(*flags: bool) -> pd.Series:
    return pd.Series(list(flags))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, UNREAD),
        ({"moved": moved(True)}, CHANGED),
        ({"known": None}, UNEQUAL),
    ],
)
def test_an_edit_counts_as_read_next_where_the_record_says_so(change: dict[str, object], why: str) -> None:
    """An edit of this minute is called a fault, or one that nobody will ever read is not."""
    subject = mapping({"name": {}})
    pairs = pair_up(subject, [{"name": "Ann"}], [{"name": "Ann"}])
    now = texts([{"name": "Bo"}], ["name"], pd.RangeIndex(1))
    change = {**change, "known": now} if "known" in change else change
    edited = replace(pairs, exact=replace(pairs.exact, now=now, **change))  # type: ignore[arg-type]
    assert found(edited) == [("0", "name", why)]
    (row,) = differences(edited, capable(subject), pointing()).to_dict("records")
    assert (row["customerp"], row["exact"]) == ("Ann", "Bo")
    assert row["unread"] == (RIGHT if why == UNREAD else "")


def test_a_record_that_is_gone_is_not_compared() -> None:
    """Each property of a deleted record is reported as unequal."""
    pairs = pair_up(mapping({"name": {}}), [{"name": "Ann"}] * 2, [{"name": "Bo"}] * 2)
    gone = replace(pairs, exact=replace(pairs.exact, found=moved(True, False)))
    assert found(gone) == [("0", "name", UNEQUAL)]


@pytest.mark.parametrize("agreed", ["Annabella", "Anna"])
def test_a_side_that_takes_less_is_equal_with_what_it_takes(agreed: str) -> None:
    """Everything that Exact shortens is called unequal."""
    subject = mapping({"name": {}})
    pairs = pair_up(subject, [{"name": "Annabella"}], [{"name": "Annab"}], [{"name": agreed}])
    assert found(pairs, capable(subject, exact__right={"name": {"max_length": 5}})) == []
    assert found(pairs, capable(subject, exact__right={"name": {"max_length": 6}})) == [("0", "name", UNEQUAL)]


def test_what_a_system_made_of_a_value_is_kept_until_somebody_edits_it() -> None:
    """A rounded price is reported for ever, or an edit of it passes for rounding."""
    subject = mapping({"price": {"type": "decimal"}})
    pairs = pair_up(subject, [{"price": "1.2345"}], [{"price": "1.23"}])
    sent = texts([{"price": "1.2345"}], ["price"], pd.RangeIndex(1))
    rounded = replace(pairs, exact=replace(pairs.exact, sent=sent))
    assert found(rounded) == [("0", "price", KEPT)]
    now = texts([{"price": "1.24"}], ["price"], pd.RangeIndex(1))
    assert found(replace(rounded, exact=replace(rounded.exact, now=now))) == [("0", "price", UNREAD)]


@pytest.mark.parametrize(
    ("options", "left", "right", "why"),
    [
        ({"direction": "create_in_exact"}, "1", "2", ONE_WAY),
        ({"direction": "to_customerp"}, "1", None, ONE_WAY),
        ({"direction": "to_customerp"}, "1", "2", UNEQUAL),
        ({"direction": "to_exact"}, None, "2", ONE_WAY),
        ({"direction": "both"}, None, "2", UNEQUAL),
        ({"type": "code", "members": {LEFT: {}, RIGHT: {"only_digits": True}}}, "A1", "2", ONE_WAY),
    ],
)
def test_the_mapping_explains_what_it_does_not_carry(
    options: dict[str, object], left: Text, right: Text, why: str
) -> None:
    """What is sent only once, or one way, alarms every night; or all of it is passed over."""
    golden = right if options.get("direction") == "to_customerp" else left
    pairs = pair_up(mapping({"name": options}), [{"name": left}], [{"name": right}], [{"name": golden}])
    assert found(pairs) == [("0", "name", why)]


def test_a_property_that_only_matches_and_a_row_that_does_not_apply_are_not_compared() -> None:
    """Numbers that each system gives by itself are called unequal."""
    only = {"members": {LEFT: {}, RIGHT: {"when": "customerp.second"}}}
    pairs = pair_up(mapping({"number": {"direction": "match"}, "day": only}), [{"number": "1", "day": "1"}], [{}])
    assert found(pairs) == []
    there = {**pairs.had, "customerp.second": moved(True)}
    assert found(replace(pairs, had=there)) == [("0", "day", UNEQUAL)]


def test_a_reference_is_equal_with_one_to_the_same_thing() -> None:
    """Every document is unequal, because each system has its own key of the customer."""
    subject = mapping({"customer": {"type": "reference", "to": "organisation"}})
    pairs = pair_up(subject, [{"customer": "customerp.to/1"}] * 2, [{"customer": f"exact.to/{key}"} for key in "12"])
    told = differences(pairs, capable(subject), pointing(REFERENCES))
    assert list(told["pair"]) == [1]
