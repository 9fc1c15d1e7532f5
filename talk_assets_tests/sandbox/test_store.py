"""The store under both sandbox servers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from talk_assets.sandbox.store import Change, Store, Stored

HOME = ("exact", "1", "Items")


def keys(records: list[Stored]) -> list[str]:
    return [record.key for record in records]


def test_change_numbers_order_every_kind_of_change() -> None:
    """A feed that pages by change number would skip or repeat records."""
    store = Store()
    store.insert(*HOME, "a", {"Code": "A"})
    store.insert(*HOME, "b", {"Code": "B"})
    store.insert("exact", "1", "Accounts", "c", {"Code": "1"})
    store.update(*HOME, "a", {"Code": "A2"})
    store.delete(*HOME, "b")
    changed = store.changed_since("exact", "1", ["Items", "Accounts"], 0, 10)
    assert [(record.key, record.sequence) for record in changed] == [("c", 3), ("a", 4)]
    assert keys(store.changed_since("exact", "1", ["Items", "Accounts"], 0, 1)) == ["c"]
    assert keys(store.changed_since("exact", "1", ["Items", "Accounts"], 3, 10)) == ["a"]
    assert [(record.key, record.sequence) for record in store.deleted_since("exact", "1", ["Items"], 0, 10)] == [
        ("b", 5)
    ]
    assert store.last_sequence("exact", "1") == 5


def test_divisions_and_systems_count_and_hold_for_themselves() -> None:
    """An edit in one administration would show up in another."""
    store = Store()
    store.insert(*HOME, "a", {"Code": "A"})
    assert store.insert("exact", "2", "Items", "a", {"Code": "B"}).sequence == 1
    assert store.insert("customerp", "1", "Items", "a", {"Code": "C"}).sequence == 1
    found = store.get("exact", "2", "Items", "a")
    assert found is not None
    assert found.body == {"Code": "B"}
    assert store.count(*HOME) == 1


def test_a_deleted_record_is_gone_and_its_key_is_never_used_again() -> None:
    """A link would silently come to mean another record."""
    store = Store()
    store.insert(*HOME, "a", {"Code": "A"})
    store.delete(*HOME, "a")
    assert store.get(*HOME, "a") is None
    assert store.list(*HOME) == []
    assert store.find(*HOME, "Code", "A") == []
    with pytest.raises(KeyError):
        store.update(*HOME, "a", {"Code": "A"})
    with pytest.raises(KeyError):
        store.delete(*HOME, "a")
    with pytest.raises(ValueError, match="was in use before"):
        store.insert(*HOME, "a", {"Code": "A"})


def test_find_follows_changes_and_uses_an_index() -> None:
    """Duplicate codes would be accepted, or every write would read all records."""
    store = Store()
    for number in range(50):
        store.insert(*HOME, f"k{number}", {"Code": f"C{number}", "Stock": number})
    store.insert("exact", "1", "Accounts", "other", {"Code": "C7"})
    assert keys(store.find(*HOME, "Code", "C7")) == ["k7"]
    store.update(*HOME, "k7", {"Code": "new"})
    assert store.find(*HOME, "Code", "C7") == []
    assert keys(store.find(*HOME, "Stock", 9)) == ["k9"]
    assert store.find(*HOME, "Barcode", None) == []
    with pytest.raises(ValueError, match="identifiers"):
        store.find(*HOME, "Code') = 1 --", "x")
    plan = store._connection.execute(
        "EXPLAIN QUERY PLAN SELECT key FROM record WHERE entity = 'Items' AND deleted = 0 AND system = 'exact' "
        "AND division = '1' AND json_extract(body, '$.Code') = 'C8' ORDER BY sequence"
    ).fetchall()
    assert "find_Items_Code" in str(plan)


def test_a_failed_transaction_leaves_nothing_behind() -> None:
    """Half a document (a header without its lines) would stay after a refused line."""
    store = Store()

    def half_a_document() -> None:
        with store.transaction():
            store.insert(*HOME, "a", {})
            with store.transaction():
                store.insert(*HOME, "b", {})
            raise RuntimeError("line refused")

    with pytest.raises(RuntimeError):
        half_a_document()
    assert store.list(*HOME) == []
    assert store.last_sequence("exact", "1") == 0


def test_what_changed_is_told_once_it_is_certain() -> None:
    """A webhook would tell of a change that was taken back, or twice, or with the wrong former values."""
    store, told = Store(), list[list[Change]]()
    store.insert(*HOME, "early", {})
    store.watch(lambda changes: told.append(list(changes)))
    with store.transaction():
        store.insert(*HOME, "a", {"Code": "A"})
        store.update(*HOME, "a", {"Code": "B"})
        assert told == []
    store.delete(*HOME, "a")

    def taken_back() -> None:
        with store.transaction():
            store.update(*HOME, "early", {"Code": "x"})
            raise RuntimeError("refused")

    with pytest.raises(RuntimeError):
        taken_back()
    store.update(*HOME, "early", {"Code": "E"})
    assert [
        [(change.before and change.before.body, change.after.body, change.after.deleted) for change in changes]
        for changes in told
    ] == [
        [(None, {"Code": "A"}, False), ({"Code": "A"}, {"Code": "B"}, False)],
        [({"Code": "B"}, {"Code": "B"}, True)],
        [({}, {"Code": "E"}, False)],
    ]


def test_a_moved_division_numbers_its_changes_anew() -> None:
    """A client that keeps its cursor over a move would go unnoticed here, and miss changes in the real Exact."""
    store = Store()
    for key in ("b", "a", "c"):
        store.insert(*HOME, key, {})
    store.update(*HOME, "b", {"Code": "B"})
    store.delete(*HOME, "a")
    store.insert("exact", "2", "Items", "other", {})
    store.renumber("exact", "1")
    changed = store.changed_since("exact", "1", ["Items"], 0, 10)
    assert [(record.key, record.sequence) for record in changed] == [("c", 1), ("b", 2)]
    assert [record.sequence for record in store.deleted_since("exact", "1", ["Items"], 0, 10)] == [3]
    assert (store.last_sequence("exact", "1"), store.last_sequence("exact", "2")) == (3, 1)
    assert store.update(*HOME, "c", {}).sequence == 4


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    """A demo stopped overnight would start empty."""
    moment = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
    store = Store(tmp_path / "made" / "sandbox.db", clock=lambda: moment)
    store.insert(*HOME, "a", {"Code": "é"})
    store.lift_number("orders", 40)
    store.lift_number("orders", 3)
    store.set_setting("seed", "7")
    store.set_setting("gone", "x")
    store.set_setting("gone", None)
    store.close()
    again = Store(tmp_path / "made" / "sandbox.db")
    found = again.get(*HOME, "a")
    assert found is not None
    assert (found.body, found.modified, found.created) == (
        {"Code": "é"},
        "2024-05-01T12:00:00.123456+00:00",
        "2024-05-01T12:00:00.123456+00:00",
    )
    assert again.next_number("orders") == 41
    assert (again.setting("seed"), again.setting("gone")) == ("7", None)
    again.close()


def test_a_given_time_is_kept_and_must_have_a_zone() -> None:
    """Edits replayed from the past would count as edits of now, or be hours off."""
    store = Store()
    stored = store.insert(*HOME, "a", {}, modified=datetime.fromisoformat("2024-01-01T01:00:00+01:00"))
    assert stored.modified == "2024-01-01T00:00:00.000000+00:00"
    with pytest.raises(ValueError, match="zone"):
        store.update(*HOME, "a", {}, modified=datetime(2024, 1, 1))  # noqa: DTZ001


def test_threads_never_share_a_number() -> None:
    """Two requests at once would be given one order number or one change number."""
    store = Store()

    def work(worker: int) -> list[int]:
        return [
            store.insert(*HOME, f"{worker}-{step}", {"n": store.next_number("orders")}).sequence for step in range(50)
        ]

    with ThreadPoolExecutor(8) as pool:
        sequences = sorted(number for part in pool.map(work, range(8)) for number in part)
    assert sequences == list(range(1, 401))
    assert sorted(record.body["n"] for record in store.list(*HOME)) == list(range(1, 401))
