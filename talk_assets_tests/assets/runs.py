"""Runs of the job as Dagster has them, and what they tell."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import dagster as dg

from talk_assets.definitions import SYNC, build_defs
from talk_assets_tests.installed import Home

QUIET: Mapping[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
# What a person says who lets the first run write.
CONFIRMED: Mapping[str, Any] = {"resources": {"talk": {"config": {"confirm": True}}}}


def sync_job() -> dg.JobDefinition:
    """The job, from definitions made anew."""
    return build_defs().resolve_job_def(SYNC)


def keys(*names: str) -> list[dg.AssetKey]:
    """Keys of assets as people write them."""
    return [dg.AssetKey(name.split("/")) for name in names]


ORGANISATION = keys(
    "customerp/deletions",
    "exact/deletions",
    "customerp/customer",
    "exact/accounts",
    "pairs/customer_accounts",
    "merged/organisation",
    "written/exact/accounts",
    "written/customerp/customer",
)


class Told:
    """What a run told, as Dagster kept it.

    Attributes:
        run_id: the run.
        success: whether every step came through.
        log: everything in the event log, as text.
    """

    def __init__(self, instance: dg.DagsterInstance, run_id: str) -> None:
        entries = instance.all_logs(run_id)
        kept = instance.get_run_by_id(run_id)
        assert kept is not None
        self.run_id = run_id
        self.success = kept.is_success
        self.log = "\n".join(map(str, entries))
        self._events = [entry.dagster_event for entry in entries if entry.dagster_event is not None]

    @property
    def checks(self) -> dict[str, dg.AssetCheckEvaluation]:
        """Evaluations by `asset:check`."""
        found = [
            event.asset_check_evaluation_data
            for event in self._events
            if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
        ]
        return {f"{each.asset_key.to_user_string()}:{each.check_name}": each for each in found}

    @property
    def metadata(self) -> dict[str, dict[str, Any]]:
        """By asset, what stands beside its materialization; plain values, and of tables their rows."""
        done = [
            event.step_materialization_data.materialization for event in self._events if event.is_step_materialization
        ]
        return {
            each.asset_key.to_user_string(): {name: _plain(value) for name, value in each.metadata.items()}
            for each in done
        }

    def beside(self, check: str) -> dict[str, Any]:
        """What stands beside an evaluation, as `metadata` has it."""
        return {name: _plain(value) for name, value in self.checks[check].metadata.items()}

    @property
    def failed(self) -> dict[str, str]:
        """By step, the sentence of its failure."""
        found = {}
        for event in self._events:
            if event.is_step_failure:
                failure = event.step_failure_data
                assert failure.user_failure_data is not None, failure.error
                found[str(event.step_key)] = str(failure.user_failure_data.description)
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, dg.TableMetadataValue):
        return [dict(record.data) for record in value.records]
    return value.value


def kept(place: Home, run_id: str) -> Told:
    """What Dagster kept of a run of `talk-assets sync`."""
    with dg.DagsterInstance.from_config(str(place.folder / "dagster")) as instance:
        return Told(instance, run_id)


def run(
    place: Home,
    selection: list[dg.AssetKey] | None = None,
    *,
    instance: dg.DagsterInstance | None = None,
    config: Mapping[str, Any] | None = None,
    **changes: str,
) -> Told:
    """Run the job, or some of its assets, in this process.

    Args:
        place: the installation, as the environment tells it.
        selection: the assets; all by default.
        instance: where Dagster keeps the run; nowhere by default.
        config: of the run; by default one that may write.
        changes: settings other than the installation's.
    """
    with ExitStack() as stack:
        stack.enter_context(place.environment(**changes))
        where = instance or stack.enter_context(dg.DagsterInstance.ephemeral())
        result = sync_job().execute_in_process(
            instance=where,
            raise_on_error=False,
            asset_selection=selection,
            run_config={**QUIET, **(CONFIRMED if config is None else config)},
        )
        return Told(where, result.run_id)
