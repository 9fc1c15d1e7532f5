"""Pandera models of the frames: the feed of an entity, the pairs of a flow, the golden records of a subject."""

import pandas as pd
import pandera.pandas as pa

from talk_assets.mappings.model import Flow, Mappings, Property, Subject
from talk_assets.schemas.checks import checks_for, filled
from talk_assets.schemas.types import TEXT

# Metadata of a schema: the columns that say which record a row is about, the first filled one counts.
IDENTITY = "identity"
# Metadata of a column: its canonical type in words.
TYPE = "type"


def feed_schema(entity: str, mappings: Mappings) -> pa.DataFrameSchema:
    """The canonical feed frame of an entity, as `talk_assets.sync.convert.to_canonical` makes it.

    Columns: `key` (`str`, filled, unique), `modified` (datetime64[us, UTC]), `version` (`str`), of lines `document`
    (`str`, filled) and `position` (Int64), of an entity with a join `join` (`str`), and one `str` column per canonical
    property that the entity holds. Other columns are let through.

    Raises:
        KeyError: no mapping names the entity.
    """
    subject = mappings.subject_of(entity)
    columns = {
        "key": _text(f"The key of the record in {entity}.", unique=True, nullable=False, checks=[filled()]),
        "modified": pa.Column(
            pd.DatetimeTZDtype(unit="us", tz="UTC"),
            nullable=True,
            description=f"When {entity} last changed the record.",
            metadata={TYPE: "time (UTC)"},
        ),
        "version": _text("What grows or differs with every change of the record."),
    }
    if is_line(entity, mappings):
        columns["document"] = _text("The key of the line's document.", nullable=False, checks=[filled()])
        columns["position"] = _whole("The place of the line in its document.")
    if any(flow.join is not None and flow.join.entity == entity for flow in subject.flows.values()):
        columns["join"] = _text("The record whose cluster this one belongs to, as entity/key.")
    for name, row in subject.held_by(entity).items():
        columns[name] = _canonical(row, _codes(row, [entity]))
    return pa.DataFrameSchema(
        columns,
        name=entity,
        description=f"Records of {entity}: {subject.meaning}",
        metadata={IDENTITY: ["key"]},
    )


def pair_schema(flow: str, mappings: Mappings) -> pa.DataFrameSchema:
    """The matched pairs of a flow: `customerp_key` and `exact_key` (`str`), `cluster_id` (Int64), `origin` (`str`).

    A record without a counterpart is a pair with one key. A cluster has one pair, or where the mapping keeps duplicates
    in sync, one of each record with each of its counterparts.

    Raises:
        KeyError: no mapping has this flow.
    """
    subject, pair = _flow_named(flow, mappings)
    columns = {
        "customerp_key": _text(f"The key of the record in {pair.customerp}.", checks=[filled()]),
        "exact_key": _text(f"The key of the record in {pair.exact}.", checks=[filled()]),
        "cluster_id": _whole("The cluster that both records belong to.", unique=not subject.keeps_twins),
        "origin": _text("What says that the two are the same: a criterion, our own insert or a person."),
    }
    return pa.DataFrameSchema(columns, name=flow, description=pair.meaning, metadata={IDENTITY: ["cluster_id"]})


def golden_schema(subject: str, mappings: Mappings) -> pa.DataFrameSchema:
    """The golden records of a subject or line subject: `cluster_id` (int64, unique), one `str` column per property.

    Raises:
        KeyError: no mapping has this subject.
    """
    row_of = subject_named(subject, mappings)
    columns = {
        "cluster_id": pa.Column(
            "int64", unique=True, description="The records that are the same.", metadata={TYPE: "whole number"}
        )
    }
    for name, row in row_of.properties.items():
        columns[name] = _canonical(row, _codes(row, list(row.members)))
    return pa.DataFrameSchema(columns, name=subject, description=row_of.meaning, metadata={IDENTITY: ["cluster_id"]})


def subject_named(name: str, mappings: Mappings) -> Subject:
    """The subject or line subject of this name; KeyError when there is none."""
    for subject in mappings.subjects.values():
        for candidate in (subject, subject.lines):
            if candidate is not None and candidate.subject == name:
                return candidate
    raise KeyError(name)


def is_line(entity: str, mappings: Mappings) -> bool:
    """Whether an entity's records are lines of documents."""
    return any(subject.lines and entity in subject.lines.entities for subject in mappings.subjects.values())


def _flow_named(name: str, mappings: Mappings) -> tuple[Subject, Flow]:
    for subject in mappings.subjects.values():
        for part in (subject, subject.lines):
            if part is not None and name in part.flows:
                return part, part.flows[name]
    raise KeyError(name)


def _codes(row: Property, entities: list[str]) -> list[str]:
    codes = [code for entity in entities for code in (row.members[entity].values or {}).values()]
    return list(dict.fromkeys(codes))


def _canonical(row: Property, codes: list[str]) -> pa.Column:
    return pa.Column(
        TEXT, checks_for(row.type, codes), nullable=True, description=row.meaning, metadata={TYPE: row.type}
    )


def _text(
    description: str, *, nullable: bool = True, unique: bool = False, checks: list[pa.Check] | None = None
) -> pa.Column:
    return pa.Column(TEXT, checks, nullable=nullable, unique=unique, description=description, metadata={TYPE: "text"})


def _whole(description: str, *, unique: bool = False) -> pa.Column:
    metadata = {TYPE: "whole number"}
    return pa.Column("Int64", nullable=True, unique=unique, description=description, metadata=metadata)
