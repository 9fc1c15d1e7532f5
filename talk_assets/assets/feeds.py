"""Sources and feeds: what lives in the other systems, and what was read of it."""

import time
from typing import Any

import dagster as dg

from talk_assets.assets.divisions import Partitions
from talk_assets.assets.guarded import OF_FEEDS, guard_result, guard_spec, tripped_guards
from talk_assets.assets.held import held_records, schema_result, schema_spec
from talk_assets.assets.keys import FEEDS, OWNERS, SOURCES, deletions_key, feed_key, source_key
from talk_assets.assets.metadata import counts, row_count, seconds, table
from talk_assets.assets.order import READ_FIRST
from talk_assets.assets.run import TalkRun
from talk_assets.cycle.collect import INVALID
from talk_assets.cycle.denied import can_be_missed
from talk_assets.cycle.poll import poll, poll_deletions
from talk_assets.cycle.report import count_records, note_feed
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.leaving_out import way_without
from talk_assets.mappings.model import Mappings

READABLE = "readable"
_SYSTEMS = {"customerp": "Customerp", "exact": "Exact Online"}


def source_specs(mappings: Mappings) -> list[dg.AssetSpec]:
    """One external asset per entity: it lives in its system, and people edit it there."""
    return [
        dg.AssetSpec(
            key=source_key(entity),
            group_name=SOURCES,
            description=f"{name} as it lives in {_SYSTEMS[system]}, where people edit it.",
            owners=OWNERS,
            kinds={system},
            tags={"system": system},
        )
        for entity in mappings.entities
        for system, _, name in [entity.partition(".")]
    ]


def deletions_asset(system: str) -> dg.AssetsDefinition:
    """What a system reports as removed since the last read."""

    @dg.asset(
        key=deletions_key(system),
        group_name=FEEDS,
        owners=OWNERS,
        kinds={system, "postgres"},
        code_version="1",
        description=(
            f"Records that {_SYSTEMS[system]} reports as removed since the last read. Unless the mapping says more, "
            "nothing is deleted on the other side: a removed record is noted, its partner stays, it is not put back."
        ),
    )
    def deletions(talk: dg.ResourceParam[TalkRun]) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads the bare name only
        started = time.monotonic()
        with talk.step("feeds", f"{system}.deletions"):
            before = talk.cycle.systems[system].calls
            reported = poll_deletions(talk.cycle, system)
            calls = talk.cycle.systems[system].calls - before
        return dg.MaterializeResult(
            metadata={**counts({"reported": reported, "calls": calls}), **seconds(time.monotonic() - started)}
        )

    return deletions


def feed_asset(
    entity: str, mappings: Mappings, capabilities: Capabilities, partitions: Partitions
) -> dg.AssetsDefinition:
    """What was read of an entity."""
    system, _, name = entity.partition(".")
    subject = mappings.subject_of(entity).subject
    missable = can_be_missed(capabilities, mappings, entity)

    @dg.asset(
        key=feed_key(entity),
        deps=[source_key(entity), deletions_key(system)],
        group_name=FEEDS,
        owners=OWNERS,
        kinds={system, "postgres", "pandas"},
        tags={"system": system, "subject": subject},
        op_tags=READ_FIRST,
        code_version="1",
        check_specs=[
            schema_spec(feed_key(entity), partitions),
            guard_spec(feed_key(entity), partitions),
            *([_readable_spec(entity, partitions)] if missable else []),
        ],
        description=(
            f"Reads the {name} of {_SYSTEMS[system]} that changed since the last read, turns them into the declared "
            "types and stores them. A record that breaks its schema is held with a sentence; the rest goes on. A "
            "property missing from the whole feed stops this entity; so do, until a person accepts it, a feed that is "
            "suddenly empty and many records that are gone at once."
        ),
    )
    def feed(talk: dg.ResourceParam[TalkRun]) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads the bare name only
        started = time.monotonic()
        with talk.step("feeds", entity):
            calls = talk.cycle.systems[system].calls
            collected = poll(talk.cycle, entity)
            shown = note_feed(talk.cycle, collected)
            talk.rows[entity] = count_records(talk.cycle, entity)
            held = held_records(talk, talk.cycle.with_lines(entity), INVALID)
            tripped = tripped_guards(talk.cycle, entity, OF_FEEDS)
        return dg.MaterializeResult(
            metadata={
                **row_count(talk.rows[entity]),
                **counts({**shown, "calls": talk.cycle.systems[system].calls - calls}),
                **seconds(time.monotonic() - started),
                **_put_off(talk, system),
                "full_read": dg.MetadataValue.bool(collected.complete),
                "held_records": table(held.head(20)),
            },
            check_results=[
                schema_result(feed_key(entity), held),
                guard_result(feed_key(entity), tripped),
                *([_readable_result(talk, entity, mappings)] if missable else []),
            ],
        )

    return feed


def _readable_spec(entity: str, partitions: Partitions) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        READABLE,
        asset=feed_key(entity),
        partitions_def=partitions,
        description="The system lets us read the feed.",
    )


def _readable_result(talk: TalkRun, entity: str, mappings: Mappings) -> dg.AssetCheckResult:
    """Whether the system let us read an entity, or how to do without it."""
    said = talk.cycle.denied.get(entity)
    words = [said or "The feed can be read.", way_without(mappings, entity) if said else ""]
    return dg.AssetCheckResult(
        asset_key=feed_key(entity),
        check_name=READABLE,
        passed=said is None,
        severity=dg.AssetCheckSeverity.ERROR,
        description=" ".join(filter(None, words)),
    )


def _put_off(talk: TalkRun, system: str) -> dict[str, dg.MetadataValue[Any]]:
    """Why nothing was read, where the calls of a system have to be saved."""
    rest = talk.cycle.rest_of(system)
    if not rest:
        return {}
    words = f"its calls have to last for the day, and some of them for writes; read again in {rest / 60:.0f} min"
    return {"put_off": dg.MetadataValue.text(words)}
