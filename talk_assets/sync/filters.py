"""Which records meet the conditions of a filter."""

from collections.abc import Mapping, Sequence

import pandas as pd

from talk_assets.mappings.filters import Condition


def outside(
    texts: Mapping[str, pd.Series] | pd.DataFrame, conditions: Sequence[Condition], index: pd.Index
) -> pd.Series:
    """Where records do not meet a filter.

    Args:
        texts: per property its texts, missing where there is none, each with the index given.
        conditions: the filter; every one has to hold.
        index: the records.

    Returns:
        Whether each record is outside, with that index.
    """
    out = pd.Series(False, index=index)
    for condition in conditions:
        said = texts[condition.name].astype("str").fillna("")
        met = {text: condition.holds(text) for text in said.unique()}
        out |= ~said.map(met).astype(bool)
    return out
