"""Fixtures: one world in which everything has happened that an auditor may ask about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from talk_assets.cycle import recover
from talk_assets.orders.desk import desk
from talk_assets.orders.linking import link
from talk_assets.orders.unlinking import unlink
from talk_assets.systems import http
from talk_assets.systems.repeats import Patience
from talk_assets.undo.carry_out import carry_out
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

CUSTOMER, ACCOUNT = "customerp.customer", "exact.accounts"
VIEWS = ("change", "write", "link")
SUBJECTS = ["organisation"]
EARLY, LATE = "2030-01-01T08:00:00Z", "2030-01-01T18:00:00Z"


@dataclass
class Books:
    """A world after three rounds, an undo and two orders.

    Attributes:
        world: the world.
        names: what happened, to the key of the customer that it happened to.
        twins: the same, to the key of its counterpart in Exact, as it was in the first round.
    """

    world: World
    names: dict[str, str]
    twins: dict[str, str]

    def ours(self, name: str) -> str:
        """The record in Customerp, as entity/key."""
        return f"{CUSTOMER}/{self.names[name]}"

    def theirs(self, name: str) -> str:
        """Its counterpart in Exact."""
        return f"{ACCOUNT}/{self.twins[name]}"

    def sync(self, run: str) -> None:
        """One round over organisations."""
        report = Report()
        with self.world.installation.cycle(run) as cycle:
            self.world.take(cycle, report, SUBJECTS)
            self.world.give(cycle, report, SUBJECTS)


@pytest.fixture(scope="package")
def books(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    home: Path = tmp_path_factory.mktemp("audit")
    copy_mappings(home)
    replace(home / "organisation.yaml", "    criteria:\n", "    when_gone: {customerp: delete}\n    criteria:\n")
    replace(home / "organisation.yaml", "  website:\n", "  website:\n    rule: manual\n")
    url = database_server.create_ledger()
    with pytest.MonkeyPatch.context() as patch, open_world(url, home, mappings=home) as world:
        # Repeats come at once, and an insert without an answer is given up as soon as the target does not show it.
        patch.setattr(http, "Patience", partial(Patience, first_wait=0.001))
        patch.setattr(recover, "LATEST_ARRIVAL", timedelta(0))
        yield _live(world)
    database_server.drop(url)


def _live(world: World) -> Books:
    customers = ("edited", "matched", "refused", "lost", "left", "parted", "quarrel", "undone")
    names = {
        name: world.add(
            CUSTOMER, Name=name, OrganizationNumber=str(number), Phone="1", Website=f"https://{name}.example"
        )
        for number, name in enumerate(customers)
    }
    world.add(ACCOUNT, Name="De Vries, firma", ChamberOfCommerce="1", modified=EARLY)
    world.fault("exact", method="POST", path="crm/Accounts", match={"Name": "lost"}, status=504, after=True)
    books = Books(world, names, {})
    books.sync("first")
    books.twins |= {name: world.twin(CUSTOMER, names[name], ACCOUNT) for name in customers}
    world.fault(
        "exact", method="PUT", path="crm/Accounts", match={"Phone": "no"}, status=400, message="Ongeldig: Phone"
    )
    world.edit(CUSTOMER, names["refused"], Phone="no")
    world.edit(CUSTOMER, names["edited"], Phone="2", modified=EARLY)
    world.edit(ACCOUNT, books.twins["edited"], Phone="3", modified=LATE)
    world.edit(CUSTOMER, names["undone"], Phone="2")
    world.edit(CUSTOMER, names["quarrel"], Website="https://ours.example")
    world.edit(ACCOUNT, books.twins["quarrel"], Website="https://theirs.example")
    books.sync("edits")
    with world.installation.cycle("undo") as cycle:
        carry_out(cycle, "edits", world.cluster(CUSTOMER, names["undone"]), "Anna")
    world.remove(CUSTOMER, names["left"])
    books.sync("gone")
    installation = world.installation
    at = desk(installation.ledger, installation.division, installation.mappings, installation.capabilities, "order")
    unlink(at, books.ours("parted"), books.theirs("parted"), "Bob")
    link(at, books.ours("parted"), books.theirs("parted"), "Carla")
    return books


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share the world in one process."""
    for item in items:
        if "books" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("audit"))
