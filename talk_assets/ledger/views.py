"""Views for people who ask in SQL: feeds, matched pairs and golden records with plain, typed columns.

A view follows the mappings. It is made anew only when its definition changed: its comment ends with a mark of the
definition, by which it is also told apart from views that others made.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from talk_assets.errors import LedgerError
from talk_assets.ledger.database import driver_connection
from talk_assets.ledger.tables import SCHEMA, golden, member, record
from talk_assets.mappings.model import Flow, Mappings, PropertyType, Subject

_Named = tuple[str, sa.ColumnElement[Any]]
_SYSTEMS = ("customerp", "exact")
_LONGEST_NAME = 63  # bytes, of PostgreSQL's identifiers
_READERS: dict[PropertyType, str] = {
    "date": "as_date",
    "decimal": "as_numeric",
    "integer": "as_numeric",
    "boolean": "as_boolean",
}
# Written by itself, so that a percent sign in a name is not doubled as for a statement with parameters.
_DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]


def create_views(connection: sa.Connection, mappings: Mappings) -> list[str]:
    """Bring the views `talk.feed_...`, `talk.pair_...` and `talk.golden_...` in line with the mappings.

    Args:
        connection: in a transaction of the ledger.
        mappings: all subjects.

    Returns:
        Names of the views that were made, made anew or removed; empty when nothing changed, which costs one query.

    Raises:
        LedgerError: a view that has to change is used by a view that others made.
    """
    wanted = {name: _with_mark(comment, query) for name, comment, query in _definitions(mappings)}
    if _stale(connection, wanted):
        connection.execute(sa.text("select pg_advisory_xact_lock(hashtextextended('talk:views', 0))"))
    stale = _stale(connection, wanted)
    driver = driver_connection(connection)
    for name in stale:
        view = sql.Identifier(SCHEMA, name)
        try:
            driver.execute(sql.SQL("drop view if exists {}").format(view))
        except psycopg.errors.DependentObjectsStillExist as error:
            raise LedgerError(
                f"The view {SCHEMA}.{name} has to follow the changed mappings, but another view uses it: "
                f"{error.diag.message_detail}. Drop that view, and make it again afterwards."
            ) from error
        if name in wanted:
            query, comment = wanted[name]
            driver.execute(sql.SQL("create view {} as {}").format(view, sql.SQL(query)))
            driver.execute(sql.SQL("comment on view {} is {}").format(view, sql.Literal(comment)))
    return stale


def view_name(kind: str, name: str) -> str:
    """Give the name of a view: of kind `feed` by entity, of kind `pair` by flow, of kind `golden` by subject."""
    return _identifier(f"{kind}_{re.sub(r'[^a-z0-9]+', '_', name.lower())}")


def _stale(connection: sa.Connection, wanted: dict[str, tuple[str, str]]) -> list[str]:
    rows = connection.execute(
        sa.text(
            "select relname, coalesce(obj_description(oid, 'pg_class'), '') from pg_class "
            "where relnamespace = cast(:schema as regnamespace) and relkind = 'v'"
        ),
        {"schema": SCHEMA},
    )
    present = {name: comment for name, comment in rows if re.search(r" \[definition [0-9a-f]{16}\]$", comment)}
    return sorted(
        [name for name in present if name not in wanted]
        + [name for name, (_, comment) in wanted.items() if present.get(name) != comment]
    )


def _with_mark(comment: str, query: str) -> tuple[str, str]:
    mark = hashlib.sha256(query.encode()).hexdigest()[:16]
    return query, f"{comment} [definition {mark}]"


def _definitions(mappings: Mappings) -> Iterator[tuple[str, str, str]]:
    for subject in mappings.subjects.values():
        yield from _of_subject(subject, lines=False)
        if subject.lines is not None:
            yield from _of_subject(subject.lines, lines=True)


def _of_subject(subject: Subject, *, lines: bool) -> Iterator[tuple[str, str, str]]:
    for entity in subject.entities:
        comment = f"Records of {entity} as last read, without deleted ones."
        yield view_name("feed", entity), comment, _text_of(_feed(subject, entity, lines=lines))
    for name, flow in subject.flows.items():
        comment = flow.meaning or f"Matched pairs of {flow.customerp} and {flow.exact}."
        yield view_name("pair", name), comment, _text_of(_pair(subject, flow))
    comment = subject.meaning or f"Golden records of the subject {subject.subject}."
    yield view_name("golden", subject.subject), comment, _text_of(_golden(subject))


def _feed(subject: Subject, entity: str, *, lines: bool) -> sa.Select[tuple[object, ...]]:
    fixed = ["division", "key", *(["document", "position"] if lines else []), "modified", "version", "read_at"]
    columns: list[_Named] = [(name, record.c[name]) for name in fixed]
    properties: dict[str, list[str]] = {}
    for name, row in subject.held_by(entity).items():
        properties.setdefault(row.members[entity].name, []).append(name)
    for own_name, names in properties.items():
        kinds = {subject.properties[name].type for name in names}
        kind: PropertyType = kinds.pop() if len(kinds) == 1 else "text"
        # Several canonical properties may share one of the system's own, each for other records.
        values = [_typed(record.c["values"], name, kind) for name in names]
        columns.append((own_name, values[0] if len(values) == 1 else sa.func.coalesce(*values)))
    return sa.select(*_labelled(columns)).where(record.c.entity == entity, record.c.deleted_at.is_(None))


def _pair(subject: Subject, flow: Flow) -> sa.Select[tuple[object, ...]]:
    sides = [(system, member.alias(f"{system}_member"), record.alias(f"{system}_record")) for system in _SYSTEMS]
    (_, ours, our_record), (_, theirs, their_record) = sides
    columns: list[_Named] = [
        ("division", ours.c.division),
        ("cluster_id", ours.c.cluster_id),
        ("customerp_key", ours.c.key),
        ("exact_key", theirs.c.key),
        ("linked_at", sa.func.greatest(ours.c.linked_at, theirs.c.linked_at)),
        ("origin", sa.case((theirs.c.linked_at >= ours.c.linked_at, theirs.c.origin), else_=ours.c.origin)),
    ]
    for name, row in subject.properties.items():
        if set(flow.entities) <= set(row.members):
            for system, _, content in sides:
                columns.append((f"{name}_{system}", _typed(content.c["values"], name, row.type)))
    source: sa.FromClause = ours.join(theirs, ours.c.cluster_id == theirs.c.cluster_id)
    for link, content in ((ours, our_record), (theirs, their_record)):
        same = sa.and_(*(content.c[name] == link.c[name] for name in ("division", "entity", "key")))
        source = source.outerjoin(content, same)
    return (
        sa.select(*_labelled(columns))
        .select_from(source)
        .where(
            ours.c.entity == flow.customerp,
            theirs.c.entity == flow.exact,
            ours.c.deleted_at.is_(None),
            theirs.c.deleted_at.is_(None),
        )
    )


def _golden(subject: Subject) -> sa.Select[tuple[object, ...]]:
    columns: list[_Named] = [("division", golden.c.division), ("cluster_id", golden.c.cluster_id)]
    for name, row in subject.properties.items():
        columns.append((name, _typed(golden.c["values"], name, row.type)))
        columns.append((f"{name}_winner", _typed(golden.c.winners, name, "text")))
    return sa.select(*_labelled(columns)).where(golden.c.subject == subject.subject)


def _typed(values: sa.ColumnElement[object], name: str, kind: PropertyType) -> sa.ColumnElement[object]:
    text: sa.ColumnElement[object] = sa.type_coerce(values, JSONB)[name].astext
    if kind not in _READERS:
        return text
    reader: sa.ColumnElement[object] = getattr(getattr(sa.func, SCHEMA), _READERS[kind])(text)
    return reader


def _labelled(columns: Iterable[_Named]) -> list[sa.ColumnElement[object]]:
    labelled: dict[str, sa.ColumnElement[object]] = {}
    for name, column in columns:
        label = _identifier(name)
        while label in labelled:
            label = _identifier(f"{label}_value")
        labelled[label] = column.label(label)
    return list(labelled.values())


def _identifier(name: str) -> str:
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[: _LONGEST_NAME - 9].decode(errors='ignore')}_{mark}"


def _text_of(query: sa.Select[tuple[object, ...]]) -> str:
    return str(query.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))
