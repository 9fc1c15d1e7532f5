"""The OpenLineage events of a run: one job for the round, and one below it for each merged asset and each sink."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
)

from talk_assets.openlineage.datasets import Dataset, Step, every

ROUND = "sync"
_PRODUCER = "urn:talk-assets"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, _PRODUCER)


class RunEvents:
    """Makes the events of a run.

    Args:
        namespace: of the jobs.
        division: the division.
        run_id: id of the run, as Dagster and the ledger name it.
        steps: what its assets do.
    """

    def __init__(self, namespace: str, division: str, run_id: str, steps: list[Step]) -> None:
        self._namespace = namespace
        self._division = division
        self._run_id = run_id
        self._steps = steps
        self._began = datetime.now(UTC)

    def started(self) -> list[RunEvent]:
        """The round has begun."""
        return [self._round(RunState.START, self._began)]

    def ended(self, outcome: str | None, summary: Mapping[str, Any]) -> list[RunEvent]:
        """The round is over.

        Args:
            outcome: as the ledger has it: `done`, `failures`, or None when it broke off.
            summary: what the run did, see `cycle.report.summary`.
        """
        found = []
        writes = summary.get("writes", {})
        for step in self._steps if outcome is not None else ():
            counts = writes.get(step.entity, {}) if step.entity is not None else {}
            state = RunState.FAIL if counts.get("failed") else RunState.COMPLETE
            written = None if step.entity is None else sum(counts.get(n, 0) for n in ("created", "updated", "deleted"))
            found += [self._step(step, RunState.START, self._began), self._step(step, state, _now(), written)]
        if outcome == "done":
            return [*found, self._round(RunState.COMPLETE, _now())]
        failed = sum(counts.get("failed", 0) for counts in writes.values())
        message = f"{failed} writes failed" if failed else "a step did not come through"
        return [*found, self._round(RunState.FAIL, _now(), f"{message}; talk-assets status tells what to do")]

    def broken(self, kind: str) -> list[RunEvent]:
        """The round was broken off by an error of this kind; its words stay here, for they may quote records."""
        return [self._round(RunState.FAIL, _now(), kind)]

    def _round(self, state: RunState, at: datetime, error: str | None = None) -> RunEvent:
        facets: dict[str, Any] = {}
        if error is not None:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(error, "Python", producer=_PRODUCER)
        return RunEvent(
            eventType=state,
            eventTime=at.isoformat(),
            run=Run(self._id(ROUND), facets),
            job=self._job(ROUND, "JOB"),
            inputs=[_input(each) for each in every(self._steps, outputs=False)],
            outputs=[_output(each, None) for each in every(self._steps, outputs=True)],
            producer=_PRODUCER,
        )

    def _step(self, step: Step, state: RunState, at: datetime, written: int | None = None) -> RunEvent:
        parent = parent_run.ParentRunFacet(
            parent_run.Run(self._id(ROUND)), parent_run.Job(self._namespace, self._name(ROUND)), producer=_PRODUCER
        )
        return RunEvent(
            eventType=state,
            eventTime=at.isoformat(),
            run=Run(self._id(step.name), {"parent": parent}),
            job=self._job(step.name, "TASK"),
            inputs=[_input(each) for each in step.inputs],
            # The count is of documents together with their lines, which come after them.
            outputs=[_output(each, written if place == 0 else None) for place, each in enumerate(step.outputs)],
            producer=_PRODUCER,
        )

    def _job(self, name: str, kind: str) -> Job:
        facet = job_type_job.JobTypeJobFacet("BATCH", "TALK_ASSETS", kind, producer=_PRODUCER)
        return Job(self._namespace, self._name(name), {"jobType": facet})

    def _name(self, name: str) -> str:
        return f"{self._division}/{name}"

    def _id(self, name: str) -> str:
        """The run's own id for the round, where it is one that OpenLineage takes."""
        if name == ROUND:
            try:
                return str(uuid.UUID(self._run_id))
            except ValueError:
                pass
        return str(uuid.uuid5(_SPACE, f"{self._division}/{self._run_id}/{name}"))


def _now() -> datetime:
    return datetime.now(UTC)


def _input(each: Dataset) -> InputDataset:
    return InputDataset(each.namespace, each.name, facets={"schema": _schema(each)})


def _output(each: Dataset, written: int | None) -> OutputDataset:
    facets: dict[str, Any] = {"schema": _schema(each), "columnLineage": _lineage(each)}
    counts: dict[str, Any] = {}
    if written is not None:
        counts["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            written, producer=_PRODUCER
        )
    return OutputDataset(each.namespace, each.name, facets=facets, outputFacets=counts)


def _schema(each: Dataset) -> schema_dataset.SchemaDatasetFacet:
    fields = [
        schema_dataset.SchemaDatasetFacetFields(name, column.type, column.meaning or None)
        for name, column in each.columns.items()
    ]
    return schema_dataset.SchemaDatasetFacet(fields, producer=_PRODUCER)


def _lineage(each: Dataset) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    fields = {
        name: column_lineage_dataset.Fields(
            [
                column_lineage_dataset.InputField(
                    source.namespace,
                    source.name,
                    field,
                    [column_lineage_dataset.Transformation("DIRECT", "TRANSFORMATION")],
                )
                for source, field in column.made_from
            ]
        )
        for name, column in each.columns.items()
        if column.made_from
    }
    return column_lineage_dataset.ColumnLineageDatasetFacet(fields, producer=_PRODUCER)
