"""Which of a run's writes can be put back, and why the others are left as they are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.merge import OPEN_STILL
from talk_assets.ledger.clusters import clusters_of, members_of
from talk_assets.ledger.former import ever_members
from talk_assets.ledger.notes import holds_of
from talk_assets.mappings.model import Property, Subject
from talk_assets.sync.columns import arrow
from talk_assets.sync.compare import made_coarser, said
from talk_assets.sync.unit import active
from talk_assets.undo import written
from talk_assets.undo.written import Row

# How history calls writes that made a record, or changed one.
_CREATES, _UPDATES = ("create", written.FOUND_INSERT), ("update", written.FOUND_UPDATE)
# Writes after which a record is no longer there, or no longer in use, and what they did.
_REMOVALS = {"delete": "deleted", "archive": "archived", written.VANISHED: "gone"}


@dataclass(frozen=True)
class Reversal:
    """A value that a run wrote to a record.

    Attributes:
        record: `entity/key`.
        name: the property, as the record's system calls it.
        property: its canonical name.
        subject: what the record is about.
        cluster: number of the record's cluster.
        written: what the run wrote; None: it cleared.
        former: what the record held before, and is to be agreed on again; None: it was empty.
        reason: why it is left as it is; '' when it is put back.
    """

    record: str
    name: str
    property: str
    subject: str
    cluster: int
    written: str | None
    former: str | None
    reason: str = ""


@dataclass(frozen=True)
class Removal:
    """A record that a run deleted or archived, which is not put back.

    Attributes:
        record: `entity/key`.
        how: `deleted` or `archived`.
        reason: that it is not put back, and what a person can do.
    """

    record: str
    how: str
    reason: str


@dataclass(frozen=True)
class UndoPlan:
    """What undoing a run comes to.

    Attributes:
        run: the run that is undone.
        back: what is put back.
        left: what is left as it is, with the reasons.
        created: records that the run created; nothing is deleted, so a person has to.
        removed: records that the run deleted or archived; they are not put back, so a person has to.
    """

    run: str
    back: Sequence[Reversal]
    left: Sequence[Reversal]
    created: Sequence[str]
    removed: Sequence[Removal]

    def as_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return asdict(self)


def plan_undo(cycle: Cycle, connection: sa.Connection, run: str, cluster: int | None) -> UndoPlan:
    """Look at everything that a run wrote, as the ledger knows it now.

    Args:
        cycle: the run that undoes, after it has read both systems.
        connection: in a transaction.
        run: the run that is undone.
        cluster: only this cluster, of a document with its lines; None for all.
    """
    rows = written.writes_of_run(connection, cycle.division, run, cluster)
    vanished = written.vanished(connection, cycle.division, run, cluster)
    created = {f"{row['entity']}/{row['key']}": row["deleted_at"] for row in rows if row["rule"] in _CREATES}
    updates: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        record = f"{row['entity']}/{row['key']}"
        if row["rule"] in _UPDATES and row["property"] and record not in created:
            updates.setdefault((row["entity"], row["key"], row["property"]), []).append(row)
    found = _Examination(cycle, connection, run, rows).reversals(updates.values()) if updates else []
    found = _together(cycle, found)
    return UndoPlan(
        run=run,
        back=[each for each in found if not each.reason],
        left=[each for each in found if each.reason],
        created=[record for record, deleted_at in created.items() if deleted_at is None],
        removed=_removed(cycle, connection, [*(row for row in rows if row["rule"] in _REMOVALS), *vanished]),
    )


def _removed(cycle: Cycle, connection: sa.Connection, rows: Sequence[Row]) -> list[Removal]:
    """What the run took away, and how a person brings it back: a link that ended so does not come back by itself."""
    numbers = sorted({int(row["cluster_id"]) for row in rows if row["cluster_id"] is not None})
    gone: dict[int, list[str]] = {}
    for other in written.gone(connection, cycle.division, numbers):
        gone.setdefault(int(other["cluster_id"]), []).append(f"{other['entity']}/{other['key']}")
    found = {}
    for row in rows:
        record = f"{row['entity']}/{row['key']}"
        others = " and ".join(other for other in gone.get(row["cluster_id"], []) if other != record)
        held = f"talk-assets why {record} tells what it held"
        if row["rule"] == "archive":
            reason = (
                f"archiving is not undone: {row['property']} was set to {_quoted(row['after'])}, and what it was is "
                "not known. Set it back by hand; the record is then left alone"
            )
        elif others:
            reason = (
                f"a deletion is not undone: bring {others} back where it was deleted, and the next sync creates this "
                f"one again; or enter it by hand. {held}"
            )
        else:
            reason = f"a deletion is not undone: enter it by hand. {held}"
        if row["rule"] == written.VANISHED:
            reason = f"its deletion was sent and not answered; it is gone since, by that or by somebody else: {reason}"
        found[record] = Removal(record, _REMOVALS[row["rule"]], reason)
    return list(found.values())


def _together(cycle: Cycle, found: Sequence[Reversal]) -> list[Reversal]:
    """What is decided together is put back together: one that is left as it is keeps the others of its group."""
    kept = {(each.cluster, _group(cycle, each)): each.property for each in found if each.reason}
    done = []
    for each in found:
        group = _group(cycle, each)
        because = kept.get((each.cluster, group)) if group else None
        reason = f"it is decided together with {because}, which is left as it is" if because else ""
        done.append(replace(each, reason=each.reason or reason))
    return done


def _group(cycle: Cycle, each: Reversal) -> str:
    """The group that the property is decided with; '' when it is decided alone, or not mapped any more."""
    try:
        return cycle.subject(each.subject).properties[each.property].group or ""
    except KeyError:
        return ""


class _Examination:
    """What has happened to the writes of a run since.

    Args:
        cycle: the run that undoes.
        connection: in a transaction.
        run: the run that is undone.
        rows: what it wrote, at least one row.
    """

    def __init__(self, cycle: Cycle, connection: sa.Connection, run: str, rows: Sequence[Row]) -> None:
        self._cycle, self._connection = cycle, connection
        numbers = sorted({int(row["cluster_id"]) for row in rows if row["cluster_id"] is not None})
        at = (connection, cycle.division)
        self._since = written.since(*at, min(int(row["id"]) for row in rows), numbers)
        self._decided = written.decided_by(*at, run, numbers)
        self._members: dict[int, list[Row]] = {}
        for row in written.members(*at, numbers):
            self._members.setdefault(int(row["cluster_id"]), []).append(row)
        self._owed = [row for row in written.owed(*at, numbers) if row["state"] != "person"]
        self._conflicts = written.conflicts(*at, numbers)
        self._held = self._holds()
        ever = ever_members(connection, members_of(*at, pd.Index(numbers, dtype="int64")))
        self._ever: dict[int, set[str]] = {}
        for each in ever.to_dict("records"):
            self._ever.setdefault(int(each["cluster_id"]), set()).add(str(each["entity"]))

    def _holds(self) -> dict[int, str]:
        """Clusters that are held, and why."""
        rows = [(r["entity"], r["key"], number) for number, those in self._members.items() for r in those]
        records = pd.DataFrame(rows, columns=["entity", "key", "cluster_id"]).astype({"entity": "str", "key": "str"})
        held = holds_of(self._connection, self._cycle.division, records, OPEN_STILL).merge(
            records, on=["entity", "key"]
        )
        return {
            int(r["cluster_id"]): f"{r['entity']}/{r['key']} is held: {r['reason']}" for r in held.to_dict("records")
        }

    def reversals(self, updates: Iterable[Sequence[Row]]) -> list[Reversal]:
        """Per record and property what is put back, or why not."""
        found = [self._reversal(rows) for rows in updates]
        per_value: dict[tuple[int, str], list[Reversal]] = {}
        for each in found:
            per_value.setdefault((each.cluster, each.property), []).append(each)
        return [each for those in per_value.values() for each in self._agreed(those)]

    def _reversal(self, rows: Sequence[Row]) -> Reversal:
        """One record's property; a run can have written it more than once."""
        first, last = rows[0], rows[-1]
        entity, name = str(last["entity"]), str(last["property"])
        record = f"{entity}/{last['key']}"
        try:
            subject = self._cycle.mappings.subject_of(entity)
        except KeyError:
            return Reversal(record, name, name, last["subject"], -1, last["after"], first["before"], "it is not mapped")
        row = subject.held_by(entity).get(name)
        own = row.members[entity].name if row is not None else name
        number = -1 if last["cluster_id"] is None else int(last["cluster_id"])
        each = Reversal(record, own, name, subject.subject, number, last["after"], first["before"])
        if row is None or row.direction == "match":
            return replace(each, reason="no mapping writes it any more")
        if number < 0 or last["deleted_at"] is not None:
            return replace(each, reason="the record is gone, or is not linked any more")
        return replace(each, reason=self._hindrance(each, subject, row, last))

    def _hindrance(self, each: Reversal, subject: Subject, row: Property, last: Row) -> str:
        """Why a value is left as it is; '' when nothing has happened to it since."""
        entity, name = each.record.partition("/")[0], each.property
        kept = [each.written]
        for event in self._since:
            if event["id"] <= last["id"] or event["cluster_id"] != each.cluster or event["property"] != each.property:
                continue
            if event["kind"] == "decision" and (event["before"] or None) != (event["after"] or None):
                whose = f" of {event['winner']}" if event["winner"] else ""
                return f"it was decided anew in run {event['run']}: {_quoted(event['after'])}{whose}"
            if event["kind"] == "write" and f"{event['entity']}/{event['key']}" == each.record:
                if event["rule"] != "kept as":
                    return f"it was written again in run {event['run']}"
                kept.append(event["after"])
        holds = last["values"].get(each.property)
        if not any(self._same(row, holds, value) for value in kept):
            return f"it holds {_quoted(holds)} now"
        for debt in self._owed:
            mine = debt["key"] is None or f"{entity}/{debt['key']}" == each.record
            if (debt["cluster_id"], debt["entity"]) == (each.cluster, entity) and mine and name in debt["values"]:
                return f"it is owed {_quoted(debt['values'][each.property])} already"
        if (each.cluster, each.property) in self._conflicts:
            return "a person has to decide about it: talk-assets conflicts"
        if each.cluster in self._held:
            return self._held[each.cluster]
        if not each.former and not row.clear:
            return "it was empty before, and its mapping lets nobody clear it: clear it in both systems by hand"
        return self._not_writable(each, subject, row)

    def _not_writable(self, each: Reversal, subject: Subject, row: Property) -> str:
        """The record of the same thing that would keep another value, because it is not written."""
        those = self._members.get(each.cluster, [])
        index = pd.Index([each.cluster])
        there = self._ever.get(each.cluster, set())
        had = {entity: pd.Series([entity in there], index=index) for entity in subject.entities}
        for other in those:
            entity = str(other["entity"])
            if entity not in row.members:
                continue
            applies = active(row, entity, had, index)
            capability = self._cycle.capabilities[entity]
            possible = (
                capability.read_only is None and capability.properties[row.members[entity].name].write == "always"
            )
            holds = other["values"].get(each.property)
            if (
                (applies is None or applies.all())
                and not (possible and row.writes(entity) == "always")
                and not self._same(row, holds, each.former)
                and not self._shortened(row, holds, each.former)
            ):
                return f"{entity}/{other['key']} holds {_quoted(holds)} and is not written by us: change it there"
        return ""

    def _agreed(self, those: Sequence[Reversal]) -> list[Reversal]:
        """One property of a cluster has one value: several records must have held the same before."""
        row = self._cycle.mappings.subject_of(those[0].record.partition("/")[0]).properties.get(those[0].property)
        if row is None or any(each.reason for each in those):
            # What one record keeps, the others keep too.
            first = next((each for each in those if each.reason), those[0])
            reason = f"{first.record}: {first.reason}"
            return [each if each.reason else replace(each, reason=reason) for each in those]
        whole = self._decided.get((those[0].cluster, those[0].property))
        former = whole if whole and all(self._fits(row, each.former, whole) for each in those) else those[0].former
        if not all(self._fits(row, each.former, former) for each in those):
            told = ", ".join(f"{_quoted(each.former)} in {each.record}" for each in those)
            return [replace(each, reason=f"the run replaced different values: {told}") for each in those]
        return [replace(each, former=former) for each in those]

    def _fits(self, row: Property, held: str | None, whole: str | None) -> bool:
        return self._same(row, held, whole) or self._shortened(row, held, whole)

    def _same(self, row: Property, one: str | None, other: str | None) -> bool:
        """Whether two values say the same; references to records of one thing do."""
        values = pd.Series([one or None, other or None], dtype="str")
        targets = (
            clusters_of(self._connection, self._cycle.division, values)
            if row.to is not None
            else pd.Series(dtype="str", index=pd.Index([], dtype="str"))
        )
        left, right = said(arrow(values), row, targets).to_pylist()
        return bool(left == right)

    def _shortened(self, row: Property, held: str | None, whole: str | None) -> bool:
        """Whether a value is what an entity makes of another one."""
        if not held or not whole:
            return False
        return bool(made_coarser(pd.Series([held], dtype="str"), pd.Series([whole], dtype="str"), row).iloc[0])


def _quoted(value: str | None) -> str:
    return repr(value) if value else "nothing"


def by_value(reversals: Iterable[Reversal]) -> Mapping[tuple[int, str], Reversal]:
    """One of the reversals per cluster and property: they have the same former value."""
    return {(each.cluster, each.property): each for each in reversals}
