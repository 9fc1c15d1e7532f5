"""`talk-assets lost-runs`: end in Dagster what ended with its processes."""

import dagster as dg

from talk_assets import console
from talk_assets.automation.cleanup import LOCATION
from talk_assets.dagster_home import dagster_home
from talk_assets.settings import Settings, load_settings

# As Dagster names what the code server of this installation runs.
_OURS = "__repository__@talk_assets"
_GOING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def lost_runs() -> None:
    """Mark the runs of the code server as failed that Dagster still takes for going on.

    Raises:
        TalkError: a setting is wrong.
    """
    console.remark(f"Runs that had ended with their service: {end_lost(load_settings(()))}.")


def end_lost(settings: Settings) -> int:
    """Do so for an installation, and tell how many they were."""
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        lost = instance.get_runs(dg.RunsFilter(tags={LOCATION: _OURS}, statuses=_GOING))
        for run in lost:
            instance.report_run_failed(run, "The service that ran it ended, and the run with it.")
    return len(lost)
