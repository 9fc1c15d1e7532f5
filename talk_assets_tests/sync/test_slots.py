"""Several records of one entity in a cluster are decided and written like records of entities of their own."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_assets.mappings.model import Subject
from talk_assets.sync.decide import Decision
from talk_assets.sync.match import Assignment, assign
from talk_assets.sync.plan import Plan
from talk_assets.sync.slots import entity_of, number_of, slot_name, with_slots
from talk_assets_tests.sync.build import (
    LEFT,
    RIGHT,
    Agreed,
    Cluster,
    Member,
    agreed,
    capable,
    decided,
    known,
    mapping,
    new,
    owed_to,
    planned,
)

SECOND = slot_name(LEFT, 2)
TWO = (LEFT, SECOND)


def settle(members: Mapping[str, Member], golden: Agreed, **row: object) -> tuple[Decision, Plan]:
    """Decide and plan a cluster; `row` says how its only property is merged."""
    subject = mapping({"name": row})
    slotted, capabilities = with_slots(subject, capable(subject), [*members])
    decision = decided(slotted, Cluster(dict(members), golden), capabilities, None)
    return decision, planned(slotted, decision, capabilities, None)


def test_the_names_of_slots() -> None:
    """The second customer would be written as a record of an entity that no system has."""
    assert [slot_name(LEFT, number) for number in (1, 2)] == [LEFT, f"{LEFT}#2"]
    assert [(entity_of(slot), number_of(slot)) for slot in TWO] == [(LEFT, 1), (LEFT, 2)]


def test_one_record_of_each_entity_changes_nothing() -> None:
    """Mappings without duplicates would pay for those that have some."""
    subject = mapping({"name": {}})
    capabilities = capable(subject)
    same, can = with_slots(subject, capabilities, [LEFT, RIGHT])
    assert same is subject
    assert can is capabilities


def test_an_edit_of_one_reaches_all_others() -> None:
    """A customer that is there twice would differ from itself."""
    members = {
        LEFT: known({"name": "An"}, key="1"),
        SECOND: known({"name": "Bo"}, {"name": "An"}, at=5, key="2"),
        RIGHT: known({"name": "An"}, key="9"),
    }
    decision, plan = settle(members, agreed({"name": "An"}))
    assert decision.golden.winners.loc[1, "name"] == f"{LEFT}/2"
    assert owed_to(plan, LEFT) == {"name": "Bo"}
    assert owed_to(plan, RIGHT) == {"name": "Bo"}
    assert owed_to(plan, SECOND) == {}
    assert plan.owed[LEFT].keys[1] == "1"


def test_a_loser_is_told_by_its_own_name() -> None:
    """Who asks where an edit went would be told of the other record."""
    members = {
        LEFT: known({"name": "Bo"}, {"name": "An"}, at=5, key="1"),
        SECOND: known({"name": "Cy"}, {"name": "An"}, at=9, key="2"),
    }
    decision, _ = settle(members, agreed({"name": "An"}))
    lost = decision.history[decision.history["loser"].notna()]
    assert [*lost[["winner", "loser", "loser_value"]].itertuples(index=False, name=None)] == [
        (f"{LEFT}/2", f"{LEFT}/1", "Bo")
    ]


def test_both_claims_of_a_conflict_name_their_record() -> None:
    """A person could not say which of the two is right."""
    members = {
        LEFT: known({"name": "Bo"}, {"name": "An"}, at=5, key="1"),
        SECOND: known({"name": "Cy"}, {"name": "An"}, at=9, key="2"),
    }
    decision, _ = settle(members, agreed({"name": "An"}), rule="manual")
    assert [*decision.conflicts[["entity", "key", "value"]].itertuples(index=False, name=None)] == [
        (LEFT, "1", "Bo"),
        (LEFT, "2", "Cy"),
    ]


@pytest.mark.parametrize("order", [[LEFT], ["customerp"]], ids=["entity", "system"])
def test_the_owner_is_any_record_of_the_owning_side(order: list[str]) -> None:
    """The second customer's edit would be put back, although its system owns the property."""
    members = {
        LEFT: known({"name": "An"}, key="1"),
        SECOND: known({"name": "Bo"}, {"name": "An"}, at=5, key="2"),
        RIGHT: known({"name": "Cy"}, {"name": "An"}, at=9, key="9"),
    }
    decision, _ = settle(members, agreed({"name": "An"}), rule="owner", order=order)
    assert decision.golden.values.loc[1, "name"] == "Bo"


@pytest.mark.parametrize("order", [["exact"], ["customerp"]], ids=["not preferred", "preferred"])
def test_of_records_of_one_entity_the_latest_counts(order: list[str]) -> None:
    """Which of two customers is right would depend on which was linked first."""
    members = {LEFT: new({"name": "An"}, at=9, key="1"), SECOND: new({"name": "Bo"}, at=5, key="2")}
    assert settle(members, Agreed(), rule="prefer", order=order)[0].golden.values.loc[1, "name"] == "An"
    members = {LEFT: new({"name": "An"}, at=5, key="1"), SECOND: new({"name": "Bo"}, at=9, key="2")}
    assert settle(members, Agreed(), rule="prefer", order=order)[0].golden.values.loc[1, "name"] == "Bo"


def test_one_counterpart_is_created_for_two() -> None:
    """Each duplicate of a customer would become an account of its own."""
    _, plan = settle({LEFT: new({"name": "An"}, key="1"), SECOND: new({"name": "An"}, key="2")}, Agreed())
    assert {slot: int(each.create.sum()) for slot, each in plan.owed.items()} == {RIGHT: 1}


_VALUES = st.sampled_from(["An", "Bo", "Cy"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_VALUES, st.integers(1, 9)), min_size=2, max_size=4), st.lists(_VALUES, max_size=2))
def test_all_records_end_with_the_latest_value(lefts: list[tuple[str, int]], rights: list[str]) -> None:
    """Some of several duplicates would keep another value for ever, or be written again in every run."""
    members = {slot_name(LEFT, n): new({"name": v}, at=t, key=f"l{n}") for n, (v, t) in enumerate(lefts, start=1)}
    members |= {slot_name(RIGHT, n): new({"name": v}, at=0, key=f"r{n}") for n, v in enumerate(rights, start=1)}
    decision, plan = settle(members, Agreed())
    latest = max(t for _, t in lefts)
    value = str(decision.golden.values.loc[1, "name"])
    assert value in {v for v, t in lefts if t == latest}
    wrong = {slot for slot, member in members.items() if member.current["name"] != value}
    updates = {slot for slot, each in plan.owed.items() if not each.create.any() and len(each.keys)}
    assert updates == wrong
    assert all(owed_to(plan, slot) == {"name": value} for slot in wrong)


def joined(clusters: Mapping[str, int], *pairs: tuple[str, str, str], fresh: tuple[str, ...] = ()) -> Assignment:
    """Assign records that a flow (the third of each pair) calls the same, with twins."""

    def frame(names: list[str]) -> pd.DataFrame:
        return pd.DataFrame([name.split("/") for name in names], columns=["entity", "key"], dtype="str")

    rows = [(*one.split("/"), *other.split("/"), "mail", flow) for one, other, flow in pairs]
    columns = ["entity", "key", "other_entity", "other_key", "criterion", "flow"]
    members = frame([*clusters]).assign(cluster_id=np.array([*clusters.values()], dtype=np.int64))
    return assign(frame([*fresh]), members, pd.DataFrame(rows, columns=columns, dtype="str"), twins=True)


def together(found: Assignment) -> set[frozenset[str]]:
    named = found.members.assign(name=found.members["entity"] + "/" + found.members["key"])
    return {frozenset(rows["name"]) for _, rows in named.groupby("cluster_id")}


def held(found: Assignment) -> set[str]:
    return set(found.ambiguous["entity"] + "/" + found.ambiguous["key"])


def test_duplicates_share_a_cluster() -> None:
    """Duplicates that are to be kept equal would wait for a person."""
    found = joined({}, ("a/2", "a/1", "f"), ("x/1", "a/1", "f"), fresh=("a/1", "a/2", "x/1"))
    assert together(found) == {frozenset({"a/1", "a/2", "x/1"})}
    assert held(found) == set()


def test_a_duplicate_joins_the_cluster_that_is_there() -> None:
    """A customer that is entered a second time would go its own way."""
    found = joined({"a/1": 1, "x/1": 1}, ("a/2", "a/1", "f"), fresh=("a/2",))
    assert [*found.members["cluster_id"]] == [1]
    assert held(found) == set()


def test_a_record_alone_joins_the_cluster_that_it_comes_to_match() -> None:
    """A duplicate whose address was corrected later would never be kept equal."""
    found = joined({"a/1": 1, "x/1": 1, "a/2": 2}, ("a/2", "a/1", "f"), fresh=("a/2",))
    assert found.merged.to_dict("records") == [{"old": 2, "cluster_id": 1}]


def test_two_linked_clusters_are_not_joined() -> None:
    """Two companies with accounts of their own would overwrite each other because one address was mistyped."""
    found = joined({"a/1": 1, "x/1": 1, "a/2": 2, "x/2": 2}, ("a/3", "a/1", "f"), ("a/2", "a/1", "f"), fresh=("a/3",))
    assert len(found.merged) == len(found.members) == 0
    assert "a/3" in held(found)


def test_what_only_several_flows_connect_is_held() -> None:
    """Two people would become one because a third record resembles each of them in another respect."""
    found = joined(
        {}, ("x/1", "a/1", "f"), ("a/1", "b/1", "g"), ("x/2", "b/1", "h"), fresh=("a/1", "b/1", "x/1", "x/2")
    )
    assert held(found) == {"a/1", "b/1", "x/1", "x/2"}


def test_of_a_subject_with_slots_nothing_is_lost() -> None:
    """An option of a mapping would not count where a record is there twice."""
    subject = mapping({"name": {}}, tie_break=["exact"], constants={LEFT: {"Kind": "x"}})
    slotted, capabilities = with_slots(subject, capable(subject), [LEFT, SECOND, RIGHT])
    assert slotted.entities == [LEFT, SECOND, RIGHT]
    assert list(slotted.held_by(SECOND)) == ["name"]
    assert capabilities[SECOND] == capabilities[LEFT]
    assert {n: getattr(slotted, n) for n in Subject.model_fields if n != "properties"} == {
        n: getattr(subject, n) for n in Subject.model_fields if n != "properties"
    }
