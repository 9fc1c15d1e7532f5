"""How assets are called."""

import dagster as dg

from talk_assets.lineage.paths import feed_path, merged_path, pair_path, sink_path, source_path

OWNERS = ["team:talk-assets"]
# Groups: the layers, in the order in which data passes through them.
SOURCES, FEEDS, PAIRS, MERGED, SINKS = "sources", "feeds", "matched_pairs", "merged", "sinks"
# Beside them what is told about a run.
REPORTS = "reports"


def source_key(entity: str) -> dg.AssetKey:
    """What lives in the other system."""
    return dg.AssetKey(source_path(entity).split("/"))


def feed_key(entity: str) -> dg.AssetKey:
    """What was read of an entity."""
    return dg.AssetKey(feed_path(entity).split("/"))


def deletions_key(system: str) -> dg.AssetKey:
    """What a system reports as removed."""
    return dg.AssetKey([system, "deletions"])


def pair_key(flow: str) -> dg.AssetKey:
    """The matched pairs of a flow."""
    return dg.AssetKey(pair_path(flow).split("/"))


def merged_key(subject: str) -> dg.AssetKey:
    """The golden records of a subject."""
    return dg.AssetKey(merged_path(subject).split("/"))


def sink_key(entity: str) -> dg.AssetKey:
    """What was written to an entity."""
    return dg.AssetKey(sink_path(entity).split("/"))


def onboarding_key() -> dg.AssetKey:
    """What the first sync would do."""
    return dg.AssetKey([REPORTS, "onboarding"])
