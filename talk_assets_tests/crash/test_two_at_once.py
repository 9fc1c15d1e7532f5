"""Two syncs at once, as processes of their own: of one division one after the other, of two side by side."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from talk_assets import installation
from talk_assets.sandbox.customerp.app import create_app as customerp_app
from talk_assets.sandbox.customerp.config import CustomerpConfig
from talk_assets.sandbox.exact.app import create_app as exact_app
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.store import Store
from talk_assets.settings import Settings
from talk_assets_tests.crash.child import Ended
from talk_assets_tests.crash.doors import ORGANISATION, Held, before_request, environment_of
from talk_assets_tests.crash.killer import Running
from talk_assets_tests.cycle.harness import World
from talk_assets_tests.cycle.stage import Clock, Stage, stage
from talk_assets_tests.installed import Home

_OTHER = 2222
_SECONDS = 60


def test_a_second_sync_of_a_division(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    """Two schedules that overlap would create every new record twice, or nobody would know which one to wait for."""
    for number in range(3):
        world.add("customerp.customer", Name=f"Company {number}")
    settings = world.installation.settings
    place, held = Home(tmp_path, environment_of(settings)), Held()
    with stage().around(before_request(held)):
        first = Running(settings, "the first one")
        assert held.arrived.wait(_SECONDS)
        with subtests.test("leaves with a sentence when the first one takes long"), monkeypatch.context() as patch:
            patch.setattr(installation, "WAIT_SECONDS", 0.2)
            done = place.call(*ORGANISATION)
            assert (done.code, done.out) == (2, "")
            assert (
                f"Error: The lock on division {settings.exact_division} is held by run the first one" in done.complaint
            )
            assert "Wait until it has ended" in done.complaint
        with subtests.test("or waits for it"):
            second = Running(settings, "the second one")
            threading.Timer(0.5, held.release).start()
            ended = [running.said() for running in (first, second)]
            assert [one.problem for one in ended if isinstance(one, Ended)] == ["", ""]
            assert [first.join(), second.join()] == [0, 0]
    with subtests.test("nothing is there twice"):
        names = sorted(account["Name"] for account in world.all("exact.accounts").values())
        assert names == ["Company 0", "Company 1", "Company 2", "Werkgever BV"]


@dataclass
class _Other:
    """Another company's systems, and the settings for them on the same ledger."""

    stage: Stage
    store: Store
    settings: Settings

    def names(self) -> set[str]:
        """Of its accounts in Exact."""
        root = f"{self.stage.addresses['exact']}/_admin/{_OTHER}/Accounts"
        return {item["values"]["Name"] for item in httpx.get(root).json()["items"]}


@contextmanager
def _other_company(settings: Settings) -> Iterator[_Other]:
    store, played = Store(clock=Clock()), Stage()
    employer = ExactState(store, _OTHER).add("Accounts", {"Name": "Andere BV", "Code": "900000"})
    assert settings.customerp_token is not None
    assert settings.exact_client_secret is not None
    assert settings.exact_refresh_token is not None
    exact = ExactConfig(
        divisions={_OTHER: "Andere BV"},
        client_id=str(settings.exact_client_id),
        client_secret=settings.exact_client_secret.get_secret_value(),
        refresh_token=settings.exact_refresh_token.get_secret_value(),
        token_refresh_seconds=0,
        calls_per_minute=1_000_000,
        calls_per_day=10_000_000,
        admin=True,
    )
    customerp = CustomerpConfig(settings.customerp_token.get_secret_value(), admin=True)
    changed = {
        "customerp_url": played.addresses["customerp"],
        "exact_url": played.addresses["exact"],
        "exact_division": _OTHER,
        "exact_employer_account": employer,
    }
    with played.playing(customerp_app(store, config=customerp), exact_app(store, config=exact)):
        yield _Other(played, store, settings.model_copy(update=changed))
    store.close()


class _Meeting:
    """Two requests that are each held up until the other one has come."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)
        self.met = 0

    def __call__(self) -> None:
        self._barrier.wait(_SECONDS)
        self.met += 1


@pytest.mark.soak
def test_two_divisions_side_by_side(world: World, subtests: pytest.Subtests) -> None:
    """The second company of an installation would wait for the first one's sync, or get its customers."""
    with _other_company(world.installation.settings) as other:
        for number in range(3):
            world.add("customerp.customer", Name=f"Company {number}")
            address = f"{other.stage.addresses['customerp']}/_admin/customers"
            assert httpx.post(address, json={"Name": f"Other {number}"}).is_success
        meeting = _Meeting()
        with stage().around(before_request(meeting)), other.stage.around(before_request(meeting)):
            running = [Running(s, f"of {s.exact_division}") for s in (world.installation.settings, other.settings)]
            ended = [one.said() for one in running]
            assert [one.problem for one in ended if isinstance(one, Ended)] == ["", ""]
            assert [one.join() for one in running] == [0, 0]
        with subtests.test("both were at work at the same time"):
            assert meeting.met == 2
        with subtests.test("each has its own"):
            ours = {account["Name"] for account in world.all("exact.accounts").values()}
            assert ours == {"Company 0", "Company 1", "Company 2", "Werkgever BV"}
            assert other.names() == {"Other 0", "Other 1", "Other 2", "Andere BV"}
            found = world.rows(
                "select division, count(*) as members from talk.member where entity = 'exact.accounts' and origin = "
                "'insert' group by division order by division"
            )
            assert [(row["division"], row["members"]) for row in found] == sorted(
                (str(settings.exact_division), 3) for settings in (world.installation.settings, other.settings)
            )
