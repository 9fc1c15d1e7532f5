"""Between a system's own values and canonical text, both ways, a column at a time.

What cannot be read as its declared type is left as it came: the schema of the feed (`talk_assets.schemas`) then says
which record and property it was, and the record is held.
"""

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from talk_assets.mappings.capabilities import EntityCapability
from talk_assets.mappings.model import Mappings, MemberProperty, Property, Subject
from talk_assets.mappings.safety import DeletedWhen
from talk_assets.schemas.checks import NOT_ONE_VALUE
from talk_assets.sync.columns import arrow, series
from talk_assets.sync.compare import shortened, spelled
from talk_assets.sync.items import LINE, items_of, text_of
from talk_assets.sync.slots import entity_of

DEFAULT_SCALE = 4
# Arrow prints numbers below 10**-6 with an exponent; no property of either system needs more decimals.
MAX_SCALE = 6
# Up to 24 digits before the point leave room for every factor in Arrow's 76.
_NUMBER = r"[+-]?(?:[0-9]{1,24}(?:\.[0-9]*)?|\.[0-9]+)"
_WITH_EXPONENT = r"[+-]?(?:[0-9]{1,24}(?:\.[0-9]*)?|\.[0-9]+)[eE][+-]?[0-9]{1,2}"
# What pandas finds in a column that can hold more than single texts and numbers.
_MIXED = ("mixed", "mixed-integer", "boolean")


def to_canonical(records: pd.DataFrame, entity: str, mappings: Mappings) -> pd.DataFrame:
    """Turn records as a connector gives them into the canonical feed frame.

    Args:
        records: one row per record, object columns: `_key`, `_modified`, `_version`, for lines `_document` and
            `_position`, and the entity's own property names. A property that the record did not have is NaN; one
            that it had without a value is None.
        entity: the entity the records belong to.
        mappings: all mappings.

    Returns:
        One row per record: `key`, `modified` (datetime64[us, UTC]), `version`, `times` (JSON, canonical property name
        to its own time; '{}' where the system tells none), `document`, `position` (Int64), then
        one `str` column per canonical property the entity holds, where '' says that the system sent it empty and NA
        that it did not send it, and `join` with the other record's `entity/key` where the mapping has a join.
    """
    subject = mappings.subject_of(entity)
    frame = pd.DataFrame(index=records.index)
    frame["key"] = records["_key"].astype("str")
    frame["modified"] = pd.to_datetime(_column(records, "_modified"), utc=True, format="ISO8601").astype(
        "datetime64[us, UTC]"
    )
    frame["version"] = _column(records, "_version").astype("str")
    frame["times"] = _own_times(records, entity, subject)
    frame["document"] = _column(records, "_document").astype("str")
    frame["position"] = pd.to_numeric(_column(records, "_position"), errors="coerce").astype("Int64")
    for name, row in subject.held_by(entity).items():
        target = mappings.target_of(entity, name) if row.to else None
        member = row.members[entity]
        values = canonical_column(_column(records, member.name), row, member, target)
        frame[name] = values.mask(values.isin(member.empty), "") if member.empty else values
    for flow in subject.flows.values():
        if flow.join is not None and flow.join.entity == entity:
            frame["join"] = _reference(_text(_column(records, flow.join.name)), flow.join.to)
    return frame.reset_index(drop=True)


def marked_deleted(records: pd.DataFrame, mark: DeletedWhen | None) -> pd.Series:
    """Keys of the records, as a connector gives them, that count as deleted by a property of theirs."""
    if mark is None:
        return pd.Series(dtype="str")
    said = own_text(records, mark.name).fillna("")
    counts = {text: mark.says(text) for text in said.unique()}
    return records["_key"].astype("str")[said.map(counts).astype(bool)]


def own_text(records: pd.DataFrame, name: str) -> pd.Series:
    """A property of records as a connector gives them, as text; missing where there is none."""
    return _text(_column(records, name), flags=True)


def canonical_column(values: pd.Series, row: Property, member: MemberProperty, target: str | None) -> pd.Series:
    """Canonical text of one property; see `to_canonical` for '' and NA. `target` is a reference's entity."""
    text = _text(values, flags=row.type == "boolean" or member.values is not None)
    if member.values is not None:
        mapped = text.map(member.values).astype("str")
        # Marked, because a code that is not in the map may read like a canonical one.
        return mapped.where(mapped.notna() | text.isna() | text.eq(""), text + " (not in the value map)").fillna(text)
    if not text.fillna("").ne("").any():
        return text
    if row.type == "decimal":
        return _decimal(text, row.scale, member.factor)
    if row.type == "integer":
        whole = text.str.fullmatch(r"[+-]?[0-9]+(?:\.0*)?").eq(True)
        plain = text.str.replace(r"\.0*$", "", regex=True).str.replace(r"^\+?(-?)0*([0-9])", r"\1\2", regex=True)
        return plain.replace({"-0": "0"}).where(whole, text).astype("str")
    if row.type == "boolean":
        spelled = {"1": "true", "0": "false", "1.0": "true", "0.0": "false"}
        return text.str.lower().replace(spelled).astype("str")
    if row.type == "date":
        dated = text.str.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:$|[T ])").eq(True)
        return text.str.slice(0, 10).where(dated, text)
    if row.type in ("country", "currency"):
        return text.str.upper()
    if row.type == "reference":
        return _reference(text, str(target))
    if row.type == "list":
        return _listed(text, member)
    return text


def to_target(
    golden: pd.DataFrame, entity: str, subject: Subject, capability: EntityCapability
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What an entity can hold of golden values: converted, rounded and shortened, under canonical names.

    Args:
        golden: index cluster, one `str` column per canonical property.
        entity: the entity to write to.
        subject: the entity's subject.
        capability: what the entity can take.

    Returns:
        The desired values (same index, columns the properties that the entity holds, canonical text), and a frame
        `cluster_id, property, value, problem` of values the entity cannot take at all; those are NA in the first.
    """
    desired, unfit = {}, _Unfit()
    for name, row in subject.held_by(entity).items():
        member = row.members[entity]
        values = golden[name] if name in golden else pd.Series(pd.NA, index=golden.index, dtype="str")
        limit, own = capability.properties[member.name].max_length, f"{entity_of(entity)} {member.name}"
        if member.only_digits:
            values = values.where(values.str.fullmatch("[0-9]+").eq(True))
        if member.spelling is not None:
            values = series(spelled(arrow(values), member.spelling), values.index)
        if row.type == "text":
            values = shortened(values, limit)
        elif row.type == "list" and member.mark != LINE:
            split = values.str.contains(member.mark, regex=False).eq(True)
            values = unfit.without(
                values, split, name, f"has an item with '{member.mark}', which separates those of {own}"
            )
        if limit is not None and row.type not in ("text", "reference", "choice"):
            long = _written(values, member).str.len().gt(limit).eq(True)
            values = unfit.without(values, long, name, f"has more than the {limit} characters that {own} takes")
        if member.values is not None:
            unmapped = values.notna() & ~values.isin(list(member.values.values()))
            values = unfit.without(values, unmapped, name, f"has no code in {own}")
        desired[name] = values.astype("str")
    return pd.DataFrame(desired, index=golden.index), unfit.rows()


class _Unfit:
    """Values that an entity cannot take."""

    def __init__(self) -> None:
        self._found: list[pd.DataFrame] = []

    def without(self, values: pd.Series, at: pd.Series, name: str, problem: str) -> pd.Series:
        """The values without those that are flagged, which are noted."""
        if not at.any():
            return values
        found = values[at]
        columns = {"cluster_id": found.index, "property": name, "value": found.to_numpy()}
        self._found.append(pd.DataFrame({**columns, "problem": ("'" + found + "' " + problem).to_numpy()}))
        return values.mask(at)

    def rows(self) -> pd.DataFrame:
        """All that was noted: `cluster_id, property, value, problem`."""
        if self._found:
            return pd.concat(self._found, ignore_index=True)
        return pd.DataFrame(columns=["cluster_id", "property", "value", "problem"])


def to_own_values(values: pd.DataFrame, entity: str, subject: Subject) -> pd.DataFrame:
    """Canonical text under canonical names to canonical text under the entity's own names, codes and units.

    Args:
        values: any index, one `str` column per canonical property; references already are the target's own keys.
        entity: the entity to write to.
        subject: the entity's subject.
    """
    own: dict[str, pd.Series] = {}
    for name in map(str, values.columns):
        row, member = subject.properties[name], subject.properties[name].members[entity]
        column = values[name].astype("str")
        if member.values is not None:
            codes: dict[str, str] = {}
            for stored, canonical in member.values.items():
                codes.setdefault(canonical, stored)
            column = column.map(codes).astype("str")
        elif row.type == "decimal" and member.factor is not None:
            column = _decimal(column, MAX_SCALE, None, divisor=member.factor)
        column = _written(column, member)
        # Two rows may share a column where their `when` and `unless` exclude each other: one of them is empty.
        other = own.get(member.name)
        own[member.name] = column if other is None else other.where(other.notna(), column)
    return pd.DataFrame(own, index=values.index)


def _own_times(records: pd.DataFrame, entity: str, subject: Subject) -> pd.Series:
    """Times that the system tells of single properties, as JSON under canonical names."""
    if "_times" not in records:
        return pd.Series("{}", index=records.index, dtype="str")
    names = {row.members[entity].name: name for name, row in subject.held_by(entity).items()}
    texts = [json.dumps({names[own]: at for own, at in told.items() if own in names}) for told in records["_times"]]
    return pd.Series(texts, index=records.index, dtype="str")


def _column(records: pd.DataFrame, name: str) -> pd.Series:
    if name in records:
        return records[name]
    return pd.Series(float("nan"), index=records.index, dtype="object")


def _text(values: pd.Series, *, flags: bool = False) -> pd.Series:
    """Trimmed text; '' where the system sent null or blanks, NA where it sent nothing.

    Objects and lists of JSON, and booleans where no `flags` belong, are marked, so that the schema holds them.
    """
    objects = values.astype("object")
    # NaN: the property was not sent. None: it was sent, without a value.
    none = np.equal(objects.to_numpy(), None)  # type: ignore[call-overload]  # numpy's stubs leave None out
    missing = objects.isna().to_numpy()
    absent = missing & ~none.astype(bool)
    if missing.all():
        return pd.Series("", index=objects.index, dtype="str").mask(absent)
    if pd.api.types.infer_dtype(objects, skipna=True) in _MIXED:
        several = (dict, list) if flags else (dict, list, bool)
        one = [_marked(value) if isinstance(value, several) else value for value in objects]
        objects = pd.Series(one, index=objects.index, dtype="object")
    # PostgreSQL stores no NUL, and no person ever typed one.
    text = objects.astype("str").str.replace("\x00", "", regex=False)
    text = text.str.replace("\r\n", "\n", regex=False).str.strip().fillna("")
    return text.mask(absent)


def _marked(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) + NOT_ONE_VALUE


def _listed(text: pd.Series, member: MemberProperty) -> pd.Series:
    """Lists with one item a line."""
    if LINE not in member.mark:
        text = text.str.replace(LINE, " ", regex=False)
    parents, items = items_of(arrow(text), member.mark)
    return series(text_of(parents, items, len(text)), text.index).fillna(text.where(text.isna(), ""))


def _written(values: pd.Series, member: MemberProperty) -> pd.Series:
    """Values as the entity holds them: a list with its separator, all others as they are."""
    return values if member.separator is None else values.str.replace(LINE, member.separator, regex=False)


def _reference(keys: pd.Series, entity: str) -> pd.Series:
    return (entity + "/" + keys).where(keys.ne(""), keys).astype("str")


def _decimal(text: pd.Series, scale: int | None, factor: float | None, divisor: float | None = None) -> pd.Series:
    """Decimal text rounded half away from zero, without trailing zeros; other text as it came.

    Exact: the arithmetic is decimal, never binary.
    """
    places = DEFAULT_SCALE if scale is None else scale
    given = _without_exponent(text)
    numeric = given.str.fullmatch(_NUMBER).eq(True)
    # Digits beyond the thirtieth decimal are noise of a binary number's print.
    short = given.where(numeric).str.replace(r"(\.[0-9]{28})[0-9]+", r"\1", regex=True)
    numbers = pa.array(short, type=pa.string(), from_pandas=True).cast(pa.decimal256(76, 38))
    if factor is not None or divisor is not None:
        narrow = pc.round(numbers, ndigits=14, round_mode="half_towards_infinity").cast(pa.decimal256(39, 14))
        by = pa.scalar(Decimal(str(factor if factor is not None else divisor)))
        numbers = pc.multiply(narrow, by) if factor is not None else pc.divide(narrow, by)
    rounded = pc.round(numbers, ndigits=places, round_mode="half_towards_infinity")
    kept = rounded.cast(pa.decimal256(70, places), safe=False).cast(pa.string())
    plain = pd.Series(kept.to_numpy(zero_copy_only=False), index=text.index, dtype="str")
    if places:
        plain = plain.str.replace(r"\.?0+$", "", regex=True)
    return plain.replace({"-0": "0", "": "0"}).where(numeric, text).astype("str")


def _without_exponent(text: pd.Series) -> pd.Series:
    """The same numbers written out; JSON prints very small and very large ones with an exponent."""
    with_exponent = text.str.fullmatch(_WITH_EXPONENT).eq(True)
    if not with_exponent.any():
        return text
    return text.mask(with_exponent, text[with_exponent].map(lambda number: f"{Decimal(number):f}").astype("str"))
