"""What becomes of records whose counterpart was deleted."""

from typing import Any

import pandas as pd
import pytest

from talk_assets.mappings.model import Flow, Subject
from talk_assets.mappings.safety import Deletions, Edited, Policy, WhenGone
from talk_assets.sync.frames import EDIT, KEEP, OPEN
from talk_assets.sync.plan import Plan, plan
from talk_assets.sync.remove import Removals, removals
from talk_assets_tests.sync.build import (
    LEFT,
    RIGHT,
    Cluster,
    agreed,
    capable,
    decided,
    frames,
    known,
    mapping,
    pointing,
)

THIRD = "customerp.third"


def subject(policy: Policy, edited: Edited = "conflict", **options: Any) -> Subject:
    """A thing whose deletion on the left concerns the right."""
    gone = WhenGone(customerp=policy, edited=edited)
    flows = {"left_right": Flow(customerp=LEFT, exact=RIGHT, when_gone=gone)}
    return mapping({"name": {}}, **{"flows": flows, **options})


def found(of: Subject, cluster: Cluster, **options: Any) -> Removals:
    """What the deletion of the record on the left leads to."""
    members, _ = frames(of, {1: cluster})
    rows = [(1, LEFT, "9", options.get("marked", False))]
    there = [(1, entity) for entity in options.get("unread", [])]
    pending = pd.DataFrame(options.get("pending", []), columns=["cluster_id", "entity"])
    said = pd.Series(options.get("said", {}), dtype="str")
    return removals(
        of,
        members,
        pd.Index([1]),
        gone=pd.DataFrame(rows, columns=["cluster_id", "entity", "key", "marked"]),
        there=pd.DataFrame(there, columns=["cluster_id", "entity"]),
        pending=pending,
        verdicts=said,
        clusters_of=pointing(),
    )


def at(places: dict[str, pd.Series], entity: str) -> bool:
    return entity in places and bool(places[entity][1])


def alone(**current: str) -> Cluster:
    """A record on the right whose counterpart is gone, edited since where `current` says so."""
    return Cluster({RIGHT: known({"name": "An", **current}, {"name": "An"})}, agreed({"name": "An"}))


def planned(of: Subject, cluster: Cluster, **capability: Any) -> Plan:
    """The writes that the deletion leads to."""
    decision = decided(of, cluster)
    able = capable(of, **capability)
    return plan(
        of,
        decision.accounted,
        decision.golden,
        capabilities=able,
        clusters_of=pointing(),
        gone=pd.DataFrame([(1, LEFT)], columns=["cluster_id", "entity"]),
        held=pd.Index([], dtype="int64"),
        open_conflicts=decision.conflicts,
        defaults={},
        removed=found(of, cluster),
    )


def test_nothing_happens_by_default() -> None:
    """A record deleted by mistake in one system would be gone in the other."""
    removed = found(subject("ignore"), alone())
    assert (removed.delete, removed.archive, removed.restore, len(removed.contested)) == ({}, {}, {}, 0)


def test_a_deletion_is_owed_instead_of_an_update() -> None:
    """The counterpart would be kept up to date instead of deleted."""
    owed = planned(subject("delete"), alone()).owed[RIGHT]
    assert (owed.operation[1], owed.keys[1], owed.state[1]) == ("delete", "1", "owed")
    assert owed.values.loc[1].dropna().empty


def test_archiving_sets_the_systems_own_property() -> None:
    """An archived record would have its shared values overwritten, or be deleted."""
    how = {RIGHT: Deletions.model_validate({"archive": {"name": "Blocked", "value": "true"}})}
    owed = planned(subject("archive", deletions=how), alone()).owed[RIGHT]
    assert (owed.operation[1], owed.values.loc[1].dropna().to_dict()) == ("delete", {"Blocked": "true"})


@pytest.mark.parametrize("option", ["no_delete", "read_only"])
def test_what_a_system_does_not_delete_is_for_a_person(option: str) -> None:
    """A call that can only fail would be sent in every run, and nobody told."""
    owed = planned(subject("delete"), alone(), exact__right={"_entity": {option: "Ask the bookkeeper."}}).owed[RIGHT]
    assert (owed.state[1], owed.reason[1]) == ("person", "Ask the bookkeeper.")


def test_a_deleted_record_is_created_again() -> None:
    """What was deleted by mistake would stay away, although the mapping says that it comes back."""
    owed = planned(subject("restore"), alone()).owed[LEFT]
    assert (owed.operation[1], owed.values.loc[1, "name"]) == ("create", "An")


def test_a_record_that_only_says_that_it_is_deleted_is_not_created_again() -> None:
    """It would be there twice."""
    assert not at(found(subject("restore"), alone(), marked=True).restore, LEFT)
    assert at(found(subject("delete"), alone(), marked=True).delete, RIGHT)


@pytest.mark.parametrize(
    ("edited", "deleted", "restored", "wins"),
    [("conflict", False, False, None), ("edit", False, True, "edit"), ("delete", True, False, None)],
)
def test_an_edit_meets_a_deletion(edited: Edited, *, deleted: bool, restored: bool, wins: str | None) -> None:
    """The work of a colleague would be gone, or the mapping's word not kept."""
    removed = found(subject("delete", edited), alone(name="Ann"))
    assert (at(removed.delete, RIGHT), at(removed.restore, LEFT)) == (deleted, restored)
    contested = removed.contested.to_dict("records")
    assert len(contested) == (edited != "delete")
    for row in contested:
        assert (row["entity"], row["key"], row["other_entity"], row["other_key"]) == (LEFT, "9", RIGHT, "1")
        assert (row["wins"] if isinstance(row["wins"], str) else None) == wins


def test_an_edit_that_was_still_owed_meets_a_deletion() -> None:
    """An edit that had not arrived yet would be forgotten with the record that it was made on."""
    removed = found(subject("delete"), alone(), pending=[(1, LEFT)])
    assert not at(removed.delete, RIGHT)
    assert len(removed.contested) == 1


@pytest.mark.parametrize(
    ("said", "deleted", "restored"),
    [(OPEN, False, False), (KEEP, False, False), (EDIT, False, True), ("delete", True, False)],
)
def test_what_was_decided_about_a_deletion_stays_decided(said: str, *, deleted: bool, restored: bool) -> None:
    """A person's decision would last until the next run, when the edit is no news any more."""
    removed = found(subject("delete"), alone(), said={1: said})
    assert (at(removed.delete, RIGHT), at(removed.restore, LEFT)) == (deleted, restored)
    assert removed.contested.empty


def test_a_record_stays_while_another_one_needs_it() -> None:
    """A contact who is an employee too would be deleted with the contact."""
    gone = WhenGone(customerp="delete")
    flows = {
        "left_right": Flow(customerp=LEFT, exact=RIGHT, when_gone=gone),
        "third_right": Flow(customerp=THIRD, exact=RIGHT),
    }
    of = mapping({"name": {}}, (LEFT, RIGHT, THIRD), flows=flows)
    right = known({"name": "An"})
    assert not at(
        found(of, Cluster({RIGHT: right, THIRD: known({"name": "An"})}, agreed({"name": "An"}))).delete, RIGHT
    )
    assert at(found(of, Cluster({RIGHT: right}, agreed({"name": "An"}))).delete, RIGHT)
    unread = found(of, Cluster({RIGHT: right}, agreed({"name": "An"})), unread=[THIRD])
    assert not at(unread.delete, RIGHT), "the third record is there, outside a filter"
