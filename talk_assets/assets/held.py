"""Held records as a check: how many, which, and what is wrong with them."""

from collections.abc import Iterable, Sequence

import dagster as dg
import pandas as pd

from talk_assets.assets.divisions import Partitions
from talk_assets.assets.masking import about_people
from talk_assets.assets.metadata import counts, table
from talk_assets.assets.run import TalkRun
from talk_assets.ledger.notes import holds

SCHEMA = "schema"


def schema_spec(asset: dg.AssetKey, partitions: Partitions) -> dg.AssetCheckSpec:
    """The check that no record of an asset is held because it breaks the schema."""
    return dg.AssetCheckSpec(
        SCHEMA,
        asset=asset,
        partitions_def=partitions,
        description="No record is held because it breaks its schema.",
    )


def held_records(talk: TalkRun, entities: Iterable[str], kind: str) -> pd.DataFrame:
    """`record, property, value, problem` of the holds of a kind, also of those from earlier runs."""
    cycle = talk.cycle
    with cycle.ledger.begin() as connection:
        held = holds(connection, cycle.division)
    rows = []
    for entity in entities:
        hidden = about_people(cycle.mappings.subject_of(entity))
        mine = held[held["kind"].eq(kind) & held["entity"].eq(entity)]
        for row in mine.fillna("").to_dict("records"):
            value = talk.people.value(row["value"]) if row["property"] in hidden else row["value"]
            record = f"{entity}/{row['key']}"
            rows.append((record, row["property"], value, talk.people.held({**row, "record": record}, cycle.mappings)))
    return pd.DataFrame(rows, columns=["record", "property", "value", "problem"], dtype="str")


def schema_result(asset: dg.AssetKey, held: pd.DataFrame) -> dg.AssetCheckResult:
    """What the check found, in words and as a table."""
    number = held["record"].nunique()
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=SCHEMA,
        passed=number == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=_told(number, list(held["record"] + ": " + held["problem"])),
        metadata={**counts({"held": number}), "held_records": table(held.head(20))},
    )


def _told(number: int, sentences: Sequence[str]) -> str:
    if not number:
        return "Every record fits."
    return f"{number} held: {' '.join(sentences[:3])}{' ...' if len(sentences) > 3 else ''}"
