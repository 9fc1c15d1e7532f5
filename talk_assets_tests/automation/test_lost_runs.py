"""Runs whose process is gone: sensors end them, and they hold nothing back."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from talk_assets.automation import lost
from talk_assets.automation.lost import end_lost_runs
from talk_assets.definitions import SYNC, build_defs
from talk_assets.ledger.database import open_ledger
from talk_assets.ledger.locks import division_lock
from talk_assets_tests.automation.looks import Sensor
from talk_assets_tests.installed import Home, Sandbox


def test_a_run_whose_process_is_gone_is_ended_once_nobody_works(synced: Home, owed: Sensor) -> None:
    """A machine that went down would keep every later run waiting for one that has no process."""
    with synced.environment():
        job = build_defs().resolve_job_def(SYNC)
    tags = dict(job.tags)
    run = owed.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
    owed.instance.report_engine_event("a sign of life", run)
    assert end_lost_runs(owed.instance, tags) == [], "it may only be slow"
    assert owed.look() == "A run is under way; what changes meanwhile is looked at afterwards."
    assert end_lost_runs(owed.instance, {"talk/division": "another"}, timedelta(0)) == []
    assert end_lost_runs(owed.instance, tags, timedelta(0)) == [run.run_id]
    kept = owed.instance.get_run_by_id(run.run_id)
    assert kept is not None
    assert kept.status is dg.DagsterRunStatus.FAILURE
    owed.instance.delete_run(run.run_id)


def test_a_command_that_was_killed_holds_nothing_back(synced: Home, customerp: Sensor) -> None:
    """Dagster takes its run for going on for ever: nothing would be started by itself any more."""
    with dg.DagsterInstance.from_config(str(synced.folder / "dagster")) as kept:
        (of_command,) = kept.get_runs(dg.RunsFilter(job_name=SYNC), limit=1)
    with synced.environment():
        job = build_defs().resolve_job_def(SYNC)
    started = dg.DagsterRunStatus.STARTED
    run = customerp.instance.create_run_for_job(job, status=started, tags=of_command.tags)
    looked = customerp.look()
    customerp.instance.delete_run(run.run_id)
    assert looked != "A run is under way; what changes meanwhile is looked at afterwards."


@pytest.mark.soak
def test_the_run_of_a_command_that_was_killed_is_ended(
    systems: Sandbox, synced: Home, customerp: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be listed as going on for ever, and never be cleaned up."""
    division = str(systems.said["exact_division"])
    with synced.environment():
        job = build_defs().resolve_job_def(SYNC)
    started = dg.DagsterRunStatus.STARTED
    tags = {"talk/division": f"{division}, by command"}
    run = customerp.instance.create_run_for_job(job, status=started, tags=tags)
    monkeypatch.setattr(lost, "_last_sign", lambda *_: datetime(2026, 1, 1, tzinfo=UTC))
    ledger = open_ledger(synced.settings["TALK_DATABASE_URL"])
    with division_lock(ledger, division, 0, "by hand"):
        customerp.look()
        going_on = customerp.instance.get_run_by_id(run.run_id)
    ledger.close()
    customerp.look()
    ended = customerp.instance.get_run_by_id(run.run_id)
    customerp.instance.delete_run(run.run_id)
    assert going_on is not None
    assert going_on.status is started, "somebody is at work, and it may be this one"
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE
