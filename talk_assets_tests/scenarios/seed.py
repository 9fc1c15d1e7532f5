"""What the ledger knows before a case begins: links, and what was last agreed."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.match import store_keys
from talk_assets.ledger import clusters as links
from talk_assets.ledger.records import store_records
from talk_assets.mappings.model import Subject
from talk_assets.sync.convert import to_canonical
from talk_assets.sync.frames import TIME, Golden, Members
from talk_assets_tests.scenarios.case import Case, Values, properties_of, split_member
from talk_assets_tests.scenarios.memory import moment
from talk_assets_tests.scenarios.nested import LineNumbers, lines_of
from talk_assets_tests.scenarios.translate import Translation

_RUN = "before"


def seed(case: Case, translation: Translation, cycle: Cycle) -> None:
    """Store the links and bases of a case."""
    agreed = {frozenset(map(str, entry["members"])): entry for entry in case.base}
    known = {frozenset(map(str, members)): members for members in [*case.links, *(e["members"] for e in case.base)]}
    lines = {f"{side}/{at.type}" for side, at in lines_of(case).items()}
    whole = any("lines" in entry for entry in case.base)
    with cycle.ledger.begin() as connection:
        for members in known.values():
            if not any(_is_line(member, lines) for member in members):
                _seed_cluster(case, translation, cycle, connection, members, agreed.get(frozenset(map(str, members))))
        for members in known.values():
            if any(_is_line(member, lines) for member in members):
                # Lines are agreed as they are given.
                entry = {"values": _given(case, *split_member(members[0]))} if whole else None
                _seed_cluster(case, translation, cycle, connection, members, entry)


def _is_line(member: str, lines: set[str]) -> bool:
    side, type_, id_ = split_member(member)
    return f"{side}/{type_}" in lines or ("#" in id_ and not id_.startswith("new#"))


def _seed_cluster(
    case: Case,
    translation: Translation,
    cycle: Cycle,
    connection: sa.Connection,
    members: list[str],
    entry: Values | None,
) -> None:
    places = [split_member(member) for member in members]
    records = [_given(case, *place) for place in places]
    types = [_type_of(case, *place) for place in places]
    entities = [translation.entity_of(s, t, r) for (s, _, _), t, r in zip(places, types, records, strict=True)]
    subject = translation.mappings.subject_of(entities[0])
    document = _document_of(case, cycle, connection, entities[0], places[0], records[0])
    (number,) = links.new_clusters(connection, cycle.division, subject.subject, [document], _RUN)
    keys = [id_ for _, _, id_ in places]
    frame = pd.DataFrame({"entity": entities, "key": keys, "cluster_id": number, "origin": "given"})
    links.store_members(connection, cycle.division, frame, _RUN)
    if entry is None:
        return
    ages: dict[str, float] = {}
    for member, entity, key, record in zip(members, entities, keys, records, strict=True):
        held = _held(translation, entity, entry, member, record)
        times = _times(entry, member, record, held)
        ages |= {name: max(t, ages.get(name, t)) for name, t in times.items()}
        below = None
        if document is not None:
            side = split_member(member)[0]
            at = lines_of(case)[side]
            below = key.split("#")[0] if at.inside is not None else str(record[at.document])
        _seed_member(cycle, connection, subject, entity, key, number, record, held, times, below)
    values = {name: value for name, value in _agreed(translation, entities[0], entry).items() if name in ages}
    _seed_golden(cycle, connection, subject, number, values, ages, f"{entities[0]}/{keys[0]}")


def _given(case: Case, side: str, type_: str, id_: str) -> Values:
    at = lines_of(case).get(side)
    if at is None or at.inside is None or "#" not in id_:
        return next(record for record in case.records[side][type_] if str(record["id"]) == id_)
    document = _given(case, side, at.document, id_.split("#")[0])
    lines: list[Values] = document[at.inside]
    return lines[LineNumbers().keys(str(document["id"]), lines, at.key).index(id_)]


def _type_of(case: Case, side: str, type_: str, id_: str) -> str:
    at = lines_of(case).get(side)
    return at.type if at is not None and at.inside is not None and "#" in id_ else type_


def _document_of(
    case: Case, cycle: Cycle, connection: sa.Connection, entity: str, place: tuple[str, str, str], record: Values
) -> int | None:
    """Of a line the cluster of its document."""
    parent = cycle.capabilities[entity].document
    if parent is None:
        return None
    at = lines_of(case)[place[0]]
    key = place[2].split("#")[0] if at.inside is not None else str(record[at.document])
    found = links.clusters_of(connection, cycle.division, pd.Series([f"{parent}/{key}"]))
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
