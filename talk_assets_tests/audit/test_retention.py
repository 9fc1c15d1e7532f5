"""What is forgotten of history, and what stays."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from talk_assets.errors import OrderRefused
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.notes import add_events, start_run
from talk_assets.ledger.retention import forget
from talk_assets.ledger.tables import conflict, history, intent, request
from talk_assets.undo.written import find_run
from talk_assets.why.facts import gather
from talk_assets.why.find import find_record
from talk_assets.why.story import tell
from talk_assets_tests.audit.conftest import VIEWS, Books

_DAYS = 90
_OLD = "now() - interval '400 days'"


@contextmanager
def aged(books: Books) -> Iterator[Ledger]:
    """The ledger as if everything had happened long ago; nothing of it stays."""
    with books.world.installation.ledger.preview() as ledger:
        with ledger.begin() as connection:
            for table, columns in {
                "history": ["at"],
                "request": ["sent_at", "answered_at"],
                "intent": ["opened_at", "closed_at"],
                "conflict": ["since", "resolved_at"],
                "run": ["started_at", "ended_at"],
            }.items():
                sets = ", ".join(f"{name} = {name} - interval '400 days'" for name in columns)
                connection.execute(sa.text(f"update talk.{table} set {sets}"))
        yield ledger


def forgotten(ledger: Ledger, division: str) -> None:
    assert forget(ledger, division, "now", _DAYS, longest=60, step=7)


def answers(books: Books, ledger: Ledger) -> dict[str, list[object]]:
    """What why says of every customer, without what only the events between tell."""
    found: dict[str, list[object]] = {}
    installation = books.world.installation
    with ledger.begin() as connection:
        for name in books.names:
            record = find_record(connection, installation.division, installation.mappings, books.ours(name))
            answer = tell(gather(connection, installation.division, record))
            found[name] = [
                answer.links,
                *((each.property, each.sentence, each.state, list(each.written)[:1]) for each in answer.properties),
                *(event for each in answer.properties for event in each.events if event.kind in ("first", "link")),
            ]
    return found


def test_why_is_answered_as_before_back_to_the_first_link(books: Books) -> None:
    """After a year nobody can say where a value came from that stands, or how two records were linked."""
    number = books.world.cluster(*books.ours("edited").split("/"))
    division = books.world.installation.division
    between = {"subject": "organisation", "kind": "decision", "cluster_id": number, "property": "phone"}
    rows = [
        {**between, "before": before, "after": after, "winner": books.theirs("edited"), "rule": "latest"}
        for before, after in (("3", "4"), ("4", "5"), ("5", "3"))
    ]
    moves = sa.select(history.c.before, history.c.after).where(
        history.c.cluster_id == number, history.c.property == "phone", history.c.loser.is_(None)
    )
    moves = moves.where(history.c.kind == "decision").order_by(history.c.id)
    with aged(books) as ledger:
        with ledger.begin() as connection:
            for row in rows:
                add_events(connection, division, [row], f"run {row['after']}")
            connection.execute(sa.text(f"update talk.history set at = {_OLD} + id * interval '1 s'"))
        before = answers(books, ledger)
        with ledger.begin() as connection:
            firsts = connection.execute(sa.text("select * from audit.change where kind = 'first'")).all()
            links = connection.execute(sa.text("select * from audit.link order by id")).all()
        forgotten(ledger, division)
        assert answers(books, ledger) == before
        with ledger.begin() as connection:
            assert [tuple(row) for row in connection.execute(moves)] == [("1", "3"), ("5", "3")]
            assert connection.execute(sa.text("select * from audit.link order by id")).all() == links
            again = connection.execute(sa.text("select * from audit.change where kind = 'first'")).all()
            assert sorted(map(str, again)) == sorted(map(str, firsts))


def test_old_requests_conflicts_and_runs_go_and_what_is_open_stays(books: Books) -> None:
    """The ledger grows for ever; or what a person still has to decide, or a crash left open, is gone."""
    division = books.world.installation.division
    with aged(books) as ledger:
        with ledger.begin() as connection:
            opened = sa.select(request.c.intent).where(request.c.key == books.theirs("refused").split("/")[1]).limit(1)
            connection.execute(sa.update(intent).where(intent.c.id == opened.scalar_subquery()).values(closed_at=None))
            quarrel = connection.execute(sa.select(sa.func.count()).select_from(conflict)).scalar_one()
        forgotten(ledger, division)
        with ledger.begin() as connection:

            def count(table: str) -> int:
                return int(connection.execute(sa.text(f"select count(*) from talk.{table}")).scalar_one())

            assert (count("request"), count("run"), count("conflict")) == (1, 0, quarrel)
            assert connection.execute(sa.text("select count(*) from talk.intent where closed_at is null")).scalar() == 1
            # By any of them a division is known to write, and is not asked for its first sync again.
            assert (
                connection.execute(sa.text("select count(*) from talk.history where kind = 'write'")).scalar_one() > 0
            )


def test_what_an_open_conflict_rests_on_stays(ledger: Ledger) -> None:
    """Who has to decide between two values cannot see how they came to differ."""
    row = {"subject": "organisation", "kind": "decision", "property": "phone", "rule": "latest", "winner": "a/1"}
    with ledger.begin() as connection:
        for number in (1, 2):
            for value in "abcdef":
                add_events(connection, "1", [{**row, "cluster_id": number, "before": value, "after": value * 2}], value)
        open_one = {"subject": "organisation", "cluster_id": 2, "property": "website", "kind": "both_changed"}
        connection.execute(
            sa.insert(conflict).values(division="1", claims=[], since=sa.func.now(), run="r", **open_one)
        )
        connection.execute(sa.text(f"update talk.history set at = {_OLD}"))
    forgotten(ledger, "1")
    with ledger.begin() as connection:
        query = sa.text("select cluster_id, string_agg(before, '' order by id) from talk.history group by 1 order by 1")
        assert [tuple(found) for found in connection.execute(query)] == [(1, "af"), (2, "abcdef")]


def test_it_is_done_in_steps_once_a_day_and_for_one_division(ledger: Ledger) -> None:
    """A run stands still for hours on the day on which somebody sets a limit; or another company's history is gone."""
    write = {"subject": "organisation", "kind": "write", "entity": "e", "key": "k", "property": "p", "rule": "update"}
    skip = {"subject": "organisation", "kind": "skip", "entity": "e", "key": "k", "property": "p", "rule": "stale"}
    with ledger.begin() as connection:
        for division in ("1", "2"):
            for number in range(20):
                add_events(connection, division, [{**write, "cluster_id": 1, "after": str(number)}], "old")
                add_events(connection, division, [skip], "old")
        connection.execute(sa.text(f"update talk.history set at = {_OLD}"))
        add_events(connection, "1", [{**write, "cluster_id": 2, "after": "new"}], "new")
    count = sa.text("select division, kind, count(*) from talk.history group by 1, 2 order by 1, 2")

    def left() -> list[tuple[object, ...]]:
        with ledger.begin() as connection:
            return [tuple(row) for row in connection.execute(count)]

    assert forget(ledger, "1", "now", _DAYS, longest=-1, step=5) is False
    assert left() == [("1", "skip", 20), ("1", "write", 21), ("2", "skip", 20), ("2", "write", 20)]
    forgotten(ledger, "1")
    assert left() == [("1", "skip", 1), ("1", "write", 2), ("2", "skip", 20), ("2", "write", 20)]
    with ledger.begin() as connection:
        connection.execute(sa.text(f"update talk.history set at = {_OLD}"))
    forgotten(ledger, "1")
    assert left()[1] == ("1", "write", 2)


def test_a_run_that_is_not_known_whole_is_not_undone(ledger: Ledger) -> None:
    """An undo puts half a night back, and is taken for all of it."""
    write = {"subject": "organisation", "kind": "write", "entity": "e", "property": "p", "rule": "update"}
    with ledger.begin() as connection:
        start_run(connection, "1", "over the limit")
        add_events(connection, "1", [{**write, "cluster_id": 1, "key": "k", "after": "1"}], "old")
        add_events(connection, "1", [{**write, "cluster_id": 1, "key": "k", "after": "2"}], "over the limit")
        connection.execute(sa.text(f"update talk.history set at = {_OLD} + id * interval '1 d'"))
        connection.execute(sa.text("update talk.run set started_at = now() - interval '91 days'"))
        connection.execute(sa.text("update talk.history set at = now() - interval '91 days' where id = 2"))
        add_events(connection, "1", [{**write, "cluster_id": 1, "key": "k", "after": "3"}], "over the limit")
    forgotten(ledger, "1")
    with ledger.begin() as connection:
        assert find_run(connection, "1", "over") == "over the limit"
        told = connection.execute(sa.text("select run, after from talk.history order by id")).all()
        assert [tuple(row) for row in told] == [("over the limit", "2"), ("over the limit", "3")]
        add_events(connection, "1", [{**write, "cluster_id": 9, "key": "z", "after": "1"}], "old")
        connection.execute(sa.text(f"update talk.history set at = {_OLD} where run = 'old'"))
        with pytest.raises(OrderRefused, match="history is kept whole from"):
            find_run(connection, "1", "old")


def test_what_was_forgotten_stays_so_when_more_is_to_be_kept(ledger: Ledger) -> None:
    """After TALK_HISTORY_DAYS was raised, half a run is undone and taken for all of it."""
    write = {"subject": "organisation", "kind": "write", "entity": "e", "property": "p", "rule": "update"}
    with ledger.begin() as connection:
        for key in ("a", "b"):
            add_events(connection, "1", [{**write, "cluster_id": 1, "key": key, "before": "1", "after": "2"}], "old")
        add_events(connection, "1", [{**write, "cluster_id": 1, "key": "a", "before": "2", "after": "3"}], "later")
        connection.execute(sa.text("update talk.history set at = now() - interval '60 days'"))
    assert forget(ledger, "1", "now", 30, longest=60)
    for days in (90, 20):
        with ledger.begin() as connection:
            left = connection.execute(sa.text("select key from talk.history where run = 'old'")).scalars().all()
            assert left == ["b"], "of one record it is not known any more what the run wrote"
            with pytest.raises(OrderRefused, match="history is kept whole from"):
                find_run(connection, "1", "old")
            connection.execute(sa.text("delete from talk.cursor where feed = 'history forgotten'"))
        assert forget(ledger, "1", "now", days, longest=60)
    with ledger.begin() as connection:
        kept = connection.execute(sa.text("select value from talk.cursor where feed = 'history kept from'"))
        assert datetime.now(UTC) - datetime.fromisoformat(kept.scalar_one()) < timedelta(days=21)


def test_runs_forget_only_where_that_is_set(books: Books) -> None:
    """History is gone that somebody has to keep for seven years."""
    world = books.world
    query = "select value from talk.cursor where feed = 'history forgotten'"
    assert world.rows(query) == []
    with world.reopened(talk_history_days=_DAYS), world.installation.cycle("forgetting"):
        pass
    assert len(world.rows(query)) == 1
    assert {name: len(world.rows(f"select * from audit.{name}")) > 0 for name in VIEWS} == dict.fromkeys(VIEWS, True)
