"""The frames that decide and plan share, all indexed by cluster number."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from talk_assets.sync.columns import Vector

TIME = pd.DatetimeTZDtype("us", "UTC")
# The number of no time: that of what never had a value.
NEVER = np.iinfo(np.int64).min
# What was said about a deletion that met an edit: nothing yet; the edit, or the deletion, wins; all stays as it is.
OPEN, EDIT, DELETE, KEEP = "open", "edit", "delete", "keep"


@dataclass(frozen=True)
class Members:
    """The live members of one entity among the clusters that are decided; index: cluster, unique.

    Attributes:
        keys: the records' own keys (`str`).
        modified: time of each record's last change (`TIME`, NaT when the system tells none).
        current: what each record holds now, a canonical `str` column per property, NA when empty.
        base: what it held when it was last accounted for, the same columns.
        times: the time of each base value (`TIME`); NaT where the property was never accounted for. Its base is then
            empty, or what it held when a person was asked because no time told which value is right.
        sent: what was last sent to it, as long as it is not read back or the record holds something coarser; NA
            elsewhere.
        edited: the time of each property's last change where the system tells it, NaT elsewhere; None where it never
            does.
    """

    keys: pd.Series
    modified: pd.Series
    current: pd.DataFrame
    base: pd.DataFrame
    times: pd.DataFrame
    sent: pd.DataFrame
    edited: pd.DataFrame | None = None

    def over(self, clusters: pd.Index) -> "Members":
        """The same members with one row per given cluster, empty where the cluster has no such member."""
        if self.keys.index.equals(clusters):
            return self
        return Members(
            keys=self.keys.reindex(clusters),
            modified=self.modified.reindex(clusters),
            current=self.current.reindex(clusters),
            base=self.base.reindex(clusters),
            times=self.times.reindex(clusters),
            sent=self.sent.reindex(clusters),
            edited=None if self.edited is None else self.edited.reindex(clusters),
        )

    def at(self, where: pd.Series) -> "Members":
        """Only the members for which `where` (same index) holds."""
        return self.over(self.keys.index[where.to_numpy(dtype=bool)])


@dataclass(frozen=True)
class Golden:
    """Agreed values; index: cluster, one column per canonical property.

    Attributes:
        values: canonical text; NA where nothing is agreed, or where a value was cleared.
        times: time of each value (`TIME`); a time without a value says that the property was cleared.
        winners: `entity/key` of the record the value came from.
        rules: the rule by which it won.
    """

    values: pd.DataFrame
    times: pd.DataFrame
    winners: pd.DataFrame
    rules: pd.DataFrame

    def over(self, clusters: pd.Index, properties: list[str]) -> "Golden":
        """The same values with one row per given cluster and one column per given property."""

        def only(frame: pd.DataFrame) -> pd.DataFrame:
            if frame.index.equals(clusters) and list(frame.columns) == properties:
                return frame
            return frame.reindex(index=clusters, columns=properties)

        times, values = only(self.times).astype(TIME), only(self.values).astype("str")
        return Golden(values, times, only(self.winners).astype("str"), only(self.rules).astype("str"))


def with_columns(frame: pd.DataFrame, columns: Mapping[Hashable, pd.Series]) -> pd.DataFrame:
    """The frame with other values in some of its columns."""
    if not columns:
        return frame
    new = {name: columns[name] if name in columns else frame[name] for name in frame.columns}
    return pd.DataFrame(new, index=frame.index, columns=frame.columns)


def as_numbers(times: pd.Series) -> Vector:
    """Microseconds since 1970; `NEVER` for NaT."""
    return np.asarray(times.to_numpy(dtype="datetime64[us]")).view(np.int64)


def as_number(moment: pd.Timestamp) -> int:
    """The same of one time."""
    return int(as_numbers(pd.Series([moment]))[0])


def as_times(numbers: Vector, index: pd.Index) -> pd.Series:
    """The reverse of `as_numbers`."""
    return pd.Series(pd.array(np.ascontiguousarray(numbers).view("datetime64[us]"), dtype=TIME), index=index)
