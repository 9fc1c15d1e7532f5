"""Dagster's event log while a run of ours writes to it through connections that stay open."""

from pathlib import Path

import dagster as dg

from talk_assets.event_log import event_log_held_open


@dg.asset
def first() -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads the bare name only
    """An asset."""
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.asset(deps=[first])
def second(context: dg.AssetExecutionContext) -> None:
    """An asset whose step looks, as Dagit does, at what is stored while the run goes on."""
    with dg.DagsterInstance.local_temp(context.instance.root_directory) as reader:
        assert [run.status for run in reader.get_runs(limit=1)] == [dg.DagsterRunStatus.STARTED]
        event = reader.get_latest_materialization_event(first.key)
        assert event is not None


@dg.asset_check(asset=second)
def fits() -> dg.AssetCheckResult:
    """A check."""
    return dg.AssetCheckResult(passed=True)


def _events(instance: dg.DagsterInstance) -> list[str | None]:
    """What the log holds of the latest run, in its order."""
    (run,) = instance.get_runs(limit=1)
    return [each.dagster_event.event_type_value for each in instance.all_logs(run.run_id) if each.dagster_event]


def test_a_run_leaves_the_same_events_and_others_see_them_at_once(tmp_path: Path) -> None:
    """Dagit shows a run without its events, or none while it goes on."""
    job = dg.Definitions(
        assets=[first, second], asset_checks=[fits], executor=dg.in_process_executor
    ).resolve_implicit_global_asset_job_def()
    found = []
    for name in ("as Dagster does", "held open"):
        home = tmp_path / name
        home.mkdir()
        with dg.DagsterInstance.local_temp(str(home)) as instance:
            if name == "held open":
                with event_log_held_open(instance):
                    assert job.execute_in_process(instance=instance, raise_on_error=False).success
                    seen = _events(instance)
                assert _events(instance) == seen, "Dagster's own connections are back"
                # A second run in the same process has a file of its own.
                with event_log_held_open(instance):
                    assert job.execute_in_process(instance=instance).success
            else:
                assert job.execute_in_process(instance=instance).success
        with dg.DagsterInstance.local_temp(str(home)) as again:
            found.append(_events(again))
            (check,) = again.event_log_storage.get_latest_asset_check_execution_by_key([fits.check_key]).values()
            assert check.status.value == "SUCCEEDED"
    assert found[0] == found[1]
    assert "ASSET_CHECK_EVALUATION" in found[1]
