"""The code location: assets, checks, jobs and the resource, put together."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from talk_assets.assets.described import describing
from talk_assets.assets.feeds import deletions_asset, feed_asset, source_specs
from talk_assets.assets.guarded import volume_check
from talk_assets.assets.merged import merged_asset
from talk_assets.assets.onboarding import onboarding_asset
from talk_assets.assets.order import sink_order
from talk_assets.assets.order_jobs import order_jobs
from talk_assets.assets.pairs import ambiguity_checks, pair_asset
from talk_assets.assets.run import talk_resource
from talk_assets.assets.run_jobs import preview_job, undo_job
from talk_assets.assets.sinks import sink_asset, undelivered_check
from talk_assets.automation.alerts import alert_sensor
from talk_assets.automation.cleanup import clean_up
from talk_assets.automation.schedules import DIVISION, RESCAN, RESCAN_CONFIG, division_tag, rescan_schedule
from talk_assets.automation.sensors import change_sensors, unfinished_sensor
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Mappings
from talk_assets.settings import load_settings

SYNC = "sync"


def build_defs(
    mappings: Mappings | None = None,
    capabilities: Capabilities | None = None,
    resources: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """Assemble the code location.

    Args:
        mappings: instead of those of the settings.
        capabilities: instead of those shipped.
        resources: instead of the installation that a run opens by itself.

    Raises:
        ConfigurationError: a mapping is wrong.
    """
    capabilities = capabilities or load_capabilities()
    settings = load_settings()
    if mappings is None:
        mappings = load_mappings(settings.talk_mappings, capabilities, settings.talk_leave_out)
    entities = mappings.entities
    written = sink_order(mappings)
    clean_up_runs, daily = clean_up(SYNC, settings)
    assets = [
        *(deletions_asset(system) for system in ("customerp", "exact")),
        *(feed_asset(entity, mappings, capabilities) for entity in entities),
        *(pair_asset(flow, mappings) for flow in mappings.flows),
        *(merged_asset(subject, mappings) for subject in mappings.subjects),
        *(sink_asset(entity, mappings, capabilities) for entity in written),
        onboarding_asset(mappings),
    ]
    checks = [
        *(ambiguity_checks(subject) for subject in mappings.subjects.values()),
        *(undelivered_check(entity) for entity in written),
        *(volume_check(entity) for entity in written),
    ]
    return dg.Definitions(
        assets=dg.map_asset_specs(describing(mappings, capabilities), [*source_specs(mappings), *assets]),
        asset_checks=checks,
        jobs=[
            *_runs(division_tag(settings)),
            preview_job(assets, checks, written),
            undo_job(),
            *order_jobs(),
            clean_up_runs,
        ],
        sensors=[
            *change_sensors(SYNC, assets, settings),
            unfinished_sensor(SYNC, assets, settings),
            alert_sensor(SYNC, settings),
        ],
        schedules=[rescan_schedule(settings), daily],
        resources={"talk": talk_resource} if resources is None else dict(resources),
        # A step costs 0.05 s in the run's own process and about 2 s in one of its own.
        executor=dg.in_process_executor,
    )


def _runs(division: str) -> list[Any]:
    """The jobs that materialize the assets of a division: one reads what changed, the other everything."""
    everything, tags = dg.AssetSelection.all(), {DIVISION: division}
    return [
        dg.define_asset_job(
            SYNC,
            selection=everything,
            tags=tags,
            description=(
                "One round: read both systems, match, merge, and write the changes back. The same as "
                "`talk-assets sync`. Only one run of a division works at a time."
            ),
        ),
        dg.define_asset_job(
            RESCAN,
            selection=everything,
            config=RESCAN_CONFIG,
            tags=tags,
            description=(
                "One round that reads every feed from the beginning, and so finds what no list of changes told. The "
                "same as `talk-assets sync --rescan`."
            ),
        ),
    ]


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads."""
    return build_defs()
