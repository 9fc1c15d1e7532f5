"""Columns of canonical text as Arrow arrays, where asking something of all of them at once is cheap."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Flags = npt.NDArray[np.bool_]
Vector = npt.NDArray[np.int64]


def arrow(values: pd.Series) -> pa.Array:
    """The texts of a column; missing ones are null."""
    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array if array.type == pa.large_string() else array.cast(pa.large_string())


def series(array: pa.Array, index: pd.Index) -> pd.Series:
    """The column of these texts."""
    return pd.Series(pd.array(array, dtype="str"), index=index)


def filled(array: pa.Array) -> Flags:
    """Where there is a text."""
    return flags(pc.is_valid(array))


def equal(left: pa.Array, right: pa.Array) -> Flags:
    """Where both texts are there and equal."""
    return flags(pc.fill_null(pc.equal(left, right), fill_value=False))


def same(left: pa.Array, right: pa.Array) -> Flags:
    """Where both texts are equal or missing."""
    return equal(left, right) | ~(filled(left) | filled(right))


def flags(array: pa.Array) -> Flags:
    """Truth values without nulls."""
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=bool)


def take(texts: pa.Array, places: Vector) -> pa.Array:
    """The texts at these places; null for -1."""
    return pc.take(texts, pa.array(places, mask=places < 0))


def choose(where: Flags, left: pa.Array | str | None, right: pa.Array | str | None) -> pa.Array:
    """The left texts where the flag is set, the right ones elsewhere; None is null."""

    def texts(given: pa.Array | str | None) -> pa.Array | pa.Scalar:
        return given if isinstance(given, pa.Array) else pa.scalar(given, pa.large_string())

    return pc.if_else(pa.array(where), texts(left), texts(right))
