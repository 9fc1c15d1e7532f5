"""What people see beside an asset."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd


def table(frame: pd.DataFrame) -> dg.MetadataValue[Any]:
    """A few rows, as a table to read."""
    shown = frame.astype("object").where(frame.notna(), "")
    columns = [dg.TableColumn(name=str(name), type="text") for name in frame.columns]
    records = [dg.TableRecord({str(k): str(v) for k, v in row.items()}) for row in shown.to_dict("records")]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))


def counts(values: Mapping[str, int | float]) -> dict[str, Any]:
    """Numbers by name; Dagster plots them over the runs."""
    return {name: dg.MetadataValue.int(int(value)) for name, value in values.items()}


def row_count(value: int) -> dict[str, Any]:
    """How many rows the asset's table has, under Dagster's own name."""
    return {"dagster/row_count": dg.MetadataValue.int(value)}


def seconds(value: float) -> dict[str, Any]:
    """How long the step took."""
    return {"seconds": dg.MetadataValue.float(round(value, 3))}
