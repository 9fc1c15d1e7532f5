"""What is wrong with a frame, one row per record and property, in sentences for people."""

from collections.abc import Iterator, Sequence
from copy import copy
from typing import NamedTuple

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors

from talk_assets.schemas.frames import IDENTITY, TYPE
from talk_assets.schemas.types import TEXT

COLUMNS = ("key", "property", "value", "problem")
_COLUMN_REASONS = (SchemaErrorReason.COLUMN_NOT_IN_DATAFRAME, SchemaErrorReason.WRONG_DATATYPE)


class ColumnDescription(NamedTuple):
    """One column for people: its name, its type in words and what it means."""

    name: str
    type: str
    description: str


def table_schema(schema: pa.DataFrameSchema) -> list[ColumnDescription]:
    """The columns of a frame in order, with what they mean."""
    return [
        ColumnDescription(str(name), str((column.metadata or {}).get(TYPE, column.dtype)), column.description or "")
        for name, column in schema.columns.items()
    ]


def failures(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> pd.DataFrame:
    """Check a frame and say what is wrong, without raising.

    Args:
        schema: a schema of `talk_assets.schemas.frames`.
        frame: the frame; its index does not matter.

    Returns:
        `key`, `property`, `value`, `problem` (all `str`): first, with `key` NA, what is wrong with a whole column
        (missing, or of another type), then one row per failing record and property in the frame's order, its problem
        a sentence such as `Email: 'x' is not an e-mail address.`. Of several problems of one value the first is told.

    Raises:
        SchemaError: a check cannot run at all, which is a mistake in the schema and not in the frame.
    """
    plain = frame.reset_index(drop=True)
    try:
        _without_blank(schema, plain).validate(plain, lazy=True)
    except SchemaErrors as errors:
        found = list(_parts(errors.schema_errors, plain))
    else:
        found = []
    columns = list(map(str, schema.columns))
    return _report(found, plain, (schema.metadata or {})[IDENTITY], columns)


def _without_blank(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> pa.DataFrameSchema:
    """The schema without columns of text in which there is nothing that could be wrong."""
    needed = copy(schema)
    needed.columns = {
        name: column
        for name, column in schema.columns.items()
        if not (column.dtype == TEXT and column.nullable and name in frame and _is_blank(frame[name]))
    }
    return needed


def _is_blank(column: pd.Series) -> bool:
    return bool(column.dtype == TEXT.type and column.isna().all())


def _parts(errors: Sequence[SchemaError], frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Frames of `row` (-1: the whole column), `property`, `value` and `problem`."""
    # Checks cannot run on what is missing or has another type; their own complaint would only repeat it.
    unusable = any(error.reason_code in _COLUMN_REASONS for error in errors)
    for error in errors:
        reason, name = error.reason_code, error.schema.name
        if reason is SchemaErrorReason.COLUMN_NOT_IN_DATAFRAME:
            yield _column(str(error.failure_cases), "the column is missing")
        elif reason is SchemaErrorReason.WRONG_DATATYPE:
            yield _column(name, f"the column holds {frame[name].dtype} instead of {error.schema.dtype}")
        elif reason is SchemaErrorReason.SERIES_CONTAINS_NULLS:
            yield _values(name, error.failure_cases, "is missing")
        elif reason is SchemaErrorReason.SERIES_CONTAINS_DUPLICATES:
            yield _values(name, error.failure_cases, "occurs more than once")
        elif reason is SchemaErrorReason.DATAFRAME_CHECK:
            yield _values(name, error.failure_cases, str(error.check.error))
        elif reason is not SchemaErrorReason.CHECK_ERROR or not unusable:
            raise error


def _column(name: str, complaint: str) -> pd.DataFrame:
    problem = f"{_label(name)}: {complaint}."
    return pd.DataFrame({"row": [-1], "property": [name], "value": [None], "problem": [problem]})


def _values(name: str, cases: pd.DataFrame, complaint: str) -> pd.DataFrame:
    values = cases["failure_case"].astype("str")
    said = _label(name) + ": '" + values + "' " + complaint + "."
    return pd.DataFrame(
        {
            "row": cases["index"].astype("int64"),
            "property": name,
            "value": values,
            "problem": said.fillna(f"{_label(name)} {complaint}."),
        }
    )


def _report(found: list[pd.DataFrame], frame: pd.DataFrame, identity: Sequence[str], order: list[str]) -> pd.DataFrame:
    if not found:
        return pd.DataFrame(columns=list(COLUMNS), dtype="str")
    told = pd.concat(found, ignore_index=True).drop_duplicates(["row", "property"])
    told["place"] = told["property"].map({name: place for place, name in enumerate(order)})
    told = told.sort_values(["row", "place"], kind="stable", ignore_index=True)
    keys = pd.Series(pd.NA, index=frame.index, dtype="str")
    for name in identity:
        if name in frame:
            keys = keys.fillna(frame[name].astype("str"))
    # Row -1, a whole column, is no row of the frame and so gets no key.
    told["key"] = keys.reindex(told["row"]).to_numpy()
    return told[list(COLUMNS)].astype("str")


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()
