"""A job of Dagster's that a command runs in its own process, and that Dagit lists with its other runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg

from talk_assets.assets.divisions import BY_COMMAND, DIVISION, PARTITION
from talk_assets.cycle.context import Cycle
from talk_assets.dagster_home import dagster_home
from talk_assets.event_log import event_log_held_open
from talk_assets.installation import Installation


def execute_here(
    installation: Installation,
    cycle: Cycle,
    job: dg.JobDefinition,
    selection: Sequence[dg.AssetKey] | None = None,
    config: Mapping[str, Any] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job to its end, whether its steps succeed or fail.

    Args:
        installation: what it works with.
        cycle: the run, begun; Dagster's has the same id. A preview is not kept by Dagster either.
        job: the job.
        selection: the assets; None for all.
        config: the configuration of its ops.
    """
    with _instance(installation, preview=cycle.preview) as instance, event_log_held_open(instance):
        return job.execute_in_process(
            instance=instance,
            run_id=cycle.run_id,
            raise_on_error=False,
            asset_selection=None if selection is None else list(selection),
            # The lock keeps it apart from others. Were it killed, Dagster would take it for going on for ever, and
            # with the tag of Dagster's own runs all of them would wait for it.
            tags={DIVISION: f"{cycle.division}{BY_COMMAND}", **_partition(installation, cycle)},
            run_config={
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                "ops": {name: {"config": told} for name, told in (config or {}).items()},
            },
        )


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """A sentence per step that failed."""
    return [_sentence(event) for event in result.all_events if event.is_step_failure]


def _partition(installation: Installation, cycle: Cycle) -> dict[str, str]:
    """The tag of the division, where it is one of several: as an argument it would bring the tag of Dagster's runs."""
    return {PARTITION: cycle.division} if len(installation.settings.divisions) > 1 else {}


@contextmanager
def _instance(installation: Installation, *, preview: bool) -> Iterator[dg.DagsterInstance]:
    if preview:
        with dg.DagsterInstance.ephemeral() as ephemeral:
            yield ephemeral
        return
    with dg.DagsterInstance.from_config(str(dagster_home(installation.settings))) as kept:
        yield kept


def _sentence(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return f"{event.step_key}: {failure.user_failure_data.description}"
    if failure.error is not None and failure.error.cls_name == dg.DagsterExecutionInterruptedError.__name__:
        return f"{event.step_key}: interrupted. Nothing is lost: the next sync goes on from here."
    return f"{event.step_key}: {failure.error.to_string() if failure.error else event.message}"
