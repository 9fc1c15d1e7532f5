"""Fixtures: two systems that are equal, for all tests of the room; each makes records of its own unequal."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from talk_assets.equality.both import Both
from talk_assets.equality.compare import Compared, compare
from talk_assets.sandbox.installation import EXACT_DIVISION
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.cycle.stage import stage
from talk_assets_tests.installed import Home

CUSTOMER, ACCOUNT = "customerp.customer", "exact.accounts"
CONTACT, PERSON = "customerp.contact", "exact.contacts"
# More than are looked up by one call of Exact.
CUSTOMERS = 24
_TABLES = {CUSTOMER: ("customerp", "main", "customer"), ACCOUNT: ("exact", str(EXACT_DIVISION), "Accounts")}
_TABLES |= {CONTACT: ("customerp", "main", "contact"), PERSON: ("exact", str(EXACT_DIVISION), "Contacts")}


@dataclass
class Equal:
    """Both systems after a sync, and who compares them.

    Attributes:
        world: the systems, and the installation that syncs.
        place: the same installation as its users have it.
        customers: keys in Customerp; each test takes some.
        contact: key in Customerp of the one contact, whose organisation is the last customer.
    """

    world: World
    place: Home
    customers: list[str]
    contact: str

    def compare(self, *flows: str, most: int = 1000) -> dict[str, Compared]:
        """Compare pairs of flows, by default of all."""
        at = self.world.installation
        with at.systems() as systems:
            both = Both(at.ledger, at.division, at.mappings, at.capabilities, systems)
            found = compare(both, flows or list(at.mappings.flows), most, "comparison")
        return {each.flow: each for each in found}

    def unlike(self, key: str, flow: str = "customer_accounts") -> list[tuple[str, str, str]]:
        """Of a record of Customerp what differs, in which system it changed without notice, and why it may."""
        rows = self.compare(flow)[flow].differences
        mine = rows[rows["record"].str.endswith(f"/{key}") & rows["property"].ne("number")]
        return [(row["property"], row["unread"], row["why"]) for row in mine.to_dict("records")]

    def sync(self, *, rescan: bool = False, subjects: Sequence[str] = ("organisation",)) -> Report:
        """One round over organisations."""
        report = Report()
        with self.world.installation.cycle(f"round {rescan}", rescan=rescan) as cycle:
            self.world.take(cycle, report, subjects)
            self.world.give(cycle, report, subjects)
        return report

    def hide(self, entity: str, key: str, **values: Any) -> None:
        """Change a record so that its system tells nobody: neither a time, nor a version, nor a list of changes."""
        system, division, name = _TABLES[entity]
        held = self.world.stores[system].get(system, division, name, key)
        assert held is not None
        changed = self.world.stores[system]._connection.execute(
            "UPDATE record SET body = ? WHERE system = ? AND division = ? AND entity = ? AND key = ?",
            (json.dumps(held.body | values), system, division, name, key),
        )
        assert changed.rowcount == 1

    @contextmanager
    def read_later(self, *feeds: str) -> Iterator[None]:
        """As though feeds were read again, an hour later, and without what was edited meanwhile."""
        for sign in ("+", "-"):
            with self.world.installation.ledger.begin() as connection:
                shift = f"{sign} interval '1 hour'"
                connection.exec_driver_sql(f"update talk.run set started_at = started_at {shift}")
                connection.exec_driver_sql(
                    f"update talk.cursor set updated_at = updated_at {shift} where feed = any(%s)", (list(feeds),)
                )
            if sign == "+":
                yield

    @contextmanager
    def never_read(self, feed: str) -> Iterator[None]:
        """As though a feed was to be read from the beginning."""
        for old, new in ((feed, f"was {feed}"), (f"was {feed}", feed)):
            with self.world.installation.ledger.begin() as connection:
                connection.exec_driver_sql("update talk.cursor set feed = %s where feed = %s", (new, old))
            if new != feed:
                yield

    def twin(self, key: str) -> str:
        """The account of a customer."""
        return self.world.twin(CUSTOMER, key, ACCOUNT)

    def forget_calls(self) -> None:
        """Count calls from zero."""
        for url in stage().addresses.values():
            httpx.delete(f"{url}/_admin/calls")

    def calls(self) -> dict[str, Counter[str]]:
        """Calls per system, as the systems counted them, without those for tokens."""
        found = {}
        for system, url in stage().addresses.items():
            every = Counter(httpx.get(f"{url}/_admin/calls").json()["calls"])
            found[system] = Counter({call: count for call, count in every.items() if "oauth" not in call})
        return found


@pytest.fixture(scope="package")
def equal(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Equal]:
    folder: Path = tmp_path_factory.mktemp("equal")
    url = database_server.create_ledger()
    with open_world(url, folder) as world:
        customers = [
            world.add(CUSTOMER, Name=f"Customer {at}", Number=f"C-{at}", Phone="1", City="Utrecht")
            for at in range(CUSTOMERS)
        ]
        contact = world.add(CONTACT, FirstName="An", LastName="Smit", Email="an@example.com", CustomerId=customers[-1])
        world.sync()
        world.sync(ended=True)
        addresses = stage().addresses
        settings = {
            "TALK_DATABASE_URL": url,
            "CUSTOMERP_URL": addresses["customerp"],
            "CUSTOMERP_TOKEN": "customerp-token",
            "EXACT_URL": addresses["exact"],
            "EXACT_DIVISION": str(EXACT_DIVISION),
            "EXACT_CLIENT_ID": "app",
            "EXACT_CLIENT_SECRET": "app-secret",
            "EXACT_REFRESH_TOKEN": "first-refresh",
            "EXACT_EMPLOYER_ACCOUNT": world.employer,
        }
        yield Equal(world, Home(folder, settings), customers, contact)
    database_server.drop(url)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share the systems in one process."""
    for item in items:
        if "equal" in getattr(item, "fixturenames", ()) and "equality" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("equality"))
