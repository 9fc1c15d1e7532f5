"""An installation that has synchronised something, without its systems: orders need none."""

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import sqlalchemy as sa

from talk_assets.ledger.clusters import new_clusters, store_members
from talk_assets.ledger.database import open_ledger
from talk_assets.ledger.notes import replace_holds, start_run
from talk_assets.ledger.tables import conflict, golden, guard, owed, record
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import Home, home

DIVISION = "7"
CUSTOMER, ACCOUNT = "customerp.customer/cus-1", "exact.accounts/a-1"
PERSON, CONTACT = "customerp.contact/con-1", "exact.contacts/c-1"
_NAMES = [CUSTOMER, ACCOUNT, PERSON, CONTACT]


@contextmanager
def office(server: DatabaseServer) -> Iterator[Home]:
    """A home whose ledger knows a customer and an account, and a person of each system.

    The two persons are linked, and differ in their names, which somebody has to decide; the customer is held as
    ambiguous, was refused in Exact, and a guard stopped Exact's accounts.
    """
    with home({}, server) as place:
        ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
        with ledger.begin() as connection:
            start_run(connection, DIVISION, "first")
            _records(connection)
            (customer, account, person) = [
                new_clusters(connection, DIVISION, subject, [None], "first")[0]
                for subject in ("organisation", "organisation", "person")
            ]
            frame = _frame(_NAMES).assign(cluster_id=[customer, account, person, person], origin="alone")
            store_members(connection, DIVISION, frame, "first")
            _waiting(connection, customer, person)
        ledger.close()
        yield place


def _frame(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame([name.split("/") for name in names], columns=["entity", "key"], dtype="str")


def _records(connection: sa.Connection) -> None:
    common = {"division": DIVISION, "read_run": "first", "accounted": True}
    rows = [
        {**common, "entity": entity, "key": key, "values": {"last_name": name} if "con" in entity else {}}
        for entity, key, name in zip(*_frame(_NAMES).to_dict("list").values(), ["", "", "Vos", "Vis"], strict=True)
    ]
    connection.execute(sa.insert(record).values(read_at=sa.func.now()), rows)


def _waiting(connection: sa.Connection, customer: int, person: int) -> None:
    at = {"division": DIVISION, "run": "first"}
    held = _frame([CUSTOMER]).assign(kind="ambiguous", property="", reason="two have | one number", value=None)
    replace_holds(connection, DIVISION, held, ["ambiguous"], held, "first")
    claims = [
        {"entity": name.split("/")[0], "key": name.split("/")[1], "value": value, "time": "2024-01-01"}
        for name, value in ((PERSON, "Vos"), (CONTACT, "Vis"))
    ]
    agreed = {"values": {"last_name": "Bos"}, "times": {}, "winners": {}, "rules": {}}
    connection.execute(
        sa.insert(golden).values(
            cluster_id=person,
            division=DIVISION,
            subject="person",
            decided_at=sa.func.now(),
            decided_run="first",
            **agreed,
        )
    )
    connection.execute(
        sa.insert(conflict).values(
            **at,
            subject="person",
            cluster_id=person,
            property="last_name",
            kind="both_changed",
            claims=claims,
            since=sa.func.now(),
        )
    )
    refused = {"operation": "create", "values": {}, "state": "dead", "reason": "no postcode", "attempts": 1}
    connection.execute(
        sa.insert(owed).values(**at, cluster_id=customer, entity="exact.accounts", since=sa.func.now(), **refused)
    )
    tripped = {"entity": "exact.accounts", "kind": "volume", "reason": "1,000 writes are owed", "seen": 1000}
    connection.execute(sa.insert(guard).values(**at, **tripped, tripped_at=sa.func.now()))


def contested(connection: sa.Connection) -> None:
    """The person was deleted in Customerp while somebody edited the contact in Exact."""
    person = connection.execute(sa.text("select id from talk.cluster where subject = 'person'")).scalar_one()
    claims = [
        {"entity": name.split("/")[0], "key": name.split("/")[1], "value": value}
        for name, value in ((PERSON, "deleted"), (CONTACT, "edited"))
    ]
    common = {"division": DIVISION, "run": "first", "subject": "person", "cluster_id": person, "claims": claims}
    connection.execute(
        sa.insert(conflict).values(**common, property="record", kind="edit_versus_delete", since=sa.func.now())
    )
