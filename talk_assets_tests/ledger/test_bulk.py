"""Frames in and out of PostgreSQL: nothing may change on the way."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from talk_assets.ledger.bulk import (
    FEW,
    copy_frame,
    json_columns,
    keys_table,
    pack_json,
    read_frame,
    temporary_table,
    upsert_frame,
)
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import cluster, record, run

# PostgreSQL's text takes every character but NUL; lone surrogates are no text at all.
TEXT = st.one_of(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    st.sampled_from(
        ["", " ", '"', '""', "\n", "\r\n", "\\", "\\.", "\\N", "a\n\\.\nb", ",", "NULL", "null", "\x1f", "é\u2028😀"]
    ),
)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
INTEGERS = st.integers(-(2**63), 2**63 - 1)


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    missing = frame.isna()
    return [
        {str(name): None if missing[name].iloc[index] else frame[name].iloc[index] for name in frame}
        for index in range(len(frame))
    ]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | TEXT,
            "other": st.none() | TEXT,
            "count": st.none() | INTEGERS,
            "flag": st.none() | st.booleans(),
            "at": st.none() | TIMES,
        }
    ),
    min_size=1,
)


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "text": pd.Series([row["text"] for row in rows], dtype="str"),
            "other": pd.Series([row["other"] for row in rows], dtype="str"),
            "count": pd.array([row["count"] for row in rows], dtype="Int64"),
            "flag": pd.array([row["flag"] for row in rows], dtype="boolean"),
            "at": pd.Series([row["at"] for row in rows], dtype="datetime64[us, UTC]"),
        }
    )


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_every_value_survives_the_way_in_and_out(module_ledger: Ledger, rows: list[dict[str, Any]]) -> None:
    """Else a name with a quotation mark or a line break would be changed in somebody's books."""
    frame = frame_of(rows)
    with module_ledger.preview() as ledger, ledger.begin() as connection:
        connection.exec_driver_sql(
            "create temporary table kept (text text, other text, count bigint, flag boolean, at timestamptz,"
            " place bigint generated always as identity)"
        )
        copy_frame(connection, "kept", frame, list(frame.columns))
        found = read_frame(connection, sa.text("select text, other, count, flag, at from kept order by place"))
    assert rows_of(found) == rows
    assert found.dtypes.equals(frame.dtypes)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, many=st.booleans())
def test_every_value_survives_being_inserted_or_updated(
    module_ledger: Ledger, rows: list[dict[str, Any]], many: bool
) -> None:
    """Else a record among few would be stored otherwise than one among many."""
    repeated = rows * (FEW + 1) if many else rows
    kept = sa.Table(
        "kept",
        sa.MetaData(),
        sa.Column("place", sa.Integer),
        *(sa.Column(name, sa.Text) for name in ("text", "other")),
        sa.Column("count", sa.BigInteger),
        sa.Column("flag", sa.Boolean),
        sa.Column("at", TIMESTAMP(timezone=True)),
    )
    frame = frame_of(repeated).assign(place=range(len(repeated)))
    with module_ledger.preview() as ledger, ledger.begin() as connection:
        connection.exec_driver_sql(
            "create temporary table kept (place integer primary key, text text, other text, count bigint,"
            " flag boolean, at timestamptz)"
        )
        assert upsert_frame(connection, kept, frame, key=["place"]) == len(repeated)
        changed = frame.assign(text=frame["other"], other=frame["text"])
        assert upsert_frame(connection, kept, changed, key=["place"], update=["text", "other"]) == len(repeated)
        query = "select other as text, text as other, count, flag, at from kept order by place limit :rows"
        found = read_frame(connection, sa.text(query), {"rows": len(rows)})
    assert rows_of(found) == rows


def test_a_table_that_was_just_filled_is_known_to_the_planner(ledger: Ledger) -> None:
    """Else the first sync of a company takes a time that grows with the square of its customers: hours."""
    rows = pd.DataFrame({"id": range(1, 2 * FEW + 1), "division": "1", "subject": "organisation", "created_run": "r"})
    rows["created_at"] = pd.Timestamp.now("UTC")
    columns = sa.text("select count(*) from pg_stats where schemaname = 'talk' and tablename = 'cluster'")
    with ledger.begin() as connection:
        assert connection.execute(columns).scalar_one() == 0
        upsert_frame(connection, cluster, rows, key=["id"])
        assert connection.execute(columns).scalar_one() > 0
        (plan,) = connection.execute(sa.text("explain (format json) select from talk.cluster")).scalar_one()
        assert plan["Plan"]["Plan Rows"] == len(rows)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | TEXT, min_size=1))
def test_a_single_column_survives(module_ledger: Ledger, texts: list[str | None]) -> None:
    """Else a list of keys would lose its empty ones and shift."""
    with module_ledger.preview() as ledger, ledger.begin() as connection:
        name = temporary_table(connection, [sa.Column("value", sa.Text)])
        copy_frame(connection, name, pd.DataFrame({"value": pd.Series(texts, dtype="str")}), ["value"])
        found = read_frame(connection, sa.text(f"select value from {name}"))
    assert [row["value"] for row in rows_of(found)] == texts


@settings(max_examples=150, deadline=None)
@given(
    names=st.lists(TEXT.filter(bool), min_size=1, max_size=4, unique=True),
    data=st.data(),
)
def test_packed_json_survives_and_comes_apart_in_sql(
    module_ledger: Ledger, names: list[str], data: st.DataObject
) -> None:
    """Else values would be cut or mixed up in the ledger, and written so to the other system."""
    rows = data.draw(st.lists(st.fixed_dictionaries({name: st.none() | TEXT for name in names}), min_size=1))
    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype="str") for name in names})
    frame.index = pd.Index(range(10, 10 + len(rows)))
    packed = pack_json(frame)
    assert packed.index.equals(frame.index)
    assert [json.loads(text) for text in packed] == [
        {name: value for name, value in row.items() if value is not None} for row in rows
    ]
    labels = [f"c{index}" for index in range(len(names))]
    with module_ledger.preview() as ledger, ledger.begin() as connection:
        table = sa.Table(
            "packed", sa.MetaData(), sa.Column("place", sa.Integer), sa.Column("content", record.c["values"].type)
        )
        connection.exec_driver_sql("create temporary table packed (place integer, content jsonb)")
        copy_frame(
            connection,
            "packed",
            pd.DataFrame({"place": range(len(rows)), "content": packed.array}),
            ["place", "content"],
        )
        columns = [
            column.label(label) for column, label in zip(json_columns(table.c.content, names), labels, strict=True)
        ]
        found = read_frame(connection, sa.select(*columns).order_by(table.c.place))
    assert [list(row.values()) for row in rows_of(found)] == [[row[name] for name in names] for row in rows]


def test_packed_numbers_times_and_booleans_are_what_they_were(ledger: Ledger) -> None:
    """Else times of claims would move, and the wrong edit would win."""
    moments = ["2024-07-01T10:00:00.000001+00:00", "1969-12-31T23:59:59.999999+00:00", None]
    frame = pd.DataFrame(
        {
            "at": pd.to_datetime(pd.Series(moments), format="ISO8601", utc=True).astype("datetime64[us, UTC]"),
            "here": pd.to_datetime(pd.Series(moments), format="ISO8601", utc=True).dt.tz_convert("Europe/Amsterdam"),
            "count": pd.array([1, None, -(2**62)], dtype="Int64"),
            "share": [0.1, np.nan, 1e300],
            "flag": pd.array([True, None, False], dtype="boolean"),
        }
    )
    assert [json.loads(text) for text in pack_json(frame)] == [
        {"at": moments[0], "here": moments[0], "count": 1, "share": 0.1, "flag": True},
        {"at": moments[1], "here": moments[1]},
        {"count": -(2**62), "share": 1e300, "flag": False},
    ]
    with ledger.begin() as connection:
        run_row = {"division": "1", "started_at": pd.Timestamp.now("UTC")}
        rows = pd.DataFrame({"run_id": ["a", "b", "c"], **run_row, "summary": pack_json(frame[["at"]])})
        upsert_frame(connection, run, rows, key=["division", "run_id"])
        columns = json_columns(run.c.summary, ["at"], as_timestamp=True)
        found = read_frame(connection, sa.select(*columns).order_by(run.c.run_id))
    assert found["at"].equals(frame["at"])


def test_packing_nothing_gives_nothing() -> None:
    """Else an entity without changes would stop a sync."""
    frame = pd.DataFrame({"a": pd.Series([], dtype="str")})
    assert pack_json(frame).tolist() == []
    assert pack_json(frame).dtype == "str"
    assert pack_json(pd.DataFrame(index=[3, 4])).to_dict() == {3: "{}", 4: "{}"}


def test_a_time_without_zone_is_refused(ledger: Ledger) -> None:
    """Else a local time would be stored as if it were UTC, and the wrong edit would win."""
    frame = pd.DataFrame({"at": pd.to_datetime(["2024-01-01"])})
    with pytest.raises(TypeError, match="zone"):
        pack_json(frame)
    with ledger.begin() as connection, pytest.raises(TypeError, match="zone"):
        copy_frame(connection, "talk.run", frame, ["at"])


def test_types_follow_the_query_with_and_without_rows(ledger: Ledger) -> None:
    """Else a first sync, which finds no rows, would fail where later ones pass."""
    query = """
        select 'x' as text, 1::smallint as small, 2 as number, 3::bigint as big, true as flag, 1.5::float8 as real,
            now() as at, gen_random_uuid() as uuid, '{"a": 1}'::jsonb as json, 1.50::numeric as amount,
            date '2024-01-31' as day
    """
    wanted = {
        "text": "str",
        "small": "Int64",
        "number": "Int64",
        "big": "Int64",
        "flag": "boolean",
        "real": "Float64",
        "at": "datetime64[us, UTC]",
        "uuid": "str",
        "json": "str",
        "amount": "str",
        "day": "str",
    }
    with ledger.begin() as connection:
        filled = read_frame(connection, sa.text(query))
        empty = read_frame(connection, sa.text(f"{query} where false"))
    assert filled.dtypes.astype(str).to_dict() == wanted
    assert empty.dtypes.astype(str).to_dict() == wanted
    assert (len(filled), len(empty)) == (1, 0)
    assert filled[["json", "amount", "day"]].iloc[0].tolist() == ['{"a": 1}', "1.50", "2024-01-31"]


def test_parameters_are_values_and_never_part_of_the_query(ledger: Ledger) -> None:
    """Else a name from a system could be run as a command on the ledger."""
    hostile = "x'; drop table talk.record; -- % %s :name"
    with ledger.begin() as connection:
        found = read_frame(
            connection,
            sa.text("select :name as name, count(*) as rows from unnest(cast(:names as text[])) as n where n = :name"),
            {"name": hostile, "names": [hostile, "other", hostile]},
        )
        assert found.iloc[0].tolist() == [hostile, 2]
        selected = sa.select(sa.literal(hostile).label("name")).where(sa.literal(hostile).in_([hostile, "b"]))
        assert read_frame(connection, selected)["name"].tolist() == [hostile]
        percent = sa.text("select '100%' as \"%s\", 7 % 4 as rest")
        assert read_frame(connection, percent).iloc[0].tolist() == ["100%", 3]


def test_a_wrong_query_says_so(ledger: Ledger) -> None:
    """Else a mistake would look like an empty result."""
    with ledger.begin() as connection, pytest.raises(psycopg.errors.UndefinedTable, match="nowhere"):
        read_frame(connection, sa.text("select * from nowhere"))


def test_a_row_larger_than_a_block_is_read(ledger: Ledger) -> None:
    """Else one long remark would stop a sync."""
    with ledger.begin() as connection:
        found = read_frame(connection, sa.text("select repeat('x', 20000000) as long, 1 as one"))
    assert found["long"].str.len().tolist() == [20_000_000]


def test_upsert_inserts_updates_and_counts(ledger: Ledger) -> None:
    """Else a record would be stored twice, or keep what it held before."""
    key = ["division", "entity", "key"]
    now = pd.Timestamp.now("UTC")
    frame = pd.DataFrame(
        {
            "division": "1",
            "entity": "exact.accounts",
            "key": ["a", "b"],
            "values": ['{"name": "A"}', "{}"],
            "version": ["1", "1"],
            "read_at": now,
            "read_run": "first",
        }
    )
    chosen = sa.select(record.c.key, record.c["values"], record.c.version, record.c.accounted).order_by(record.c.key)
    with ledger.begin() as connection:
        assert upsert_frame(connection, record, frame, key=key) == 2
        later = frame.iloc[[1]].assign(values='{"name": "B"}', version="2")
        assert upsert_frame(connection, record, later, key=key, update=["values"]) == 1
        assert upsert_frame(connection, record, later, key=key, update=[]) == 0
        assert upsert_frame(connection, record, frame.iloc[:0], key=key) == 0
        assert read_frame(connection, chosen)["values"].tolist() == ['{"name": "A"}', '{"name": "B"}']
        assert read_frame(connection, chosen)["version"].tolist() == ["1", "1"]
        assert upsert_frame(connection, record, pd.concat([later, frame.assign(key=["c", "d"])]), key=key) == 3
        assert read_frame(connection, chosen)["version"].tolist() == ["1", "2", "1", "1"]
        assert read_frame(connection, chosen)["accounted"].tolist() == [False] * 4


def test_upsert_takes_numbers_made_beforehand(ledger: Ledger) -> None:
    """Else clusters could not be stored together with their members."""
    frame = pd.DataFrame(
        {"id": [7, 9], "division": "1", "subject": "product", "created_at": pd.Timestamp.now("UTC"), "created_run": "r"}
    )
    with ledger.begin() as connection:
        assert upsert_frame(connection, cluster, frame, key=["id"]) == 2
        assert read_frame(connection, sa.select(cluster.c.id).order_by(cluster.c.id))["id"].tolist() == [7, 9]


def test_keys_can_be_joined_several_times_in_one_transaction(ledger: Ledger) -> None:
    """Else reading the bases of two entities in one step would fail."""
    with ledger.begin() as connection:
        first = keys_table(connection, pd.DataFrame({"key": pd.Series(["a", "b"], dtype="str")}))
        second = keys_table(connection, pd.DataFrame({"key": pd.Series(["b", ""], dtype="str")}))
        empty = keys_table(connection, pd.DataFrame({"key": pd.Series([], dtype="str")}))
        joined = read_frame(connection, sa.text(f"select key from {first} join {second} using (key)"))
        assert joined["key"].tolist() == ["b"]
        assert read_frame(connection, sa.text(f"select key from {empty}")).empty
    with ledger.begin() as connection:
        assert connection.execute(sa.text("select to_regclass(:name)"), {"name": first}).scalar_one() is None


def test_categories_and_odd_column_names_are_stored(ledger: Ledger) -> None:
    """Else a frame that was made smaller by categories could not be stored."""
    frame = pd.DataFrame({'a "b", %c': pd.Categorical(["x", None, "x"])})
    with ledger.begin() as connection:
        name = keys_table(connection, frame)
        found = read_frame(connection, sa.text(f"select * from {name}"))
    assert found.columns.tolist() == ['a "b", %c']
    assert rows_of(found) == [{'a "b", %c': value} for value in ("x", None, "x")]


def test_parts_of_an_object_are_replaced_and_the_rest_stays(ledger: Ledger) -> None:
    """What no mapping names for a while would be forgotten, or what was emptied come back."""
    for count in (1, FEW + 1):
        keys = pd.Series([f"k{number}" for number in range(count)], dtype="str")
        with ledger.begin() as connection:
            table = sa.Table(
                "objects", sa.MetaData(), sa.Column("key", sa.Text, primary_key=True), sa.Column("v", JSONB)
            )
            table.drop(connection, checkfirst=True)
            table.create(connection)
            at: dict[str, Any] = {"key": ["key"], "within": {"v": ["mapped", "emptied"]}}
            frame = pd.DataFrame({"key": keys, "v": '{"mapped": "1", "emptied": "2", "unmapped": "3"}'})
            upsert_frame(connection, table, frame, **at)
            upsert_frame(connection, table, frame.assign(v='{"mapped": "4"}'), **at)
            found = connection.execute(sa.select(table.c.v).distinct()).scalars().all()
            assert found == [{"mapped": "4", "unmapped": "3"}]
            table.drop(connection)
