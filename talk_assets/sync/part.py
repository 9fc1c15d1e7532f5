"""One property over all clusters and the entities that hold it, as numbers.

Equal numbers mean equal comparable values, so that the rules are decided on whole matrices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Property, Spelling, Subject
from talk_assets.sync.columns import Flags, Vector, arrow, equal, filled, series, take
from talk_assets.sync.compare import comparable_texts, longest, said, shortened_texts, spelled
from talk_assets.sync.frames import Golden, Members, as_numbers
from talk_assets.sync.slots import entity_of

Matrix = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# The place of no text, and the number of no value; as a place it finds the last row of a table.
NOTHING = -1


@dataclass(frozen=True)
class Part:
    """A property of a unit; places point into `texts`, `NOTHING` where there is no text.

    Attributes:
        name: the canonical property.
        row: its row of the mapping.
        holds: per entity whether it holds the property.
        texts: the distinct canonical texts.
        current, base, sent: places of what each member holds, held, and was last sent.
        golden: places of the agreed values.
        golden_times: their times, microseconds; the smallest number where nothing ever was agreed.
        winners: `entity/key` of the records that they came from.
        forms: text to the number of its comparable value.
        cut: per entity, text to the number of what the entity shows of it in the length and letters that it takes.
        lengths: text to the characters of its comparable value.
        respelled: per entity whether it keeps texts in letters of its own.
    """

    name: str
    row: Property
    holds: Flags
    texts: pa.Array
    current: Matrix
    base: Matrix
    sent: Matrix
    golden: Vector
    golden_times: Vector
    winners: pd.Series
    forms: Vector
    cut: list[Vector]
    lengths: Vector
    respelled: Flags

    def shows(self, viewer: int, places: Vector, held: Vector | None = None) -> Flags:
        """Whether an entity's members hold these values, in full or in the length that the entity takes.

        Args:
            viewer: column of the entity.
            places: the values.
            held: what the members hold; by default what they hold now.
        """
        mine = self.forms[self.current[:, viewer] if held is None else held]
        whole = self.forms[places]
        if self.cut[viewer] is self.forms:
            return np.asarray(mine == whole)
        return np.asarray((mine == whole) | (mine == self.cut[viewer][places]))

    def knew(self, viewer: int) -> Flags:
        """Where an entity's member had accounted for the agreed value, or for what it made of it."""
        held = self.shows(viewer, self.golden, self.base[:, viewer])
        was_sent = self.sent[:, viewer] >= 0
        if not was_sent.any():
            return held
        return held | (was_sent & self.shows(viewer, self.golden, self.sent[:, viewer]))

    def came_from(self, entity: str) -> Flags:
        """Where a record of an entity gave the agreed value, or cleared it."""
        return self.winners.str.startswith(f"{entity_of(entity)}/").to_numpy(dtype=bool)

    def text(self, places: Vector, index: pd.Index) -> pd.Series:
        """The texts at these places; NA for `NOTHING`."""
        return series(take(self.texts, places), index)


def build_part(
    subject: Subject,
    name: str,
    entities: Sequence[str],
    over: Mapping[str, Members],
    golden: Golden,
    capabilities: Capabilities,
    clusters_of: pd.Series,
) -> Part:
    """Number a property; the frames of `over` and `golden` share one index of clusters."""
    row = subject.properties[name]
    holds = [entity in row.members for entity in entities]
    members = [over[entity] if there else None for entity, there in zip(entities, holds, strict=True)]
    none = pa.nulls(len(golden.values), pa.large_string())
    columns = [arrow(golden.values[name])]
    columns += [none if held is None else arrow(held.current[name]) for held in members]
    columns += [none if held is None else arrow(held.base[name]) for held in members]
    columns += [none if held is None else arrow(held.sent[name]) for held in members]
    places, texts = _number(columns)
    count = len(entities)
    shown = [_shown(row, entity, capabilities) for entity in entities]
    forms, cut, lengths = _forms(texts, row, shown, clusters_of)
    return Part(
        name=name,
        row=row,
        holds=np.array(holds, dtype=bool),
        texts=texts,
        golden=places[:, 0],
        golden_times=as_numbers(golden.times[name]),
        winners=golden.winners[name],
        current=places[:, 1 : count + 1],
        base=places[:, count + 1 : 2 * count + 1],
        sent=places[:, 2 * count + 1 :],
        forms=forms,
        cut=cut,
        lengths=lengths,
        respelled=np.array([spelling is not None for _, spelling in shown], dtype=bool),
    )


def with_texts(part: Part, more: pa.Array, clusters_of: pd.Series) -> Part:
    """The same part of a property that no entity shortens, with more texts after those that it has."""
    texts = pa.concat_arrays([part.texts, more])
    forms, cut, lengths = _forms(texts, part.row, [_AS_IT_IS] * len(part.cut), clusters_of)
    return replace(part, texts=texts, forms=forms, cut=cut, lengths=lengths)


# The length that an entity takes, and the letters in which it keeps a text.
_Shown = tuple[int | None, Spelling | None]
_AS_IT_IS: _Shown = (None, None)


def _shown(row: Property, entity: str, capabilities: Capabilities) -> _Shown:
    if entity not in row.members:
        return _AS_IT_IS
    member = row.members[entity]
    limit = capabilities[entity].properties[member.name].max_length if row.type == "text" else None
    return limit, member.spelling


def _number(columns: list[pa.Array]) -> tuple[Matrix, pa.Array]:
    """Number equal texts equally over all columns; the numbers, and the texts they stand for.

    Most of a cluster's texts are the same: only those that differ from the fullest column are looked at.
    """
    there = [filled(column) for column in columns]
    first = int(np.argmax([each.sum() for each in there]))
    alike = [equal(column, columns[first]) for column in columns]
    others = [each & ~same for each, same in zip(there, alike, strict=True)]
    others[first] = there[first]
    found = pa.concat_arrays([column.filter(pa.array(at)) for column, at in zip(columns, others, strict=True)])
    encoded = found.dictionary_encode()
    numbers = encoded.indices.to_numpy(zero_copy_only=False)
    ends = np.cumsum([at.sum() for at in others])
    places = np.full((len(columns[0]), len(columns)), NOTHING, dtype=np.int64, order="F")
    for number, (at, end) in enumerate(zip(others, ends, strict=True)):
        places[at, number] = numbers[end - at.sum() : end]
    for number, same in enumerate(alike):
        if number != first:
            places[same, number] = places[same, first]
    return places, encoded.dictionary


def _forms(
    texts: pa.Array, row: Property, shown: list[_Shown], clusters_of: pd.Series
) -> tuple[Vector, list[Vector], Vector]:
    """Tables from texts to the numbers of comparable values, in full and as each entity shows them, and to lengths."""
    whole = said(texts, row, clusters_of)
    most = longest(texts)
    # A limit that nothing exceeds changes nothing.
    needed = [(limit if limit is not None and limit < most else None, spelling) for limit, spelling in shown]
    different = list(dict.fromkeys(each for each in needed if each != _AS_IT_IS))
    forms = [whole, *(comparable_texts(_as_shown(texts, *each), row) for each in different)]
    encoded = pa.concat_arrays(forms).dictionary_encode().indices
    numbers = pc.fill_null(encoded, NOTHING).to_numpy(zero_copy_only=False).astype(np.int64)
    tables = [np.append(table, NOTHING) for table in numbers.reshape(len(forms), -1)]
    at = {each: number + 1 for number, each in enumerate(different)}
    cut = [tables[at.get(each, 0)] for each in needed]
    # Of what is the same when it is rounded, the finer value is the longer one.
    lengths = pc.fill_null(pc.utf8_length(whole if row.round is None else texts), 0)
    return tables[0], cut, np.append(lengths.to_numpy(zero_copy_only=False).astype(np.int64), 0)


def _as_shown(texts: pa.Array, limit: int | None, spelling: Spelling | None) -> pa.Array:
    respelled = spelled(texts, spelling)
    return respelled if limit is None else shortened_texts(respelled, limit)
