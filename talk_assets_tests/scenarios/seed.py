"""What the ledger knows before a case begins: links, and what was last agreed."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.match import store_keys
from talk_assets.ledger import clusters as links
from talk_assets.ledger.records import store_records
from talk_assets.mappings.model import Subject
from talk_assets.sync.convert import to_canonical
from talk_assets.sync.frames import TIME, Golden, Members
from talk_assets_tests.scenarios.case import Case, properties_of, split_member
from talk_assets_tests.scenarios.nested import LineNumbers, LinesAt, line_parts, lines_at
from talk_assets_tests.scenarios.store import moment
from talk_assets_tests.scenarios.translate import Translation
from talk_assets_tests.scenarios.words import NotExpressible, Values

_RUN = "before"


@dataclass(frozen=True)
class _Seeded:
    """A member of a cluster that is known before the case begins.

    Attributes:
        name: as the case writes it.
        side: its side.
        type: its type, of lines that of the lines.
        key: its key.
        record: what it is now; of one that is gone what was agreed.
        there: whether it is still there.
        entity: its entity.
        lines: of a line: where lines are kept.
    """

    name: str
    side: str
    type: str
    key: str
    record: Values
    there: bool
    entity: str
    lines: LinesAt | None

    @property
    def document(self) -> str | None:
        """Of a line: key of its document."""
        if self.lines is None:
            return None
        found = line_parts(self.key) if self.lines.inside is not None else None
        return found[0] if found else str(self.record[self.lines.under])


def seed(case: Case, translation: Translation, cycle: Cycle) -> None:
    """Store the links and bases of a case."""
    agreed = {frozenset(map(str, entry["members"])): entry for entry in case.base}
    known = {frozenset(map(str, members)): members for members in [*case.links, *(e["members"] for e in case.base)]}
    lines = [entry["lines"] for entry in case.base if "lines" in entry]
    clusters = [
        ([_member(case, translation, member, agreed.get(key)) for member in members], agreed.get(key))
        for key, members in known.items()
    ]
    with cycle.ledger.begin() as connection:
        for members, entry in clusters:
            if members[0].lines is None:
                _seed_cluster(translation, cycle, connection, members, entry)
        for members, entry in clusters:
            if members[0].lines is not None:
                own = entry or (_line_entry(members, lines) if lines else None)
                _seed_cluster(translation, cycle, connection, members, own)
        _forget(cycle, connection, [members for members, _ in clusters])


def _line_entry(members: list[_Seeded], lines: list[Any]) -> Values:
    """What was agreed of lines: as they are given, or as listed."""
    for wish in lines:
        if isinstance(wish, list):
            number = members[0].key.rpartition("#")[2]
            key = members[0].lines.key if members[0].lines else ""
            rows = [row for at, row in enumerate(wish, 1) if str(row.get(key, at)) == number]
            if rows:
                return {"values": rows[0]}
        elif wish is not True and not any(word in str(wish) for word in ("equal", "given", "same", "shown")):
            raise NotExpressible(f"base: lines: {wish!r}")
    return {"values": members[0].record}


def _forget(cycle: Cycle, connection: sa.Connection, clusters: list[list[_Seeded]]) -> None:
    """What is gone from both sides before the case begins was accounted for."""
    for members in clusters:
        for each in members if not any(each.there for each in members) else []:
            for table in ("record", "member"):
                connection.execute(
                    sa.text(
                        f"update talk.{table} set deleted_at = now()"
                        " where division = :division and entity = :entity and key = :key"
                    ),
                    {"division": cycle.division, "entity": each.entity, "key": each.key},
                )


def _member(case: Case, translation: Translation, name: str, entry: Values | None) -> _Seeded:
    side, type_, id_ = split_member(name)
    at = lines_at(translation.nests, side, type_)
    parts = line_parts(id_)
    if at is not None and parts is not None:
        return _line(case, translation, name, side, at, parts)
    found = next((row for row in case.records[side].get(type_, []) if str(row["id"]) == id_), None)
    agreed = {**((entry or {}).get("values") or {}), **((entry or {}).get("seen") or {}).get(name, {})}
    record = {"id": id_, **agreed} if found is None else found
    entity = translation.entity_of(side, type_, record)
    lines = at if at is not None and at.type == type_ and at.inside is None else None
    return _Seeded(name, side, type_, id_, record, found is not None, entity, lines)


def _line(case: Case, translation: Translation, name: str, side: str, at: LinesAt, parts: tuple[str, str]) -> _Seeded:
    """A line that is named as `X#n`."""
    document, number = parts
    if at.inside is None:
        rows = [row for row in case.records[side].get(at.type, []) if str(row.get(at.under)) == document]
        own = [row for place, row in enumerate(rows, 1) if str(row.get(at.key, place)) == number]
        if not own:
            raise NotExpressible(f"{name}: there is no such line")
        found, key = own[0], str(own[0]["id"])
    else:
        owner = next((row for row in case.records[side].get(at.document, []) if str(row["id"]) == document), {})
        lines = owner.get(at.inside) or []
        keys = LineNumbers().keys(document, lines, at.key)
        key = f"{document}#{number}"
        if key not in keys:
            raise NotExpressible(f"{name}: there is no such line")
        found = lines[keys.index(key)]
    return _Seeded(name, side, at.type, key, found, True, translation.entity_of(side, at.type, found), at)


def _seed_cluster(
    translation: Translation,
    cycle: Cycle,
    connection: sa.Connection,
    members: list[_Seeded],
    entry: Values | None,
) -> None:
    first = members[0]
    subject = translation.mappings.subject_of(first.entity)
    document = _document_of(cycle, connection, first)
    (number,) = links.new_clusters(connection, cycle.division, subject.subject, [document], _RUN)
    keys = [each.key for each in members]
    entities = [each.entity for each in members]
    frame = pd.DataFrame({"entity": entities, "key": keys, "cluster_id": number, "origin": "given"})
    links.store_members(connection, cycle.division, frame, _RUN)
    # What was linked and never agreed is seen for the first time, unless it is gone.
    told_of = [each for each in members if entry is not None or not each.there]
    entry = entry or {}
    ages: dict[str, float] = {}
    for each in told_of:
        held = _held(translation, each.entity, entry, each.name, each.record)
        times = _times(entry, each.name, each.record, held)
        ages |= {name: max(t, ages.get(name, t)) for name, t in times.items()}
        _seed_member(cycle, connection, subject, each.entity, each.key, number, each.record, held, times, each.document)
    values = {name: value for name, value in _agreed(translation, first.entity, entry).items() if name in ages}
    if told_of:
        _seed_golden(cycle, connection, subject, number, values, ages, f"{first.entity}/{first.key}")


def _document_of(cycle: Cycle, connection: sa.Connection, line: _Seeded) -> int | None:
    """Of a line the cluster of its document."""
    parent = cycle.capabilities[line.entity].document
    if parent is None:
        return None
    found = links.clusters_of(connection, cycle.division, pd.Series([f"{parent}/{line.document}"])).dropna()
    if found.empty:
        raise NotExpressible(f"{line.name} is linked, but {parent}/{line.document} is not")
    return int(found.iloc[0])


def _agreed(translation: Translation, entity: str, entry: Values) -> dict[str, str]:
    """The agreed values as canonical text; references are given in the words of the first member."""
    values = {n: v for n, v in (entry.get("values") or {}).items()}
    return _canonical(translation, entity, values, coded=False)


def _held(translation: Translation, entity: str, entry: Values, member: str, record: Values) -> dict[str, str]:
    """What the member held when it was accounted for."""
    subject = translation.mappings.subject_of(entity)
    values = dict(entry.get("values") or {})
    for name, row in subject.held_by(entity).items():
        # A reference is agreed as what it points to, and held under the member's own key.
        if row.to is not None and name in values and name in record:
            values[name] = record[name]
    found = _canonical(translation, entity, {n: v for n, v in values.items()}, coded=False)
    seen = (entry.get("seen") or {}).get(member) or {}
    return {**found, **_canonical(translation, entity, seen, coded=True)}


def _canonical(translation: Translation, entity: str, values: Values, *, coded: bool) -> dict[str, str]:
    """Canonical texts of values; `coded` are in the entity's own codes, others already canonical."""
    subject = translation.mappings.subject_of(entity)
    shown = {n: "\n".join(map(str, v)) if isinstance(v, list) else v for n, v in values.items()}
    raw = pd.DataFrame([{"_key": "", "_modified": None, "_version": None, **shown}], dtype="object")
    row = to_canonical(raw, entity, translation.mappings).iloc[0]
    found = {}
    for name, prop in subject.held_by(entity).items():
        if name in values and isinstance(row[name], str) and row[name] != "":
            mapped = prop.members[entity].values is not None and not coded
            found[name] = str(values[name]) if mapped else row[name]
    return found


def _times(entry: Values, member: str, record: Values, held: dict[str, str]) -> dict[str, float]:
    told = entry.get("pt") or {}
    own = told.get(member, {}) if any("/" in str(name) for name in told) else told
    age = float(record.get("t") or 0)
    return {name: float(own.get(name, age)) for name in held}


def _seed_member(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    entity: str,
    key: str,
    number: int,
    record: Values,
    held: dict[str, str],
    times: dict[str, float],
    document: str | None,
) -> None:
    properties = list(subject.held_by(entity))
    index = pd.Index([number], dtype="int64")
    base = pd.DataFrame([held], index=index).reindex(columns=properties).astype("str")
    known = [name for name in properties if name in times]
    at = pd.DataFrame({name: pd.to_datetime([moment(times[name])], utc=True) for name in known}, index=index)
    at = at.reindex(columns=properties).astype(TIME)
    modified = pd.Series(pd.to_datetime([moment(max(times.values(), default=0.0))], utc=True), index=index).astype(TIME)
    nothing = pd.DataFrame(index=index, columns=properties).astype("str")
    members = Members(pd.Series([key], index=index, dtype="str"), modified, base, base, at, nothing)
    links.store_bases(connection, cycle.division, entity, members)
    same = properties_of(record) and str(record.get("version", ""))
    row = base.assign(key=key, modified=modified, version=str(same or ""), accounted=True).reset_index(drop=True)
    row["document"] = pd.Series([document], dtype="str")
    row["position"] = pd.Series([None], dtype="Int64")
    store_records(connection, cycle.division, entity, row, properties, _RUN)
    if document is None:
        store_keys(cycle, connection, entity, row.assign(entity=entity))


def _seed_golden(
    cycle: Cycle,
    connection: sa.Connection,
    subject: Subject,
    number: int,
    values: dict[str, str],
    ages: dict[str, float],
    winner: str,
) -> None:
    index = pd.Index([number], dtype="int64")
    names = list(values)
    golden = Golden(
        values=pd.DataFrame([values], index=index).astype("str"),
        times=pd.DataFrame(
            {name: pd.to_datetime([moment(ages[name])], utc=True) for name in names}, index=index
        ).astype(TIME),
        winners=pd.DataFrame([dict.fromkeys(names, winner)], index=index).astype("str"),
        rules=pd.DataFrame([dict.fromkeys(names, "latest")], index=index).astype("str"),
    )
    links.store_golden(connection, cycle.division, subject.subject, golden, _RUN)
