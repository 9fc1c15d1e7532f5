"""Lists that grow with the data: longer than a statement of PostgreSQL takes parameters (65,535)."""

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger import debts, notes
from talk_assets.ledger.clusters import new_clusters
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.records import store_records, values_in_use
from talk_assets.ledger.tables import owed
from talk_assets.sync.decide import CONFLICTS

_MANY = 70_000
_TODAY, _RUN = "1", "run"


def test_more_clusters_than_parameters(ledger: Ledger) -> None:
    """A company with many records could never finish its first sync: every run would end in the same error."""
    many = pd.RangeIndex(1, _MANY + 1)
    with ledger.begin() as connection:
        row = {"cluster_id": _MANY, "property": "name", "entity": "exact.accounts", "key": "a", "value": "v"}
        found = pd.DataFrame([{**row, "kind": "both_changed", "time": pd.Timestamp.now("UTC")}], columns=CONFLICTS)
        notes.replace_conflicts(connection, _TODAY, "organisation", many, found, _RUN)
        assert list(notes.open_conflicts(connection, _TODAY)["cluster_id"]) == [_MANY]
        notes.replace_conflicts(connection, _TODAY, "organisation", many, found.iloc[:0], _RUN)
        assert notes.open_conflicts(connection, _TODAY).empty


def test_the_holds_of_some_records(ledger: Ledger) -> None:
    """A write would go out although its record is held, or wait for what concerns another record."""
    hold = {"property": "name", "reason": "r", "value": pd.NA}
    rows = [("a/1", "invalid"), ("a/1", "pair"), ("b", "invalid"), ("c", "pair")]
    found = pd.DataFrame([{"entity": "exact.items", "key": key, "kind": kind, **hold} for key, kind in rows])
    found = found.assign(value=pd.Series(pd.NA, index=found.index, dtype="str"))
    few = pd.DataFrame({"entity": "exact.items", "key": ["a/1", "c"]})
    many = pd.DataFrame({"entity": "exact.items", "key": [str(number) for number in range(_MANY)]})
    with ledger.begin() as connection:
        notes.replace_holds(connection, _TODAY, found, ["invalid", "pair"], found, _RUN)
        assert list(notes.holds_of(connection, _TODAY, few)["kind"]) == ["invalid", "pair", "pair"]
        for wanted in (few, pd.concat([few, many])):
            assert list(notes.holds_of(connection, _TODAY, wanted, ["invalid"])["key"]) == ["a/1"]
        assert notes.holds_of(connection, _TODAY, few.iloc[:0]).empty
        references = pd.Series(["exact.items/a/1", "exact.items/x", None], dtype="str")
        assert dict(notes.hold_reasons(connection, _TODAY, references)) == {"exact.items/a/1": "r"}
        assert notes.hold_reasons(connection, _TODAY, references.iloc[:0]).empty


def test_more_debts_than_parameters(ledger: Ledger) -> None:
    """What is no longer owed would still be written, or no run could go on after many records changed at once."""
    documents: list[int | None] = [None]
    with ledger.begin() as connection:
        (number,) = new_clusters(connection, _TODAY, "organisation", documents, _RUN)
        many = pd.RangeIndex(number, number + _MANY)
        connection.execute(
            sa.insert(owed).values(
                division=_TODAY,
                cluster_id=number,
                entity="exact.accounts",
                operation="create",
                values={},
                state="dead",
                reason="refused",
                run=_RUN,
                since=pd.Timestamp.now("UTC").to_pydatetime(),
            )
        )
        assert dict(debts.reasons_of(connection, _TODAY, "exact.accounts", many)) == {str(number): "refused"}
        debts.try_again(connection, _TODAY, ["exact.accounts"], list(many))
        assert list(debts.latest_owed(connection, _TODAY)["state"]) == ["owed"]
        debts.drop_owed(connection, _TODAY, many, "exact.items")
        assert len(debts.latest_owed(connection, _TODAY)) == 1
        debts.drop_owed(connection, _TODAY, many)
        assert debts.latest_owed(connection, _TODAY).empty


def test_more_values_than_parameters(ledger: Ledger) -> None:
    """Many new records with proposed numbers would stop every run before anything is written."""
    values = pd.Series([str(number) for number in range(_MANY)], dtype="str")
    empty = pd.Series([None] * 2, dtype="str")
    stored = pd.DataFrame(
        {
            "key": ["a", "b"],
            "document": empty,
            "position": pd.array([None, None], dtype="Int64"),
            "modified": pd.Series(pd.NaT, index=range(2), dtype="datetime64[us, UTC]"),
            "version": empty,
            "accounted": True,
            "code": ["12", "x"],
        }
    )
    with ledger.begin() as connection:
        store_records(connection, _TODAY, "exact.items", stored, ["code"], _RUN)
        assert values_in_use(connection, _TODAY, "exact.items", "code", values) == ["12"]
