"""Which writes of an entity can be sent now; the others are told why they wait."""

import json
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.collect import INVALID
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.lines import AMBIGUOUS_LINES
from talk_assets.cycle.linking import AMBIGUOUS
from talk_assets.cycle.prepare import Ready, prepare
from talk_assets.cycle.references import REFERENCE
from talk_assets.cycle.undecided import wait_for_decisions
from talk_assets.cycle.whole import decide_lines_left_out, wait_for_lines
from talk_assets.ledger import debts
from talk_assets.ledger.clusters import (
    keys_in,
    load_golden,
    members_of,
    positions_of,
    sources_of,
)
from talk_assets.ledger.members import load_members
from talk_assets.ledger.notes import add_skips, holds_of
from talk_assets.ledger.records import records_by_key
from talk_assets.sync.filters import outside
from talk_assets.sync.plan import OUT_OF_FILTER

# What the reason of a debt begins with whose write was forbidden.
FORBIDDEN = "forbidden: "
# Holds of records whose content is not decided about.
_UNDECIDED = [INVALID, AMBIGUOUS, AMBIGUOUS_LINES, REFERENCE]


@dataclass(frozen=True)
class NewLine:
    """A line that is created together with its document: its cluster, what is sent, and its canonical values."""

    cluster_id: int
    own: dict[str, str | None]
    canonical: dict[str, str]


@dataclass(frozen=True)
class Write:
    """One write to a system.

    Attributes:
        entity: the entity, a line entity for a line.
        cluster_id: the cluster it is owed to.
        slot: in it, which of several records of the entity, see `sync.slots`.
        operation: `create`, `update` or `delete`.
        key: the record's own key; None for a create.
        document: of a line: own key of its document.
        version: what the record's version was when it was last read.
        own: what is sent, under the entity's own names; None clears. Of a `delete`: what is set to archive the record,
            nothing when it is deleted.
        canonical: the same under canonical names, without constants; '' clears.
        expected: what the record held of it when the write was planned.
        remaining: what stays owed because what it points to is not there yet, and `reason` why.
        attempts: how often it was tried before.
        forbidden: what the system said when it was tried last and forbidden, else empty.
        lines: of a document to create: its lines.
        after: the debts of records that give up a code which this one takes, and so are written before it.
    """

    entity: str
    cluster_id: int
    operation: str
    key: str | None
    own: dict[str, str | None]
    canonical: dict[str, str]
    expected: dict[str, str] = field(default_factory=dict)
    remaining: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    document: str | None = None
    version: str | None = None
    attempts: int = 0
    forbidden: str = ""
    lines: list[NewLine] = field(default_factory=list)
    slot: int = 1
    after: tuple[tuple[int, int], ...] = ()

    @property
    def debt(self) -> tuple[int, int]:
        """Cluster and slot: one record of the entity."""
        return self.cluster_id, self.slot


def writes_of(cycle: Cycle, connection: sa.Connection, entity: str) -> list[Write]:
    """The writes to an entity that can be sent now, in the order of their clusters, deletions last.

    What was forbidden before comes after all others: it most likely is again, of which a system bears little.
    For the others it is stored what they wait for. A record whose insert has an unknown outcome is left out.
    """
    slots = [1]
    if cycle.mappings.subject_of(entity).keeps_twins:
        slots = debts.slots_owed(connection, cycle.division, entity)
    filling = [write for slot in slots for write in _filling(cycle, connection, entity, slot)]
    if len(slots) > 1:
        filling.sort(key=lambda write: write.debt)
    filling = _givers_first(cycle, entity, filling)
    return sorted([*filling, *_removing(cycle, connection, entity)], key=lambda write: bool(write.forbidden))


def _givers_first(cycle: Cycle, entity: str, writes: list[Write]) -> list[Write]:
    """The same writes, who gives a code up before who takes it: what somebody has is refused to others."""
    codes = {name for name, held in cycle.mappings.subject_of(entity).properties.items() if held.type == "code"}
    givers = {
        (name, value): write
        for write in writes
        for name, value in write.expected.items()
        if name in codes and value and write.canonical.get(name) != value
    }
    ordered: dict[tuple[int, int], Write] = {}
    opened: set[tuple[int, int]] = set()
    waiting = writes[::-1]
    while waiting:
        write = waiting[-1]
        before = (
            [givers[held] for held in write.canonical.items() if held in givers] if write.debt not in opened else []
        )
        opened.add(write.debt)
        before = [giver for giver in before if giver.debt not in opened]
        if before:
            waiting += before
        else:
            waiting.pop()
            givers_of = (givers[held].debt for held in write.canonical.items() if held in givers)
            # In a ring none is before all others: the system has to say what becomes of that.
            after = tuple(debt for debt in givers_of if debt in ordered)
            ordered.setdefault(write.debt, replace(write, after=after))
    return list(ordered.values())


def _forbidden(reason: object) -> str:
    return str(reason) if str(reason).startswith(FORBIDDEN) else ""


def _removing(cycle: Cycle, connection: sa.Connection, entity: str) -> list[Write]:
    """The deletions, and what archives a record instead."""
    rows = debts.removals_owed(connection, cycle.division, entity)
    if rows.empty:
        return []
    waits = _reasons_while_held(cycle, connection, entity, rows["key"])
    for (cluster_id, slot), reason in zip(rows[["cluster_id", "slot"]].to_numpy(), waits, strict=True):
        if reason:
            debts.set_state(
                connection, cycle.division, entity, int(cluster_id), state="waiting", reason=reason, slot=int(slot)
            )
    rows = rows[waits.eq("")]
    versions = _versions(cycle, connection, entity, rows["key"])
    return [
        Write(
            entity=entity,
            cluster_id=int(row["cluster_id"]),
            operation="delete",
            key=str(row["key"]),
            own=json.loads(row["values"]),
            canonical={},
            version=versions.get(row["key"]),
            attempts=int(row["attempts"]),
            forbidden=_forbidden(row["reason"]),
            slot=int(row["slot"]),
        )
        for row in rows.to_dict("records")
    ]


def _versions(cycle: Cycle, connection: sa.Connection, entity: str, keys: pd.Series) -> dict[Hashable, str]:
    """The versions of records that were read since they were last written."""
    if keys.empty:
        return {}
    known = records_by_key(connection, cycle.division, entity, keys, [])
    versions: dict[Hashable, str] = known[known["written_at"].isna()].set_index("key")["version"].dropna().to_dict()
    return versions


def _filling(cycle: Cycle, connection: sa.Connection, entity: str, slot: int) -> list[Write]:
    """The creates and updates of a slot."""
    ready = wait_for_decisions(cycle, connection, prepare(cycle, connection, entity, slot))
    if ready.rows.empty:
        return []
    lines, lines_entity = None, cycle.lines_of(entity)
    if lines_entity is not None:
        decide_lines_left_out(cycle, connection, ready, lines_entity)
        lines = wait_for_decisions(cycle, connection, prepare(cycle, connection, lines_entity))
    waits = ready.waits if lines is None else wait_for_lines(cycle, connection, ready, lines)
    waits = waits.mask(waits.eq("") & ready.own.isna().all(axis=1), ready.reasons)
    waits = waits.mask(waits.eq(""), _reasons_while_held(cycle, connection, entity, ready.rows["key"]))
    document_entity = cycle.capabilities[entity].document
    documents = {} if document_entity is None else _documents(cycle, connection, document_entity, ready)
    if document_entity is not None:
        homeless = waits.eq("") & ~_names(ready.rows["document_id"]).isin(list(documents))
        waits = waits.mask(homeless, f"waits for its document to be created in {document_entity}")
        waits = _wait_for_filter(cycle, connection, document_entity, ready, waits)
    for cluster_id, reason in waits[waits.ne("")].items():
        number = int(str(cluster_id))
        debts.set_state(
            connection, cycle.division, entity, number, state="waiting", reason=str(reason), slot=ready.slot
        )
    nothing = waits.eq("") & ready.own.isna().all(axis=1) & ready.rows["operation"].eq("update")
    if nothing.any():
        debts.drop_owed(connection, cycle.division, ready.rows.index[nothing], entity, slot)
    uncertain = debts.clusters_with_intent(connection, cycle.division, entity)
    sendable = ready.rows.index[waits.eq("") & ~nothing]
    inserts = ready.rows["operation"].eq("create") & ready.rows.index.isin(uncertain)
    return _build(cycle, connection, ready, lines, documents, sendable.difference(ready.rows.index[inserts]))


def _documents(cycle: Cycle, connection: sa.Connection, entity: str, ready: Ready) -> dict[Hashable, str]:
    """The keys of the lines' documents by the documents' clusters, as text."""
    numbers = pd.Index(ready.rows["document_id"].dropna().astype("int64").unique())
    return {number: str(key) for number, key in keys_in(connection, cycle.division, entity, numbers).items()}


def _names(clusters: pd.Series) -> pd.Series:
    return clusters.astype("Int64").astype("str")


def _reasons_while_held(cycle: Cycle, connection: sa.Connection, entity: str, keys: pd.Series) -> pd.Series:
    """Why records are not written while they are held, '' for others: what they hold is not decided about."""
    known = keys.dropna().astype("str")
    if known.empty:
        return pd.Series("", index=keys.index, dtype="str")
    targets = pd.DataFrame({"entity": entity, "key": known})
    held = holds_of(connection, cycle.division, targets, _UNDECIDED).drop_duplicates("key").set_index("key")["reason"]
    text = "waits for " + entity + "/" + known + ", which is held: " + known.map(held).astype("str")
    return text.reindex(keys.index).fillna("")


def _wait_for_filter(cycle: Cycle, connection: sa.Connection, entity: str, ready: Ready, waits: pd.Series) -> pd.Series:
    """Lines go with their document: while it is outside a filter, its lines are not written either."""
    subject = cycle.mappings.subject_of(entity)
    filters = subject.filters_of(entity)
    of_document = ready.rows["document_id"].astype("Int64")
    numbers = pd.Index(of_document[waits.eq("")].dropna().astype("int64").unique())
    if numbers.empty or not (filters.read or filters.write):
        return waits
    out = numbers[:0]
    if filters.read:
        # What leaves the filter is forgotten, but for its link.
        out = numbers.difference(load_members(connection, cycle.division, entity, [], numbers).keys.index)
    if filters.write:
        agreed = load_golden(connection, list(subject.properties), numbers).values
        out = out.union(agreed.index[outside(agreed, filters.write, agreed.index)])
    shut = waits.eq("") & of_document.isin(out)
    if not shut.any():
        return waits
    _note_left_out(cycle, connection, ready.entity, ready.rows["key"][shut])
    return waits.mask(shut, f"waits for its document to meet the filter of {entity}")


def _note_left_out(cycle: Cycle, connection: sa.Connection, entity: str, keys: pd.Series) -> None:
    """Note of lines, or of those from which one would be made, that they are not written for a filter's sake."""
    numbers = keys.index.to_series()
    own = (entity + "/" + keys.astype("str")).fillna(numbers.map(sources_of(connection, cycle.division, keys.index)))
    parts = own.dropna().astype("str").str.partition("/")
    rows = pd.DataFrame({"entity": parts[0], "key": parts[2]})
    subject = cycle.mappings.subject_of(entity).subject
    rows = rows.assign(subject=subject, property=None, rule=OUT_OF_FILTER)
    add_skips(connection, cycle.division, rows, cycle.run_id)


def _build(
    cycle: Cycle,
    connection: sa.Connection,
    ready: Ready,
    lines: Ready | None,
    documents: dict[Hashable, str],
    sendable: pd.Index,
) -> list[Write]:
    subject = cycle.mappings.subject_of(ready.entity)
    versions = _versions(cycle, connection, ready.entity, ready.rows["key"].dropna())
    own_of, canonical_of = _texts(ready.own), _texts(ready.canonical)
    expected_of, left_out_of = _texts(ready.expected), _texts(ready.left_out)
    new_lines = _new_lines(cycle, connection, lines)
    reasons = {number: str(reason) for number, reason in ready.reasons.items()}
    document_of = _names(ready.rows["document_id"]).to_dict()
    named_of = _named(cycle, connection, ready, sendable)
    found = []
    for cluster_id, row in ready.rows.loc[sendable].to_dict("index").items():
        create = row["operation"] == "create"
        own = {name: value or None for name, value in own_of[cluster_id].items()}
        found.append(
            Write(
                entity=ready.entity,
                cluster_id=int(str(cluster_id)),
                operation=str(row["operation"]),
                key=None if create else str(row["key"]),
                own={
                    **(subject.constants.get(ready.entity, {}) if create else {}),
                    **named_of.get(cluster_id, {}),
                    **own,
                },
                canonical=canonical_of[cluster_id],
                expected=expected_of[cluster_id],
                remaining=left_out_of[cluster_id],
                reason=reasons[cluster_id],
                document=documents.get(document_of[cluster_id]),
                version=None if create else versions.get(row["key"]),
                attempts=int(row["attempts"]),
                forbidden=_forbidden(row["reason"]),
                lines=new_lines.get(cluster_id, []) if create else [],
                slot=ready.slot,
            )
        )
    return found


def _named(
    cycle: Cycle, connection: sa.Connection, ready: Ready, sendable: pd.Index
) -> dict[Hashable, dict[str, str | None]]:
    """Per cluster the property by which what is created names the record it is made from, where the mapping has one."""
    joins = [flow.join for flow in cycle.mappings.subject_of(ready.entity).flows.values() if flow.join is not None]
    written = [join for join in joins if join.written and join.entity == ready.entity]
    creates = sendable[ready.rows.loc[sendable, "operation"].eq("create")] if written else sendable[:0]
    if creates.empty:
        return {}
    members = members_of(connection, cycle.division, creates)
    members = members[~members["deleted"].astype(bool)]
    found: dict[Hashable, dict[str, str | None]] = {}
    for join in written:
        mine = members[members["entity"].eq(join.to)].sort_values("key").drop_duplicates("cluster_id")
        for number, key in zip(mine["cluster_id"], mine["key"], strict=True):
            found.setdefault(int(number), {})[join.name] = str(key)
    return found


def _new_lines(cycle: Cycle, connection: sa.Connection, lines: Ready | None) -> dict[Hashable, list[NewLine]]:
    """Per document cluster the lines to create with it, in the order of the document they come from."""
    found: dict[Hashable, list[NewLine]] = {}
    if lines is None:
        return found
    own_of, canonical_of = _texts(lines.own), _texts(lines.canonical)
    creates = lines.rows["document_id"][lines.rows["operation"].eq("create")].dropna()
    places = positions_of(connection, cycle.division, pd.Index(creates.index, dtype="int64")).reindex(creates.index)
    for cluster_id, document in creates.loc[places.sort_values(kind="stable").index].items():
        own: dict[str, str | None] = {name: value or None for name, value in own_of[cluster_id].items()}
        found.setdefault(int(document), []).append(NewLine(int(str(cluster_id)), own, canonical_of[cluster_id]))
    return found


def _texts(frame: pd.DataFrame) -> dict[Hashable, dict[str, str]]:
    """Per cluster the values there are."""
    rows = frame.to_dict("index")
    return {
        cluster_id: {str(name): str(value) for name, value in row.items() if isinstance(value, str)}
        for cluster_id, row in rows.items()
    }
