"""Which value wins, one rule at a time."""

from typing import Any

import pandas as pd
import pytest

from talk_assets.sync.decide import Decision
from talk_assets_tests.sync.build import (
    LEFT,
    NOW,
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

SECOND = "customerp.second"
THREE = (LEFT, SECOND, RIGHT)


def name_after(left: Member | None, right: Member | None, golden: Text = "An", **options: object) -> Text:
    """What the property `name` becomes that was agreed at time 0."""
    return values_of(deciding(left, right, golden, **options).golden.values, 1).get("name")


def deciding(left: Member | None, right: Member | None, golden: Text = "An", **options: object) -> Decision:
    members = {LEFT: left, RIGHT: right}
    before = Agreed() if golden is None else agreed({"name": golden or None})
    there = {entity: member for entity, member in members.items() if member is not None}
    return decided(mapping({"name": options}), Cluster(there, before))


def an(current: Text = "An", at: int = 0) -> Member:
    """A member that held An when it was accounted for."""
    return known({"name": current}, {"name": "An"}, at=at)


def test_an_edit_on_either_side_wins() -> None:
    """Nothing that somebody types would reach the other system."""
    assert name_after(an("Bo", 5), an()) == "Bo"
    assert name_after(an(), an("Bo", 5)) == "Bo"


def test_who_did_not_change_has_no_say() -> None:
    """An old value would come back because its record was touched later than the edit."""
    assert name_after(an("Bo", 5), an("An", 9)) == "Bo"


def test_equal_edits_agree() -> None:
    """Two colleagues who correct the same name would be asked to choose."""
    decision = deciding(an("Bo", 5), an("Bo", 6), rule="manual")
    assert values_of(decision.golden.values, 1) == {"name": "Bo"}
    assert decision.conflicts.empty


def test_of_two_edits_the_latest_wins() -> None:
    """The older of two corrections would stand in both systems."""
    assert name_after(an("Bo", 5), an("Cy", 6)) == "Cy"
    assert name_after(an("Bo", 7), an("Cy", 6)) == "Bo"


def test_of_two_edits_at_one_time_the_mappings_first_entity_wins() -> None:
    """Whoever is decided first would win by chance, and another one in the next sync."""
    assert name_after(an("Bo", 5), an("Cy", 5)) == "Bo"


def test_a_record_without_a_time_counts_from_when_it_was_read() -> None:
    """Edits of a system that keeps no times would always lose."""
    decision = deciding(known({"name": "Bo"}, {"name": "An"}, at=None), an("Cy", 6))  # type: ignore[arg-type]
    assert values_of(decision.golden.values, 1) == {"name": "Bo"}
    assert decision.golden.times.loc[1, "name"] == moment(NOW)


def test_a_later_edit_counts_whatever_the_clock_of_its_system_says() -> None:
    """Edits of a system whose clock is behind would be undone as if they were old."""
    golden = agreed({"name": "An"}, at=100)
    behind = Cluster({LEFT: an("Bo", 5), RIGHT: an()}, golden)
    assert values_of(decided(mapping({"name": {}}), behind).golden.values, 1) == {"name": "Bo"}


def test_at_first_sight_the_latest_wins() -> None:
    """Linking two records would bring back the older address."""
    assert name_after(new({"name": "Bo"}, 5), new({"name": "Cy"}, 6), None) == "Cy"
    assert name_after(new({"name": "Bo"}, 7), new({"name": "Cy"}, 6), None) == "Bo"


def test_at_first_sight_without_any_time_nothing_is_guessed() -> None:
    """One of two names would be lost in both systems, by chance."""
    decision = deciding(new({"name": "Bo"}, at=None), new({"name": "Cy"}, at=None), None)  # type: ignore[arg-type]
    assert values_of(decision.golden.values, 1) == {}
    assert rows_of(decision.conflicts, "kind", "entity", "value", "time") == [
        ("initial_difference", LEFT, "Bo", None),
        ("initial_difference", RIGHT, "Cy", None),
    ]
    subject = mapping({"name": {}}, tie_break=["exact"])
    cluster = Cluster({LEFT: Member({"name": "Bo"}, None), RIGHT: Member({"name": "Cy"}, None)})
    assert values_of(decided(subject, cluster).golden.values, 1) == {"name": "Cy"}


def test_what_changes_after_such_a_difference_decides_it() -> None:
    """Somebody's correction would be overwritten by what it corrects, because that has no time."""
    asked = {LEFT: Member({"name": "Di"}, 5, {"name": "Bo"}), RIGHT: Member({"name": "Cy"}, None, {"name": "Cy"})}
    assert values_of(decided(mapping({"name": {}}), Cluster(asked)).golden.values, 1) == {"name": "Di"}


def test_our_own_writing_dates_no_value_that_a_person_was_asked_about() -> None:
    """As soon as another property was written, one of the two values would overwrite the other."""
    asked = {LEFT: Member({"name": "Bo"}, 5, {"name": "Bo"}), RIGHT: Member({"name": "Cy"}, None, {"name": "Cy"})}
    decision = decided(mapping({"name": {}}), Cluster(asked))
    assert values_of(decision.golden.values, 1) == {}
    assert len(decision.conflicts) == 2


def test_a_newcomer_without_a_time_replaces_nothing_without_one() -> None:
    """It would depend on which of two records was read first whether one overwrites the other."""
    members = {LEFT: Member({"name": "An"}, None, {"name": "An"}, {"name": 0}), RIGHT: Member({"name": "Cy"}, None)}
    decision = decided(mapping({"name": {}}), Cluster(members, agreed({"name": "An"})))
    assert values_of(decision.golden.values, 1) == {"name": "An"}
    # Who has to decide sees both.
    assert rows_of(decision.conflicts, "entity", "value") == [(LEFT, "An"), (RIGHT, "Cy")]


def test_a_newcomer_loses_against_a_younger_agreement() -> None:
    """A record that joins a cluster would bring back what was corrected long ago."""
    before = agreed({"name": "An"}, at=100)
    old = Cluster({LEFT: an(), RIGHT: new({"name": "Bo"}, 5)}, before)
    assert values_of(decided(mapping({"name": {}}), old).golden.values, 1) == {"name": "An"}
    young = Cluster({LEFT: an(), RIGHT: new({"name": "Bo"}, 105)}, before)
    assert values_of(decided(mapping({"name": {}}), young).golden.values, 1) == {"name": "Bo"}


def test_the_owner_wins_over_later_edits() -> None:
    """What one system is answerable for would be overwritten from the other."""
    options: dict[str, Any] = {"rule": "owner", "order": ["customerp", "exact"]}
    assert name_after(an("Bo", 5), an("Cy", 9), **options) == "Bo"
    assert name_after(an(), an("Cy", 9), **options) == "An"


def test_without_the_owner_the_next_one_owns() -> None:
    """A record that exists in one system only could not be edited at all."""
    assert name_after(None, an("Cy", 9), rule="owner", order=["customerp", "exact"]) == "Cy"


def test_an_owner_that_never_had_a_value_is_filled() -> None:
    """A telephone number that only one system has would never reach the other, which is said to own it."""
    options: dict[str, Any] = {"rule": "owner", "order": ["customerp", "exact"]}
    assert name_after(new({"name": None}, 9), new({"name": "Cy"}, 5), None, **options) == "Cy"
    assert name_after(known({"name": None}), known({"name": "Cy"}, {"name": None}, at=5), None, **options) == "Cy"
    # While it is empty, others may also correct what they filled it with.
    from_right = agreed({"name": "Cy"}, winner=f"{RIGHT}/1")
    members = {LEFT: new({"name": None}, 9), RIGHT: known({"name": "Di"}, {"name": "Cy"}, at=5)}
    assert values_of(decided(mapping({"name": options}), Cluster(members, from_right)).golden.values, 1) == {
        "name": "Di"
    }


def test_an_owner_that_emptied_its_value_is_not_overruled() -> None:
    """Somebody else's edit would become the owner's value because a form was saved empty, or a number was deleted."""
    options: dict[str, Any] = {"rule": "owner", "order": ["customerp", "exact"]}
    assert name_after(an(None, 5), an("Cy", 9), **options) == "An"
    assert name_after(an(None, 5), an("Cy", 9), clear=["customerp"], **options) is None
    # The same when the clearing was agreed before.
    members = {LEFT: known({"name": None}), RIGHT: known({"name": "Cy"}, {"name": None}, at=9)}
    subject = mapping({"name": {"clear": ["customerp"], **options}})
    assert values_of(decided(subject, Cluster(members, agreed({"name": None}))).golden.values, 1) == {}


def test_the_preferred_wins_and_the_other_may_edit_where_it_did_not() -> None:
    """A preferred value would be overwritten in a conflict, or a correction elsewhere never arrive."""
    options: dict[str, Any] = {"rule": "prefer", "order": ["exact"]}
    assert name_after(an("Bo", 9), an("Cy", 5), **options) == "Cy"
    from_left = agreed({"name": "An"}, winner=f"{LEFT}/1")
    cluster = Cluster({LEFT: an("Bo", 9), RIGHT: an()}, from_left)
    assert values_of(decided(mapping({"name": options}), cluster).golden.values, 1) == {"name": "Bo"}


def test_two_edits_of_a_manual_property_are_left_to_a_person() -> None:
    """The platform would guess where a team said that it must not."""
    decision = deciding(an("Bo", 5), an("Cy", 6), rule="manual")
    assert values_of(decision.golden.values, 1) == {"name": "An"}
    assert rows_of(decision.conflicts, "property", "entity", "key", "value") == [
        ("name", LEFT, "1", "Bo"),
        ("name", RIGHT, "1", "Cy"),
    ]
    # Both edits stay open: they are still there when the person looks.
    assert {values_of(decision.accounted[entity].base, 1)["name"] for entity in (LEFT, RIGHT)} == {"An"}


def test_one_edit_of_a_manual_property_needs_nobody() -> None:
    """Every correction would wait for a person."""
    decision = deciding(an("Bo", 5), an(), rule="manual")
    assert values_of(decision.golden.values, 1) == {"name": "Bo"}
    assert decision.conflicts.empty


def test_empty_never_beats_a_value() -> None:
    """A field emptied by mistake would empty it everywhere."""
    decision = deciding(an(None, 5), an())
    assert values_of(decision.golden.values, 1) == {"name": "An"}
    assert rows_of(decision.history, "loser", "loser_value", "rule") == [(f"{LEFT}/1", None, "empty never wins")]


def test_clearing_travels_where_it_is_allowed() -> None:
    """What is to be emptied everywhere would come back from the other system."""
    assert name_after(an(None, 5), an(), clear=["customerp"]) is None
    assert name_after(an(), an(None, 5), clear=["customerp"]) == "An"


def test_an_edit_later_than_a_clearing_wins() -> None:
    """A new value would be emptied because somebody emptied the old one before."""
    assert name_after(an(None, 5), an("Bo", 6), clear=["customerp"]) == "Bo"
    assert name_after(an(None, 7), an("Bo", 6), clear=["customerp"]) is None


def test_a_record_that_was_always_empty_clears_nothing() -> None:
    """Linking a record with an empty field would empty it in the other system."""
    assert name_after(new({"name": None}, 9), an(), clear=["customerp", "exact"]) == "An"


def test_what_was_cleared_before_a_record_joined_does_not_empty_it() -> None:
    """A record with the right value would be emptied as soon as it is linked."""
    cluster = Cluster({LEFT: known({"name": None}), RIGHT: new({"name": "Bo"}, 5)}, agreed({"name": None}, at=9))
    decision = decided(mapping({"name": {"clear": ["customerp"]}}), cluster)
    assert values_of(decision.golden.values, 1) == {"name": "Bo"}


def test_our_own_writing_is_no_edit() -> None:
    """A value shortened by one system would come back and replace the whole one."""
    subject = mapping({"name": {}})
    short = capable(subject, exact__right={"name": {"max_length": 5}})
    members = {LEFT: known({"name": "Annabelle"}), RIGHT: known({"name": "Annab"}, {"name": None}, at=9)}
    decision = decided(subject, Cluster(members, agreed({"name": "Annabelle"})), short)
    assert values_of(decision.golden.values, 1) == {"name": "Annabelle"}
    assert decision.history.empty


def test_the_whole_of_two_equal_beginnings_is_kept() -> None:
    """At first sight the half of a name that fits into one system would replace the whole name in the other."""
    subject = mapping({"name": {}})
    short = capable(subject, exact__right={"name": {"max_length": 5}})
    members = {LEFT: new({"name": "Annabelle"}, 1), RIGHT: new({"name": "Annab"}, 9)}
    assert values_of(decided(subject, Cluster(members), short).golden.values, 1) == {"name": "Annabelle"}


@pytest.mark.parametrize(("direction", "left_wins"), [("to_exact", True), ("to_customerp", False)])
def test_one_way_properties_take_edits_from_one_side(direction: str, left_wins: bool) -> None:
    """A price that one system computes would be overwritten by what somebody typed in the other."""
    decision = deciding(an("Bo", 5), an("Cy", 9), direction=direction)
    assert values_of(decision.golden.values, 1) == {"name": "Bo" if left_wins else "Cy"}
    loser, value = (RIGHT, "Cy") if left_wins else (LEFT, "Bo")
    assert (f"{loser}/1", value, direction) in rows_of(decision.history, "loser", "loser_value", "rule")


def test_a_stale_third_record_brings_nothing_back() -> None:
    """An old telephone number would travel back through a record that nobody touched."""
    members = {LEFT: an("Bo", 5), SECOND: an("An", 9), RIGHT: an()}
    decision = decided(mapping({"name": {}}, THREE), Cluster(members, agreed({"name": "An"})))
    assert values_of(decision.golden.values, 1) == {"name": "Bo"}


ADDRESS: dict[str, dict[str, Any]] = {
    "street": {"group": "address"},
    "line2": {"group": "address", "clear": ["customerp", "exact"]},
    "city": {"group": "address"},
}
MAIN: dict[str, Text] = {"street": "Main 1", "line2": "floor 2", "city": "Oslo"}


def address_after(left: Member, right: Member, golden: dict[str, Text] | None = None) -> dict[str, str]:
    before = agreed(golden) if golden is not None else Agreed()
    return values_of(decided(mapping(ADDRESS), Cluster({LEFT: left, RIGHT: right}, before)).golden.values, 1)


def test_an_address_is_never_mixed() -> None:
    """Letters would go to a street of one town with the postcode of another."""
    left = known({**MAIN, "street": "Side 2"}, MAIN, at=5)
    right = known({**MAIN, "city": "Bergen"}, MAIN, at=6)
    assert address_after(left, right, MAIN) == {**MAIN, "city": "Bergen"}
    moved: dict[str, Text] = {"street": "Quay 3", "line2": None, "city": "Bergen"}
    assert address_after(new(moved, 5), new(MAIN, 4)) == {"street": "Quay 3", "city": "Bergen"}


def test_an_address_is_completed_from_the_same_address() -> None:
    """The floor would be lost because one system did not know it."""
    without = {**MAIN, "line2": None}
    assert address_after(new(without, 5), new(MAIN, 4)) == MAIN


def test_a_new_address_does_not_keep_the_old_floor() -> None:
    """The second line of the old address would stand below the new street."""
    moved: dict[str, Text] = {"street": "Quay 3", "line2": None, "city": "Bergen"}
    assert address_after(known(moved, MAIN, at=5), known(MAIN), MAIN) == {"street": "Quay 3", "city": "Bergen"}


def test_an_address_that_stands_is_not_mixed_with_an_older_one() -> None:
    """The floor of an account's old address would stand below the customer's new street, in Exact only."""
    old: dict[str, Text] = {"street": "Quay 3", "line2": "floor 2", "city": "Bergen"}
    here: dict[str, Text] = {"street": "Main 1", "city": "Oslo"}
    golden = agreed(here, at=100)
    members = {LEFT: known({**here, "line2": None}, at=100), RIGHT: new(old, 5)}
    decision = decided(mapping(ADDRESS), Cluster(members, golden))
    assert values_of(decision.golden.values, 1) == here
    plan = planned(mapping(ADDRESS), decision)
    assert owed_to(plan, RIGHT) == {**here, "line2": ""}
    assert (f"{RIGHT}/1", "floor 2") in rows_of(decision.history, "loser", "loser_value")


def test_a_whole_address_cannot_be_emptied_by_mistake() -> None:
    """A form saved empty would take a customer's address from both systems."""
    empty: dict[str, Text] = dict.fromkeys(MAIN)
    assert address_after(known(empty, MAIN, at=5), known(MAIN), MAIN) == MAIN


def test_what_was_decided_is_accounted_for() -> None:
    """Every sync would decide the same edit again."""
    decision = deciding(an("Bo", 5), an())
    after = decision.accounted[LEFT]
    assert values_of(after.base, 1) == {"name": "Bo"}
    assert after.times.loc[1, "name"] == moment(5)
    assert decision.accounted[RIGHT].times.loc[1, "name"] == moment(0)


def test_an_edit_makes_what_we_sent_history() -> None:
    """A person's correction of what we wrote would be taken for the system's shortening of it."""
    written = known({"name": "Anna"}, {"name": "Annab"}, at=5, sent={"name": "Annabelle"})
    decision = deciding(an("Annabelle"), written, "Annabelle")
    assert values_of(decision.accounted[RIGHT].sent, 1) == {}
    assert values_of(decision.golden.values, 1) == {"name": "Anna"}


def test_clusters_do_not_touch_each_other() -> None:
    """A customer would get another customer's address."""
    clusters = {
        3: Cluster({LEFT: an("Bo", 5), RIGHT: an()}, agreed({"name": "An"})),
        7: Cluster({RIGHT: new({"name": "Cy"}, 1)}),
        9: Cluster({LEFT: an()}, agreed({"name": "An"})),
    }
    values = decided(mapping({"name": {}}), clusters).golden.values
    assert {number: values_of(values, number).get("name") for number in clusters} == {3: "Bo", 7: "Cy", 9: "An"}


def test_nothing_to_decide_is_no_fault() -> None:
    """A quiet sync would fail."""
    decision = decided(mapping({"name": {}}), {})
    assert decision.golden.values.empty
    assert isinstance(decision.history, pd.DataFrame)
