"""What every asset says of its columns: type, meaning, where each comes from and goes to, and its table."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import dagster as dg

from talk_assets.ledger.tables import SCHEMA
from talk_assets.ledger.views import view_name
from talk_assets.lineage.columns import asset_columns
from talk_assets.lineage.derive import ColumnLineage, Origin, column_lineage
from talk_assets.lineage.paths import feed_path, merged_path, pair_path, sink_path
from talk_assets.lineage.walk import Place, becoming
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings
from talk_assets.schemas.report import ColumnDescription

SCHEMA_KEY, LINEAGE_KEY, TABLE_KEY = "dagster/column_schema", "dagster/column_lineage", "dagster/table_name"
# Dagit keeps Dagster's own lineage and does not draw it: the same to read.
READABLE_KEY = "column_lineage"


def describing(mappings: Mappings, capabilities: Capabilities) -> Callable[[dg.AssetSpec], dg.AssetSpec]:
    """What gives an asset what it shows of its columns; one without columns stays as it is.

    Args:
        mappings: all subjects.
        capabilities: what the entities can take.
    """
    shown = _shown(column_lineage(mappings, capabilities), asset_columns(mappings, capabilities), table_names(mappings))

    def describe(spec: dg.AssetSpec) -> dg.AssetSpec:
        found = shown.get(spec.key.to_user_string())
        return spec if found is None else spec.merge_attributes(metadata=found)

    return describe


def table_names(mappings: Mappings) -> dict[str, str]:
    """Asset to the view of the ledger that holds its rows: of what is written, the feed into which it is read back."""
    views = {pair_path(flow): view_name("pair", flow) for flow in mappings.flows}
    views |= {merged_path(subject): view_name("golden", subject) for subject in mappings.subjects}
    for entity in mappings.entities:
        views |= dict.fromkeys((feed_path(entity), sink_path(entity)), view_name("feed", entity))
    return {asset: f"{SCHEMA}.{view}" for asset, view in views.items()}


def _shown(
    lineage: ColumnLineage, columns: Mapping[str, Mapping[str, ColumnDescription]], tables: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    goes = becoming(lineage)
    return {
        asset: {
            SCHEMA_KEY: dg.TableSchema([_column(each, origins[each.name]) for each in columns[asset].values()]),
            **({LINEAGE_KEY: _lineage(origins)} if any(origins.values()) else {}),
            READABLE_KEY: dg.MetadataValue.md(_readable(asset, origins, goes)),
            **({TABLE_KEY: tables[asset]} if asset in tables else {}),
        }
        for asset, origins in lineage.items()
    }


def _column(column: ColumnDescription, origins: Sequence[Origin]) -> dg.TableColumn:
    given = ", ".join(f"{origin.asset}.{origin.column}" for origin in origins if origin.taken)
    meaning = f"{column.description} From {given}.".strip() if given else column.description
    return dg.TableColumn(name=column.name, type=column.type, description=meaning)


def _lineage(origins: Mapping[str, Sequence[Origin]]) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(dg.AssetKey(each.asset.split("/")), each.column) for each in found]
            for column, found in origins.items()
            if found
        }
    )


def _readable(asset: str, columns: Mapping[str, Sequence[Origin]], goes: Mapping[Place, Sequence[Origin]]) -> str:
    rows = [
        f"| `{name}` | {_told(origins)} | {_told(goes.get(Place(asset, name), ()))} |"
        for name, origins in columns.items()
    ]
    first = next(iter(columns))
    return "\n".join(
        [
            "| column | comes from | goes to |",
            "|---|---|---|",
            *rows,
            "",
            f"*In italics: what only has a say.* The whole way of a column: `talk-assets lineage {asset}.{first}`.",
        ]
    )


def _told(origins: Sequence[Origin]) -> str:
    """The columns, those together to which the same happens."""
    told = []
    for (taken, how), some in groupby(origins, key=lambda origin: (origin.taken, origin.how)):
        names = ", ".join(f"`{origin.asset}.{origin.column}`" for origin in some)
        words = f"{names} ({how})" if how else names
        told.append((words if taken else f"*{words}*").replace("|", "\\|"))
    return "; ".join(told)
