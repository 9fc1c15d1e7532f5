"""Runs that Dagster takes for going on although their process has ended: without an end they would stop all others."""

from datetime import UTC, datetime, timedelta

import dagster as dg

# A run without a sign of life for so long, while nobody works on its division, is none any more: starting takes less,
# and whoever waits for the division has it as soon as nobody else does.
SILENCE = timedelta(minutes=5)
_GOING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def end_lost_runs(instance: dg.DagsterInstance, tags: dict[str, str], silence: timedelta = SILENCE) -> list[str]:
    """Mark runs as failed that ended without a word; only while nobody works on their division.

    Args:
        instance: where Dagster keeps its runs.
        tags: which runs.
        silence: for how long they were silent.

    Returns:
        Their ids.
    """
    now, ended = datetime.now(UTC), []
    for run in instance.get_runs(dg.RunsFilter(tags=tags, statuses=_GOING)):
        if now - _last_sign(instance, run.run_id) >= silence:
            instance.report_run_failed(
                run, "Its process ended without a word: it was killed, or its machine went down."
            )
            ended.append(run.run_id)
    return ended


def _last_sign(instance: dg.DagsterInstance, run_id: str) -> datetime:
    latest = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    if latest:
        return datetime.fromtimestamp(latest[0].event_log_entry.timestamp, UTC)
    record = instance.get_run_record_by_id(run_id)
    return datetime.now(UTC) if record is None else record.update_timestamp
