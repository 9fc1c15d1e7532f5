"""Lists, and the rule `union`: nothing that is added is lost, and what is removed is gone on all sides."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_assets.mappings.load import load_mappings
from talk_assets.mappings.model import Mappings
from talk_assets.sync.compare import comparable, made_coarser
from talk_assets.sync.convert import to_canonical, to_own_values, to_target
from talk_assets.sync.decide import Decision
from talk_assets_tests.mappings.broken import CAPABILITIES, copy_mappings, replace
from talk_assets_tests.sync.build import (
    LEFT,
    RIGHT,
    Agreed,
    Cluster,
    Member,
    Text,
    agreed,
    capable,
    decided,
    known,
    mapping,
    moment,
    new,
    owed_to,
    planned,
    rows_of,
    values_of,
)
from talk_assets_tests.sync.oracle_union import items_of, unite
from talk_assets_tests.sync.test_oracle import seconds

SECOND = "customerp.second"
TAGS: dict[str, Any] = {"type": "list", "rule": "union"}
MARKS = '{name: Website}\n      exact.accounts: {name: Website, separator: "; "}'
Items = frozenset[str]


def text(items: str | Items) -> Text:
    """A list of one-letter items, one a line."""
    return "\n".join(sorted(items)) or None


def edited(items: str | Items, base: str | Items, at: int = 5, **more: Any) -> Member:
    return known({"tags": text(items)}, {"tags": text(base)}, at=at, **more)


def deciding(members: Mapping[str, Member], golden: str | Items | None, **options: Any) -> Decision:
    before = Agreed() if golden is None else agreed({"tags": text(golden)})
    return decided(mapping({"tags": {**TAGS, **options}}, list(members)), Cluster(dict(members), before))


def union(left: Member, right: Member, golden: str | None, **options: Any) -> str:
    """The items that are agreed afterwards."""
    return agreed_items(deciding({LEFT: left, RIGHT: right}, golden, **options))


def agreed_items(decision: Decision) -> str:
    return values_of(decision.golden.values, 1).get("tags", "").replace("\n", "")


def test_at_first_sight_everything_is_kept() -> None:
    """Linking a customer with its account would lose the marks that only one of them has."""
    assert union(new({"tags": "b\na"}), new({"tags": "c\nb"}), None) == "abc"


def test_additions_of_both_sides_are_kept() -> None:
    """Of two colleagues who each add a mark only one would find it again."""
    assert union(edited("abx", "ab"), edited("aby", "ab"), "ab") == "abxy"


def test_a_removal_survives_an_addition_on_the_other_side() -> None:
    """A mark that somebody took away would come back with the next mark."""
    assert union(edited("b", "ab"), edited("abx", "ab"), "ab") == "bx"


def test_a_removal_is_not_undone_by_a_record_that_nobody_touched() -> None:
    """A removed mark would come back from a system that has not heard of it yet."""
    decision = deciding({LEFT: edited("b", "ab"), SECOND: edited("ab", "ab", 9), RIGHT: edited("ab", "ab")}, "ab")
    assert agreed_items(decision) == "b"


def test_what_one_adds_and_another_removes_stays() -> None:
    """A mark that somebody just set would vanish because of an edit that knew nothing of it."""
    decision = deciding({LEFT: edited("a", "ab"), RIGHT: edited("bcx", "x")}, "abx")
    assert agreed_items(decision) == "abcx"
    assert rows_of(decision.history, "loser", "loser_value", "rule") == [
        (f"{LEFT}/1", "a", "union"),
        (None, None, "union"),
    ]


def test_the_order_of_items_is_no_edit() -> None:
    """A list would be written in every sync because the systems sort it differently."""
    decision = deciding({LEFT: known({"tags": "b\na"}, {"tags": "a\nb"}, at=5), RIGHT: edited("ab", "ab")}, "ab")
    assert decision.history.empty
    plan = planned(mapping({"tags": TAGS}), decision)
    assert owed_to(plan, LEFT) == {}
    assert owed_to(plan, RIGHT) == {}


def test_the_union_is_owed_to_whoever_lacks_some_of_it() -> None:
    """What one side added would stay there."""
    decision = deciding({LEFT: edited("abx", "ab"), RIGHT: edited("b", "ab")}, "ab")
    plan = planned(mapping({"tags": TAGS}), decision)
    assert (owed_to(plan, LEFT), owed_to(plan, RIGHT)) == ({"tags": "b\nx"}, {"tags": "b\nx"})


def test_an_emptied_list_comes_back_unless_it_may_be_cleared() -> None:
    """A form saved empty would take all marks from both systems."""
    decision = deciding({LEFT: edited("", "ab"), RIGHT: edited("ab", "ab")}, "ab")
    assert agreed_items(decision) == "ab"
    assert rows_of(decision.history, "loser", "rule") == [(f"{LEFT}/1", "empty never wins")]
    assert union(edited("", "ab"), edited("ab", "ab"), "ab", clear=["customerp"]) == ""
    assert union(edited("", "ab"), edited("abx", "ab"), "ab", clear=["customerp"]) == "x"


def test_removals_that_leave_nothing_empty_it_only_where_all_of_them_may_clear() -> None:
    """Two small removals would do what neither side is allowed to."""
    left, right = edited("a", "ab"), edited("b", "ab")
    assert union(left, right, "ab") == "ab"
    assert union(left, right, "ab", clear=["customerp"]) == "ab"
    assert union(left, right, "ab", clear=["customerp", "exact"]) == ""


def test_a_cleared_list_is_cleared_everywhere() -> None:
    """The other system would keep, and bring back, what was cleared."""
    decision = deciding({LEFT: edited("", "ab"), RIGHT: edited("ab", "ab")}, "ab", clear=["customerp"])
    assert decision.golden.times.loc[1, "tags"] == moment(5)
    plan = planned(mapping({"tags": {**TAGS, "clear": ["customerp"]}}), decision)
    assert owed_to(plan, RIGHT) == {"tags": ""}


def test_history_says_who_added_and_when() -> None:
    """Nobody could say where a mark came from."""
    decision = deciding({LEFT: edited("abx", "ab", 7), RIGHT: edited("aby", "ab", 6)}, "ab")
    assert rows_of(decision.history, "before", "after", "winner", "loser", "rule") == [
        ("a\nb", "a\nb\nx\ny", f"{LEFT}/1", None, "union")
    ]
    assert decision.golden.times.loc[1, "tags"] == moment(7)
    assert values_of(decision.accounted[LEFT].base, 1) == {"tags": "a\nb\nx"}


def test_who_changed_nothing_that_counts_is_not_named() -> None:
    """History would name somebody who only saved the record again."""
    decision = deciding({LEFT: edited("abx", "ab", 5), RIGHT: edited("ab", "a", 9)}, "ab")
    assert values_of(decision.golden.winners, 1) == {"tags": f"{LEFT}/1"}


def test_an_edit_that_does_not_count_is_told() -> None:
    """A mark set in the wrong system would vanish without a word."""
    decision = deciding({LEFT: edited("ab", "ab"), RIGHT: edited("aby", "ab")}, "ab", direction="to_exact")
    assert agreed_items(decision) == "ab"
    assert rows_of(decision.history, "loser", "loser_value", "rule") == [(f"{RIGHT}/1", "a\nb\ny", "to_exact")]


def test_what_was_never_agreed_is_told_when_it_goes() -> None:
    """A mark from before the first agreement would be overwritten without a trace."""
    decision = deciding({LEFT: new({"tags": "a"}), RIGHT: edited("y", "y")}, None, direction="to_exact")
    assert agreed_items(decision) == "a"
    assert rows_of(decision.history, "loser", "loser_value", "rule") == [(f"{RIGHT}/1", "y", "to_exact")]


def test_items_are_compared_as_the_mapping_says() -> None:
    """`VIP` and `vip` would both stand there."""
    subject = mapping({"tags": {**TAGS, "compare": "ignore_case"}})
    decision = decided(subject, Cluster({LEFT: new({"tags": "VIP"}, 1), RIGHT: new({"tags": "vip\nnew"}, 2)}))
    assert values_of(decision.golden.values, 1) == {"tags": "new\nVIP"}


sets = st.frozensets(st.sampled_from("abcde"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(sets, sets, sets), min_size=1, max_size=8), st.booleans())
def test_no_addition_is_lost_and_every_removal_survives(worlds: list[tuple[Items, Items, Items]], clear: bool) -> None:
    """Otherwise marks come and go with every sync, depending on who was read first."""
    settings_of = {**TAGS, "clear": ["customerp", "exact"] if clear else []}
    clusters = {
        number: Cluster(
            {LEFT: edited(left, base), RIGHT: edited(right, base)},
            agreed({"tags": text(base)}) if base else Agreed({}, {"tags": 0}),
        )
        for number, (base, left, right) in enumerate(worlds)
    }
    values = decided(mapping({"tags": settings_of}), clusters).golden.values
    for number, (base, left, right) in enumerate(worlds):
        merged = frozenset(values_of(values, number).get("tags", "").split("\n")) - {""}
        # Who emptied a list that may not be cleared said nothing.
        said = [items for items in (left, right) if items or clear]
        wanted = frozenset().union(base, *said) - frozenset().union(*(base - items for items in said))
        assert merged == (wanted or (wanted if clear else base)), (base, left, right)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(sets, min_size=3, max_size=3), min_size=1, max_size=8))
def test_at_first_sight_the_union_of_all_is_agreed(worlds: list[list[Items]]) -> None:
    """What only the third of three records has would be lost when they are linked."""
    entities = (LEFT, SECOND, RIGHT)
    clusters = {
        number: Cluster({e: new({"tags": text(items)}) for e, items in zip(entities, three, strict=True)})
        for number, three in enumerate(worlds)
    }
    values = decided(mapping({"tags": TAGS}, entities), clusters).golden.values
    for number, three in enumerate(worlds):
        assert values_of(values, number).get("tags") == text(frozenset().union(*three))


@st.composite
def lists(draw: st.DrawFn) -> tuple[dict[str, Any], dict[int, Cluster]]:
    """Settings of a list, and clusters in which anything can have happened."""
    texts = st.sets(st.sampled_from("abcA"), max_size=3).map(lambda items: text(frozenset(items)))
    entities = (LEFT, SECOND, RIGHT)
    found = {}
    for number in range(draw(st.integers(1, 6))):
        members = {}
        for entity in draw(st.lists(st.sampled_from(entities), min_size=1, unique=True)):
            member = new({"tags": draw(texts)}, draw(st.integers(0, 5)))
            if draw(st.integers(0, 3)):
                member.base, member.times = {"tags": draw(texts)}, {"tags": 0}
                member.sent = {"tags": draw(texts)} if draw(st.booleans()) else {}
            members[entity] = member
        golden = agreed({"tags": draw(texts)}, draw(st.integers(0, 5))) if draw(st.integers(0, 3)) else Agreed()
        found[number] = Cluster(members, golden)
    direction = draw(st.sampled_from(["both", "both", "to_exact", "to_customerp"]))
    clear = draw(st.sampled_from([[], ["customerp"], ["customerp", "exact"]]))
    return {**TAGS, "compare": "ignore_case", "direction": direction, "clear": clear}, found


def compare_with_sets(world: tuple[dict[str, Any], dict[int, Cluster]]) -> None:
    subject = mapping({"tags": world[0]}, (LEFT, SECOND, RIGHT))
    decision = decided(subject, world[1])
    for number, cluster in world[1].items():
        expected = unite(subject.properties["tags"], cluster)
        golden = decision.golden
        assert items_of(values_of(golden.values, number)) == expected.items
        assert values_of(golden.winners, number).get("tags") == expected.winner
        assert seconds(golden.times, number, "tags") == expected.at
        history = decision.history[decision.history["cluster_id"].eq(number)].dropna(subset="loser")
        assert rows_of(history, "loser", "rule") == [(f"{entity}/1", rule) for entity, rule in expected.losers]
        for entity in cluster.members:
            assert values_of(decision.accounted[entity].base, number) == values_of(
                decision.accounted[entity].current, number
            )


@settings(max_examples=40, deadline=None)
@given(lists())
def test_lists_are_united_as_plain_sets_are(world: tuple[dict[str, Any], dict[int, Cluster]]) -> None:
    """Otherwise some combination of old and new lists loses a mark, or names the wrong person."""
    compare_with_sets(world)


@pytest.mark.soak
@settings(max_examples=5000, deadline=None)
@given(lists())
def test_lists_are_united_as_plain_sets_are_in_rare_cases_too(world: tuple[dict[str, Any], dict[int, Cluster]]) -> None:
    """Otherwise the same happens to those who have many records."""
    compare_with_sets(world)


def canonical(value: object, **member: Any) -> Text:
    subject = mapping({"tags": {**TAGS, "members": {LEFT: {}, RIGHT: member}}})
    frame = pd.DataFrame({"_key": ["1"], "_modified": ["2024-01-31T12:00:00Z"], "tags": [value]}, dtype="object")
    found = to_canonical(frame, RIGHT, Mappings(subjects={"thing": subject}))["tags"][0]
    return found if isinstance(found, str) else None


@pytest.mark.parametrize(
    ("value", "separator", "expected"),
    [
        ("a\r\n b \n\nc", None, "a\nb\nc"),
        ("a; b;;c ;", "; ", "a\nb\nc"),
        ("two words,b", ",", "two words\nb"),
        ("broken\nword;b", ";", "broken word\nb"),
        ("a b", " ", "a\nb"),
        ("a\r\n\r\nb", "\r\n\r\n", "a\nb"),
        (" ; ", ";", ""),
        (None, ";", ""),
        (float("nan"), ";", None),
    ],
)
def test_a_list_is_read_with_the_separator_of_its_system(value: object, separator: Text, expected: Text) -> None:
    """All marks of a customer would be one long mark."""
    assert canonical(value, separator=separator) == expected


def written(value: Text, limit: int | None = None, **member: Any) -> tuple[Text, list[str]]:
    """What is sent to `exact.right`, and what it cannot take."""
    subject = mapping({"tags": {**TAGS, "members": {LEFT: {}, RIGHT: member}}})
    golden = pd.DataFrame({"tags": pd.Series([value], dtype="str")})
    capability = capable(subject, exact__right={"tags": {"max_length": limit}})[RIGHT]
    desired, unfit = to_target(golden, RIGHT, subject, capability)
    sent = to_own_values(desired, RIGHT, subject)["tags"][0]
    return sent if isinstance(sent, str) else None, list(unfit["problem"])


def test_a_list_is_written_with_the_separator_of_its_system() -> None:
    """Exact would show the marks of a customer in a way that nobody there uses."""
    assert written("a\nb", separator="; ") == ("a; b", [])
    assert written("a\nb") == ("a\nb", [])


def test_a_list_that_would_be_read_back_differently_is_refused() -> None:
    """One mark with a semicolon would come back as two."""
    sent, (problem,) = written("a;b\nc", separator="; ")
    assert sent is None
    assert problem == "'a;b\nc' has an item with ';', which separates those of exact.right tags"


def test_a_list_too_long_for_a_system_is_refused_whole() -> None:
    """Half a list would come back as if somebody had removed the rest."""
    assert written("a\nb", 4, separator="; ") == ("a; b", [])
    sent, (problem,) = written("a\nbc", 4, separator="; ")
    assert sent is None
    assert problem.endswith("has more than the 4 characters that exact.right tags takes")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("abc ;,", max_size=4), max_size=4), st.sampled_from([None, ";", ", "]))
def test_a_list_survives_the_way_to_a_system_and_back(items: list[str], separator: Text) -> None:
    """A list would change a little with every sync."""
    read = canonical("\n".join(items))
    sent, problems = written(read or None, separator=separator)
    if problems or not read:
        assert sent is None
    else:
        assert canonical(sent, separator=separator) == read


def test_a_system_that_keeps_some_items_only_is_not_fought() -> None:
    """What a system drops would look like a person's removal, and be removed everywhere."""
    row = mapping({"tags": TAGS}).properties["tags"]
    held = pd.Series(["b\na", "a\nx", None, "a"], dtype="str")
    sent = pd.Series(["a\nb\nc", "a\nb", "a", None], dtype="str")
    assert list(made_coarser(held, sent, row)) == [True, False, True, False]


def test_lists_are_compared_as_sets() -> None:
    """Two records would not be found to be the same because their lists are sorted differently."""
    row = mapping({"tags": {**TAGS, "compare": "ignore_case"}}).properties["tags"]
    found = comparable(pd.Series(["B\na", "A \nb\nB", "b", " \n", None], dtype="str"), row)
    assert [value if isinstance(value, str) else None for value in found] == ["a\nb", "a\nb", "b", None, None]


def test_a_mapping_file_can_ask_for_it(tmp_path: Path) -> None:
    """A team that keeps marks in both systems could not say so without writing Python."""
    path = copy_mappings(tmp_path) / "organisation.yaml"
    replace(path, "  website:\n", "  website:\n    type: list\n    rule: union\n")
    replace(path, "{name: Website}\n      exact.accounts: {name: Website}", MARKS)
    row = load_mappings(tmp_path, CAPABILITIES).subjects["organisation"].properties["website"]
    assert (row.type, row.rule, row.members["exact.accounts"].mark) == ("list", "union", ";")
    assert row.members["customerp.customer"].mark == "\n"
