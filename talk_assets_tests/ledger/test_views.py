"""The views that a data team reads."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa

from talk_assets.errors import LedgerError
from talk_assets.ledger.bulk import upsert_frame
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import cluster, golden, member, record
from talk_assets.ledger.views import create_views, view_name
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Mappings

NOW = pd.Timestamp("2024-01-31T12:00:00Z")
LATER = pd.Timestamp("2024-02-01T12:00:00Z")


def mappings(**properties: dict[str, Any]) -> Mappings:
    """One subject with a line subject; properties are added to those of the documents."""
    both = {"customerp.order": {"name": "Description"}, "exact.salesorders": {"name": "Description"}}
    line = {"customerp.order_line": {"name": "Quantity"}, "exact.salesorder_lines": {"name": "Quantity"}}
    return Mappings.model_validate(
        {
            "subjects": {
                "sales_document": {
                    "subject": "sales_document",
                    "flows": {"order_salesorders": {"customerp": "customerp.order", "exact": "exact.salesorders"}},
                    "properties": {"description": {"members": both}, **properties},
                    "lines": {
                        "subject": "sales_line",
                        "flows": {
                            "order_lines": {"customerp": "customerp.order_line", "exact": "exact.salesorder_lines"}
                        },
                        "properties": {"quantity": {"type": "decimal", "members": line}},
                    },
                }
            }
        }
    )


def held(customerp: str, exact: str, kind: str = "text") -> dict[str, Any]:
    return {"type": kind, "members": {"customerp.order": {"name": customerp}, "exact.salesorders": {"name": exact}}}


def store_records(connection: sa.Connection, *rows: dict[str, Any]) -> None:
    frame = pd.DataFrame([{"division": "1", "read_at": NOW, "read_run": "r", **row} for row in rows])
    upsert_frame(connection, record, frame, key=["division", "entity", "key"])


def views(connection: sa.Connection) -> set[str]:
    rows = connection.execute(sa.text("select viewname from pg_views where schemaname = 'talk'"))
    return set(rows.scalars())


def columns(connection: sa.Connection, view: str) -> dict[str, str]:
    rows = connection.execute(
        sa.text(
            "select column_name, data_type from information_schema.columns "
            "where table_schema = 'talk' and table_name = :view order by ordinal_position"
        ),
        {"view": view},
    )
    return {name: kind for name, kind in rows}


def test_the_shipped_mappings_get_a_view_per_feed_flow_and_subject(ledger: Ledger) -> None:
    """Else what the documentation names could not be queried."""
    shipped = load_mappings(None, load_capabilities())
    with ledger.begin() as connection:
        create_views(connection, shipped)
        found = views(connection)
        for name in found:
            connection.execute(sa.text(f'select * from talk."{name}"')).all()
    wanted = {view_name("feed", entity) for entity in shipped.entities}
    wanted |= {view_name("pair", flow) for flow in shipped.flows}
    wanted |= {view_name("golden", subject) for subject in shipped.subjects}
    assert wanted <= found
    assert {"feed_exact_quotation_lines", "feed_customerp_order_line", "golden_sales_line"} <= found


def test_a_feed_shows_the_systems_own_names_and_typed_values(ledger: Ledger) -> None:
    """Else a data team has to take JSON apart, and amounts and dates sort as text."""
    made = mappings(
        ordered=held("OrderDate", "OrderDate", "date"),
        amount=held("Amount", "Amount", "decimal"),
        urgent=held("Urgent", "Urgent", "boolean"),
        number=held("Number", "OrderNumber", "integer"),
    )
    values = '{"description": "", "ordered": "2024-02-29", "amount": "-2.50", "urgent": "true", "number": "12"}'
    with ledger.begin() as connection:
        create_views(connection, made)
        store_records(
            connection,
            {"entity": "exact.salesorders", "key": "a", "values": values, "version": "7"},
            {"entity": "exact.salesorders", "key": "gone", "values": "{}", "deleted_at": NOW},
            {"entity": "customerp.order", "key": "other", "values": "{}"},
        )
        rows = connection.execute(sa.text("select * from talk.feed_exact_salesorders")).mappings().all()
        kinds = columns(connection, "feed_exact_salesorders")
    assert [dict(row) for row in rows] == [
        {
            "division": "1",
            "key": "a",
            "modified": None,
            "version": "7",
            "read_at": NOW.to_pydatetime(),
            "Description": "",
            "OrderDate": date(2024, 2, 29),
            "Amount": Decimal("-2.50"),
            "Urgent": True,
            "OrderNumber": Decimal(12),
        }
    ]
    assert list(kinds.values())[5:] == ["text", "date", "numeric", "boolean", "numeric"]


NO_VALUES = ["2023-02-29", "0000-01-01", "2024-13-01", "31-01-2024", "12,5", "1e5", "NaN", "--1", "yes", "TRUE"]


@pytest.mark.parametrize("text", [*NO_VALUES, "", " 1", "1\n", "1" * 300])
def test_a_value_of_another_form_shows_as_empty(ledger: Ledger, text: str) -> None:
    """Else one odd value would make a whole view fail."""
    names = {"day": "date", "amount": "decimal", "flag": "boolean", "count": "integer"}
    made = mappings(**{name: held(name, name, kind) for name, kind in names.items()})
    with ledger.begin() as connection:
        create_views(connection, made)
        values = json.dumps(dict.fromkeys(names, text))
        store_records(connection, {"entity": "customerp.order", "key": "a", "values": values})
        row = connection.execute(sa.text("select day, amount, flag, count from talk.feed_customerp_order")).one()
    assert tuple(row) == (None, None, None, None)


def test_lines_show_their_document_and_place(ledger: Ledger) -> None:
    """Else lines could not be joined to their documents."""
    with ledger.begin() as connection:
        create_views(connection, mappings())
        line = {"entity": "exact.salesorder_lines", "key": "l", "document": "d", "position": 2}
        store_records(connection, {**line, "values": '{"quantity": "1.5"}'})
        row = connection.execute(sa.text("select * from talk.feed_exact_salesorder_lines")).mappings().one()
        assert "document" not in columns(connection, "feed_exact_salesorders")
    assert (row["document"], row["position"], row["Quantity"]) == ("d", 2, Decimal("1.5"))


def test_two_properties_under_one_name_share_a_column(ledger: Ledger) -> None:
    """Else Exact's quotation date, which holds the order's date where there is no quote, would break the view."""
    made = mappings(first=held("A", "Day", "date"), second=held("B", "Day", "date"), third=held("C", "key"))
    with ledger.begin() as connection:
        create_views(connection, made)
        store_records(
            connection,
            {"entity": "exact.salesorders", "key": "a", "values": '{"first": "2024-01-01", "third": "x"}'},
            {"entity": "exact.salesorders", "key": "b", "values": '{"second": "2024-01-02"}'},
        )
        query = sa.text('select "Day", key_value from talk.feed_exact_salesorders order by key')
        assert [tuple(row) for row in connection.execute(query)] == [(date(2024, 1, 1), "x"), (date(2024, 1, 2), None)]


def test_a_pair_shows_both_sides_and_golden_the_agreed_value(ledger: Ledger) -> None:
    """Else nobody can see where the systems differ, and who won."""
    link = {"division": "1", "cluster_id": 5, "linked_run": "r"}
    members = pd.DataFrame(
        [
            {**link, "entity": "customerp.order", "key": "a", "origin": "insert", "linked_at": NOW},
            {**link, "entity": "exact.salesorders", "key": "b", "origin": "criterion", "linked_at": LATER},
        ]
    )
    agreed = pd.DataFrame(
        [
            {
                "cluster_id": 5,
                "division": "1",
                "subject": "sales_document",
                "values": '{"description": "ours"}',
                "times": "{}",
                "winners": '{"description": "customerp.order/a"}',
                "rules": "{}",
                "decided_at": NOW,
                "decided_run": "r",
            }
        ]
    )
    with ledger.begin() as connection:
        create_views(connection, mappings(only_here={"members": {"customerp.order": {"name": "Own"}}}))
        connection.execute(
            sa.insert(cluster).values(
                id=5, division="1", subject="sales_document", created_at=NOW.to_pydatetime(), created_run="r"
            )
        )
        upsert_frame(connection, member, members, key=["division", "entity", "key"])
        upsert_frame(connection, golden, agreed, key=["cluster_id"])
        store_records(
            connection,
            {"entity": "customerp.order", "key": "a", "values": '{"description": "ours"}'},
            {"entity": "exact.salesorders", "key": "b", "values": '{"description": "theirs"}'},
        )
        pair = connection.execute(sa.text("select * from talk.pair_order_salesorders")).mappings().one()
        decided = connection.execute(sa.text("select * from talk.golden_sales_document")).mappings().one()
        connection.execute(sa.update(member).where(member.c.key == "b").values(deleted_at=sa.func.now()))
        assert connection.execute(sa.text("select count(*) from talk.pair_order_salesorders")).scalar_one() == 0
    assert dict(pair) == {
        "division": "1",
        "cluster_id": 5,
        "customerp_key": "a",
        "exact_key": "b",
        "linked_at": LATER.to_pydatetime(),
        "origin": "criterion",
        "description_customerp": "ours",
        "description_exact": "theirs",
    }
    assert dict(decided) == {
        "division": "1",
        "cluster_id": 5,
        "description": "ours",
        "description_winner": "customerp.order/a",
        "only_here": None,
        "only_here_winner": None,
    }


def test_only_what_changed_is_made_anew(ledger: Ledger) -> None:
    """Else every sync would lock the views that people are reading."""
    with ledger.begin() as connection:
        assert len(create_views(connection, mappings())) == 8
        assert create_views(connection, mappings()) == []
        changed = create_views(connection, mappings(note=held("Note", "Remarks")))
        assert set(changed) == {
            "feed_customerp_order",
            "feed_exact_salesorders",
            "pair_order_salesorders",
            "golden_sales_document",
        }
        assert "Remarks" in columns(connection, "feed_exact_salesorders")


def test_views_of_what_is_no_longer_mapped_go_and_those_of_others_stay(ledger: Ledger) -> None:
    """Else a stale view would show values that nobody keeps up to date, or a team's own view would be removed."""
    with ledger.begin() as connection:
        create_views(connection, mappings())
        connection.exec_driver_sql("create view talk.feed_ours as select 1 as one")
        gone = create_views(connection, Mappings(subjects={}))
        assert len(gone) == 8
        assert views(connection) == {"feed_ours"}


def test_a_view_built_on_a_changed_one_is_named(ledger: Ledger) -> None:
    """Else an upgrade would remove a team's view, or end in a trace."""
    with ledger.begin() as connection:
        create_views(connection, mappings())
        connection.exec_driver_sql("create view public.report as select key from talk.feed_exact_salesorders")
    with pytest.raises(LedgerError, match=r"talk\.feed_exact_salesorders.*view report"), ledger.begin() as connection:
        create_views(connection, mappings(note=held("Note", "Remarks")))
    with ledger.begin() as connection:
        assert create_views(connection, mappings()) == []


def test_long_and_odd_names_become_valid_and_stay_distinct(ledger: Ledger) -> None:
    """Else a renamed property would break the views, or two properties would share a column."""
    long = "a_property_with_a_name_that_is_far_longer_than_postgresql_takes_for_"
    made = mappings(
        **{f"{long}one": held(f"{long}One", 'odd "name" 100% :x'), f"{long}two": held(f"{long}Two", "é" * 40)}
    )
    with ledger.begin() as connection:
        create_views(connection, made)
        store_records(
            connection,
            {"entity": "customerp.order", "key": "a", "values": f'{{"{long}one": "1", "{long}two": "2"}}'},
            {"entity": "exact.salesorders", "key": "a", "values": f'{{"{long}one": "1", "{long}two": "2"}}'},
        )
        for view in ("feed_customerp_order", "feed_exact_salesorders"):
            names = list(columns(connection, view))
            assert max(len(name.encode()) for name in names) <= 63
            row = connection.execute(sa.text(f"select * from talk.{view}")).one()
            assert tuple(row)[-2:] == ("1", "2")
        assert 'odd "name" 100% :x' in columns(connection, "feed_exact_salesorders")


def test_views_are_part_of_the_transaction(ledger: Ledger) -> None:
    """Else a preview with changed mappings would change what others read."""
    with ledger.preview() as preview, preview.begin() as connection:
        create_views(connection, mappings())
    with ledger.begin() as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.connection.cursor().execute("select * from talk.feed_exact_salesorders")
