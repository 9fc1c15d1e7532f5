"""What people read: holds, conflicts, history, and the runs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from talk_assets.ledger.bulk import FEW, analyse_grown, copy_frame, read_columns, read_frame, upsert_frame
from talk_assets.ledger.keys import among, keys_of, records_named, values_of
from talk_assets.ledger.tables import conflict, history, hold, member, record, run
from talk_assets.mappings.model import Subject

# How a run ended.
DONE, FAILURES = "done", "failures"
# Why a value is not passed on: no value map has its code.
UNMAPPED_VALUE = "unmapped_value"
# What a person said of a record; it waits for nothing while the record is gone.
_SAID = ("unlinked",)
_CLAIM = ["entity", "key", "value", "time"]
_HOLD_KEY = ["division", "entity", "key", "kind", "property"]


def replace_holds(
    connection: sa.Connection,
    division: str,
    looked_at: pd.DataFrame,
    kinds: Sequence[str],
    found: pd.DataFrame,
    run_id: str,
) -> None:
    """Make the holds of some kinds on the records looked at (`entity, key`) those found.

    Args:
        connection: in a transaction.
        division: the division.
        looked_at: the records that were examined; holds of other records stay.
        kinds: the kinds of hold that were examined.
        found: `entity, key, kind, property, reason, value` of the holds there are now; one that was there keeps its
            date.
        run_id: the run.
    """
    if looked_at.empty:
        return
    examined = keys_of(connection, looked_at, "entity", "key")
    former = sa.delete(hold).where(
        hold.c.division == division,
        hold.c.kind.in_(kinds),
        hold.c.entity == examined.c.entity,
        hold.c.key == examined.c.key,
    )
    if found.empty:
        connection.execute(former)
        return
    names = ("entity", "key", "kind", "property")
    still = keys_of(connection, found, *names)
    connection.execute(former.where(~sa.exists().where(*(still.c[name] == hold.c[name] for name in names))))
    rows = found.assign(division=division, since=pd.Timestamp.now("UTC"), run=run_id).drop_duplicates(_HOLD_KEY)
    upsert_frame(connection, hold, rows, key=_HOLD_KEY, update=["reason", "value"])


def holds(connection: sa.Connection, division: str, entities: Sequence[str] | None = None) -> pd.DataFrame:
    """All holds, or those of some entities: `entity, key, kind, property, reason, value, since`.

    What a person said of records that are gone is kept for their return, and is not among them.
    """
    at = (record.c[name] == hold.c[name] for name in ("division", "entity", "key"))
    gone = sa.exists().where(*at, record.c.deleted_at.is_not(None))
    query = _holds(division).where(~(hold.c.kind.in_(_SAID) & gone))
    return read_frame(connection, query if entities is None else query.where(hold.c.entity.in_(entities)))


def holds_of(
    connection: sa.Connection, division: str, records: pd.DataFrame, kinds: Sequence[str] | None = None
) -> pd.DataFrame:
    """The holds of some kinds, or of any, on the records `entity, key`; columns as of `holds`."""
    query = _holds_on(division, keys_of(connection, records, "entity", "key"))
    return read_frame(connection, query if kinds is None else query.where(hold.c.kind.in_(kinds)))


def _holds_on(division: str, wanted: sa.FromClause) -> sa.Select[tuple[object, ...]]:
    return _holds(division).where(hold.c.entity == wanted.c.entity, hold.c.key == wanted.c.key)


def _holds(division: str) -> sa.Select[tuple[object, ...]]:
    names = ("entity", "key", "kind", "property", "reason", "value", "since")
    return (
        sa.select(*(hold.c[name] for name in names))
        .where(hold.c.division == division)
        .order_by(hold.c.entity, hold.c.key, hold.c.kind)
    )


def hold_reasons(connection: sa.Connection, division: str, references: pd.Series) -> pd.Series:
    """Index `entity/key`, value the first reason why that record is held."""
    if references.isna().all():
        return pd.Series(dtype="str", index=pd.Index([], dtype="str"))
    found = read_frame(connection, _holds_on(division, records_named(connection, references)))
    first = found.assign(name=found["entity"] + "/" + found["key"]).drop_duplicates("name")
    return pd.Series(first["reason"].to_numpy(), index=pd.Index(first["name"], dtype="str"), dtype="str")


def add_history(connection: sa.Connection, division: str, rows: pd.DataFrame, run_id: str) -> None:
    """Append to history: `subject, kind` and any of its other columns."""
    if rows.empty:
        return
    frame = rows.assign(division=division, at=pd.Timestamp.now("UTC"), run=run_id).reset_index(drop=True)
    copy_frame(connection, history.fullname, frame, [str(name) for name in frame.columns])
    if len(frame) > FEW:
        analyse_grown(connection, history, len(frame))


def add_skips(connection: sa.Connection, division: str, rows: pd.DataFrame, run_id: str) -> None:
    """Note what was deliberately not written: `subject, entity, key, property, rule`, of which `rule` is the reason.

    What was noted already is not noted again, unless its cluster was written since.
    """
    if rows.empty:
        return
    names = ["entity", "key", "property", "rule"]
    told = keys_of(connection, rows[names].fillna("").astype("str"), *names)
    note, write = history.alias("note"), history.alias("write")
    same_record = (write.c[name] == note.c[name] for name in ("division", "entity", "key"))
    written = sa.exists().where(write.c.kind == "write", *same_record, write.c.id > note.c.id)
    again = sa.exists().where(
        note.c.division == division,
        note.c.kind == "skip",
        *(sa.func.coalesce(note.c[name], "") == told.c[name] for name in names),
        ~written,
    )
    known = read_frame(connection, sa.select(*(told.c[name] for name in names)).where(again))
    seen = set(known[names].itertuples(index=False, name=None))
    fresh = [tuple(row) not in seen for row in rows[names].fillna("").astype("str").itertuples(index=False, name=None)]
    add_history(connection, division, rows[fresh].assign(kind="skip"), run_id)


def skipped_among(connection: sa.Connection, division: str, entity: str, keys: Iterable[str], rule: str) -> set[str]:
    """Of which of the records it was ever noted that they are skipped for this reason."""
    wanted = values_of(connection, "key", keys)
    told = (history.c.division == division, history.c.entity == entity, history.c.key == wanted.c.key)
    found = connection.execute(sa.select(wanted.c.key).where(sa.exists().where(*told, history.c.rule == rule)))
    return set(found.scalars())


def add_unmapped(connection: sa.Connection, division: str, subject: Subject, found: pd.DataFrame, run_id: str) -> None:
    """Note codes that are in no value map, of holds `entity, key, property`."""
    choices = [name for name, row in subject.properties.items() if row.type == "choice"]
    rows = found.loc[found["property"].isin(choices), ["entity", "key", "property"]]
    add_skips(connection, division, rows.assign(subject=subject.subject, rule=UNMAPPED_VALUE), run_id)


def add_events(connection: sa.Connection, division: str, rows: Sequence[Mapping[str, Any]], run_id: str) -> None:
    """Append a few rows to history, each with `subject, kind` and any of its other columns; all with the same ones."""
    if rows:
        common = {"division": division, "run": run_id}
        connection.execute(sa.insert(history).values(at=sa.func.now()), [{**common, **row} for row in rows])


def replace_conflicts(
    connection: sa.Connection, division: str, subject: str, clusters: pd.Index, found: pd.DataFrame, run_id: str
) -> None:
    """Make the open conflicts of clusters those found: `cluster_id, property, kind, entity, key, value, time`."""
    claims = found.assign(time=found["time"].astype("str")).astype("object")
    # Whoever cleared a property claims that it has no value.
    claims = claims.where(claims.notna(), None)
    grouped: dict[tuple[int, str, str], list[dict[str, Any]]] = {}
    for number, name, kind, *claim in claims[["cluster_id", "property", "kind", *_CLAIM]].itertuples(
        index=False, name=None
    ):
        grouped.setdefault((int(number), str(name), str(kind)), []).append(dict(zip(_CLAIM, claim, strict=True)))
    still = connection.execute(
        sa.select(conflict.c.id, conflict.c.cluster_id, conflict.c.property, conflict.c.kind).where(
            conflict.c.division == division,
            conflict.c.resolved_at.is_(None),
            # Those about whole records end otherwise, see `ledger.contested`.
            conflict.c.kind != "edit_versus_delete",
            conflict.c.cluster_id.in_(among(connection, clusters)),
        )
    ).all()
    over = [row.id for row in still if (row.cluster_id, row.property, row.kind) not in grouped]
    if over:
        connection.execute(
            sa.update(conflict)
            .values(resolved_at=sa.func.now(), resolution="the records agree again")
            .where(conflict.c.id.in_(among(connection, over)))
        )
    if grouped:
        statement = insert(conflict).values(division=division, subject=subject, since=sa.func.now(), run=run_id)
        statement = statement.on_conflict_do_update(
            index_elements=["cluster_id", "property", "kind"],
            index_where=conflict.c.resolved_at.is_(None),
            set_={"claims": statement.excluded.claims},
        )
        rows = [
            {"cluster_id": number, "property": name, "kind": kind, "claims": competing}
            for (number, name, kind), competing in grouped.items()
        ]
        # Together, so that the statement is made once.
        connection.execute(statement, rows)


def open_conflicts(connection: sa.Connection, division: str, entities: Sequence[str] | None = None) -> pd.DataFrame:
    """`cluster_id, subject, property, kind, claims, since` of what a person has to decide.

    Args:
        connection: in a transaction.
        division: the division.
        entities: only where records of these are concerned that are there; None: all.
    """
    names = ("cluster_id", "subject", "property", "kind", "claims", "since")
    at = (member.c.cluster_id == conflict.c.cluster_id, member.c.deleted_at.is_(None))
    concerned = sa.exists().where(*at, member.c.entity.in_(entities or ()))
    which = (conflict.c.resolved_at.is_(None), sa.true() if entities is None else concerned)
    return read_columns(connection, conflict, names, conflict.c.division == division, *which, order=("id",))


def conflicts_of(connection: sa.Connection, division: str, clusters: pd.Index) -> pd.DataFrame:
    """`cluster_id, property, kind` of what a person has to decide about clusters."""
    return read_frame(
        connection,
        sa.select(conflict.c.cluster_id, conflict.c.property, conflict.c.kind)
        .where(
            conflict.c.division == division,
            conflict.c.resolved_at.is_(None),
            conflict.c.cluster_id.in_(among(connection, clusters)),
        )
        .order_by(conflict.c.cluster_id, conflict.c.property),
    )


def start_run(connection: sa.Connection, division: str, run_id: str) -> None:
    """Note that a run has begun; a run that is already noted is left as it is."""
    connection.execute(
        insert(run).values(division=division, run_id=run_id, started_at=sa.func.now()).on_conflict_do_nothing()
    )


def end_run(connection: sa.Connection, division: str, run_id: str, outcome: str, summary: Mapping[str, Any]) -> None:
    """Note how a run ended."""
    connection.execute(
        sa.update(run)
        .values(ended_at=sa.func.now(), outcome=outcome, summary=dict(summary))
        .where(run.c.division == division, run.c.run_id == run_id)
    )


def last_run(connection: sa.Connection, division: str) -> dict[str, Any] | None:
    """`run_id, started_at, ended_at, outcome, summary` of the latest run; None before the first."""
    row = connection.execute(
        sa.select(run.c.run_id, run.c.started_at, run.c.ended_at, run.c.outcome, run.c.summary)
        .where(run.c.division == division)
        .order_by(run.c.started_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else dict(row._mapping)


def add_summary(
    connection: sa.Connection, division: str, run_id: str, section: str, name: str, counts: Mapping[str, int]
) -> None:
    """Add counts to a run's summary under `section` and `name`; counts that are there already grow."""
    at = (run.c.division == division, run.c.run_id == run_id)
    noted = connection.execute(sa.select(run.c.summary).where(*at).with_for_update()).scalar_one()
    before = noted.setdefault(section, {}).get(name, {})
    noted[section][name] = {key: value + before.get(key, 0) for key, value in counts.items()}
    connection.execute(sa.update(run).values(summary=noted).where(*at))


def summary_of(connection: sa.Connection, division: str, run_id: str) -> dict[str, Any]:
    """What was added to a run's summary so far."""
    noted: dict[str, Any] = connection.execute(
        sa.select(run.c.summary).where(run.c.division == division, run.c.run_id == run_id)
    ).scalar_one()
    return noted


def latest_division(connection: sa.Connection) -> str | None:
    """The division of the latest run; None before the first."""
    return connection.execute(sa.select(run.c.division).order_by(run.c.started_at.desc()).limit(1)).scalar_one_or_none()
