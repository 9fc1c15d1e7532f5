"""Guards as checks: what tripped, why, and the command by which a person lets it pass."""

from collections.abc import Hashable
from typing import Any

import dagster as dg
import pandas as pd

from talk_assets.assets.divisions import Partitions
from talk_assets.assets.keys import sink_key
from talk_assets.assets.metadata import counts
from talk_assets.assets.order import TOLD_LAST
from talk_assets.assets.run import TalkRun
from talk_assets.cycle.context import Cycle
from talk_assets.ledger import guards

GUARD = "guard"
# What is seen when an entity is read.
OF_FEEDS = (guards.EMPTY, guards.MISSING, guards.DELETED)
# What is seen before an entity is written.
OF_SINKS = (guards.VOLUME, guards.REMOVALS)


def guard_spec(asset: dg.AssetKey, partitions: Partitions) -> dg.AssetCheckSpec:
    """The check that nothing about a feed looks like an accident."""
    return dg.AssetCheckSpec(
        GUARD,
        asset=asset,
        partitions_def=partitions,
        description="The feed is not suddenly empty, and not much is gone.",
    )


def guard_result(asset: dg.AssetKey, tripped: pd.DataFrame) -> dg.AssetCheckResult:
    """What the guards of an entity, `ledger.guards.tripped`, say as a check."""
    waiting = tripped[tripped["accepted_at"].isna()]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=GUARD,
        passed=waiting.empty,
        severity=dg.AssetCheckSeverity.ERROR,
        description=" ".join(_told(row) for row in waiting.to_dict("records")) or "No guard waits for a person.",
        metadata=counts({str(row["kind"]): int(row["seen"]) for row in waiting.to_dict("records")}),
    )


def tripped_guards(cycle: Cycle, entity: str, kinds: tuple[str, ...]) -> pd.DataFrame:
    """The guards of some kinds that tripped for an entity or its lines."""
    with cycle.ledger.begin() as connection:
        found = guards.tripped(connection, cycle.division, cycle.with_lines(entity))
    return found[found["kind"].isin(kinds)]


def volume_check(entity: str, partitions: Partitions) -> dg.AssetChecksDefinition:
    """Nothing is held back because it would be too much at once."""

    @dg.asset_check(
        asset=sink_key(entity),
        name=GUARD,
        partitions_def=partitions,
        op_tags=TOLD_LAST,
        description="Nothing is held back because it would be too much at once.",
    )
    def guard(talk: dg.ResourceParam[TalkRun]) -> dg.AssetCheckResult:
        with talk.step("checks", entity):
            return guard_result(sink_key(entity), tripped_guards(talk.cycle, entity, OF_SINKS))

    return guard


def _told(row: dict[Hashable, Any]) -> str:
    return f"{row['entity']}: {row['reason']} To let it pass once: talk-assets accept {row['entity']}"
