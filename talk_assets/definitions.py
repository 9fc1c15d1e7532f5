"""The code location: assets, checks, jobs and the resource, put together."""

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from talk_assets.assets.checklist import checklist_job, document_checks
from talk_assets.assets.described import describing
from talk_assets.assets.divisions import DIVISION, Partitions, configured_divisions, job_config, partitions_of
from talk_assets.assets.equal import COMPARE, compare_job, equal_checks
from talk_assets.assets.feeds import deletions_asset, feed_asset, source_specs
from talk_assets.assets.fresh import freshening
from talk_assets.assets.guarded import volume_check
from talk_assets.assets.merged import merged_asset
from talk_assets.assets.onboarding import onboarding_asset
from talk_assets.assets.order import sink_order
from talk_assets.assets.order_jobs import order_jobs
from talk_assets.assets.pairs import ambiguity_checks, pair_asset
from talk_assets.assets.preview_job import preview_job
from talk_assets.assets.run import talk_resource
from talk_assets.assets.sinks import sink_asset, undelivered_check
from talk_assets.assets.undo_job import undo_job
from talk_assets.automation.alerts import alert_sensor
from talk_assets.automation.cleanup import clean_up
from talk_assets.automation.schedules import RESCAN, RESCAN_CONFIG, compare_schedule, rescan_schedule
from talk_assets.automation.sensors import change_sensors, unfinished_sensor
from talk_assets.declared import load_declared
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings

SYNC = "sync"


def build_defs(
    mappings: Mappings | None = None,
    capabilities: Capabilities | None = None,
    resources: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """Assemble the code location.

    Args:
        mappings: instead of those of the settings.
        capabilities: instead of those of the settings.
        resources: instead of the installation that a run opens by itself.

    Raises:
        ConfigurationError: a mapping or a setting is wrong.
    """
    # A check of its own per division is a preview of Dagster's; without it one division's would hide another's.
    warnings.filterwarnings("ignore", "Specifying a partitions_def on an AssetCheckSpec", dg.PreviewWarning)
    divisions = configured_divisions()
    # What is not of a division is the same in all of them.
    settings, partitions = divisions[0].settings, partitions_of(divisions)
    if mappings is None or capabilities is None:
        declared, able = load_declared(settings)
        mappings, capabilities = mappings or declared, capabilities or able
    written = sink_order(mappings)
    clean_up_runs, daily = clean_up(SYNC, settings)
    describe, freshen = describing(mappings, capabilities), freshening(settings)
    complete = dg.map_asset_specs(
        lambda spec: freshen(describe(spec)).replace_attributes(partitions_def=partitions),
        [*source_specs(mappings), *_made(mappings, capabilities, partitions)],
    )
    assets = [asset for asset in complete if isinstance(asset, dg.AssetsDefinition)]
    checks = [
        *(ambiguity_checks(subject, partitions) for subject in mappings.subjects.values()),
        *(undelivered_check(entity, partitions) for entity in written),
        *(volume_check(entity, partitions) for entity in written),
    ]
    equal, document = equal_checks(mappings, partitions), document_checks(mappings, partitions)
    return dg.Definitions(
        assets=complete,
        asset_checks=[*checks, equal, document],
        jobs=[
            *_runs(partitions, divisions[0].tag, equal, document),
            preview_job(assets, checks, written, divisions),
            undo_job(divisions),
            *order_jobs(divisions),
            clean_up_runs,
        ],
        sensors=[
            *(sensor for division in divisions for sensor in change_sensors(SYNC, [*assets, *checks], division)),
            *(unfinished_sensor(SYNC, [*assets, *checks], division) for division in divisions),
            alert_sensor(SYNC, divisions),
        ],
        schedules=[rescan_schedule(divisions), compare_schedule(COMPARE, divisions), daily],
        resources={"talk": talk_resource} if resources is None else dict(resources),
        # A step costs 0.05 s in the run's own process and about 2 s in one of its own.
        executor=dg.in_process_executor,
    )


def _made(mappings: Mappings, capabilities: Capabilities, partitions: Partitions) -> list[dg.AssetsDefinition]:
    """What a run materializes."""
    return [
        *(deletions_asset(system) for system in ("customerp", "exact")),
        *(feed_asset(entity, mappings, capabilities, partitions) for entity in mappings.entities),
        *(pair_asset(flow, mappings, partitions) for flow in mappings.flows),
        *(merged_asset(subject, mappings, partitions) for subject in mappings.subjects),
        *(sink_asset(entity, mappings, capabilities) for entity in sink_order(mappings)),
        onboarding_asset(mappings),
    ]


def _runs(
    partitions: Partitions, division: str, equal: dg.AssetChecksDefinition, document: dg.AssetChecksDefinition
) -> list[Any]:
    """The jobs over a division: one reads what changed, one everything; one only compares, one plays the checklist."""
    compared, played = dg.AssetSelection.checks(equal), dg.AssetSelection.checks(document)
    everything = dg.AssetSelection.all() - compared - played
    # Where divisions are partitions, each run gets the tag of its own.
    tags = {DIVISION: division} if partitions is None else {}
    return [
        dg.define_asset_job(
            SYNC,
            selection=everything,
            config=job_config(partitions, {}),
            tags=tags,
            description=(
                "One round: read both systems, match, merge, and write the changes back. The same as "
                "`talk-assets sync`. Only one run of a division works at a time."
            ),
        ),
        dg.define_asset_job(
            RESCAN,
            selection=everything,
            config=job_config(partitions, RESCAN_CONFIG),
            tags=tags,
            description=(
                "One round that reads every feed from the beginning, and so finds what no list of changes told. The "
                "same as `talk-assets sync --rescan`."
            ),
        ),
        compare_job(compared, job_config(partitions, {}), tags),
        checklist_job(played, job_config(partitions, {}), tags),
    ]


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads."""
    return build_defs()
