"""Sources and feeds: what lives in the other systems, and what was read of it."""

import time

import dagster as dg
import pandas as pd

from talk_assets.assets.keys import FEEDS, OWNERS, SOURCES, deletions_key, feed_key, source_key
from talk_assets.assets.masking import about_people, cut
from talk_assets.assets.metadata import column_schema, counts, seconds, table
from talk_assets.assets.run import TalkRun
from talk_assets.cycle.collect import INVALID, collect, collect_deletions
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.report import note_feed
from talk_assets.ledger.notes import holds
from talk_assets.mappings.model import Mappings
from talk_assets.schemas.frames import feed_schema

_SYSTEMS = {"customerp": "Customerp", "exact": "Exact Online"}
SCHEMA = "schema"


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
            f"Records that {_SYSTEMS[system]} reports as removed since the last read. Nothing is deleted on the other "
            "side: a removed record is noted, its partner stays, and it is not put back."
        ),
    )
    def deletions(talk: dg.ResourceParam[TalkRun]) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads the bare name only
        started = time.monotonic()
        with talk.step("feeds", f"{system}.deletions"):
            reported = collect_deletions(talk.cycle, system)
        return dg.MaterializeResult(metadata={**counts({"reported": reported}), **seconds(time.monotonic() - started)})

    return deletions


def feed_asset(entity: str, mappings: Mappings) -> dg.AssetsDefinition:
    """What was read of an entity."""
    system, _, name = entity.partition(".")
    subject = mappings.subject_of(entity).subject
    schema = feed_schema(entity, mappings)

    @dg.asset(
        key=feed_key(entity),
        deps=[source_key(entity), deletions_key(system)],
        group_name=FEEDS,
        owners=OWNERS,
        kinds={system, "postgres", "pandas"},
        tags={"system": system, "subject": subject},
        code_version="1",
        metadata={**column_schema(schema), "table": f"talk.feed_{system}_{name}"},
        check_specs=[
            dg.AssetCheckSpec(
                SCHEMA, asset=feed_key(entity), description="No record is held because it breaks its schema."
            )
        ],
        description=(
            f"Reads the {name} of {_SYSTEMS[system]} that changed since the last read, turns them into the declared "
            "types and stores them. A record that breaks its schema is held with a sentence; the rest goes on. A "
            "property missing from the whole feed, or a feed that is suddenly empty, stops this entity."
        ),
    )
    def feed(talk: dg.ResourceParam[TalkRun]) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads the bare name only
        started = time.monotonic()
        with talk.step("feeds", entity):
            calls = talk.cycle.systems[system].calls
            collected = collect(talk.cycle, entity)
            shown = note_feed(talk.cycle, collected)
            broken = _broken(talk.cycle, entity)
        held = broken["record"].nunique()
        return dg.MaterializeResult(
            metadata={
                **counts({**shown, "calls": talk.cycle.systems[system].calls - calls}),
                **seconds(time.monotonic() - started),
                "full_read": dg.MetadataValue.bool(collected.complete),
                "held_records": table(broken.head(20)),
            },
            check_results=[
                dg.AssetCheckResult(
                    asset_key=feed_key(entity),
                    check_name=SCHEMA,
                    passed=held == 0,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=_told(held, broken),
                    metadata={**counts({"held": held}), "held_records": table(broken.head(20))},
                )
            ],
        )

    return feed


def _broken(cycle: Cycle, entity: str) -> pd.DataFrame:
    """`record, property, value, problem` of what is held of an entity and its lines, also since an earlier read."""
    with cycle.ledger.begin() as connection:
        held = holds(connection, cycle.division)
    mine = held[held["kind"].eq(INVALID) & held["entity"].isin(cycle.with_lines(entity))]
    hidden = about_people(cycle.mappings.subject_of(entity))
    rows = []
    for row in mine.fillna("").to_dict("records"):
        value = cut(row["value"]) if row["property"] in hidden else row["value"]
        problem = row["reason"].replace(f"'{row['value']}'", f"'{value}'")
        rows.append((f"{row['entity']}/{row['key']}", row["property"], value, problem))
    return pd.DataFrame(rows, columns=["record", "property", "value", "problem"], dtype="str")


def _told(held: int, broken: pd.DataFrame) -> str:
    if not held:
        return "Every record fits."
    first = (broken["record"] + ": " + broken["problem"]).head(3)
    return f"{held} held: {' '.join(first)}{' ...' if len(broken) > len(first) else ''}"
