"""When two values are the same: the comparable form of canonical text, and what a target made of a value.

A record is compared with its own base in its own precision; values of two systems are compared in the coarser of the
two. Both use the property's comparison, so that a change of spelling only is no change.
"""

import numpy as np
import pandas as pd

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Comparison, Property, Subject

_NOT_ALPHANUMERIC = r"[\W_]+"


def comparable(values: pd.Series, row: Property, compare: Comparison | None = None) -> pd.Series:
    """The form of canonical text in which equal means equal.

    Args:
        values: canonical text; NA and '' both mean empty.
        row: the property.
        compare: another comparison than the property's own, for merge criteria.

    Returns:
        `str` column, NA where empty.
    """
    how = compare or row.compare
    text = values.astype("str")
    if row.type in ("email", "country", "currency") and how == "exact":
        how = "ignore_case"
    if how != "exact":
        text = text.str.lower()
    if how == "compact":
        text = text.str.replace(r"\s+", "", regex=True)
    elif how == "alphanumeric":
        text = text.str.replace(_NOT_ALPHANUMERIC, "", regex=True)
    elif how == "digits":
        text = text.str.replace(r"\D+", "", regex=True)
    elif row.type == "text":
        text = text.str.replace(r"[^\S\n]+", " ", regex=True).str.strip()
    return text.where(text.ne(""))


def coarsest_length(name: str, subject: Subject, capabilities: Capabilities) -> int | None:
    """The shortest maximum length among the entities that hold a free text, in characters; None without a limit."""
    row = subject.properties[name]
    if row.type != "text":
        return None
    limits = [capabilities[entity].properties[member.name].max_length for entity, member in row.members.items()]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def coarse(values: pd.Series, length: int | None) -> pd.Series:
    """Comparable text in the precision of the coarsest member; see `coarsest_length`."""
    return values if length is None else values.str.slice(0, length).str.rstrip()


def same(left: pd.Series, right: pd.Series) -> pd.Series:
    """Whether comparable values are equal, element by element; empty equals empty."""
    return (left.eq(right) | (left.isna() & right.isna())).astype(bool)


def made_coarser(held: pd.Series, sent: pd.Series, row: Property) -> pd.Series:
    """Whether the target kept a coarser form of what was sent: nothing, its beginning, fewer decimals, other layout.

    Such a difference is the target's doing, not a person's: it is remembered and not fought. Any other difference
    after a write is a person's edit.

    Args:
        held: canonical text that the target holds after the write.
        sent: canonical text that was sent; NA where nothing was sent.
        row: the property.
    """
    was_sent = sent.notna() & sent.ne("")
    emptied = held.isna() | held.eq("")
    layout_held, layout_sent = comparable(held, row, "alphanumeric"), comparable(sent, row, "alphanumeric")
    coarser = emptied | layout_held.eq(layout_sent)
    if row.type == "decimal":
        # One unit of the last decimal that the target kept.
        unit = 0.1 ** held.str.extract(r"\.(\d+)$", expand=False).str.len().fillna(0).astype("float64")
        distance = (pd.to_numeric(held, errors="coerce") - pd.to_numeric(sent, errors="coerce")).abs()
        coarser = coarser | distance.lt(unit * 0.999999)
    elif row.type == "text":
        begins = np.strings.startswith(
            layout_sent.fillna("").to_numpy(dtype=np.str_), layout_held.fillna("").to_numpy(dtype=np.str_)
        )
        coarser = coarser | begins
    return (was_sent & coarser.fillna(False)).astype(bool)
