"""The ledger's database is stopped, and started again, in the middle of a sync."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from talk_assets.ledger.embedded import release_embedded, start_embedded
from talk_assets_tests.crash.doors import ORGANISATION, before_request, environment_of
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.cycle.stage import stage
from talk_assets_tests.installed import Home

pytestmark = pytest.mark.soak


# The machine goes on, so nothing has to reach its disk. Some servers are set so that commits are not waited for.
_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_NAMES = [f"Company {number}" for number in range(4)]


class Server:
    """An embedded PostgreSQL server that can be stopped."""

    def __init__(self) -> None:
        # Not in pytest's own folder: the server's user has no rights there.
        self.folder = Path(tempfile.mkdtemp(prefix="talk-tests-"))
        self.url = start_embedded(self.folder, _CARELESS)

    def start(self) -> None:
        start_embedded(self.folder, _CARELESS)

    def stop(self, how: signal.Signals) -> None:
        """Stop the server: SIGINT ends all connections in good order, SIGQUIT lets go of everything at once."""
        mark = self.folder / "data" / "postmaster.pid"
        os.kill(int(mark.read_text().split()[0]), how)
        deadline = time.monotonic() + 30
        while mark.exists():
            assert time.monotonic() < deadline, "the server does not stop"
            time.sleep(0.02)

    def restart(self) -> None:
        self.stop(signal.SIGQUIT)
        self.start()

    def close(self) -> None:
        self.start()
        release_embedded(self.folder)
        while (self.folder / "data" / "postmaster.pid").exists():
            time.sleep(0.02)
        shutil.rmtree(self.folder)


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


def _sentence(place: Home) -> str:
    """Run a sync whose database fails, and give the one sentence that it says."""
    done = place.call(*ORGANISATION)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    assert done.err.count("Error: ") == 1, done.err
    assert "Failed: " not in done.err
    return done.complaint.rpartition("Error: ")[2]


def _complete(place: Home, world: World) -> None:
    """Sync until nothing is open any more; then every company is there once."""
    for _ in range(5):
        done = place.call(*ORGANISATION)
        assert (done.code, done.err) == (0, ""), done
        if not world.rows("select * from talk.intent where closed_at is null") and not world.owed():
            break
        time.sleep(1)
    else:
        pytest.fail(f"still owed: {world.owed()}")
    assert sorted(account["Name"] for account in world.all("exact.accounts").values()) == sorted(
        [*_NAMES, "Werkgever BV"]
    )


def test_a_database_that_is_stopped_and_started(server: Server, tmp_path: Path, subtests: pytest.Subtests) -> None:
    """A restart of the database server at night would cost edits, or leave double customers in the books."""
    with open_world(server.url, tmp_path) as world:
        place = Home(tmp_path, environment_of(world.installation.settings))
        for name in _NAMES:
            world.add("customerp.customer", Name=name)
        with (
            subtests.test("stopped hard and started between a write and its answer"),
            stage().around(before_request(server.restart, number=2)),
        ):
            sentence = _sentence(place)
            assert "ledger" in sentence
            assert sentence.endswith("start the sync again.")
        with subtests.test("the next sync completes"):
            _complete(place, world)
        first = next(iter(world.all("customerp.customer")))
        world.edit("customerp.customer", first, Phone="1")
        with (
            subtests.test("stopped while a feed is read"),
            stage().around(before_request(lambda: server.stop(signal.SIGINT), number=3, writes=False)),
        ):
            sentence = _sentence(place)
            assert sentence.endswith("start the sync again.")
        with subtests.test("a sync while it is down"):
            assert str(server.folder) in _sentence(place)
        server.start()
        with subtests.test("nothing is lost"):
            _complete(place, world)
            account = world.twin("customerp.customer", first, "exact.accounts")
            assert world.show("exact.accounts", account)["Phone"] == "1"
