"""Between a system's own values and canonical text, both ways, a column at a time.

What cannot be read as its declared type is left as it came: the schema of the feed (`talk_assets.schemas`) then says
which record and property it was, and the record is held.
"""

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from talk_assets.mappings.capabilities import EntityCapability
from talk_assets.mappings.model import Mappings, MemberProperty, Property, Subject

DEFAULT_SCALE = 4
# Arrow prints numbers below 10**-6 with an exponent; no property of either system needs more decimals.
MAX_SCALE = 6
_NUMBER = r"[+-]?(?:\d{1,28}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?"
# Property types that name something: a shortened one would name something else.
_NEVER_SHORTENED = {
    "code",
    "email",
    "reference",
    "choice",
    "country",
    "currency",
    "date",
    "decimal",
    "integer",
    "boolean",
}
META = ["key", "modified", "version", "document", "position"]


def to_canonical(records: pd.DataFrame, entity: str, mappings: Mappings) -> pd.DataFrame:
    """Turn records as a connector gives them into the canonical feed frame.

    Args:
        records: one row per record, object columns: `_key`, `_modified`, `_version`, for lines `_document` and
            `_position`, and the entity's own property names. A property that the record did not have is NaN; one
            that it had without a value is None.
        entity: the entity the records belong to.
        mappings: all mappings.

    Returns:
        One row per record: `key`, `modified` (datetime64[us, UTC]), `version`, `document`, `position` (Int64), then
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
    frame["document"] = _column(records, "_document").astype("str")
    frame["position"] = pd.to_numeric(_column(records, "_position"), errors="coerce").astype("Int64")
    for name, row in subject.held_by(entity).items():
        target = mappings.target_of(entity, name) if row.to else None
        frame[name] = canonical_column(_column(records, row.members[entity].name), row, row.members[entity], target)
    for flow in subject.flows.values():
        if flow.join is not None and flow.join.entity == entity:
            frame["join"] = _reference(_text(_column(records, flow.join.name)), flow.join.to)
    return frame.reset_index(drop=True)


def canonical_column(values: pd.Series, row: Property, member: MemberProperty, target: str | None) -> pd.Series:
    """Canonical text of one property; see `to_canonical` for '' and NA. `target` is a reference's entity."""
    text = _text(values)
    if member.values is not None:
        mapped = text.map(member.values).astype("str")
        # Marked, because a code that is not in the map may read like a canonical one.
        return mapped.where(mapped.notna() | text.isna() | text.eq(""), text + " (not in the value map)").fillna(text)
    if row.type == "decimal":
        return _decimal(text, row.scale, member.factor)
    if row.type == "integer":
        whole = text.str.fullmatch(r"[+-]?\d+(?:\.0*)?").eq(True)
        plain = text.str.replace(r"\.0*$", "", regex=True).str.replace(r"^\+?(-?)0+(?=\d)", r"\1", regex=True)
        return plain.where(whole, text)
    if row.type == "boolean":
        lower = text.str.lower()
        return lower.replace({"1": "true", "0": "false"}).astype("str")
    if row.type == "date":
        dated = text.str.match(r"\d{4}-\d{2}-\d{2}(?:$|[T ])").eq(True)
        return text.str.slice(0, 10).where(dated, text)
    if row.type in ("country", "currency"):
        return text.str.upper()
    if row.type == "reference":
        return _reference(text, str(target))
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
    desired, problems = {}, []
    for name, row in subject.held_by(entity).items():
        member = row.members[entity]
        values = golden[name] if name in golden else pd.Series(pd.NA, index=golden.index, dtype="str")
        limit = capability.properties[member.name].max_length
        if member.only_digits:
            values = values.where(values.str.fullmatch(r"\d+").eq(True))
        if limit is not None and row.type == "text":
            values = values.str.slice(0, limit).str.rstrip()
        elif limit is not None and row.type in _NEVER_SHORTENED and row.type not in ("reference", "choice"):
            long = values.str.len().gt(limit).eq(True)
            problems.append(
                _problems(values, long, name, f"has more than the {limit} characters that {entity} {member.name} takes")
            )
            values = values.mask(long)
        if member.values is not None:
            unmapped = values.notna() & ~values.isin(list(member.values.values()))
            problems.append(_problems(values, unmapped, name, f"has no code in {entity} {member.name}"))
            values = values.mask(unmapped)
        desired[name] = values.astype("str")
    found = pd.concat(problems, ignore_index=True) if problems else pd.DataFrame()
    return pd.DataFrame(desired, index=golden.index), found


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
        # Two rows may share a column where their `when` and `unless` exclude each other: one of them is empty.
        other = own.get(member.name)
        own[member.name] = column if other is None else other.where(other.notna(), column)
    return pd.DataFrame(own, index=values.index)


def _column(records: pd.DataFrame, name: str) -> pd.Series:
    if name in records:
        return records[name]
    return pd.Series(float("nan"), index=records.index, dtype="object")


def _text(values: pd.Series) -> pd.Series:
    """Trimmed text; '' where the system sent null or blanks, NA where it sent nothing."""
    objects = values.astype("object")
    # NaN: the property was not sent. None: it was sent, without a value.
    absent = objects.isna() & objects.map(type).astype("str").ne(str(type(None)))
    # PostgreSQL stores no NUL, and no person ever typed one.
    text = objects.astype("str").str.replace("\x00", "", regex=False)
    text = text.str.replace("\r\n", "\n", regex=False).str.strip().fillna("")
    return text.mask(absent)


def _reference(keys: pd.Series, entity: str) -> pd.Series:
    return (entity + "/" + keys).where(keys.ne(""), keys).astype("str")


def _decimal(text: pd.Series, scale: int | None, factor: float | None, divisor: float | None = None) -> pd.Series:
    """Decimal text rounded half away from zero, without trailing zeros; other text as it came.

    Exact: the arithmetic is decimal, never binary.
    """
    places = DEFAULT_SCALE if scale is None else scale
    numeric = text.str.fullmatch(_NUMBER).eq(True)
    # Digits beyond the thirtieth decimal are noise of a binary number's print.
    short = text.where(numeric).str.replace(r"(\.\d{28})\d+", r"\1", regex=True)
    numbers = pa.array(short, type=pa.string(), from_pandas=True).cast(pa.decimal256(76, 38))
    if factor is not None or divisor is not None:
        narrow = pc.round(numbers, ndigits=20, round_mode="half_towards_infinity").cast(pa.decimal256(50, 20))
        by = pa.scalar(Decimal(str(factor if factor is not None else divisor)))
        numbers = pc.multiply(narrow, by) if factor is not None else pc.divide(narrow, by)
    rounded = pc.round(numbers, ndigits=places, round_mode="half_towards_infinity")
    kept = rounded.cast(pa.decimal256(70, places), safe=False).cast(pa.string())
    plain = pd.Series(kept.to_numpy(zero_copy_only=False), index=text.index, dtype="str")
    if places:
        plain = plain.str.replace(r"\.?0+$", "", regex=True)
    return plain.replace({"-0": "0", "": "0"}).where(numeric, text).astype("str")


def _problems(values: pd.Series, at: pd.Series, name: str, problem: str) -> pd.DataFrame:
    found = values[at]
    return pd.DataFrame(
        {
            "cluster_id": found.index,
            "property": name,
            "value": found.to_numpy(),
            "problem": ("'" + found + "' " + problem).to_numpy(),
        }
    )
