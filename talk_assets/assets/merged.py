"""Merged subjects: which value every property has, and what is therefore owed."""

import time
from collections.abc import Sequence

import dagster as dg
import pandas as pd

from talk_assets.assets.divisions import Partitions
from talk_assets.assets.held import held_records, schema_result, schema_spec
from talk_assets.assets.keys import MERGED, OWNERS, merged_key, pair_key
from talk_assets.assets.masking import about_people
from talk_assets.assets.metadata import counts, row_count, seconds, table
from talk_assets.assets.run import TalkRun
from talk_assets.cycle.agree import INVALID_GOLDEN
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.merge import Merged, merge
from talk_assets.cycle.report import changes, count_golden
from talk_assets.ledger.notes import open_conflicts
from talk_assets.mappings.model import Mappings, Subject

CONFLICTS = "conflicts"
_VALUES = ["before", "after", "loser_value"]


def merged_asset(subject_name: str, mappings: Mappings, partitions: Partitions) -> dg.AssetsDefinition:
    """The golden records of a subject and of its lines."""
    subject = mappings.subjects[subject_name]
    lines = f" and their lines ({subject.lines.meaning})" if subject.lines is not None else ""

    @dg.asset(
        key=merged_key(subject_name),
        deps=[pair_key(flow) for flow in subject.flows],
        group_name=MERGED,
        owners=OWNERS,
        kinds={"pandas", "postgres"},
        tags={"subject": subject_name},
        code_version="1",
        check_specs=[
            schema_spec(merged_key(subject_name), partitions),
            dg.AssetCheckSpec(
                CONFLICTS,
                asset=merged_key(subject_name),
                partitions_def=partitions,
                description="No property waits for a person's decision.",
            ),
        ],
        description=(
            f"{subject.meaning} Decides every property once for all records that are the same{lines}: the latest edit "
            "wins, empty never beats a value, and whoever loses is kept in talk.history. What a system should hold and "
            "does not becomes an owed write. Stored in one transaction."
        ),
    )
    def merged(talk: dg.ResourceParam[TalkRun]) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads the bare name only
        started = time.monotonic()
        with talk.step("merged", subject_name):
            done = merge(talk.cycle, subject_name)
            names = [part.subject for part in (subject, subject.lines) if part is not None]
            entities = [*subject.entities, *(subject.lines.entities if subject.lines is not None else [])]
            held = held_records(talk, entities, INVALID_GOLDEN)
            sample = talk.people.frame(changes(talk.cycle, names), about_people(subject), _VALUES)
            conflicts = _open_conflicts(talk.cycle, subject)
            rows = count_golden(talk.cycle, subject_name)
        return dg.MaterializeResult(
            metadata={
                **row_count(rows),
                **counts({**_counted(done), "conflicts": len(conflicts)}),
                **seconds(time.monotonic() - started),
                "latest_changes": table(sample),
            },
            check_results=[
                schema_result(merged_key(subject_name), held),
                dg.AssetCheckResult(
                    asset_key=merged_key(subject_name),
                    check_name=CONFLICTS,
                    passed=conflicts.empty,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=_told(len(conflicts)),
                    metadata={**counts({"open": len(conflicts)}), "open_conflicts": table(conflicts.head(20))},
                ),
            ],
        )

    return merged


def _counted(parts: Sequence[Merged]) -> dict[str, int]:
    """What was done to the records of a subject, the first part, and to its lines."""
    return {
        "decided": parts[0].decided,
        "decided_lines": sum(part.decided for part in parts[1:]),
        "linked": sum(len(part.linked) for part in parts),
        "held": sum(len(part.held) for part in parts),
        "changes": sum(len(part.history) for part in parts),
        "recovered_inserts": sum(part.recovered for part in parts),
    }


def _open_conflicts(cycle: Cycle, subject: Subject) -> pd.DataFrame:
    """`subject, cluster_id, property, since` of the subject and its lines, also what is open since an earlier run."""
    names = [part.subject for part in (subject, subject.lines) if part is not None]
    with cycle.ledger.begin() as connection:
        found = open_conflicts(connection, cycle.division, cycle.mappings.with_lines)
    return found.loc[found["subject"].isin(names), ["subject", "cluster_id", "property", "since"]]


def _told(conflicts: int) -> str:
    if not conflicts:
        return "No property waits for a person's decision."
    return (
        f"{conflicts} {'property waits' if conflicts == 1 else 'properties wait'} for a person's decision; "
        "`talk-assets status` shows who claims what."
    )
