"""What every member should hold, and what is owed."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pytest

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Creation, Flow, Subject
from talk_assets.sync.plan import Plan
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
    new,
    owed_to,
    planned,
    rows_of,
)

OTHER = "exact.other"


def owed(
    members: Mapping[str, Member],
    golden: Mapping[str, Text] | None = None,
    subject: Subject | None = None,
    special: Mapping[str, Any] | None = None,
    **more: Any,
) -> Plan:
    """What is owed to a cluster after it was decided; `special` says what `exact.right` can take."""
    subject = subject or mapping({"name": {}})
    capabilities: Capabilities = capable(subject, exact__right=special or {})
    cluster = Cluster(dict(members), agreed(golden) if golden is not None else Agreed())
    references = more.pop("references", None)
    decision = decided(subject, cluster, capabilities, references)
    return planned(subject, decision, capabilities, references, **more)


def state(plan: Plan, entity: str = RIGHT) -> tuple[str, str]:
    """State and reason of what is owed to the only cluster."""
    return str(plan.owed[entity].state[1]), str(plan.owed[entity].reason[1])


IGNORED: dict[str, Any] = {"rule": "owner", "order": ["customerp"], "non_owner_edit": "ignore"}


def test_an_ignored_edit_is_left_and_told_whatever_the_clocks_say() -> None:
    """An edit that was to be left would be put back, because the clock of its system is behind."""
    for at in (5, 100):
        members = {LEFT: known({"name": "An"}, at=50), RIGHT: known({"name": "Cy"}, {"name": "An"}, at=at)}
        cluster = Cluster(members, agreed({"name": "An"}, at=50))
        subject = mapping({"name": IGNORED})
        plan = planned(subject, decided(subject, cluster))
        assert owed_to(plan, RIGHT) == {}
        assert rows_of(plan.ignored, "entity", "value", "kind") == [(RIGHT, "Cy", "non_owner_edit")]


def test_the_owners_edit_replaces_an_ignored_one_whatever_the_clocks_say() -> None:
    """The owner's correction would never arrive, because the clock of its system is behind."""
    subject = mapping({"name": IGNORED})
    ignored = Member({"name": "Cy"}, 100, {"name": "Cy"}, {"name": 100})
    members = {LEFT: known({"name": "Bo"}, {"name": "An"}, at=60), RIGHT: ignored}
    plan = planned(subject, decided(subject, Cluster(members, agreed({"name": "An"}, at=50))))
    assert owed_to(plan, RIGHT) == {"name": "Bo"}
    assert plan.ignored.empty


def test_what_a_system_made_of_the_owners_value_is_no_ignored_edit() -> None:
    """A person would be asked about a name that a system only shortens."""
    short = Member({"name": "Annab"}, 5, {"name": "Annab"}, {"name": 0}, {"name": "Annabelle"})
    plan = owed({LEFT: known({"name": "Annabelle"}), RIGHT: short}, {"name": "Annabelle"}, mapping({"name": IGNORED}))
    assert owed_to(plan, RIGHT) == {}
    assert plan.ignored.empty


def creating(**options: Any) -> Subject:
    """A mapping of `name` whose flow creates as `options` say."""
    return mapping({"name": {}}, flows={"left_right": Flow(customerp=LEFT, exact=RIGHT, create=Creation(**options))})


def test_an_edit_is_owed_to_the_other_side_with_what_is_there_now() -> None:
    """An edit would not travel, or overwrite one that came in between."""
    plan = owed(
        {LEFT: known({"name": "Bo"}, {"name": "An"}, at=5), RIGHT: known({"name": "An"}, key="9")}, {"name": "An"}
    )
    assert owed_to(plan, RIGHT) == {"name": "Bo"}
    assert owed_to(plan, LEFT) == {}
    right = plan.owed[RIGHT]
    assert (right.keys[1], right.create[1], right.expected.loc[1, "name"]) == ("9", False, "An")
    assert state(plan) == ("owed", "")


def test_what_is_equal_is_not_written() -> None:
    """Every sync would write every record: a day's calls would be gone in a minute."""
    spelled = {LEFT: known({"name": "An  Bo"}), RIGHT: known({"name": "An Bo"})}
    assert all(len(each.keys) == 0 for each in owed(spelled, {"name": "An Bo"}).owed.values())


def test_what_a_system_made_of_our_value_is_not_sent_again() -> None:
    """A name would be sent in every sync to a system that lays it out in its own way."""
    coarse = known({"name": "An"}, sent={"name": "Anna"})
    assert owed_to(owed({LEFT: known({"name": "Anna"}), RIGHT: coarse}, {"name": "Anna"}), RIGHT) == {}


def test_a_record_may_hold_more_than_it_is_asked_to() -> None:
    """A long name would be cut where it was typed because the other system's is short."""
    subject = mapping({"name": {}})
    assert (
        owed_to(
            owed(
                {LEFT: known({"name": "Annabelle"}), RIGHT: known({"name": "Annab"})},
                {"name": "Annabelle"},
                subject,
                {"name": {"max_length": 5}},
            ),
            RIGHT,
        )
        == {}
    )


def test_a_long_text_is_cut_and_a_long_code_is_reported() -> None:
    """Exact would refuse the whole record."""
    long = {LEFT: known({"name": "Annabelle"}, {"name": "An"}, at=5), RIGHT: known({"name": "An"})}
    assert owed_to(owed(long, {"name": "An"}, special={"name": {"max_length": 5}}), RIGHT) == {"name": "Annab"}
    code = owed(long, {"name": "An"}, mapping({"name": {"type": "code"}}), {"name": {"max_length": 5}})
    assert owed_to(code, RIGHT) == {}
    assert rows_of(code.problems, "cluster_id", "entity", "property", "value") == [("1", RIGHT, "name", "Annabelle")]


def test_an_unfit_value_that_need_not_be_written_is_no_problem() -> None:
    """People would be told for ever about a value that nobody wants to write."""
    long = {"name": "Annabelle"}
    plan = owed(
        {LEFT: known(long)},
        long,
        mapping({"name": {"type": "code"}}, flows=creating(exact=False).flows),
        {"name": {"max_length": 5}},
    )
    assert plan.problems.empty


def test_clearing_is_owed_as_empty_text() -> None:
    """A cleared value would stay in the other system."""
    subject = mapping({"name": {"clear": ["customerp"]}})
    cleared = {LEFT: known({"name": None}, {"name": "An"}, at=5), RIGHT: known({"name": "An"})}
    assert owed_to(owed(cleared, {"name": "An"}, subject), RIGHT) == {"name": ""}
    needed = owed(cleared, {"name": "An"}, subject, {"name": {"required": True}})
    assert owed_to(needed, RIGHT) == {}
    (problem,) = needed.problems["problem"]
    assert problem == "was cleared, but exact.right needs a value for name"


def test_an_empty_agreed_value_empties_nobody() -> None:
    """A record that knows more would lose it."""
    assert owed_to(owed({LEFT: known({"name": None}), RIGHT: known({"name": "An"})}, {}), RIGHT) == {}


def test_a_missing_counterpart_is_created_whole() -> None:
    """A new customer would never reach Exact, or reach it half."""
    subject = mapping({"name": {}, "number": {"type": "code", "direction": "create_in_exact"}})
    plan = owed({LEFT: new({"name": "An", "number": "7"})}, None, subject)
    assert owed_to(plan, RIGHT) == {"name": "An", "number": "7"}
    assert (plan.owed[RIGHT].create[1], pd.isna(plan.owed[RIGHT].keys[1])) == (True, True)


def test_what_is_sent_on_create_only_is_not_sent_afterwards() -> None:
    """Exact would refuse an update because of a number that it never lets anybody change."""
    subject = mapping({"name": {}, "number": {"type": "code", "direction": "create_in_exact"}})
    held: dict[str, Text] = {"name": "An", "number": "7"}
    moved = {LEFT: known({"name": "Bo", "number": "8"}, held, at=5), RIGHT: known(held)}
    assert owed_to(owed(moved, held, subject), RIGHT) == {"name": "Bo"}
    fixed = owed(moved, held, mapping({"name": {}, "number": {"type": "code"}}), {"number": {"write": "create"}})
    assert owed_to(fixed, RIGHT) == {"name": "Bo"}


def test_nothing_is_created_in_customerp_unless_it_is_asked_for() -> None:
    """A company's own system would fill with all accounts of its bookkeeping."""
    only_right = {RIGHT: new({"name": "An"})}
    assert owed_to(owed(only_right, None, creating()), LEFT) == {}
    assert owed_to(owed(only_right, None, creating(customerp=True)), LEFT) == {"name": "An"}
    assert owed_to(owed({LEFT: new({"name": "An"})}, None, creating(exact=False)), RIGHT) == {}


def test_a_flow_creates_nothing_where_another_member_forbids_it() -> None:
    """An order made from a quote would get a second quotation."""
    second = "customerp.second"
    flows = {
        "left_right": Flow(customerp=LEFT, exact=RIGHT, create=Creation(exact=False)),
        "second_right": Flow(customerp=second, exact=RIGHT, create=Creation(unless=LEFT)),
    }
    subject = mapping({"name": {}}, (LEFT, second, RIGHT), flows=flows)
    assert owed_to(owed({second: new({"name": "An"})}, None, subject), RIGHT) == {"name": "An"}
    assert owed_to(owed({second: new({"name": "An"}), LEFT: new({"name": "An"})}, None, subject), RIGHT) == {}


def test_what_was_deleted_is_not_put_back() -> None:
    """A record that somebody removed on purpose would come back."""
    assert owed_to(owed({LEFT: new({"name": "An"})}, gone=[(1, RIGHT)]), RIGHT) == {}


def test_a_held_cluster_gets_no_new_record_but_its_updates() -> None:
    """A record whose counterpart may be there already would be inserted beside it."""
    assert owed_to(owed({LEFT: new({"name": "An"})}, held=[1]), RIGHT) == {}
    edited = {LEFT: known({"name": "Bo"}, {"name": "An"}, at=5), RIGHT: known({"name": "An"})}
    assert owed_to(owed(edited, {"name": "An"}, held=[1]), RIGHT) == {"name": "Bo"}


def test_a_create_waits_for_what_is_required() -> None:
    """Exact would refuse the record again and again."""
    plan = owed({LEFT: new({"name": None})}, special={"name": {"required": True}})
    assert state(plan) == ("waiting", "exact.right needs a value for name (name) before it can be created")
    mapped = owed({LEFT: new({"name": None})}, None, mapping({"name": {"required": True}}))
    assert state(mapped)[0] == "waiting"


def test_one_of_several_properties_is_enough_where_a_system_asks_for_any() -> None:
    """A contact without a first name would never be created, or one without any name refused."""
    subject = mapping({"first": {}, "last": {}})
    either = {"_entity": {"any_of": [["first", "last"]]}}
    assert state(owed({LEFT: new({"first": "An"})}, None, subject, either)) == ("owed", "")
    assert state(owed({LEFT: new({})}, None, subject, either)) == (
        "waiting",
        "exact.right needs a value for one of first or last before it can be created",
    )


def test_a_constant_satisfies_what_is_required() -> None:
    """Records would wait for a value that the mapping gives to all of them."""
    subject = mapping({"name": {}}, constants={RIGHT: {"Status": "C"}})
    assert state(owed({LEFT: new({"name": "An"})}, None, subject, {"Status": {"required": True}})) == ("owed", "")


def test_a_default_is_used_only_where_nobody_could_know_better() -> None:
    """A contact without a customer would be put under our own company."""
    employee = "customerp.second"
    rows = {
        "organisation": {"type": "code", "members": {LEFT: {}, RIGHT: {"default_setting": "exact_employer_account"}}}
    }
    subject = mapping(rows, (LEFT, employee, RIGHT))
    defaults = {"exact_employer_account": "exact.accounts/own"}
    assert owed_to(owed({employee: new({})}, None, subject, defaults=defaults), RIGHT) == {
        "organisation": "exact.accounts/own"
    }
    assert owed_to(owed({LEFT: new({"organisation": None})}, None, subject, defaults=defaults), RIGHT) == {}
    there = {LEFT: new({"organisation": "exact.accounts/its"})}
    assert owed_to(owed(there, None, subject, defaults=defaults), RIGHT) == {"organisation": "exact.accounts/its"}


def test_what_a_system_takes_from_nobody_is_listed_for_a_person() -> None:
    """What Exact is owed would be tried for ever, or forgotten."""
    closed = {"_entity": {"read_only": "Enter it in Exact."}}
    edited = {LEFT: known({"name": "Bo"}, {"name": "An"}, at=5), RIGHT: known({"name": "An"})}
    update = owed(edited, {"name": "An"}, special=closed)
    assert (owed_to(update, RIGHT), state(update)) == ({"name": "Bo"}, ("person", "Enter it in Exact."))
    create = owed({LEFT: new({"name": "An"})}, special=closed)
    assert (owed_to(create, RIGHT), state(create)) == ({"name": "An"}, ("person", "Enter it in Exact."))


def test_an_open_conflict_is_not_written() -> None:
    """The platform would choose while a person still thinks."""
    members = {LEFT: known({"name": "Bo"}, {"name": "An"}, at=5), RIGHT: known({"name": "Cy"}, {"name": "An"}, at=6)}
    plan = owed(members, {"name": "An"}, mapping({"name": {"rule": "manual"}}))
    assert owed_to(plan, LEFT) == {}
    assert owed_to(plan, RIGHT) == {}


@pytest.mark.parametrize(("key", "value"), [("when", {}), ("unless", {"date": "2024-01-31"})])
def test_a_row_is_written_only_where_it_applies(key: str, value: dict[str, str]) -> None:
    """The date of a quotation would be overwritten with that of the order made from it."""
    members = {LEFT: {}, RIGHT: {key: OTHER}}
    subject = mapping({"date": {"type": "date", "members": members}}, (LEFT, RIGHT, OTHER))
    date: dict[str, Text] = {"date": "2024-01-31"}
    there = {LEFT: known(date), RIGHT: known({"date": None})}
    assert owed_to(owed(there, date, subject), RIGHT) == value
    with_other = {**there, OTHER: known({})}
    assert owed_to(owed(with_other, date, subject), RIGHT) == ({} if value else date)


def test_a_reference_is_owed_only_when_it_points_elsewhere() -> None:
    """Every contact would be written in every sync, because each system has its own key for the customer."""
    subject = mapping({"organisation": {"type": "reference", "to": "organisation"}})
    references = {"customerp.organisation/1": "7", "exact.organisation/x": "7", "customerp.organisation/2": "8"}
    here, there = {"organisation": "customerp.organisation/1"}, {"organisation": "exact.organisation/x"}
    same = {LEFT: known(here), RIGHT: known(there)}
    assert owed_to(owed(same, here, subject, references=references), RIGHT) == {}
    moved = {"organisation": "customerp.organisation/2"}
    edited = {LEFT: known(moved, here, at=5), RIGHT: known(there)}
    assert owed_to(owed(edited, here, subject, references=references), RIGHT) == moved


def test_lines_are_created_only_where_their_document_is_or_will_be() -> None:
    """A line would be sent to a document that is not there."""
    subject = mapping({"name": {}})
    line = {"_entity": {"document": "exact.documents"}}
    for there in (True, False):
        documents = {"exact.documents": pd.Series([there], index=[1])}
        plan = owed({LEFT: new({"name": "An"})}, None, subject, line, documents=documents)
        assert owed_to(plan, RIGHT) == ({"name": "An"} if there else {})


def test_many_clusters_are_planned_each_by_itself() -> None:
    """One record's gap would be written into another."""
    subject = mapping({"name": {}})
    numbers: Sequence[int] = (3, 5, 8)
    clusters = {
        number: Cluster(
            {LEFT: known({"name": f"new {number}"}, {"name": "An"}, at=5), RIGHT: known({"name": "An"})},
            agreed({"name": "An"}),
        )
        for number in numbers
    }
    plan = planned(subject, decided(subject, clusters))
    assert {number: owed_to(plan, RIGHT, number) for number in numbers} == {n: {"name": f"new {n}"} for n in numbers}
