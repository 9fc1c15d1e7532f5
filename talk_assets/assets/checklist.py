"""The checklist of the data-flow document in Dagit: a job, and a check of each flow with its rows."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from talk_assets.assets.divisions import Partitions, settings_of
from talk_assets.assets.keys import pair_key
from talk_assets.assets.metadata import counts, table
from talk_assets.errors import TalkError
from talk_assets.mappings.model import Mappings
from talk_assets.qa.result import FAILED, NOT_APPLICABLE, PASSED, Result, Row
from talk_assets.qa.run import play, played_on, signed_off
from talk_assets.qa.scope import scopes

DOCUMENT = "document"
CHECKLIST = "qa"
_COLUMNS = ["row", "outcome", "expected", "found", "why", "records"]


class Checklist(dg.Config):
    """What is played."""

    against: str = Field(default="", description="Folder of the mappings as signed off; empty: those that are shipped.")
    live_division: str = Field(
        default="",
        description=(
            "The test division, to play against the configured systems, which are left as they were; empty: a sandbox "
            "of its own."
        ),
    )


def document_checks(mappings: Mappings, partitions: Partitions) -> dg.AssetChecksDefinition:
    """Of every flow, that what the document says of it holds: played, not looked up."""
    specs = [
        dg.AssetCheckSpec(
            DOCUMENT,
            asset=pair_key(flow),
            partitions_def=partitions,
            description="What the data-flow document says holds, when it is played.",
        )
        for flow in mappings.flows
    ]

    @dg.multi_asset_check(
        name=DOCUMENT,
        specs=specs,
        can_subset=True,
        description=(
            "Makes records on a sandbox of its own, edits them in both systems, lets syncs run, and looks whether what "
            "the document says is so. With `live_division` the same on a test division, which is left as it was."
        ),
    )
    def document(context: dg.AssetCheckExecutionContext, config: Checklist) -> Iterable[dg.AssetCheckResult]:
        if context.op_execution_context.run.asset_selection:
            context.log.info(f"Nothing is played where assets are materialized as well; run the job {CHECKLIST}.")
            return
        chosen = {key.asset_key.path[-1] for key in context.selected_asset_check_keys}
        selected = [flow for flow in mappings.flows if flow in chosen]
        settings = settings_of(context.op_execution_context.run)
        said: set[str] = set()

        def tell(stage: str, _done: int, _total: int, what: str) -> None:
            if f"{stage}: {what.partition(' ')[0]}" not in said:
                said.add(f"{stage}: {what.partition(' ')[0]}")
                context.log.info(f"{stage}: {what}")

        try:
            with played_on(settings, config.live_division or None) as at:
                signed = signed_off(settings, Path(config.against) if config.against else None, at)
                owners = {
                    scope.name: (scope.document or scope).name for scope in scopes(signed, at.capabilities, selected)
                }
                result = play(at, signed, only=selected, live=bool(config.live_division), tell=tell)
        except TalkError as error:
            told = [str(error), *(f"Not removed: {text}." for text in getattr(error, "__notes__", ()))]
            raise dg.Failure(description=" ".join(told), allow_retries=False) from None
        except BaseException as error:
            # A run that is ended from Dagit, too; it ends all the same.
            for text in getattr(error, "__notes__", ()):
                context.log.warning(f"Not removed: {text}")
            raise
        for flow in selected:
            yield _result(flow, [row for row in result.rows if owners[row.flow] == flow], result)

    return document


def checklist_job(checks: dg.AssetSelection, config: Any, tags: dict[str, str]) -> Any:
    """The job that plays the checklist, and does nothing else.

    Args:
        checks: those of `document_checks`.
        config: what its runs are given, as of `assets.divisions.job_config`.
        tags: of its runs.
    """
    return dg.define_asset_job(
        CHECKLIST,
        selection=checks,
        config=config,
        tags=tags,
        description=(
            "Play the data-flow document on a sandbox of its own, or with `live_division` on a test division, and show "
            "at each flow which rows passed. The same as `talk-assets qa`."
        ),
    )


def _result(flow: str, rows: list[Row], result: Result) -> dg.AssetCheckResult:
    failed = [row for row in rows if row.outcome == FAILED]
    numbers = {
        name.replace(" ", "_"): sum(row.outcome == name for row in rows) for name in (PASSED, FAILED, NOT_APPLICABLE)
    }
    told = [f"{numbers[PASSED]:,} rows passed, {len(failed):,} failed, {numbers['not_applicable']:,} do not apply."]
    told += [f"{row.id}: expected {row.expected}, found {row.found}." for row in failed[:3]]
    told += [f"Not removed: {text}." for text in result.left]
    return dg.AssetCheckResult(
        asset_key=pair_key(flow),
        check_name=DOCUMENT,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=" ".join([*told, *result.remarks]),
        metadata={
            **counts(numbers),
            "played_against": result.systems,
            "seconds": result.seconds,
            "report": table(_frame(failed + [row for row in rows if row.outcome != FAILED])),
        },
    )


def _frame(rows: list[Row]) -> pd.DataFrame:
    cells = [(row.id, row.outcome, row.expected, row.found, row.reason, ", ".join(row.records)) for row in rows]
    return pd.DataFrame(cells, columns=_COLUMNS, dtype="str")
