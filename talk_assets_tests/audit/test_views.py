"""What an auditor is told by the views, and by the page about them."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from talk_assets.ledger.database import normalise, open_ledger
from talk_assets_tests.audit.conftest import ACCOUNT, VIEWS, Books
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import ROOT

PAGE = (ROOT / "docs/audit.md").read_text()
_MEANINGS = """
    select v.relname as view, obj_description(v.oid, 'pg_class') as meaning, a.attname as name,
        col_description(v.oid, a.attnum) as words
    from pg_class v join pg_attribute a on a.attrelid = v.oid
    where v.relnamespace = cast('audit' as regnamespace) and v.relkind = 'v' and a.attnum > 0
    order by v.relname, a.attnum
"""


def test_every_accepted_change_is_told_with_winner_loser_rule_and_run(books: Books) -> None:
    """An auditor cannot tell whose telephone number is in the books, or which one it replaced."""
    query = "select * from audit.change where cluster_id = :cluster and property = :name order by at, id nulls first"

    def changes(name: str, of: str) -> list[dict[str, object]]:
        return books.world.rows(query, cluster=books.world.cluster(*books.ours(of).split("/")), name=name)

    first, changed, overruled = changes("phone", "edited")
    assert (first["kind"], first["after"], first["winner"], first["source"]) == (
        "first",
        "1",
        books.ours("edited"),
        "customerp",
    )
    assert (first["run"], first["rule"], first["winner_read_run"], first["id"]) == ("first", "first", "first", None)
    assert (changed["kind"], changed["before"], changed["after"]) == ("changed", "1", "3")
    assert (changed["winner"], changed["rule"], changed["run"]) == (books.theirs("edited"), "latest", "edits")
    assert (overruled["kind"], overruled["loser"], overruled["loser_value"]) == ("overruled", books.ours("edited"), "2")
    assert str(overruled["winner_changed_at"]) == "2030-01-01 18:00:00+00:00"
    assert str(overruled["loser_changed_at"]) == "2030-01-01 08:00:00+00:00"
    assert [row["kind"] for row in changes("name", "matched")] == ["overruled"]
    undone = changes("phone", "undone")[-1]
    assert (undone["after"], undone["rule"], undone["who"], undone["undone_run"]) == ("1", "undo", "Anna", "edits")


def test_every_write_is_told_with_what_was_sent_and_answered(books: Books) -> None:
    """Nobody can show what was sent to the books, or that a system refused it."""

    def writes(where: str, **values: object) -> list[dict[str, object]]:
        return books.world.rows(f"select * from audit.write where {where} order by id", **values)

    (created,) = writes("operation = 'create' and entity || '/' || key = :name", name=books.theirs("edited"))
    assert (created["system"], created["status"], created["outcome"], created["run"]) == ("exact", 201, "done", "first")
    assert '"Name": "edited"' in str(created["values"])
    assert str(created["answered_at"]) > str(created["sent_at"])
    (refused,) = writes("outcome = 'refused'")
    assert (f"{refused['entity']}/{refused['key']}", refused["status"]) == (books.theirs("refused"), 400)
    assert refused["values"] == '{"Phone": "no"}'
    assert "Ongeldig: Phone" in str(refused["words"])
    assert refused["answered_at"] is not None
    (lost,) = writes("outcome = 'failed'")
    assert (lost["operation"], lost["key"], lost["found_later"]) == ("create", None, "found after an interruption")
    assert [(row["entity"], row["status"]) for row in writes("operation = 'delete'")] == [(ACCOUNT, 204)]
    assert writes("outcome = 'unknown'") == []


def test_every_link_is_told_with_its_origin_and_its_end(books: Books) -> None:
    """Nobody can say who put two customers together, or who took them apart."""
    query = "select * from audit.link where entity || '/' || key = :name order by id"

    def links(name: str) -> list[dict[str, object]]:
        return books.world.rows(query, name=name)

    (matched,) = links(books.theirs("matched"))
    assert (matched["origin"], matched["criterion"], matched["others"], matched["unlinked_at"]) == (
        "criterion",
        "registration_number",
        books.ours("matched"),
        None,
    )
    created, by_hand = links(books.theirs("parted"))
    assert (created["origin"], created["run"], created["unlinked_how"], created["unlinked_by"]) == (
        "insert",
        "first",
        "person",
        "Bob",
    )
    assert (created["unlinked_from"], created["unlinked_run"]) == (books.ours("parted"), "order")
    assert (by_hand["origin"], by_hand["who"], by_hand["linked_with"]) == ("person", "Carla", books.ours("parted"))
    assert by_hand["unlinked_at"] is None
    assert [row["criterion"] for row in links(books.theirs("lost"))] == ["insert found after an interruption"]
    (deleted,) = links(books.theirs("left"))
    assert (deleted["unlinked_how"], deleted["unlinked_at"] is None) == ("deleted by us", False)


def test_the_page_says_what_the_views_say_of_themselves(books: Books) -> None:
    """An auditor reads a column for something that it does not mean."""
    rows = books.world.rows(_MEANINGS)
    assert {row["view"] for row in rows} == set(VIEWS)
    for name in VIEWS:
        section = PAGE.partition(f"## `audit.{name}`\n\n")[2].partition("\n## ")[0]
        columns = [row for row in rows if row["view"] == name]
        assert section.partition("\n")[0] == columns[0]["meaning"]
        assert re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE) == [
            (row["name"], row["words"]) for row in columns
        ]


def test_the_queries_of_the_page_answer(books: Books) -> None:
    """Who copies an example gets an error, or nothing."""
    queries = re.findall(r"```sql\n(select .*?);\n```", PAGE, re.DOTALL)
    assert len(queries) >= 9
    assert [query for query in queries if not books.world.rows(query)] == []


def test_no_secret_is_among_the_values(books: Books) -> None:
    """Who may read the audit can log in to Exact."""
    settings = books.world.installation.settings
    secrets = [settings.customerp_token, settings.exact_client_secret, settings.exact_refresh_token]
    told = "".join(str(books.world.rows(f"select * from audit.{name}")) for name in VIEWS)
    assert [secret for secret in secrets if secret is not None and secret.get_secret_value() in told] == []


def test_writes_from_before_are_taken_over_from_history(database_server: DatabaseServer) -> None:
    """After an upgrade an auditor sees a ledger that seems never to have written anything."""
    url = database_server.create("template1")
    engine = sa.create_engine(normalise(url))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(ROOT / "talk_assets/ledger/migrations")))
        config.attributes["connection"] = connection
        connection.execute(sa.text("create schema talk"))
        command.upgrade(config, "0010")
        row = "'1', now(), 'r', 'organisation', 7, 'write', 'exact.accounts', 'k'"
        connection.execute(
            sa.text(
                "insert into talk.history (division, at, run, subject, cluster_id, kind, entity, key, property, after, "
                f"rule, status) values ({row}, 'phone', '1', 'update', 204), ({row}, 'city', null, 'update', 204), "
                f"({row}, 'name', 'X', 'kept as', null), ({row}, null, null, 'delete', 0)"
            )
        )
    engine.dispose()
    ledger = open_ledger(url)
    with ledger.begin() as connection:
        found = connection.execute(
            sa.text("select operation, key, values, status, outcome, restored from audit.write order by id")
        ).all()
    ledger.close()
    database_server.drop(url)
    assert [tuple(row) for row in found] == [
        ("update", "k", {"phone": "1", "city": None}, 204, "done", True),
        ("delete", "k", {}, None, "done", True),
    ]


@pytest.mark.parametrize("name", VIEWS)
def test_a_role_of_its_own_sees_the_views_and_nothing_else(books: Books, name: str) -> None:
    """An auditor has to be given the whole ledger, tokens included."""
    engine = books.world.installation.ledger.engine
    with engine.connect() as connection, connection.begin() as transaction:
        for statement in re.findall(r"^(create role .*|grant .*);$", PAGE, re.MULTILINE):
            connection.execute(sa.text(statement))
        connection.execute(sa.text("set local role auditor"))
        assert connection.execute(sa.text(f"select count(*) from audit.{name}")).scalar_one() > 0
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            connection.execute(sa.text("select * from talk.token"))
        transaction.rollback()
