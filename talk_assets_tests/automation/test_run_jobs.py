"""The jobs preview and undo, run as Dagit's launchpad runs them."""

from typing import Any

import dagster as dg
import pytest

from talk_assets.definitions import build_defs
from talk_assets_tests.assets.runs import QUIET, Told
from talk_assets_tests.automation.looks import query
from talk_assets_tests.installed import Home, Sandbox


def launched(
    place: Home, instance: dg.DagsterInstance, job: str, op: str, **config: Any
) -> tuple[Told, dict[str, Any]]:
    """What a job told, and what stands beside its op."""
    with place.environment():
        done = (
            build_defs()
            .resolve_job_def(job)
            .execute_in_process(
                instance=instance, raise_on_error=False, run_config={**QUIET, "ops": {op: {"config": config}}}
            )
        )
        beside = {
            name: value
            for event in done.all_events
            if event.is_successful_output
            for name, value in event.step_output_data.metadata.items()
        }
        return Told(instance, done.run_id), beside


def rows(value: Any) -> list[dict[str, Any]]:
    return [dict(record.data) for record in value.records]


def test_a_preview_shows_what_would_be_written_and_leaves_no_trace(
    systems: Sandbox, synced: Home, instance: dg.DagsterInstance
) -> None:
    """A person who only wants to look changes the books, or the assets say that something was written."""
    customer = systems.customerp("customers")[0]
    systems.edit_customerp(f"customers/{customer['Id']}", City="Epe")
    before = synced.tables()
    told, beside = launched(synced, instance, "preview", "preview_all")
    assert told.success, told.log
    assert beside["update"].value == 1
    (write,) = rows(beside["would be written to exact.accounts"])
    assert (write["property"], write["after"]) == ("City", "Epe")
    assert write["winner"] == f"customerp.customer/{customer['Id']}"
    assert told.metadata == {}, "no asset counts as materialized"
    after = synced.tables()
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"call_budget", "token"}, changed
    assert "Epe" not in {account["City"] for account in systems.exact("Accounts").values()}


@pytest.mark.soak
def test_an_undo_is_shown_first_and_then_carried_out(
    systems: Sandbox, synced: Home, instance: dg.DagsterInstance
) -> None:
    """A run that was wrong could only be put back by somebody with a terminal."""
    customer = systems.customerp("customers")[1]
    systems.edit_customerp(f"customers/{customer['Id']}", City="Urk")
    done = synced.call("sync")
    assert done.code == 0, done.err
    ((run,),) = query(synced, "select run_id from talk.run order by started_at desc limit 1")
    told, beside = launched(synced, instance, "undo", "undo_run", run=str(run))
    assert told.success, told.log
    assert {row["what"] for row in rows(beside["undone"])} == {"would be put back"}
    assert "Urk" in {account["City"] for account in systems.exact("Accounts").values()}
    told, beside = launched(synced, instance, "undo", "undo_run", run=str(run), apply=True, who="ann")
    assert told.success, told.log
    assert beside["sent"].value > 0
    assert "Urk" not in {account["City"] for account in systems.exact("Accounts").values()}
    told, _ = launched(synced, instance, "undo", "undo_run", run="no-such-run")
    (sentence,) = told.failed.values()
    assert "no-such-run" in sentence


@pytest.mark.soak
def test_an_undo_by_command_is_among_dagits_runs(systems: Sandbox, synced: Home) -> None:
    """What was put back from a terminal is in the books, and nowhere in Dagit."""
    customer = systems.customerp("customers")[2]
    systems.edit_customerp(f"customers/{customer['Id']}", City="Norg")
    synced.call("sync")
    ((run,),) = query(synced, "select run_id from talk.run order by started_at desc limit 1")
    shown = synced.call("undo", str(run), "--json")
    assert shown.code == 0, shown.err
    undone = synced.call("undo", str(run), "--apply", "--who", "ann", "--json")
    assert undone.code == 0, undone.err
    assert undone.json["applied"] is True
    assert "Norg" not in {account["City"] for account in systems.exact("Accounts").values()}
    with dg.DagsterInstance.from_config(str(synced.folder / "dagster")) as kept:
        assert kept.get_run_by_id(shown.json["run_id"]) is None, "a preview counts as a run"
        ran = kept.get_run_by_id(undone.json["run_id"])
        assert ran is not None
        assert (ran.job_name, ran.status) == ("undo", dg.DagsterRunStatus.SUCCESS)
        ordered = {"run": run, "record": "", "apply": True, "who": "ann"}
        assert ran.run_config["ops"] == {"undo_run": {"config": ordered}}
        told = Told(kept, ran.run_id)
        assert told.success, told.log


@pytest.mark.soak
def test_an_undo_whose_writes_are_refused_says_so(systems: Sandbox, synced: Home, instance: dg.DagsterInstance) -> None:
    """Dagit shows that all was put back, and the other system refused it."""
    launched_for, by_command = (f"customers/{each['Id']}" for each in systems.customerp("customers")[2:4])
    for path in (launched_for, by_command):
        systems.edit_customerp(path, City="Lent")
    synced.call("sync")
    ((run,),) = query(synced, "select run_id from talk.run order by started_at desc limit 1")
    records = [f"customerp.customer/{path.partition('/')[2]}" for path in (launched_for, by_command)]
    systems.fault("exact", method="PUT", path="crm/Accounts", status=400, times=None)
    try:
        told, _ = launched(synced, instance, "undo", "undo_run", run=str(run), record=records[0], apply=True)
        done = synced.call("undo", str(run), "--record", records[1], "--apply")
    finally:
        systems.end_faults()
        synced.call("retry")
        synced.call("sync")
    assert not told.success, "a run in green of which nothing arrived"
    (sentence,) = told.failed.values()
    assert "1 write was refused or failed, and stays owed" in sentence
    assert "update exact.accounts/" in sentence
    assert (done.code, done.complaint.count("Failed")) == (1, 1), done.complaint
    assert "Lent" not in {account["City"] for account in systems.exact("Accounts").values()}


@pytest.mark.soak
def test_a_preview_that_fails_in_part_still_shows_the_rest(
    systems: Sandbox, synced: Home, instance: dg.DagsterInstance
) -> None:
    """One feed that cannot be read takes everything else from the person who looks."""
    customer = systems.customerp("customers")[0]
    systems.edit_customerp(f"customers/{customer['Id']}", City="Grou")
    systems.fault("customerp", path="^/products", status=400, times=None)
    try:
        told, _ = launched(synced, instance, "preview", "preview_all")
    finally:
        systems.end_faults()
        synced.call("sync")
    assert not told.success
    records = instance.all_logs(told.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    (failure,) = [each.dagster_event.step_failure_data for each in records if each.dagster_event is not None]
    assert failure.user_failure_data is not None
    (write,) = rows(failure.user_failure_data.metadata["would be written to exact.accounts"])
    assert (write["property"], write["after"]) == ("City", "Grou")
