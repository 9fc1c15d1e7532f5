"""Records that a person took apart are never in one group, and nothing is guessed about the others."""

from dataclasses import dataclass

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_assets.sync.match import Assignment, assign

_ENTITIES = ("customerp.contact", "customerp.employee", "exact.contacts", "exact.employees")


def records(*names: str) -> pd.DataFrame:
    return pd.DataFrame([name.split("/") for name in names], columns=["entity", "key"], dtype="str")


def pairs(*names: tuple[str, str, str]) -> pd.DataFrame:
    """Proposals: two records and the criterion."""
    rows = [(*one.split("/"), *other.split("/"), criterion) for one, other, criterion in names]
    return pd.DataFrame(rows, columns=["entity", "key", "other_entity", "other_key", "criterion"], dtype="str")


def members(clusters: dict[str, int]) -> pd.DataFrame:
    return records(*clusters).assign(cluster_id=pd.Series(list(clusters.values()), dtype="int64"))


def apart(*names: tuple[str, str]) -> pd.DataFrame:
    return pairs(*((one, other, "") for one, other in names)).drop(columns="criterion")


def groups(done: Assignment) -> set[frozenset[str]]:
    """The records that share a new cluster."""
    named = done.members.assign(name=done.members["entity"] + "/" + done.members["key"])
    return {frozenset(rows["name"]) for _, rows in named.groupby("cluster_id")}


def held(done: Assignment) -> set[str]:
    return set(done.ambiguous["entity"] + "/" + done.ambiguous["key"])


def test_two_that_are_apart_are_two() -> None:
    """What a person took apart is joined by the next run."""
    fresh = records("a/1", "b/1")
    done = assign(fresh, members({}), pairs(("b/1", "a/1", "mail")), apart(("a/1", "b/1")))
    assert groups(done) == {frozenset({"a/1"}), frozenset({"b/1"})}
    assert held(done) == set()


def test_stored_clusters_are_not_joined_through_a_third() -> None:
    """Two companies that were taken apart come together through a branch of one of them."""
    stored = members({"a/1": 1, "b/1": 2})
    done = assign(records("c/1"), stored, pairs(("c/1", "a/1", "mail"), ("c/1", "b/1", "vat")), apart(("a/1", "b/1")))
    assert len(done.merged) == 0
    assert groups(done) == set()
    assert "c/1" in held(done)


def test_who_can_belong_to_one_only_joins_that_one() -> None:
    """A record is held for ever because of a pair that has nothing to do with it."""
    proposals = pairs(("a/2", "a/1", "mail"), ("b/1", "a/1", "mail"))
    done = assign(records("a/1", "a/2", "b/1"), members({}), proposals, apart(("a/2", "b/1")))
    assert groups(done) == {frozenset({"a/1", "b/1"}), frozenset({"a/2"})}


def test_records_that_share_nothing_are_not_joined_by_what_is_left() -> None:
    """Strangers become one because both share something with a record that was taken apart from one of them."""
    # a/1 and b/1 share one value, b/1 and b/2 another: a/1 and b/2 share nothing.
    proposals = pairs(("b/1", "a/1", "mail"), ("b/2", "b/1", "vat"))
    done = assign(records("a/1", "b/1", "b/2"), members({}), proposals, apart(("a/1", "b/1")))
    assert frozenset({"a/1", "b/2"}) not in groups(done)
    assert {"a/1", "b/2"} <= held(done)


def test_what_no_flow_pairs_is_not_joined_for_a_third() -> None:
    """An offer is written from an order's bill, because both were taken for papers of another order."""
    proposals = pairs(("b/1", "a/1", "reference"), ("c/1", "a/1", "reference"))
    ruled = apart(("a/1", "b/1"), ("a/1", "c/1"))
    fresh = records("a/1", "b/1", "c/1")
    done = assign(fresh, members({}), proposals, ruled, paired=[("a", "b"), ("a", "c")])
    assert groups(done) == {frozenset({"a/1"}), frozenset({"b/1"}), frozenset({"c/1"})}
    # With an order that they are papers of, too, they are together.
    both = [
        *proposals.itertuples(index=False, name=None),
        ("b", "1", "a", "2", "number"),
        ("c", "1", "a", "2", "number"),
    ]
    known = pd.DataFrame(both, columns=proposals.columns, dtype="str")
    done = assign(records("a/1", "a/2", "b/1", "c/1"), members({}), known, ruled, paired=[("a", "b"), ("a", "c")])
    assert groups(done) == {frozenset({"a/1"}), frozenset({"a/2", "b/1", "c/1"})}


def test_other_groups_are_as_they_were() -> None:
    """One pair that was taken apart changes how everybody else is matched."""
    proposals = pairs(("b/1", "a/1", "mail"), ("b/2", "a/2", "mail"), ("a/4", "a/3", "mail"))
    fresh = records("a/1", "b/1", "a/2", "b/2", "a/3", "a/4")
    done = assign(fresh, members({}), proposals, apart(("a/1", "b/1")))
    assert frozenset({"a/2", "b/2"}) in groups(done)
    assert held(done) == {"a/3", "a/4"}


@dataclass
class Drawn:
    """Records by name, what some of them share, and pairs that are apart."""

    names: list[str]
    shared: list[tuple[str, list[str]]]
    ruled: list[tuple[str, str]]

    @property
    def proposals(self) -> pd.DataFrame:
        """Each record with the first one of those that share a value, as `propose` gives them."""
        rows = [
            (name, min(names), criterion) for criterion, names in self.shared for name in names if name != min(names)
        ]
        return pairs(*rows).drop_duplicates(["entity", "key", "other_entity", "other_key"])


@st.composite
def worlds(draw: st.DrawFn) -> Drawn:
    names = sorted(draw(st.sets(st.sampled_from([f"{e}/{n}" for e in _ENTITIES for n in "12"]), min_size=2)))
    some = st.lists(st.sampled_from(names), unique=True, max_size=4)
    shared = [(criterion, draw(some)) for criterion in ("mail", "mail", "vat", "vat")]
    # One record has one value of a criterion.
    shared[1] = ("mail", [name for name in shared[1][1] if name not in shared[0][1]])
    shared[3] = ("vat", [name for name in shared[3][1] if name not in shared[2][1]])
    ruled = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=4))
    return Drawn(names, shared, [pair for pair in ruled if pair[0] != pair[1]])


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_nobody_is_with_whom_it_is_apart_from_nor_with_strangers_and_nobody_is_lost(world: Drawn) -> None:
    """A record is written from one that it never was, or is neither linked nor held, and created again."""
    done = assign(records(*world.names), members({}), world.proposals, apart(*world.ruled))
    for group in groups(done):
        entities = [name.partition("/")[0] for name in group]
        assert len(entities) == len(set(entities))
        assert not [pair for pair in world.ruled if set(pair) <= group]
        known = {min(group)}
        for _ in group:
            known |= {name for _, names in world.shared if known & set(names) for name in names} & group
        assert known == group
    assert set().union(*groups(done)) | held(done) == set(world.names)
    assert not set().union(*groups(done)) & held(done)
