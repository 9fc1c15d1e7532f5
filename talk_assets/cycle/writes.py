"""Which writes of an entity can be sent now; the others are told why they wait."""

from dataclasses import dataclass, field

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.collect import INVALID_LINE
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.prepare import Ready, prepare
from talk_assets.ledger import debts
from talk_assets.ledger.clusters import keys_in, members_of
from talk_assets.ledger.notes import holds
from talk_assets.ledger.records import records_by_key


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
        operation: `create` or `update`.
        key: the record's own key; None for a create.
        document: of a line: own key of its document.
        version: what the record's version was when it was last read.
        own: what is sent, under the entity's own names; None clears.
        canonical: the same under canonical names, without constants; '' clears.
        expected: what the record held of it when the write was planned.
        remaining: what stays owed because what it points to is not there yet, and `reason` why.
        attempts: how often it was tried before.
        lines: of a document to create: its lines.
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
    lines: list[NewLine] = field(default_factory=list)


def writes_of(cycle: Cycle, connection: sa.Connection, entity: str) -> list[Write]:
    """The writes to an entity that can be sent now, in the order of their clusters.

    For the others it is stored what they wait for. A record whose insert has an unknown outcome is left out.
    """
    ready = prepare(cycle, connection, entity)
    if ready.rows.empty:
        return []
    lines_entity = cycle.lines_of(entity)
    lines = prepare(cycle, connection, lines_entity) if lines_entity is not None else None
    waits = ready.waits if lines is None else _wait_for_lines(cycle, connection, ready, lines)
    for cluster_id, reason in waits[waits.ne("")].items():
        debts.set_state(connection, cycle.division, entity, int(str(cluster_id)), state="waiting", reason=str(reason))
    uncertain = debts.clusters_with_intent(connection, cycle.division, entity)
    sendable = ready.rows.index[waits.eq("")]
    inserts = ready.rows["operation"].eq("create") & ready.rows.index.isin(uncertain)
    return _build(cycle, connection, ready, lines, sendable.difference(ready.rows.index[inserts]))


def _wait_for_lines(cycle: Cycle, connection: sa.Connection, ready: Ready, lines: Ready) -> pd.Series:
    """A document is created whole: with all its lines, or not yet."""
    waits = ready.waits
    creates = ready.rows["operation"].eq("create")
    of_document = lines.rows["document_id"].astype("Int64")
    blocked = lines.waits[lines.waits.ne("")].groupby(of_document).first()
    waits = waits.mask(creates & waits.eq(""), waits.index.to_series().map(blocked).fillna("").astype("str"))
    members = members_of(connection, cycle.division, ready.rows.index[creates])
    held = holds(connection, cycle.division)
    held = held[held["kind"].eq(INVALID_LINE)].merge(members, on=["entity", "key"])
    broken = held.drop_duplicates("cluster_id").set_index(held["cluster_id"].astype("int64"))["reason"]
    waits = waits.mask(creates & waits.eq(""), waits.index.to_series().map(broken).fillna("").astype("str"))
    if cycle.capabilities[ready.entity].requires_lines:
        empty = creates & ~waits.index.isin(of_document.dropna())
        waits = waits.mask(empty & waits.eq(""), f"{ready.entity} takes no document without lines: add a line")
    return waits


def _build(
    cycle: Cycle, connection: sa.Connection, ready: Ready, lines: Ready | None, sendable: pd.Index
) -> list[Write]:
    subject = cycle.mappings.subject_of(ready.entity)
    document_entity = cycle.capabilities[ready.entity].document
    documents: dict[str, str] = {}
    if document_entity is not None:
        numbers = pd.Index(ready.rows["document_id"].dropna().astype("int64").unique())
        found_keys = keys_in(connection, cycle.division, document_entity, numbers)
        documents = {str(number): str(key) for number, key in found_keys.items()}
    known = records_by_key(connection, cycle.division, ready.entity, ready.rows["key"].dropna(), [])
    versions = known.set_index("key")["version"].dropna().to_dict()
    found = []
    for cluster_id in sendable:
        row = ready.rows.loc[cluster_id]
        create = row["operation"] == "create"
        own = _own(ready, cluster_id)
        document = documents.get(str(row["document_id"]))
        if not own or (document_entity is not None and document is None):
            continue
        found.append(
            Write(
                entity=ready.entity,
                cluster_id=int(cluster_id),
                operation=str(row["operation"]),
                key=None if create else str(row["key"]),
                own={**(subject.constants.get(ready.entity, {}) if create else {}), **own},
                canonical=_texts(ready.canonical, cluster_id),
                expected=_texts(ready.expected, cluster_id),
                remaining=_texts(ready.left_out, cluster_id),
                reason=str(ready.reasons[cluster_id]),
                document=document,
                version=None if create else versions.get(row["key"]),
                attempts=int(row["attempts"]),
                lines=_new_lines(lines, cluster_id) if create and lines is not None else [],
            )
        )
    return found


def _new_lines(lines: Ready, document: int) -> list[NewLine]:
    mine = lines.rows.index[lines.rows["document_id"].eq(document) & lines.rows["operation"].eq("create")]
    return [NewLine(int(line), _own(lines, line), _texts(lines.canonical, line)) for line in mine]


def _own(ready: Ready, cluster_id: int) -> dict[str, str | None]:
    return {name: value or None for name, value in _texts(ready.own, cluster_id).items()}


def _texts(frame: pd.DataFrame, cluster_id: int) -> dict[str, str]:
    return {str(name): str(value) for name, value in frame.loc[cluster_id].dropna().items()}
