"""The job by which a person sees from Dagit what a sync would write.

A preview stores nothing, in Dagster neither: its assets run on an instance of their own, and what they would write is
shown at the job's one op.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from talk_assets.assets.divisions import PATIENCE, Division, division_of, op_job, settings_of
from talk_assets.assets.keys import onboarding_key, sink_key
from talk_assets.assets.masking import People
from talk_assets.assets.metadata import counts, table
from talk_assets.assets.run import TalkRun
from talk_assets.errors import TalkError
from talk_assets.installation import Installation, open_installation

_OPERATIONS = ("create", "update", "delete")
_LISTED = {"written": "would be written to", "owed_writes": "waits for"}


class Preview(dg.Config):
    """What is looked at."""

    rescan: bool = Field(default=False, description="Read every feed from the beginning, not only what changed.")


def preview_job(
    assets: Sequence[dg.AssetsDefinition],
    checks: Sequence[dg.AssetChecksDefinition],
    written: Sequence[str],
    divisions: Sequence[Division],
) -> dg.JobDefinition:
    """The job that shows what a sync would write and writes nothing.

    Args:
        assets: what a sync materializes.
        checks: what it checks.
        written: the entities that it can write, in their order.
        divisions: that it can be for.
    """

    @dg.op(
        name="preview_all",
        out=dg.Out(dg.Nothing),
        description="Read, match, merge and plan; show what would be written, and store and write nothing.",
    )
    def preview_all(context: dg.OpExecutionContext, config: Preview) -> None:
        with (
            _installed(context) as installation,
            installation.round(context.run_id, preview=True, rescan=config.rescan, wait_seconds=PATIENCE) as cycle,
            dg.DagsterInstance.ephemeral() as instance,
        ):
            run = TalkRun(lambda: cycle)
            run.people = People(installation.settings.talk_show_personal)
            done = (
                dg.Definitions(
                    assets=assets,
                    asset_checks=checks,
                    jobs=[dg.define_asset_job("previewed", selection=dg.AssetSelection.all())],
                    resources={"talk": run},
                    executor=dg.in_process_executor,
                )
                .resolve_job_def("previewed")
                .execute_in_process(
                    instance=instance,
                    raise_on_error=False,
                    partition_key=division_of(context.run),
                    run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                )
            )
        shown = _shown(run, done, written)
        if not done.success:
            stopped = " ".join(str(error) for error in run.stopped.values() if error is not None)
            # A step that fails has no output; beside its failure the tables are still shown.
            words = stopped or "The preview failed; see its log."
            raise dg.Failure(description=words, metadata=shown, allow_retries=False)
        context.add_output_metadata(shown)

    return op_job(
        "preview",
        preview_all,
        (
            "Show what a sync would write, with what is there now, whose value it is and by which rule; the report of "
            "the first sync; and the checks that would not pass. The same as `talk-assets sync --preview`."
        ),
        divisions,
    )


@contextmanager
def _installed(context: dg.OpExecutionContext) -> Iterator[Installation]:
    """The installation; what stops the block is a failure whose text is the error's one sentence."""
    try:
        with open_installation(settings_of(context.run)) as installation:
            yield installation
    except TalkError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


def _shown(run: TalkRun, done: dg.ExecuteInProcessResult, written: Sequence[str]) -> dict[str, Any]:
    """What the assets of a previewed run told: of each sink its writes, and of all together numbers and checks."""
    told_by = [event.step_materialization_data.materialization for event in done.get_asset_materialization_events()]
    beside = {each.asset_key: each.metadata for each in told_by}
    writes = Counter(write["operation"] for part in run.delivered for write in part.writes)
    tables: dict[str, Any] = {}
    for entity in written:
        told = beside.get(sink_key(entity), {})
        for name, title in _LISTED.items():
            listed = told.get(name)
            if isinstance(listed, dg.TableMetadataValue) and listed.records:
                tables[f"{title} {entity}"] = listed
    tripped = [
        (each.asset_key.to_user_string(), each.check_name, each.description or "")
        for each in done.get_asset_check_evaluations()
        if not each.passed
    ]
    report = beside.get(onboarding_key(), {}).get("report")
    return {
        **counts({name: writes[name] for name in _OPERATIONS}),
        **tables,
        "checks": table(pd.DataFrame(tripped, columns=["asset", "check", "what is wrong"], dtype="str")),
        **({"report": report} if report is not None else {}),
    }
