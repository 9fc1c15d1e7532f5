"""When two values are the same: the comparable form of canonical text, and what a target made of a value.

A record is compared with its own base in its own precision; a value of another system is compared in the length that
the entity takes. Both use the property's comparison, so that a change of spelling only is no change.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from talk_assets.mappings.model import Comparison, Property, Spelling
from talk_assets.sync.columns import Flags, arrow, series
from talk_assets.sync.columns import same as equal_texts
from talk_assets.sync.items import items_of, text_of

# What counts as a blank within a line. Spelled out, because to Arrow `\s` means only the blanks of ASCII.
_BLANKS = "\t\x0b\x0c\r \x1c-\x1f\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# One blank is left as it is when it is the common one.
_UNUSUAL_BLANKS = f"[{_BLANKS}]{{2}}|[{_BLANKS.replace(' ', '', 1)}]"
_NOT_ALPHANUMERIC = r"[^\p{L}\p{N}]+"
_TWO_PLACES = r"[\x{10000}-\x{10FFFF}]"
_EPSILON = 1e-9
_ROUNDINGS = {"down": "down", "up": "up", "half_up": "half_towards_infinity"}


def comparable(values: pd.Series, row: Property, compare: Comparison | None = None) -> pd.Series:
    """The form of canonical text in which equal means equal.

    Args:
        values: canonical text; NA and '' both mean empty.
        row: the property.
        compare: another comparison than the property's own, for merge criteria.

    Returns:
        `str` column, NA where empty.
    """
    return series(comparable_texts(arrow(values), row, compare), values.index)


def comparable_texts(texts: pa.Array, row: Property, compare: Comparison | None = None) -> pa.Array:
    """The same as `comparable` for an Arrow array."""
    how = compare or row.compare
    if row.type == "list":
        return _sets(texts, row, how)
    if row.round is not None:
        return _whole(texts, _ROUNDINGS[row.round])
    if row.type in ("email", "country", "currency") and how == "exact":
        how = "ignore_case"
    if how != "exact" or row.type == "text":
        texts = _composed(texts)
    if how != "exact":
        texts = pc.utf8_lower(texts)
    if how == "compact":
        texts = pc.replace_substring_regex(texts, f"[{_BLANKS}\n]+", "")
    elif how == "alphanumeric":
        texts = pc.replace_substring_regex(texts, _NOT_ALPHANUMERIC, "")
    elif how == "digits":
        texts = pc.replace_substring_regex(texts, "[^0-9]+", "")
    elif row.type == "text":
        if pc.any(pc.match_substring_regex(texts, _UNUSUAL_BLANKS), min_count=0).as_py():
            texts = pc.replace_substring_regex(texts, f"[{_BLANKS}]+", " ")
        texts = pc.utf8_trim_whitespace(texts)
    empty = pc.equal(texts, "")
    if pc.any(empty, min_count=0).as_py():
        texts = pc.if_else(empty, pa.scalar(None, texts.type), texts)
    return texts


def _whole(texts: pa.Array, mode: str) -> pa.Array:
    """Decimals as whole numbers; other text as it is."""
    numeric = pc.fill_null(pc.match_substring_regex(texts, r"^-?[0-9]{1,24}(\.[0-9]{1,12})?$"), False)
    if not pc.any(numeric, min_count=0).as_py():
        return texts
    numbers = pc.if_else(numeric, texts, pa.scalar(None, texts.type)).cast(pa.decimal128(38, 12))
    rounded = pc.round(numbers, ndigits=0, round_mode=mode).cast(pa.decimal128(38, 0), safe=False)
    return pc.if_else(numeric, rounded.cast(texts.type), texts)


def _sets(texts: pa.Array, row: Property, compare: Comparison) -> pa.Array:
    """Lists as sorted sets of comparable items."""
    parents, items = items_of(texts)
    forms = comparable_texts(items, row.model_copy(update={"type": "text"}), compare)
    found = pd.DataFrame({"parent": parents, "item": series(forms, pd.RangeIndex(len(forms)))})
    found = found.dropna().drop_duplicates().sort_values(["parent", "item"])
    return text_of(found["parent"].to_numpy(dtype=np.int64), arrow(found["item"]), len(texts))


def said(texts: pa.Array, row: Property, clusters_of: pd.Series) -> pa.Array:
    """What values of any member say: comparable text, of a reference the cluster that it points to.

    Args:
        texts: canonical text.
        row: the property.
        clusters_of: index `entity/key`, value cluster number as text; what is not in it only equals itself.
    """
    if row.to is not None:
        found = pc.index_in(texts, value_set=arrow(clusters_of.index.to_series()))
        texts = pc.coalesce(pc.take(arrow(clusters_of), found), texts)
    return comparable_texts(texts, row)


def differ(left: pd.Series, right: pd.Series, row: Property, clusters_of: pd.Series) -> Flags:
    """Where two values say not the same (see `said`); only those are compared closely that are not spelled the same."""
    one, two = arrow(left), arrow(right)
    unlike = ~equal_texts(one, two)
    if unlike.any():
        at = pa.array(unlike)
        unlike[unlike] = ~equal_texts(said(one.filter(at), row, clusters_of), said(two.filter(at), row, clusters_of))
    return unlike


def _composed(texts: pa.Array) -> pa.Array:
    """The same text with each accent and its letter as one character, as most systems store it."""
    if pc.all(pc.string_is_ascii(texts), min_count=0).as_py():
        return texts
    return pc.utf8_normalize(texts, form="NFC")


def shortened(values: pd.Series, limit: int | None) -> pd.Series:
    """What an entity that takes so many characters holds of a text."""
    return values if limit is None else series(shortened_texts(arrow(values), limit), values.index)


def shortened_texts(texts: pa.Array, limit: int) -> pa.Array:
    """The same as `shortened` for an Arrow array."""
    if longest(texts) <= limit:
        return texts
    cut = pc.utf8_slice_codeunits(texts, 0, limit)
    if longest(cut) > limit:
        wide = pc.fill_null(pc.greater(_places(cut), limit), False)
        # Half a character that is left at the end is left out.
        fitting = [text.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore") for text in _those(cut, wide)]
        cut = pc.replace_with_mask(cut, wide, pa.array(fitting, type=cut.type))
    return pc.utf8_rtrim_whitespace(cut)


def spelled(texts: pa.Array, spelling: Spelling | None) -> pa.Array:
    """Texts in the letters in which an entity keeps them."""
    if spelling is None:
        return texts
    return pc.utf8_upper(texts) if spelling == "upper" else pc.utf8_lower(texts)


def longest(texts: pa.Array) -> int:
    """Places that the longest text takes; an emoji takes two, as in Exact's columns and in most ERPs."""
    return pc.max(_places(texts)).as_py() or 0


def _places(texts: pa.Array) -> pa.Array:
    """UTF-16 units of each text."""
    characters = pc.utf8_length(texts)
    # One that takes two places has four bytes: most columns need no closer look.
    if pc.any(pc.greater(pc.subtract(pc.binary_length(texts), characters), 2), min_count=0).as_py():
        return pc.add(characters, pc.count_substring_regex(texts, _TWO_PLACES))
    return characters


def _those(texts: pa.Array, at: pa.Array) -> list[str]:
    found: list[str] = pc.filter(texts, at).to_pylist()
    return found


def same(left: pd.Series, right: pd.Series) -> pd.Series:
    """Whether comparable values are equal, element by element; empty equals empty."""
    return (left.eq(right) | (left.isna() & right.isna())).astype(bool)


def made_coarser(held: pd.Series, sent: pd.Series, row: Property) -> pd.Series:
    """Whether the target kept a coarser form of what was sent.

    That is nothing at all; of a number, one rounded or cut off to fewer decimals; of a text, its beginning or another
    layout (blanks, punctuation, case); of a code, other blanks or case; of a list, some of its items. Such a
    difference is the target's doing, not a person's: it is remembered and not fought. Any other difference after a
    write is a person's edit.

    Args:
        held: canonical text that the target holds after the write.
        sent: canonical text that was sent; NA where nothing was sent.
        row: the property.
    """
    was_sent = sent.notna() & sent.ne("")
    emptied = held.isna() | held.eq("")
    if row.type == "decimal":
        coarser = _fewer_decimals(held, sent)
    elif row.type == "code":
        coarser = comparable(held, row, "compact").eq(comparable(sent, row, "compact"))
    elif row.type == "text":
        coarser = _beginning(comparable(held, row, "alphanumeric"), comparable(sent, row, "alphanumeric"))
    elif row.type == "list":
        coarser = _some_of(arrow(comparable(held, row)), arrow(comparable(sent, row)), held.index)
    else:
        coarser = comparable(held, row).eq(comparable(sent, row))
    return (was_sent & (emptied | coarser)).astype(bool)


def _beginning(held: pd.Series, sent: pd.Series) -> pd.Series:
    maybe = (held.str.len().le(sent.str.len()) & held.str.slice(0, 1).eq(sent.str.slice(0, 1))).to_numpy(dtype=bool)
    begins = np.zeros(len(held), dtype=bool)
    # numpy's texts are as wide as the longest: only those are made that need a closer look.
    whole, start = sent[maybe].to_numpy(dtype=np.str_), held[maybe].to_numpy(dtype=np.str_)
    begins[maybe] = np.strings.startswith(whole, start)
    return pd.Series(begins, index=held.index)


def _some_of(held: pa.Array, sent: pa.Array, index: pd.Index) -> pd.Series:
    """Whether all items of a list are among those of another one."""
    parents, items = items_of(held)
    others, sent_items = items_of(sent)
    kept = pd.MultiIndex.from_arrays([parents, series(items, pd.RangeIndex(len(items)))])
    strange = ~kept.isin(pd.MultiIndex.from_arrays([others, series(sent_items, pd.RangeIndex(len(sent_items)))]))
    return pd.Series(np.bincount(parents[strange], minlength=len(held)) == 0, index=index)


def _fewer_decimals(held: pd.Series, sent: pd.Series) -> pd.Series:
    """Whether a number is another one rounded, or cut off, after the last decimal it shows."""
    kept, given = _decimals(held), _decimals(sent)
    unit = np.power(10.0, -kept)
    number, whole = pd.to_numeric(held, errors="coerce"), pd.to_numeric(sent, errors="coerce")
    # Of a large number the binary form itself is off by more than such a share of the unit.
    noise = 4 * np.spacing(np.maximum(number.abs(), whole.abs()))
    rounded = (number - whole).abs().le(unit * (0.5 + _EPSILON) + noise)
    cut = number.abs().le(whole.abs()) & (number - whole).abs().lt(unit * (1 - _EPSILON)) & number.mul(whole).ge(0)
    return (kept < given) & (rounded | cut)


def _decimals(numbers: pd.Series) -> pd.Series:
    return numbers.str.extract(r"\.([0-9]+)$", expand=False).str.len().fillna(0).astype("float64")
