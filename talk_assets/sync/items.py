"""Lists within one text: their items, and back."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from talk_assets.sync.columns import Vector

# Between the items of a canonical text.
LINE = "\n"


def items_of(texts: pa.Array, mark: str = LINE) -> tuple[Vector, pa.Array]:
    """The items of all texts, trimmed and filled, in their order.

    Args:
        texts: lists.
        mark: what stands between the items.

    Returns:
        For each item the place of its text, ascending, and the items.
    """
    lists = pc.split_pattern(texts, mark)
    items = pc.utf8_trim_whitespace(pc.list_flatten(lists))
    filled = pc.fill_null(pc.not_equal(items, ""), fill_value=False)
    return pc.list_parent_indices(lists).filter(filled).to_numpy().astype(np.int64), items.filter(filled)


def text_of(parents: Vector, items: pa.Array, count: int) -> pa.Array:
    """Canonical lists of these items.

    Args:
        parents: for each item the place of its list, ascending.
        items: the items.
        count: how many lists there are; those without items are null.
    """
    offsets = np.searchsorted(parents, np.arange(count + 1)).astype(np.int32)
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), items), pa.scalar(LINE, items.type))
    return pc.if_else(pa.array(np.diff(offsets) > 0), joined, pa.scalar(None, joined.type))
