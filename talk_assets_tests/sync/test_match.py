"""Who is the same: criteria, clusters, ambiguity, and lines."""

from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_assets.mappings.model import CriterionProperty, Flow, Join, Property, Subject
from talk_assets.sync.match import Assignment, assign, criterion_keys, match_lines, propose, spread
from talk_assets_tests.sync.build import LEFT, RIGHT, Text, rows_of

SECOND = "customerp.second"
FLOW = Flow(customerp=LEFT, exact=RIGHT)
PROPOSALS = ["entity", "key", "other_entity", "other_key", "criterion"]
Name = tuple[str, str]


def criteria(*alternatives: Sequence[str | dict[str, str]]) -> list[list[CriterionProperty]]:
    return [
        [CriterionProperty.model_validate(p if isinstance(p, dict) else {"property": p}) for p in alternative]
        for alternative in alternatives
    ]


def keys_of(
    feed: dict[str, dict[str, Text]],
    *alternatives: Sequence[str | dict[str, str]],
    rows: dict[str, dict[str, str]] | None = None,
    resolved: dict[str, dict[str, Text]] | None = None,
    join: dict[str, Text] | None = None,
) -> list[tuple[Text, ...]]:
    """`key, alternative, value` under which the records of `feed` can be matched."""
    names = sorted({name for record in feed.values() for name in record})
    members = {LEFT: {"name": "x"}, RIGHT: {"name": "x"}}
    properties = {
        name: Property.model_validate({"type": "code", "members": members, **(rows or {}).get(name, {})})
        for name in names
    }
    joined = Join(entity=LEFT, name="OtherId", to=SECOND) if join is not None else None
    flow = Flow(customerp=LEFT, exact=RIGHT, criteria=criteria(*alternatives), join=joined)
    subject = Subject(subject="thing", flows={"left_right": flow}, properties=properties)
    columns = {name: pd.Series([record.get(name) for record in feed.values()], dtype="str") for name in names}
    frame = pd.DataFrame({"key": pd.Series(list(feed), dtype="str"), **columns})
    if join is not None:
        frame["join"] = pd.Series([join.get(key) for key in feed], dtype="str")
    pointing = pd.DataFrame(
        {name: pd.Series(list(found.values()), dtype="str") for name, found in (resolved or {}).items()},
        index=frame.index,
    )
    return rows_of(criterion_keys(frame, LEFT, subject, pointing), "key", "alternative", "value")


def test_each_alternative_is_a_key_of_its_own() -> None:
    """A customer whose registration number is unknown in one system would not be found by its VAT number."""
    feed: dict[str, dict[str, Text]] = {"1": {"registration": "123", "vat": "NL1"}}
    assert keys_of(feed, ["registration"], ["vat"]) == [("1", "0", "123"), ("1", "1", "NL1")]


def test_properties_of_an_alternative_must_all_have_a_value() -> None:
    """Everybody called Jansen would be one person as soon as the first name is missing."""
    feed: dict[str, dict[str, Text]] = {
        "whole": {"first": "An", "last": "Jansen"},
        "absent": {"last": "Jansen"},
        "empty": {"first": "", "last": "Jansen"},
    }
    assert keys_of(feed, ["first", "last"]) == [("whole", "0", "An\x1fJansen")]


def test_parts_of_a_key_are_kept_apart() -> None:
    """`An Nebo` and `Anne Bo` would become one person."""
    feed: dict[str, dict[str, Text]] = {"1": {"first": "An", "last": "neBo"}, "2": {"first": "Anne", "last": "Bo"}}
    assert len({value for _, _, value in keys_of(feed, ["first", "last"])}) == 2


@pytest.mark.parametrize(
    ("compare", "one", "other"),
    [
        ("ignore_case", "Bakker BV", "BAKKER bv"),
        ("compact", "1234 AB", "1234ab"),
        ("alphanumeric", "NL-8123.456.B01", "nl8123456b01"),
        ("digits", "+31 (0)20-123", "31020123"),
    ],
)
def test_a_criterion_can_compare_more_loosely(compare: str, one: str, other: str) -> None:
    """A customer that is spelled a little differently in both systems would be inserted a second time."""
    loosely, exactly = {"property": "name", "compare": compare}, "name"
    feed: dict[str, dict[str, Text]] = {"1": {"name": one}, "2": {"name": other}}
    assert len({value for _, _, value in keys_of(feed, [loosely])}) == 1
    assert len({value for _, _, value in keys_of(feed, [exactly])}) == 2


def test_a_value_without_anything_to_compare_is_empty() -> None:
    """All customers whose registration number is a dash would be the same company."""
    rows = {"registration": {"compare": "alphanumeric"}}
    assert keys_of({"1": {"registration": " - "}, "2": {"registration": "n/a"}}, ["registration"], rows=rows) == [
        ("2", "0", "na")
    ]


def test_a_reference_is_compared_by_what_it_points_to() -> None:
    """Contacts of the same customer would not be found, because each system has a key of its own for it."""
    feed: dict[str, dict[str, Text]] = {
        "1": {"organisation": "customerp.customer/7"},
        "2": {"organisation": "customerp.customer/unknown"},
    }
    found = keys_of(
        feed,
        ["organisation"],
        rows={"organisation": {"type": "reference", "to": "organisation"}},
        resolved={"organisation": {"1": "42", "2": None}},
    )
    assert found == [("1", "0", "42")]


def test_a_join_comes_before_the_criteria() -> None:
    """An order that was made from a quote would be matched with somebody else's quotation by its reference."""
    feed: dict[str, dict[str, Text]] = {"1": {"number": "5"}, "2": {"number": "6"}, "3": {"number": "7"}}
    found = keys_of(feed, ["number"], join={"1": f"{SECOND}/9", "2": "", "3": None})
    assert found == [("2", "0", "6"), ("3", "0", "7")]


def test_a_text_too_long_to_identify_anything_is_no_key() -> None:
    """The ledger's index takes no text of any length: one long name would stop all matching."""
    feed: dict[str, dict[str, Text]] = {"1": {"name": "x" * 600}, "2": {"name": "x" * 601}}
    assert [key for key, _, _ in keys_of(feed, ["name"])] == ["1"]


def shared(*groups: Sequence[Name]) -> pd.DataFrame:
    """Keys of records: those of one group share a value."""
    rows = [(entity, key, 0, f"value {at}") for at, group in enumerate(groups) for entity, key in group]
    return pd.DataFrame(rows, columns=["entity", "key", "alternative", "value"])


def linked(*clusters: Sequence[Name]) -> pd.DataFrame:
    """Clusters 1, 2, ... with these members."""
    rows = [(entity, key, number) for number, names in enumerate(clusters, start=1) for entity, key in names]
    return pd.DataFrame(rows, columns=["entity", "key", "cluster_id"])


def records(*names: Name) -> pd.DataFrame:
    return pd.DataFrame(list(names), columns=["entity", "key"])


def proposals(*pairs: tuple[Name, Name]) -> pd.DataFrame:
    return pd.DataFrame([(*one, *other, "name") for one, other in pairs], columns=PROPOSALS)


def together(found: Assignment) -> list[list[str]]:
    """The records that join a cluster now, cluster by cluster."""
    names = found.members["entity"] + "/" + found.members["key"]
    return sorted(sorted(group) for group in names.groupby(found.members["cluster_id"]).agg(list))


def test_equal_values_are_proposed_with_the_criterion() -> None:
    """Nobody could say why two records were linked."""
    flow = Flow(customerp=LEFT, exact=RIGHT, criteria=criteria(["first", "last"]))
    found = propose(shared([(LEFT, "1"), (RIGHT, "a")]), linked(), flow.entities, flow.criteria)
    assert rows_of(found, *PROPOSALS) == [(RIGHT, "a", LEFT, "1", "first and last")]


def test_nothing_is_proposed_without_a_shared_value() -> None:
    """Strangers would be linked."""
    flow = FLOW.model_copy(update={"criteria": criteria(["name"])})
    assert propose(shared([(LEFT, "1")], [(RIGHT, "a")]), linked(), flow.entities, flow.criteria).empty
    assert propose(shared(), linked(), flow.entities, flow.criteria).empty


def test_records_of_one_cluster_are_not_proposed_again() -> None:
    """Every sync would look at every pair again."""
    names = [(LEFT, "1"), (RIGHT, "a")]
    assert propose(shared(names), linked(names), FLOW.entities, criteria(["name"])).empty


def test_two_complete_clusters_are_not_proposed_to_each_other() -> None:
    """Two customers that a person gave one name would be torn from their accounts, or held for ever."""
    one, two = [(LEFT, "1"), (RIGHT, "a")], [(LEFT, "2"), (RIGHT, "b")]
    flow = FLOW.model_copy(update={"criteria": criteria(["name"])})
    assert propose(shared([*one, *two]), linked(one, two), flow.entities, flow.criteria).empty


def test_two_that_match_become_one_new_cluster() -> None:
    """Every customer would be inserted into the other system a second time."""
    found = assign(records((LEFT, "1"), (RIGHT, "a")), linked(), proposals(((RIGHT, "a"), (LEFT, "1"))))
    assert together(found) == [[f"{LEFT}/1", f"{RIGHT}/a"]]
    assert found.members["new"].all()
    assert set(found.members["origin"]) == {"name"}


def test_who_matches_nobody_gets_a_cluster_of_its_own() -> None:
    """A new customer would never reach the other system."""
    found = assign(records((LEFT, "1"), (LEFT, "2")), linked(), proposals())
    assert together(found) == [[f"{LEFT}/1"], [f"{LEFT}/2"]]
    assert set(found.members["origin"]) == {"alone"}


def test_matches_are_transitive() -> None:
    """A person who is a contact here and an employee there would be two people with two addresses."""
    names = [(LEFT, "1"), (RIGHT, "a"), (SECOND, "x")]
    found = assign(records(*names), linked(), proposals((names[1], names[0]), (names[2], names[1])))
    assert together(found) == [sorted("/".join(name) for name in names)]


def test_a_record_joins_the_cluster_that_is_there() -> None:
    """What was agreed about a customer would be forgotten when its account appears."""
    found = assign(records((RIGHT, "a")), linked([(LEFT, "1")]), proposals(((RIGHT, "a"), (LEFT, "1"))))
    assert rows_of(found.members, "entity", "key", "cluster_id", "new") == [(RIGHT, "a", "1", "False")]


def test_two_clusters_without_a_record_in_common_become_the_older_one() -> None:
    """A customer and its account that were first seen apart would stay apart for ever."""
    found = assign(records((LEFT, "1")), linked([(RIGHT, "a")], [(LEFT, "1")]), proposals(((RIGHT, "a"), (LEFT, "1"))))
    assert rows_of(found.merged, "old", "cluster_id") == [("2", "1")]
    assert found.ambiguous.empty


def held(found: Assignment) -> list[str]:
    return sorted(found.ambiguous["entity"] + "/" + found.ambiguous["key"])


def test_two_candidates_are_held_and_not_guessed() -> None:
    """An account would get the address of whichever of two customers came first."""
    names = [(LEFT, "1"), (LEFT, "2"), (RIGHT, "a")]
    found = assign(records(*names), linked(), proposals((names[1], names[0]), (names[2], names[0])))
    assert found.members.empty
    assert held(found) == [f"{LEFT}/1", f"{LEFT}/2", f"{RIGHT}/a"]
    assert set(found.ambiguous["others"]) == {f"{LEFT}/1, {LEFT}/2, {RIGHT}/a"}


def test_ambiguity_holds_nobody_else() -> None:
    """One doubtful name would keep all customers from the other system."""
    twins = [(LEFT, "1"), (LEFT, "2")]
    found = assign(records(*twins, (LEFT, "3"), (RIGHT, "c")), linked(), proposals(twins, ((RIGHT, "c"), (LEFT, "3"))))  # type: ignore[arg-type]
    assert together(found) == [[f"{LEFT}/3", f"{RIGHT}/c"]]
    assert held(found) == [f"{LEFT}/1", f"{LEFT}/2"]


def test_a_complete_cluster_is_not_torn_apart_by_a_newcomer() -> None:
    """A customer and its account, linked for years, would be held because somebody typed the same name once more."""
    pair = [(LEFT, "1"), (RIGHT, "a")]
    found = assign(records((LEFT, "2")), linked(pair), proposals(((LEFT, "2"), (LEFT, "1"))))
    assert held(found) == [f"{LEFT}/2"]
    assert found.members.empty
    assert found.merged.empty


def test_a_linked_record_is_held_too_where_its_match_would_be_inserted_again() -> None:
    """An employee who may be a contact that is linked with a colleague would get a second contact in Exact."""
    other = "exact.other"
    colleague, employee = [(LEFT, "1"), (RIGHT, "a")], [(LEFT, "2"), (other, "x")]
    members = linked(colleague, employee)
    for pairs in (
        proposals(((RIGHT, "a"), (LEFT, "2"))),
        proposals(((LEFT, "2"), (LEFT, "1")), ((RIGHT, "a"), (LEFT, "1"))),
    ):
        found = assign(records((LEFT, "2")), members, pairs)
        # What is linked, and the colleague, go on as before.
        assert held(found) == [f"{LEFT}/2"]
        assert found.merged.empty
        assert set(found.ambiguous["others"]) == {f"{LEFT}/1, {LEFT}/2, {other}/x, {RIGHT}/a"}


def test_linked_records_that_lack_nothing_are_left_alone() -> None:
    """Two contacts at one shared mailbox, each linked to its own counterpart, would be reported for ever."""
    one, two = [(LEFT, "1"), (RIGHT, "a")], [(LEFT, "2"), (RIGHT, "b")]
    found = assign(records((RIGHT, "b")), linked(one, two), proposals(((RIGHT, "b"), (RIGHT, "a"))))
    assert held(found) == []
    assert found.merged.empty


NAMES = [(entity, key) for entity in (LEFT, SECOND, RIGHT) for key in "123"]


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_clusters_have_at_most_one_record_of_an_entity(data: st.DataObject) -> None:
    """Otherwise two customers would be written over each other in turn."""
    labels = data.draw(st.lists(st.integers(0, 9), min_size=len(NAMES), max_size=len(NAMES)))
    # Stored clusters 1 to 4 with one record per entity; all others are new.
    before = {name: label for name, label in zip(NAMES, labels, strict=True) if label in (1, 2, 3, 4)}
    before = {
        name: label
        for at, (name, label) in enumerate(before.items())
        if (name[0], label) not in [(other[0], its) for other, its in list(before.items())[:at]]
    }
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=5))
    members = pd.DataFrame([(*name, label) for name, label in before.items()], columns=["entity", "key", "cluster_id"])
    found = assign(records(*NAMES), members, proposals(*pairs))
    moved = dict(zip(found.merged["old"], found.merged["cluster_id"], strict=True))
    after = {name: ("old", moved.get(label, label)) for name, label in before.items()}
    for entity, key, cluster, new in found.members[["entity", "key", "cluster_id", "new"]].itertuples(index=False):
        after[entity, key] = ("new" if new else "old", cluster)
    assert len({(cluster, name[0]) for name, cluster in after.items()}) == len(after)
    assert set(after) | {(e, k) for e, k in zip(found.ambiguous["entity"], found.ambiguous["key"], strict=True)} == set(
        NAMES
    )
    # What was linked stays linked.
    for one, label in before.items():
        assert all(after[one] == after[other] for other, its in before.items() if its == label)


def test_a_mark_reaches_whoever_is_connected() -> None:
    """The counterpart of a broken record would be inserted a second time before the record is corrected."""
    pairs = proposals(((RIGHT, "a"), (LEFT, "1")), ((SECOND, "x"), (RIGHT, "a")), ((RIGHT, "b"), (LEFT, "2")))
    marks = pd.Series({f"{LEFT}/1": "broken"}, dtype="str")
    assert dict(spread(marks, pairs)) == {f"{name}": "broken" for name in (f"{LEFT}/1", f"{RIGHT}/a", f"{SECOND}/x")}
    assert spread(pd.Series([], dtype="str"), pairs).empty


Line = tuple[str, str, int, Text, int | None]


def lines_matched(*lines: Line, named: bool = False) -> tuple[list[tuple[Text, ...]], list[str]]:
    """Pairs of line keys, and doubtful lines, of `entity, key, document, product, position`.

    `named`: where the product is not told, the line names one that is not known yet.
    """
    frame = pd.DataFrame(list(lines), columns=["entity", "key", "document_cluster", "identity", "position"])
    frame["identity"] = frame["identity"].astype("str")
    frame["product"] = frame["identity"].fillna("customerp.product/9") if named else frame["identity"]
    found, doubtful = match_lines(frame.astype({"position": "Int64"}), FLOW)
    return rows_of(found, "key", "other_key"), sorted(doubtful["key"])


def test_lines_of_one_product_are_matched_in_their_order() -> None:
    """The price of one line would be written into another line of the same product."""
    pairs, doubtful = lines_matched(
        (LEFT, "second", 1, "7", 20),
        (LEFT, "first", 1, "7", 10),
        (RIGHT, "a", 1, "7", 1),
        (RIGHT, "b", 1, "7", 2),
        (RIGHT, "other product", 1, "8", 1),
        (RIGHT, "other document", 2, "7", 1),
    )
    assert pairs == [("first", "a"), ("second", "b")]
    assert doubtful == []


def test_lines_are_doubtful_when_both_sides_have_different_numbers_of_them() -> None:
    """One of two equal lines would be linked by chance, the other delivered twice."""
    pairs, doubtful = lines_matched((LEFT, "1", 1, "7", 1), (LEFT, "2", 1, "7", 2), (RIGHT, "a", 1, "7", 1))
    assert pairs == []
    assert doubtful == ["1", "2", "a"]


def test_lines_without_a_known_product_wait() -> None:
    """Lines of different products would be linked because both products are unknown."""
    assert lines_matched((LEFT, "1", 1, None, 1), (RIGHT, "a", 1, None, 1), named=True) == ([], [])


def test_lines_about_no_product_are_doubtful_where_both_sides_have_some() -> None:
    """A line of text that both documents have would be delivered to each of them once more."""
    one_each = lines_matched((LEFT, "1", 1, None, 1), (RIGHT, "a", 1, None, 1), (LEFT, "2", 1, "7", 2))
    assert one_each == ([], ["1", "a"])
    assert lines_matched((LEFT, "1", 1, None, 1), (RIGHT, "a", 2, None, 1), (RIGHT, "b", 1, "7", 1)) == ([], [])
