"""Old runs are removed from Dagster's storage of an installation, and nothing else is."""

import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from talk_assets.automation import cleanup
from talk_assets.automation.cleanup import CLEAN_UP, LOCATION
from talk_assets.definitions import SYNC, build_defs
from talk_assets_tests.assets.runs import QUIET
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import ROOT

OURS, OTHERS = "__repository__@talk_assets", "__repository__@somebody_else"


@dg.op
def something() -> None:
    """Do nothing."""


@dg.job(name=SYNC, executor_def=dg.in_process_executor)
def sync() -> None:
    """Have runs to remove."""
    something()


@dg.job(executor_def=dg.in_process_executor)
def other() -> None:
    """A job that talk-assets does not have."""
    something()


@pytest.fixture
def address(database_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    made = database_server.create("template1")
    monkeypatch.setenv("DAGSTER_PG_URL", re.sub(r"^postgresql\+\w+", "postgresql", made))
    yield made
    database_server.drop(made)


def test_only_old_runs_of_ours_that_ended_are_removed(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster's database grows until the disk is full, or a run that goes on and those of other teams vanish."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cleanup, "_PAGE", 2)
    (tmp_path / "dagster.yaml").write_text((ROOT / "deploy/dagster.yaml").read_text())
    engine = sa.create_engine(address)
    definitions = build_defs()
    # As the code server loads it: names of jobs and ops must differ, which a job alone does not find out.
    dg.Definitions.validate_loadable(definitions)
    job = definitions.resolve_job_def(CLEAN_UP)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:

        def ran(job: dg.JobDefinition, location: str | None = None) -> str:
            run_id = job.execute_in_process(instance=instance, run_config=dict(QUIET)).run_id
            if location is not None:
                instance.add_run_tags(run_id, {LOCATION: location})
            return run_id

        def age(run_ids: list[str], days: int) -> None:
            statement = (
                "update runs set create_timestamp = now() - make_interval(days => :days) where run_id = any(:ids)"
            )
            with engine.begin() as connection:
                connection.execute(sa.text(statement), {"days": days, "ids": run_ids})

        removed = [ran(sync), ran(other, OURS), ran(sync, OURS), ran(sync)]
        kept = [ran(sync, OTHERS), ran(other)]
        kept += [
            instance.create_run_for_job(sync, status=status).run_id
            for status in (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.CANCELING)
        ]
        younger = ran(sync, OURS)
        age([*removed, *kept], 41)
        age([younger], 39)
        logs = {run_id: Path(instance.storage_directory()) / run_id / "compute_logs" for run_id in (*removed, *kept)}
        for folder in logs.values():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "something.out").write_text("printed")

        def clean_up(days: int) -> str:
            monkeypatch.setenv("TALK_RUN_LOG_DAYS", str(days))
            done = job.execute_in_process(instance=instance, run_config=dict(QUIET), tags={LOCATION: OURS})
            (said,) = [
                entry.user_message for entry in instance.all_logs(done.run_id) if "Removed" in entry.user_message
            ]
            kept.append(done.run_id)
            return said

        def runs() -> set[str]:
            return {run.run_id for run in instance.get_runs()}

        assert "Removed 0 runs" in clean_up(42)
        assert set(removed) < runs()
        monkeypatch.setattr(cleanup, "_SECONDS", 0)
        assert "The rest is left for the next time." in clean_up(40)
        monkeypatch.setattr(cleanup, "_SECONDS", 60)
        assert "Removed 4 runs that were older than 40 days" in clean_up(40)
        assert runs() == {*kept, younger}
        with engine.connect() as connection:
            told = set(connection.execute(sa.text("select distinct run_id from event_logs")).scalars())
        assert not told & set(removed)
        assert younger in told
        assert {run_id for run_id, folder in logs.items() if folder.exists()} == {*logs} - {*removed}
    engine.dispose()
