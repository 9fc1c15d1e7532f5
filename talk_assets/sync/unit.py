"""One property, or one group of properties, over all clusters and the entities that hold it, as numbers.

Equal codes mean equal comparable values, so that the rules are decided on whole matrices.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Property, Subject
from talk_assets.sync.compare import coarse, coarsest_length, comparable
from talk_assets.sync.frames import TIME, Golden, Members

# Between the parts of a group's value: no text of either system contains it.
_SEPARATOR = "\x1f"

Matrix = npt.NDArray[np.int64]
Vector = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Unit:
    """What is decided together, over clusters (rows) and the entities that hold it (columns).

    Attributes:
        rows: canonical property name to its row of the mapping; the first row's rule counts for a group.
        entities: the columns, in the order of the mapping.
        present: whether the cluster has a member of the entity.
        active: whether the mapping's row applies to that member (`when`, `unless`).
        first_sight: whether the member's value was never accounted for.
        current, base: codes of what the member holds and held, in its own precision; -1 is empty.
        golden: code of the agreed value; golden_seen_by: of the agreed value in the length the entity takes.
        coarse, coarse_base, coarse_golden: the same in the precision of the coarsest entity.
        length: characters of each current comparable value: longer is finer.
    """

    rows: dict[str, Property]
    entities: list[str]
    present: Bools
    active: Bools
    first_sight: Bools
    current: Matrix
    base: Matrix
    golden: Vector
    golden_seen_by: Matrix
    coarse: Matrix
    coarse_base: Matrix
    coarse_golden: Vector
    length: Matrix

    @property
    def row(self) -> Property:
        """The row whose rule counts."""
        return next(iter(self.rows.values()))

    @property
    def changed(self) -> Bools:
        """Whether a member differs from what it held when it was last accounted for."""
        return np.asarray(self.present & ~self.first_sight & (self.current != self.base))


def units(subject: Subject) -> list[list[str]]:
    """The subject's properties as they are decided: alone, or together as a group; match-only ones not at all."""
    found: dict[str, list[str]] = {}
    for name, row in subject.properties.items():
        if row.direction != "match":
            found.setdefault(f"group {row.group}" if row.group else name, []).append(name)
    return list(found.values())


def build_unit(
    subject: Subject,
    names: list[str],
    over: Mapping[str, Members],
    golden: Golden,
    capabilities: Capabilities,
    clusters_of: pd.Series,
) -> Unit:
    """Number the values of some properties; the frames of `over` and `golden` share one index of clusters."""
    entities = [entity for entity in over if any(entity in subject.properties[name].members for name in names)]
    clusters = golden.values.index
    lengths = {name: coarsest_length(name, subject, capabilities) for name in names}

    def parts(frame: pd.DataFrame) -> dict[str, pd.Series]:
        return {
            name: _comparable(frame[name], subject.properties[name], clusters_of) for name in names if name in frame
        }

    none: dict[str, int | None] = dict.fromkeys(names)
    limits = {entity: {name: _limit(name, entity, subject, capabilities) for name in names} for entity in entities}
    current, base = [parts(over[e].current) for e in entities], [parts(over[e].base) for e in entities]
    agreed = parts(golden.values)
    fine = [_joined(values, names, none, clusters) for values in [*current, *base, agreed]]
    fine += [_joined(agreed, names, limits[e], clusters) if limits[e] != none else fine[-1] for e in entities]
    rough = fine[: 2 * len(entities) + 1]
    if lengths != none:
        rough = [_joined(values, names, lengths, clusters) for values in [*current, *base, agreed]]
    count = len(entities)
    codes = _codes(fine)
    rough_codes = _codes(rough) if lengths != none else codes
    present = np.column_stack([over[e].keys.notna().to_numpy() for e in entities])
    held = [[name for name in names if name in over[e].times] for e in entities]
    first_sight = np.column_stack(
        [over[e].times[h].isna().all(axis=1).to_numpy() for e, h in zip(entities, held, strict=True)]
    )
    return Unit(
        rows={name: subject.properties[name] for name in names},
        entities=entities,
        present=present,
        active=np.column_stack([_active(subject.properties[names[0]], e, over) for e in entities]),
        first_sight=present & first_sight,
        current=codes[:, :count],
        base=codes[:, count : 2 * count],
        golden=codes[:, 2 * count],
        golden_seen_by=codes[:, 2 * count + 1 :],
        coarse=rough_codes[:, :count],
        coarse_base=rough_codes[:, count : 2 * count],
        coarse_golden=rough_codes[:, 2 * count],
        length=np.column_stack([column.str.len().fillna(0).to_numpy(dtype=np.int64) for column in fine[:count]]),
    )


def _joined(
    values: Mapping[str, pd.Series], names: list[str], limits: Mapping[str, int | None], clusters: pd.Index
) -> pd.Series:
    """Comparable values of the properties as one text per cluster, NA where all are empty."""
    if len(names) == 1:
        only = values.get(names[0])
        return pd.Series(pd.NA, index=clusters, dtype="str") if only is None else coarse(only, limits[names[0]])
    nothing = pd.Series("", index=clusters, dtype="str")
    parts = [coarse(values[name], limits[name]).fillna("") if name in values else nothing for name in names]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + _SEPARATOR + part
    return whole.where(whole.str.replace(_SEPARATOR, "", regex=False).ne(""))


def _limit(name: str, entity: str, subject: Subject, capabilities: Capabilities) -> int | None:
    row = subject.properties[name]
    if row.type != "text" or entity not in row.members:
        return None
    return capabilities[entity].properties[row.members[entity].name].max_length


def _comparable(values: pd.Series, row: Property, clusters_of: pd.Series) -> pd.Series:
    if row.to is None:
        return comparable(values, row)
    # References are compared by what they point at; what points at nothing known only equals itself.
    found = values.map(clusters_of).astype("str")
    return found.where(found.notna(), values).astype("str")


def active(row: Property, entity: str, has: Mapping[str, pd.Series]) -> pd.Series | None:
    """Where a row with `when` or `unless` applies, from which clusters have which entity; None: everywhere."""
    member = row.members.get(entity)
    if member is None or (member.when is None and member.unless is None):
        return None
    if member.when is not None:
        return has[member.when]
    return ~has[str(member.unless)]


def _active(row: Property, entity: str, over: Mapping[str, Members]) -> Flags:
    has = {name: frame.keys.notna() for name, frame in over.items()}
    where = active(row, entity, has)
    if where is None:
        return np.ones(len(over[entity].keys), dtype=bool)
    return where.to_numpy(dtype=bool)


def _codes(columns: list[pd.Series]) -> Matrix:
    """Number equal texts equally over all columns; -1 for NA."""
    flat = pd.concat(columns, ignore_index=True)
    numbers = pd.factorize(flat)[0].astype(np.int64)
    return numbers.reshape(len(columns), -1).T


def as_numbers(times: pd.Series) -> Vector:
    """Microseconds since 1970; the smallest number for NaT."""
    return np.asarray(times.astype(TIME).dt.tz_convert(None).to_numpy(dtype="datetime64[us]").view(np.int64))


def as_times(numbers: Vector, index: pd.Index) -> pd.Series:
    """The reverse of `as_numbers`."""
    return pd.Series(numbers.view("datetime64[us]"), index=index).dt.tz_localize("UTC").astype(TIME)
